"""What sources with tickets have in common: how a request record is made of a ticket and its messages.

The answer of a ticket is what its field for a solution says, if that says something, else the last public message of an
agent before the ticket was resolved. A ticket that is over without either is closed, and has no answer.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from indexer.sources.records import LONGEST_TITLE, PersonRecord, ReplyRecord, RequestRecord
from indexer.texts.html import from_html, plain
from indexer.texts.subject import first_words, title_of
from recommender.database.handles import visible
from recommender.sentences.sentence import Sentence

_TOLERANCE = timedelta(minutes=2)  # the answer is often written in the act that resolves, a moment after
_SHORT_TITLE, _MADE_TITLE = 200, 80
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_EMPTY_WORDS = """
done resolved fixed solved closed close completed complete ok okay yes issue case ticket incident request is was has
been the this user caller confirmed by as per see above below duplicate na none nil test works working now
valmis tehty hoidettu korjattu ratkaistu ratkennut suljettu kunnossa toimii nyt selvitetty asia on kuitattu
klart klar löst åtgärdat åtgärdad stängd fungerar avslutad ärendet är
"""
_SAYS_NOTHING = frozenset(_EMPTY_WORDS.split())


@dataclass(frozen=True)
class Message:
    """A message in a ticket. `author` is a handle; `text` is Markdown or plain text."""

    id: str
    author: str | None
    text: str
    at: datetime
    public: bool = True
    by_agent: bool = False
    score: int = 0


@dataclass
class Ticket:
    """A ticket as all systems have it. `solution` is the field for a solution, and `is_answered` is False when its
    state says that it is over without an answer (a duplicate, declined). `reference` is what people call it, and the
    title of one without any text. The rest is as in RequestRecord."""

    id: str
    title: str
    body: str
    created_at: datetime
    messages: list[Message] = field(default_factory=list)
    is_over: bool = False
    resolved_at: datetime | None = None
    solution: str = ""
    is_answered: bool = True
    asked_by: str | None = None
    reference: str = ""
    tags: Iterable[str] = ()
    url: str | None = None
    group: str | None = None
    readers: tuple[str, ...] | None = None
    merged_into: str | None = None
    attachments: Iterable[str] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> RequestRecord:
        """The record of the ticket. Raises a ValidationError when it cannot be one."""
        written = [replace(message, text=storable(message.text)) for message in self.messages]
        messages = [message for message in sorted(written, key=lambda each: each.at) if message.text.strip()]
        solution = storable(self.solution).strip() if says_something(self.solution) else ""
        wanted = self.is_over and self.is_answered and not self.merged_into
        answer = _answer(messages, self.resolved_at) if wanted and not solution else None
        title, body = _title_and_body(storable(self.title), storable(self.body), messages)
        title = title or self.reference or f"#{self.id}"
        status = "open" if not self.is_over else "resolved" if wanted and (solution or answer) else "closed"
        return RequestRecord(
            id=self.id,
            title=title,
            body=body,
            status=status,  # type: ignore[arg-type]
            created_at=self.created_at,
            resolved_at=self.resolved_at if self.is_over else None,
            resolution=solution if status == "resolved" and solution else None,
            asked_by=self.asked_by,
            tags=tuple(dict.fromkeys(tag for each in self.tags if (tag := visible(storable(str(each))).strip()))),
            url=web_address(self.url),
            group=self.group,
            readers_there=self.readers,
            merged_into=self.merged_into,
            attachments=tuple(dict.fromkeys(name for each in self.attachments if (name := file_name(each)))),
            properties={
                name: storable(str(value)) for name, value in self.properties.items() if value not in (None, "")
            },
            replies=tuple(
                ReplyRecord(
                    id=message.id,
                    author=message.author,
                    body=message.text,
                    created_at=message.at,
                    accepted=message is answer,
                    score=message.score,
                    internal=not message.public,
                )
                for message in messages
            ),
        )


def _answer(messages: list[Message], resolved_at: datetime | None) -> Message | None:
    """The last public message of an agent before a ticket was resolved."""
    until = resolved_at + _TOLERANCE if resolved_at else None
    fit = [each for each in messages if each.public and each.by_agent and (until is None or each.at <= until)]
    return fit[-1] if fit else None


def says_something(text: str) -> bool:
    """False for a solution such as "done", "." or "Resolved by caller", from which nobody learns anything."""
    words = re.findall(r"[^\W_]+", text.lower())
    return any(word not in _SAYS_NOTHING for word in words) and len("".join(words)) > 3


def _title_and_body(title: str, body: str, messages: list[Message]) -> tuple[str, str]:
    """The title in one line, made of the first words of the text when it is empty, and cut when it is too long; then
    it is whole in the body."""
    line = title_of(title)
    if not line:
        texts = [body, *(message.text for message in messages if message.public)]
        return next((words for text in texts if (words := first_words(text, _MADE_TITLE))), ""), body
    if len(line) > LONGEST_TITLE:
        return first_words(line, _SHORT_TITLE), f"{line}\n\n{body}".strip()
    return line, body


def html_text(html: str | None) -> str:
    """HTML as Markdown."""
    if not html:
        return ""
    try:
        return from_html(html)
    except RecursionError:  # nested too deeply
        return plain(html)


def file_name(value: Any) -> str:
    """The name of an attached file as it can be stored; empty when there is none."""
    return visible(storable(str(value or ""))).strip()[:200]


def storable(text: str) -> str:
    """The text without NULs and halves of character pairs, which no database stores."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def web_address(value: Any) -> str | None:
    """An address that may be shown as a link; None for one that begins with anything but http."""
    text = str(value or "").strip()
    return text if text.lower().startswith(("https://", "http://")) else None


def moment(value: Any, zone: str = "UTC") -> datetime:
    """A time as systems write it: ISO 8601, `2026-03-02 08:09:00`, or as in mail; of this zone when it has none.

    Raises ValueError when it is no time.
    """
    text = str(value or "").strip()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        try:
            time = parsedate_to_datetime(text)
        except (ValueError, TypeError) as error:
            raise ValueError(Sentence("%(time)r is not a time that can be read", time=text[:40])) from error
    return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def moment_or_none(value: Any, zone: str = "UTC") -> datetime | None:
    """As `moment`, but None for a time that is empty."""
    return moment(value, zone) if value else None


def person_id(source: str, foreign: Any) -> str | None:
    """The handle of a person whom a system knows by this id; None when there is no id."""
    return f"{source}-{storable(str(foreign))}" if foreign not in (None, "") else None


def person(
    source: str, foreign: Any, name: Any = None, email: Any = None, is_service: bool = False
) -> PersonRecord | None:
    """The record of a person; None when the system gives neither a name nor an address."""
    address = file_name(email).lower()
    shown = " ".join(visible(storable(str(name or ""))).split())[:200] or address.partition("@")[0]
    if foreign in (None, "") or not shown:
        return None
    fields: dict[str, Any] = {"email": address} if _ADDRESS.fullmatch(address) else {}
    if is_service:
        fields["kind"] = "service"
    return PersonRecord(id=f"{source}-{storable(str(foreign))}", name=shown, **fields)
