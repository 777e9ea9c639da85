"""The models of what the API receives and returns. The OpenAPI document is made from them, with their names and
docstrings. The models of a recommendation are in `recommender/render.py`."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

from recommender.knowledge.requests import LONGEST_BODY, LONGEST_TITLE
from recommender.render import Colleague, Key, RelatedItem, SuggestedItem

NOT_EMPTY = r"[^\s\u0085\u001C-\u001F\uFEFF]"
"""A character that is not a space. All spaces are listed: regular expression engines differ in what `\\s` matches."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY, max_length=LONGEST_TITLE)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY, max_length=LONGEST_BODY)]


class Sent(BaseModel):
    """Base of what a client sends: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Question(Sent):
    """A question (`q`), and optionally details (`body`). `team` (its handle), `kind` and `language` say what to search;
    with `newest` the answers come by their time."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY)]
    body: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    top_k: int = Field(10, ge=1, le=50)
    team: str = Field("", max_length=64)
    kind: Literal["request", "document"] | None = None
    language: str = Field("", max_length=8)
    newest: bool = False


class SimilarTo(Sent):
    """How many results of each kind to return."""

    top_k: int = Field(10, ge=1, le=50)


class RequestFilter(Sent):
    """Which requests to list. They come newest first, 50 on a page."""

    status: Literal["open", "resolved"] | None = None
    team: str | None = Field(None, max_length=64)
    mine: bool = False
    page: int = Field(1, ge=1, le=10_000)


class NewRequest(Sent):
    """A request to send. With `everyone`, all colleagues may read it; without a value, the team's setting decides.
    `shown` and `opened` are the suggestions that the asker saw and opened before."""

    title: Line
    body: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_BODY)] = ""
    team: str | None = Field(None, max_length=64)
    everyone: bool | None = None
    anonymous: bool = False
    shown: list[Key] = Field(default_factory=list, max_length=20)
    opened: list[Key] = Field(default_factory=list, max_length=20)


class NewReply(Sent):
    """A reply to send. `resolve` also marks the request as solved with it. `sure` sends it even if it links to items
    that some readers of the request may not read."""

    body: Text
    resolve: bool = False
    sure: bool = False


class Solution(Sent):
    """The id of the reply that solved the request."""

    reply: int = Field(ge=1, le=2**31 - 1)


class Repeatable(BaseModel):
    """A key that the client makes up for a call, so that it can send the same call again without doing it twice."""

    idempotency_key: str | None = Field(None, alias="Idempotency-Key", max_length=200)


SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class SentItems(Sent):
    """Teams, people, requests and documents of a source, each as in the import format (docs/import-format.md)."""

    source: SourceName
    items: list[dict[str, Any]] = Field(min_length=1, max_length=500)


class DeletedItem(Sent):
    """A request or document, by the id that it has in its source."""

    type: Literal["request", "document"]
    id: Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY, max_length=200)]


class DeletedItems(Sent):
    """What was deleted in a source."""

    source: SourceName
    items: list[DeletedItem] = Field(min_length=1, max_length=500)


class JobShown(BaseModel):
    """Items that were sent: `state` is waiting, done or failed. `problems` says what could not be used, with the number
    of the item in the call; `kept` what stays as it is here."""

    job: int
    state: Literal["waiting", "done", "failed"]
    source: str
    created_at: str
    finished_at: str | None
    added: int
    updated: int
    unchanged: int
    deleted: int
    problem_count: int
    problems: list[str]
    kept: list[str]


class Helped(Sent):
    """An item that solved a question, that did not help, or that somebody opened and left without filing a request."""

    kind: Literal["solved", "unhelpful", "left"]
    item: Key


class Used(Sent):
    """An item with which an agent answered a request."""

    kind: Literal["used"]
    item: Key
    request: int = Field(ge=1, le=2**31 - 1)


class Flagged(Sent):
    """An item that is wrong or outdated, with a note that says why."""

    kind: Literal["flagged"]
    item: Key
    note: Annotated[str, StringConstraints(pattern=NOT_EMPTY, max_length=1_000)]


class Feedback(RootModel[Annotated[Helped | Used | Flagged, Field(discriminator="kind")]]):
    """The outcome of a suggestion."""


class Similar(BaseModel):
    """What is similar to a request: answered items (`suggestions`), open requests, and colleagues who can help."""

    suggestions: list[SuggestedItem]
    open: list[SuggestedItem]
    experts: list[Colleague]


class ItemShown(BaseModel):
    """A solved request or a guide, in the same form. `used` counts how often it has helped. `replaced_by` is the
    item that is marked as its replacement, if the reader may read it."""

    item: Key
    kind: Literal["request", "document"]
    title: str
    body: str
    answer: str
    language: str
    team: str | None
    at: datetime
    url: str | None
    used: int
    last_used_on: date | None
    replaced_by: RelatedItem | None


class ReplyShown(BaseModel):
    """A reply. `author` is null when the author is unknown, or this reader may not know who it is."""

    id: int
    author: str | None
    body: str
    created_at: datetime
    accepted: bool


class RequestSummary(BaseModel):
    """A request without its text and replies."""

    id: int
    title: str
    status: Literal["open", "resolved"]
    language: str
    team: str | None
    asked_by: str | None
    assigned_to: str | None
    everyone: bool
    created_at: datetime
    resolved_at: datetime | None


class RequestShown(RequestSummary):
    """A request with its replies, oldest first."""

    body: str
    resolution: str | None
    tags: list[str]
    url: str | None
    replies: list[ReplyShown]


class RequestPage(BaseModel):
    """One page of requests; `total` is the number of requests on all pages."""

    total: int
    page: int
    requests: list[RequestSummary]


class AttachmentShown(BaseModel):
    """An attached file. `reply` is the id of the reply it belongs to; null for a file of the request or guide
    itself. `available` is false until the check of files has let it pass."""

    id: int
    name: str
    media_type: str
    size: int
    sha256: str
    reply: int | None
    added_at: datetime
    available: bool


class AttachmentList(BaseModel):
    """Attached files."""

    attachments: list[AttachmentShown]


class DocumentShown(BaseModel):
    """A guide, with its body in Markdown."""

    id: int
    title: str
    body: str
    language: str
    team: str | None
    owner: str | None
    written_at: datetime
    verified_on: date | None
    draft: bool
    url: str | None


class Titled(BaseModel):
    """A request or guide in a list."""

    id: int
    title: str


class PersonShown(BaseModel):
    """A person, the requests they have solved and the guides they own, as far as the reader may read these."""

    handle: str
    name: str
    teams: list[str]
    languages: list[str]
    left: bool
    away_until: date | None
    resolved: list[Titled]
    documents: list[Titled]


class ErrorDetail(BaseModel):
    """What went wrong, and what to do about it."""

    status: int
    title: str
    detail: str


class Problem(BaseModel):
    """The form of all errors."""

    error: ErrorDetail


class Done(BaseModel):
    """The outcome was counted."""

    counted: bool
