"""What a source yields: records of teams, people, requests, replies and documents. Pydantic checks every field."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WrapValidator,
    model_validator,
)

from indexer.sources.times import read_day, read_time
from recommender.database.handles import LONGEST_HANDLES, usable_handle, visible
from recommender.database.lengths import LONGEST_CONTACT
from recommender.errors import wrong_value
from recommender.sentences.sentence import Sentence, joined


def _printable(value: str) -> str:
    if visible(value) != value:
        raise ValueError(Sentence("it contains a character that cannot be seen. Remove it"))
    return value


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def _storable(value: str) -> str:
    if "\0" in value or (not value.isascii() and _HALF_A_PAIR.search(value)):
        raise ValueError(Sentence("it contains a character that is not text (a NUL or half a character pair)"))
    return value


LONGEST_TITLE = 500
_Short = StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
_Line = StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE)


def _handle(value: Any) -> Any:
    return usable_handle(value) if isinstance(value, str) else value


def _team_handle(value: Any) -> Any:
    return usable_handle(value, "team") if isinstance(value, str) else value


def _token(value: Any) -> Any:
    """A token of an audience, with the handle that the person or team has here."""
    if not isinstance(value, str):
        return value
    kind, colon, name = value.partition(":")
    return f"{kind}:{usable_handle(name, kind)}" if kind in LONGEST_HANDLES and name.strip() else kind + colon + name


def _at_most(column: str) -> StringConstraints:
    """The length of a column that says how a team is reached; an empty text is refused."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CONTACT[column])


