"""One mail: who wrote it, when, what it answers, and whether a person wrote it. Its body is read when it is needed."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parsedate_tz

from indexer.sources.mail.automatic import is_automatic
from indexer.sources.mail.subjects import base_subject, is_answer
from indexer.texts.mail.headers import decoded_header, from_bytes
from recommender.outbox.handover import key_in

LONGEST = 25_000_000
"""Bytes of a mail that are read; what is after them is attachments, nearly always."""
_LONGEST_HEAD = 1_000_000
_ID = re.compile(r"<\s*([^<>\s]{1,990})\s*>")
_OBFUSCATED = re.compile(r"^\s*([\w.+'-]+) at ([\w-]+(?:\.[\w-]+)+)\s*(?:\((.*)\))?\s*$", re.DOTALL)
_VIA = re.compile(r"(.+?) (?:via|kautta) .+", re.IGNORECASE)
_LIST_NAME = re.compile(r"<?\s*([\w-]+(?:\.[\w-]+)*)\s*>?\s*$")
_ZONE = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\s*(?:[+-]\d|[A-Za-z]|\()")
_AHEAD = timedelta(days=2)  # that a clock may be wrong: a judgement
_FIRST = datetime(1971, 1, 1)
DATE_TAKEN = "the date of a mail is missing or cannot be right; when it was received counts"
CUT_SHORT = "a mail is longer than 25 MB; only its beginning was read"


@dataclass(frozen=True)
class Letter:
    """A mail by its headers. Times are in UTC without a zone. `author` is a mail address in lower case, or empty.
    `parents` are the ids of mails that it answers, the nearest one last. `read` gives its bytes."""

    id: str
    parents: tuple[str, ...]
    subject: str
    answers: bool
    date: datetime
    author: str
    name: str
    automatic: bool
    group: str | None
    file: str
    number: int
    read: Callable[[], bytes]
    notes: tuple[str, ...] = field(default=())

    @property
    def topic(self) -> str:
        """The subject without marks of replies, for comparing."""
        return base_subject(self.subject).casefold()


@dataclass(frozen=True)
class Found:
    """A mail that was found: its head and how it is read, the folder or file it lies in, and when it was received."""

    head: bytes
    read: Callable[[], bytes]
    file: str
    number: int
    group: str | None = None
    received: datetime | None = None
    size: int = 0


def letter_of(found: Found, zone: tzinfo, now: datetime) -> Letter:
    """The letter of a mail that was found. `zone` is that of dates without one; dates after `now` are not believed."""
    message = message_from_bytes(found.head)
    date, taken = _date(message, found.received, zone, now)
    identifier = _id(message, found)
    name, author = _asker_of(message) if key_in(identifier) else author_of(message)
    subject = decoded_header(_raw(message, "subject"))
    notes = [DATE_TAKEN] if taken else []
    if found.size > LONGEST:
        notes.append(CUT_SHORT)
    parents = [*_ids(message, "references"), *_ids(message, "in-reply-to")[:1]]
    return Letter(
        id=identifier,
        parents=tuple(dict.fromkeys(reversed(parents)))[::-1],
        subject=subject,
        answers=is_answer(subject),
        date=date,
        author=author,
        name=name,
        automatic=is_automatic(message),
        group=_list_name(message) or found.group,
        file=found.file,
        number=found.number,
        read=found.read,
        notes=tuple(notes),
    )


def head_of(raw: bytes) -> bytes:
    """The headers of a mail."""
    end = re.search(rb"\r?\n\r?\n", raw[:_LONGEST_HEAD])
    return raw[: end.end()] if end else raw[:_LONGEST_HEAD]


def author_of(message: Message) -> tuple[str, str]:
    """(name, mail address in lower case) of the author; each may be empty. Addresses that an archive has hidden ("aino
    at example.fi") are read, and so are those that a list has replaced with its own."""
    raw = _raw(message, "from") or _raw(message, "sender")
    if hidden := _OBFUSCATED.match(raw):
        return decoded_header(hidden[3] or ""), f"{hidden[1]}@{hidden[2]}".lower()
    name, address = _first_address(raw)
    if (via := _VIA.fullmatch(name)) and (reply_to := _first_address(_raw(message, "reply-to")))[1]:
        return via[1], reply_to[1]
    return name, address


def _asker_of(message: Message) -> tuple[str, str]:
    """(name, mail address) of who asks a request that Kollega has mailed to a team: replies go to them, then to the
    team. Both are empty where the mail does not say who asks."""
    addresses = getaddresses([_raw(message, "reply-to")])
    return _first_address(_raw(message, "reply-to")) if len(addresses) > 1 else ("", "")


def _first_address(raw: str) -> tuple[str, str]:
    for name, address in getaddresses([raw]):
        if re.fullmatch(r"[^\s@<>()]+@[^\s@<>()]+", address):
            return _clean_name(decoded_header(name)), address.lower()[:200]
    bare = re.search(r"<?([^\s@<>\"(),;:]+@[^\s@<>\"(),;:]+)>?", raw)
    name = decoded_header(raw[: bare.start()] if bare else raw)
    return _clean_name(name), bare[1].lower()[:200] if bare else ""


def _clean_name(name: str) -> str:
    name = "".join(character for character in name if character.isprintable())
    return " ".join(name.strip(" \"'<>,;").split())[:200]


def _raw(message: Message, name: str) -> str:
    """The value of a header, with its encoded words as they are; empty when there is none."""
    wanted = name.lower()
    return next((from_bytes(str(value)) for key, value in message.raw_items() if key.lower() == wanted), "")


def _ids(message: Message, name: str) -> list[str]:
    wanted = name.lower()
    values = [str(value) for key, value in message.raw_items() if key.lower() == wanted]
    return [printable_id(found) for value in values for found in _ID.findall(value)]


def _id(message: Message, found: Found) -> str:
    """The Message-ID; a digest of the mail when it has none."""
    stated = _raw(message, "message-id")
    match = _ID.search(stated)
    if match or "@" in stated:
        return printable_id(match[1] if match else "".join(stated.split()))
    return f"{hashlib.sha256(found.head + found.read()).hexdigest()[:32]}@no-id"


def printable_id(identifier: str) -> str:
    """An id without what cannot be printed, and not too long to be stored."""
    cleaned = "".join(character if character.isprintable() else "?" for character in identifier)
    cleaned = cleaned.encode("utf-8", "replace").decode()
    if len(cleaned) <= 200:
        return cleaned
    return f"{cleaned[:160]}-{hashlib.sha256(cleaned.encode()).hexdigest()[:32]}"


def _date(message: Message, received: datetime | None, zone: tzinfo, now: datetime) -> tuple[datetime, bool]:
    """(when it was written, whether that was taken from somewhere else than its date)."""
    dates = [_raw(message, "date"), *(part.rpartition(";")[2] for part in _received(message))]
    for place, text in enumerate(dates):
        time = read_date(text, zone)
        if time is not None and _FIRST <= time <= now + _AHEAD:
            return time, place > 0
    return min(received, now) if received is not None and received >= _FIRST else now, True


def _received(message: Message) -> list[str]:
    return [str(value) for key, value in message.raw_items() if key.lower() == "received"]


def read_date(text: str, zone: tzinfo) -> datetime | None:
    """A date as mails have it, in UTC without a zone; None when it is none."""
    try:
        parts = parsedate_tz(" ".join(text.split()))
        if parts is None:
            return None
        time = datetime(*parts[:6])
        offset = zone if parts[9] is None or not _ZONE.search(text) else timezone(timedelta(seconds=parts[9]))
        return time.replace(tzinfo=offset).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _list_name(message: Message) -> str | None:
    stated = decoded_header(_raw(message, "list-id"))
    found = _LIST_NAME.search(stated)
    return found[1].split(".")[0] if found else None
