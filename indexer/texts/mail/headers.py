"""Headers of mail as text: encoded words that are broken, and 8-bit bytes that nothing announces."""

import base64
import binascii
import quopri
import re

from indexer.texts.mail.charsets import decoded

_WORD = re.compile(r"=\?([\w.+:-]+)(?:\*[\w-]*)?\?([bBqQ])\?(.*?)\?=(?!=)", re.DOTALL)


def decoded_header(text: str) -> str:
    """A header in one line, with its encoded words decoded. Words that share a character between them are read as one.
    8-bit bytes are given as surrogates, as Python's mail parser does. What cannot be decoded stays as it is."""
    text = from_bytes(text)
    if "=?" not in text:
        return " ".join(text.split())
    text = " ".join(text.split())
    parts: list[str] = []
    end = 0
    pending: tuple[str, str, bytes] | None = None
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        data = _bytes_of(word[2].lower(), word[3])
        if data is None:
            continue
        key = word[1].lower(), word[2].lower()
        if pending is not None and not between.strip() and pending[:2] == key:
            pending = (*key, pending[2] + data)
        else:
            parts += [_word_text(pending), "" if pending is not None and not between.strip() else between]
            pending = (*key, data)
        end = word.end()
    return " ".join("".join([*parts, _word_text(pending), text[end:]]).split())


def from_bytes(text: str) -> str:
    """A header in which 8-bit bytes are surrogates, with the characters that they stand for."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return decoded(text.encode("utf-8", "surrogateescape"), None)


def _word_text(word: tuple[str, str, bytes] | None) -> str:
    return decoded(word[2], word[0]) if word is not None else ""


def _bytes_of(encoding: str, content: str) -> bytes | None:
    """The bytes of an encoded word; None when it is not one."""
    raw = content.encode("utf-8", "replace")
    if encoding == "q":
        return quopri.decodestring(raw.replace(b"_", b" "), header=False)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return None
