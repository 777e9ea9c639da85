"""The shapes of the API's values: what may be sent, what comes back. From them, with their names and docstrings, the
OpenAPI document is made. Those of a recommendation are `recommender/render.py`'s."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

from recommender.knowledge.requests import LONGEST_BODY, LONGEST_TITLE
from recommender.render import Colleague, Key, SuggestedItem

NOT_EMPTY = (
    r"[^\s\u0085\u001C-\u001F\uFEFF]"  # regular expressions differ in what \s matches: here all spaces are listed
)
Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY, max_length=LONGEST_TITLE)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY, max_length=LONGEST_BODY)]


class _Sent(BaseModel):
    """What a client sends: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Question(_Sent):
    """A question, and optionally more about it."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOT_EMPTY)]
    body: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    top_k: int = Field(10, ge=1, le=50)


class SimilarTo(_Sent):
    """How many of each kind."""

    top_k: int = Field(10, ge=1, le=50)


class RequestFilter(_Sent):
    """Which requests, newest first, 50 a page."""

    status: Literal["open", "resolved"] | None = None
    team: str | None = Field(None, max_length=64)
    mine: bool = False
    page: int = Field(1, ge=1, le=10_000)


class NewRequest(_Sent):
    """A request to send. `everyone` lets all colleagues read it; left out, the team's setting decides."""

    title: Line
    body: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_BODY)] = ""
    team: str | None = Field(None, max_length=64)
    everyone: bool | None = None
    anonymous: bool = False
    shown: list[Key] = Field(default_factory=list, max_length=20)
    opened: list[Key] = Field(default_factory=list, max_length=20)


class NewReply(_Sent):
    """A reply; `resolve` marks it as the one that solved it. `sure` sends it even if it links to what not all readers
    of the request may read."""

    body: Text
    resolve: bool = False
    sure: bool = False


class Solution(_Sent):
    """The reply that solved it."""

    reply: int = Field(ge=1, le=2**31 - 1)


class Helped(_Sent):
    """An item that solved a question, or that somebody opened and left without filing a request."""

    kind: Literal["solved", "left"]
    item: Key


class Used(_Sent):
    """An item that an agent answered this request with."""

    kind: Literal["used"]
    item: Key
    request: int = Field(ge=1, le=2**31 - 1)


class Flagged(_Sent):
    """An item that is wrong or outdated, with a word why."""

    kind: Literal["flagged"]
    item: Key
    note: Annotated[str, StringConstraints(pattern=NOT_EMPTY, max_length=1_000)]


class Feedback(RootModel[Annotated[Helped | Used | Flagged, Field(discriminator="kind")]]):
    """What became of an item."""


class Similar(BaseModel):
    """What is like a request: answered items, requests that are open too, colleagues."""

    suggestions: list[SuggestedItem]
    open: list[SuggestedItem]
    experts: list[Colleague]


class ItemShown(BaseModel):
    """A resolved request or a document in one shape."""

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


class ReplyShown(BaseModel):
    """A reply. `author` is null when nobody is known, or they are not to be named to this reader."""

    id: int
    author: str | None
    body: str
    created_at: datetime
    accepted: bool


class RequestSummary(BaseModel):
    """A request without its conversation."""

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
    """One page of requests; `total` counts all of them."""

    total: int
    page: int
    requests: list[RequestSummary]


class DocumentShown(BaseModel):
    """A document, its body in Markdown."""

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
    """A row of a list."""

    id: int
    title: str


class PersonShown(BaseModel):
    """A person and what they have resolved and keep, as far as the reader may read it."""

    handle: str
    name: str
    teams: list[str]
    languages: list[str]
    left: bool
    away_until: date | None
    resolved: list[Titled]
    documents: list[Titled]


class ErrorDetail(BaseModel):
    """What went wrong, and what to do."""

    status: int
    title: str
    detail: str


class Problem(BaseModel):
    """The one shape of all errors."""

    error: ErrorDetail


class Done(BaseModel):
    """It was counted."""

    counted: bool