Text = Annotated[str, AfterValidator(_storable)]
_Some = StringConstraints(min_length=1)
Handle = Annotated[str, _Some, BeforeValidator(_handle), AfterValidator(_storable)]
TeamHandle = Annotated[str, _Some, BeforeValidator(_team_handle), AfterValidator(_storable)]
Identifier = Annotated[str, _Short, AfterValidator(_storable), AfterValidator(_printable)]
Title = Annotated[str, _Line, AfterValidator(_storable)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Token = Annotated[str, StringConstraints(pattern=r"^(everyone|(team|person):\S+)$"), BeforeValidator(_token)]
Time = Annotated[datetime, WrapValidator(read_time)]
Day = Annotated[date, WrapValidator(read_day)]
Change = tuple[str, str]
"""(what was changed to make a record usable, for which value); the value may be empty."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class TeamRecord(_Record):
    """A team; `id` is its handle. A request to a restricted team that names no audience is readable only by the person
    who asked and by the team. How the team is reached, and whether `private_matters` are offered to it first, stays as
    it is in the database where a record does not say it."""

    type: Literal["team"] = "team"
    id: TeamHandle
    name: Title
    name_fi: Title | None = None
    name_sv: Title | None = None
    restricted: bool = False
    phone: Annotated[Identifier, _at_most("phone")] | None = None
    hours: Annotated[Identifier, _at_most("hours")] | None = None
    hours_fi: Annotated[Identifier, _at_most("hours_fi")] | None = None
    hours_sv: Annotated[Identifier, _at_most("hours_sv")] | None = None
    private_matters: bool = False


class PersonRecord(_Record):
    """A person; `id` is their handle, `teams` are handles of teams. Without a `kind` it is guessed from handle and name
    whether this is a person or a service. Fields that a record does not have stay as they are in the database."""

    type: Literal["person"] = "person"
    id: Handle
    name: Title
    teams: tuple[TeamHandle, ...] = ()
    languages: tuple[Language, ...] = ()
    role: Literal["staff", "agent", "lead", "admin"] = "staff"
    left_on: Day | None = None
    away_until: Day | None = None
    kind: Literal["person", "service"] | None = None
    email: Identifier | None = None


class ReplyRecord(_Record):
    """A reply to a request. One that is `internal` is a note of the agents, and never an answer."""

    id: Identifier
    author: Handle | None = None
    body: Text
    created_at: Time
    accepted: bool = False
    score: int = Field(default=0, ge=-(10**9), le=10**9)
    internal: bool = False


class RequestRecord(_Record):
    """A request with its replies. One that is closed is over, with an answer or without.

    `group` is the queue, project or board where it is there, and `readers_there` are the groups that may read it there
    (None: the system does not say); both are mapped to teams and an audience by the rules of the source. `attachments`
    are names of files, and `properties` are other values by their names, such as the priority.
    """

    type: Literal["request"] = "request"
    id: Identifier
    title: Title
    body: Text = ""
    team: TeamHandle | None = None
    status: Literal["open", "resolved", "closed"] = "open"
    language: Language | None = None
    tags: tuple[Text, ...] = ()
    asked_by: Handle | None = None
    anonymous: bool = False
    audience: tuple[Token, ...] | None = None
    created_at: Time
    resolved_at: Time | None = None
    resolution: Text | None = None
    url: Text | None = None
    replies: tuple[ReplyRecord, ...] = ()
    merged_into: Identifier | None = None
    group: Text | None = None
    readers_there: tuple[Text, ...] | None = None
    attachments: tuple[Identifier, ...] = ()
    properties: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_resolution(self) -> "RequestRecord":
        if self.status == "resolved" and not (self.replies or self.resolution):
            raise ValueError(Sentence("a resolved request needs a resolution or a reply"))
        if len({reply.id for reply in self.replies}) != len(self.replies):
            raise ValueError(Sentence("two replies have the same id"))
        return self


class DocumentRecord(_Record):
    """A document in Markdown. An audience of None leaves it to the team, as for requests. `group`, `readers_there` and
    `attachments` are as in RequestRecord."""

    type: Literal["document"] = "document"
    id: Identifier
    title: Title
    body: Text
    team: TeamHandle | None = None
    owner: Handle | None = None
    language: Language | None = None
    audience: Annotated[tuple[Token, ...], Field(min_length=1)] | None = ("everyone",)
    updated_at: Time
    verified_on: Day | None = None
    url: Text | None = None
    group: Text | None = None
    readers_there: tuple[Text, ...] | None = None
    attachments: tuple[Identifier, ...] = ()


class QuestionRecord(_Record):
    """A request whose replies are separate records; it is resolved once a reply is accepted or upvoted."""

    id: Identifier
    title: Title
    body: Text
    tags: tuple[Text, ...] = ()
    asked_by: Handle | None = None
    created_at: Time
    accepted_reply: Identifier | None = None
    team: TeamHandle | None = None
    language: Language | None = None


class PersonNameRecord(_Record):
    """The display name of a person whose handle was in an earlier record; for any other handle it is ignored."""

    id: Handle
    name: Title


class AnswerRecord(_Record):
    """A reply to a QuestionRecord, for sources that are too large to keep a question and its replies together."""

    request: Identifier
    reply: ReplyRecord


class LinkRecord(_Record):
    """A link between two requests by their ids."""

    from_request: Identifier
    to_request: Identifier
    kind: Literal["related", "duplicate"]


class DeletedRecord(_Record):
    """A request or document that was deleted in the source."""

    type: Literal["request", "document"]
    id: Identifier


Record = (
    TeamRecord
    | PersonRecord
    | RequestRecord
    | DocumentRecord
    | QuestionRecord
    | AnswerRecord
    | PersonNameRecord
    | LinkRecord
    | DeletedRecord
)


@dataclass(frozen=True)
class Located:
    """A record with its file and line, or the problem why there is no record; and what was changed to make it. What has
    no lines has line 0; over the network `file` says what was read, such as `ticket 17`.
    `is_last` says that no other record with the same id follows. `unread` is the kind and id of an item that is there
    but cannot be read, so that it is not taken for a deleted one."""

    file: str
    line: int
    record: Record | None
    problem: str = ""
    changes: tuple[Change, ...] = ()
    is_last: bool = False
    unread: tuple[Literal["request", "document"], str] | None = None

    @property
    def place(self) -> str:
        """`file:line`; only the file, or whatever stands in its place, without a line."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def complaint(self, problem: str) -> str:
        """`place: problem`."""
        return joined([self.place, problem], ": ")


def first_problem(error: Any) -> str:
    """The first problem of a pydantic ValidationError in one line: `field: problem`."""
    detail = error.errors(include_url=False)[0]
    place = (
        detail["loc"][1:]
        if detail["loc"][:1] in [("team",), ("person",), ("request",), ("document",)]
        else detail["loc"]
    )
    where = ".".join(str(part) for part in place)
    message = Sentence("it is missing") if detail["input"] is None and place else wrong_value(detail)
    return joined([where, message], ": ") if where else message
