"""The text of a mail and the names of what is attached to it. HTML becomes Markdown."""

import re
from dataclasses import dataclass, field
from email.message import Message

from indexer.texts.html import from_html
from indexer.texts.mail.charsets import codec_name, decoded
from indexer.texts.mail.headers import decoded_header

_ENCODING = re.compile(r"\s*(?:x-)?([\w-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?[^<>]*>|<!doctype[^<>]*>", re.IGNORECASE)
_OUTLOOK_FILE = re.compile(r"winmail\.dat|application/(?:vnd\.)?ms-tnef", re.IGNORECASE)
_INVITING = frozenset({"REQUEST", "REPLY", "CANCEL", "COUNTER"})
_DEEPEST = 40  # parts within parts: a judgement
_BARE_WORD = 20  # characters of text beside much more HTML: the text is only a notice, a judgement
UNREAD_OUTLOOK = "attachments in Outlook's own form (winmail.dat) were not read"


@dataclass
class Body:
    """The text of a mail, the names of its attachments, what of it was not read, and whether it is an invitation to a
    meeting, or an answer to one."""

    text: str = ""
    attachments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    invitation: bool = False


def body_of(message: Message) -> Body:
    """The body of a parsed mail."""
    body = Body()
    body.text = _text_of(message, body, 0).strip("\n")
    return body


def _text_of(part: Message, body: Body, depth: int) -> str:
    """The text of a part; what is attached in it goes to `body`."""
    kind = part.get_content_type()
    if depth > _DEEPEST:
        return ""
    if part.is_multipart():
        if kind in ("message/rfc822", "message/global") or part.get_content_maintype() == "message":
            _attach(body, _name_of_message(part))
            return ""
        parts = [each for each in part.get_payload() if isinstance(each, Message)]
        return _best(parts, body, depth) if kind == "multipart/alternative" else _all(parts, body, depth)
    name = _file_name(part)
    body.invitation |= kind == "text/calendar" and str(part.get_param("method", "")).upper() in _INVITING
    if _OUTLOOK_FILE.search(f"{name} {kind}"):
        body.notes.append(UNREAD_OUTLOOK)
        return ""
    is_text = kind in ("text/plain", "text/html") or (kind.startswith("text/") and not name and "calendar" not in kind)
    attached = part.get_content_disposition() == "attachment"
    if not is_text or name or attached:
        if name or attached:
            _attach(body, name or "attachment")
        if not is_text or name or attached:
            return ""
    return _read(part, kind)


def _best(parts: list[Message], body: Body, depth: int) -> str:
    """The plain text of alternatives; the HTML when there is no text, or hardly any."""
    texts: dict[str, str] = {}
    for part in parts:
        text = _text_of(part, body, depth + 1)
        if text.strip():
            texts.setdefault("plain" if part.get_content_type() == "text/plain" else "rich", text)
    simple, rich = texts.get("plain", ""), texts.get("rich", "")
    length = len(simple.strip())
    is_notice = length < _BARE_WORD and len(rich) > 10 * max(length, 1)
    return rich if not simple or (is_notice and rich) else simple


def _all(parts: list[Message], body: Body, depth: int) -> str:
    """All texts of parts that follow each other, each once."""
    texts: dict[str, str] = {}
    for part in parts:
        text = _text_of(part, body, depth + 1).strip("\n")
        if text.strip():
            texts.setdefault(" ".join(text.split()), text)
    return "\n\n".join(texts.values())


def _read(part: Message, kind: str) -> str:
    data = _bytes_of(part)
    charset = part.get_param("charset")
    stated = charset[2] if isinstance(charset, tuple) else charset
    if kind == "text/html":
        if codec_name(stated) is None and (found := _META_CHARSET.search(data[:4_000])):
            stated = found[1].decode("ascii")
        return _from_html(decoded(data, stated))
    text = decoded(data, stated).replace("\r\n", "\n").replace("\r", "\n")
    if str(part.get_param("format", "")).lower() == "flowed":
        text = _unwrapped(text, str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _from_html(text: str) -> str:
    return from_html(_DECLARATION.sub("", text))


def _bytes_of(part: Message) -> bytes:
    """The bytes of a part, also when its transfer encoding is written in an unusual way."""
    stated = str(part.get("content-transfer-encoding", ""))
    found = _ENCODING.match(stated)
    name = found[1].lower() if found else ""
    known = {"uuencode": "x-uuencode", "uue": "x-uuencode"}.get(name, name)
    if stated.lower() != known:
        del part["content-transfer-encoding"]
        part["Content-Transfer-Encoding"] = known
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _unwrapped(text: str, without_space: bool) -> str:
    """Text of the form "flowed" with its paragraphs in one line each; quoted lines stay as they are."""
    lines: list[str] = []
    open_line = False
    for line in text.split("\n"):
        quoted = line.startswith(">")
        if not quoted and line.startswith(" "):
            line = line[1:]
        if open_line and not quoted and line != "-- ":
            lines[-1] += line
        else:
            lines.append(line)
        open_line = not quoted and line.endswith(" ") and line != "-- "
        if open_line and without_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (LookupError, ValueError, TypeError):  # an unknown character set, or half a name
        name = str(part.get_param("name") or part.get_param("filename", "", "content-disposition") or "")
    return decoded_header(name) if name else ""


def _name_of_message(part: Message) -> str:
    inside = part.get_payload()
    first = inside[0] if isinstance(inside, list) and inside else None
    subject = first.get("subject", "") if isinstance(first, Message) else ""
    return f"{decoded_header(str(subject)) or 'message'}.eml"


def _attach(body: Body, name: str) -> None:
    """Keep a file's name, in one line and without a folder."""
    printable = "".join(character for character in name if character.isprintable()).replace("\\", "/").split("/")[-1]
    if cleaned := printable.strip()[:200].strip():
        body.attachments.append(cleaned)
