"""The types that all parts share, as frozen dataclasses: items, passages, suggestions, experts, recommendations.

Results explain themselves: a suggestion has its reasons, an expert has the evidence. The functions at the end say how
much a contribution counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import NamedTuple

DENSE_MISSING, INDEX_MISSING, INDEX_MISMATCH = "dense_missing", "index_missing", "index_mismatch"
INDEX_AWAY = "index_away"
"""Notices, which say what cannot run at the moment: the model or its vectors; any index; the vectors of the index,
because another model made them; the server that holds the index, which is asked again by itself."""
KEYWORDS_MISSING, LEARNED_MISSING, DATABASE_EMPTY = "keywords_missing", "learned_missing", "database_empty"
"""Notices of damaged files: keyword search cannot run; a model learned from the organisation's own history cannot be
used, so the shipped one is; the database has no items, although the index has some."""


class Kind(StrEnum):
    """The kinds of items."""

    REQUEST = "request"
    DOCUMENT = "document"


def item_key(kind: Kind, identifier: int | str) -> str:
    """The key of an item, such as `request:17`: its kind and the database id of its row."""
    return f"{kind}:{identifier}"


class Role(StrEnum):
    """The roles of passages: which part of an item they are."""

    QUESTION = "question"
    ANSWER = "answer"
    SECTION = "section"
    OPENING = "opening"  # the title and first words: says what an item is about, for short questions


class Part(StrEnum):
    """What a person did for an item."""

    ANSWERED = "answered"  # their reply solved it, or was voted for
    REPLIED = "replied"
    KEEPS = "keeps"  # they own the document
    VERIFIED = "verified"  # they confirmed that a document of another owner is correct


class Verdict(StrEnum):
    """Whether the recommender thinks that the question has an answer."""

    ANSWER = "answer"
    MAYBE = "maybe"
    UNKNOWN = "unknown"


class Contribution(NamedTuple):  # quicker to make than a dataclass: each question makes hundreds
    """One person's part in an item: `weight` 1 for the accepted answer, less for other parts."""

    person_id: int
    weight: float
    at: datetime
    part: Part = Part.ANSWERED


@dataclass(frozen=True)
class AttachedText:
    """What search reads of a file that is attached to an item: its name as it is shown, and the text in it, which may
    be empty. `answers` says that it belongs to the reply that solved a request."""

    name: str
    text: str
    answers: bool = False


@dataclass(frozen=True)
class Item:
    """What can be suggested. `key` is `request:17` or `document:4`; `audience` contains the tokens that may read it,
    with the files in `attached`. `replaced_by` is the key of the item that people have marked as its replacement, which
    may be hidden or deleted; `merged_into` is the key of the request that its source has merged it into, and it has no
    answer of its own then. `verified_on` is the day on which somebody last confirmed that a document is correct."""

    key: str
    kind: Kind
    title: str
    body: str
    answer: str
    language: str
    team: str | None
    audience: frozenset[str]
    at: datetime
    url: str | None = None
    contributions: tuple[Contribution, ...] = ()
    replaced_by: str | None = None
    verified_on: date | None = None
    attached: tuple[AttachedText, ...] = ()
    merged_into: str | None = None

    @property
    def id(self) -> int:
        """The database id of the row the item was made from."""
        return int(self.key.partition(":")[2])


@dataclass(frozen=True)
class Heading:
    """An item without its texts, for where only its title is shown."""

    key: str
    kind: Kind
    title: str
    language: str
    team: str | None

    @property
    def id(self) -> int:
        """The database id of the row the item was made from."""
        return int(self.key.partition(":")[2])


@dataclass(frozen=True)
class Passage:
    """A piece of an item that the model can read whole.

    Dense and keyword search read `context` (title and heading path) together with `text`; only `text` is shown.
    """

    item: str
    role: Role
    position: int
    context: str
    text: str
    language: str


@dataclass(frozen=True)
class AnswerPart:
    """The part of an answer that is shown of it, in Markdown (`search/answer_part.py`), and whether something before
    and after it is left out. `marked` are its words that match the question, in small letters. `brief` is a shorter
    part for narrow screens; None when this one is short enough for them."""

    text: str
    cut_before: bool = False
    cut_after: bool = False
    marked: frozenset[str] = frozenset()
    brief: "AnswerPart | None" = None


@dataclass(frozen=True)
class Why:
    """Why an item is suggested: the words it shares with the question, and how near it is in meaning, from 0 (like
    unrelated texts) to 1 (the same). `nearness` is None when keyword search alone answered. `translated` has the
    question's word for each of the words that is another word for it, perhaps in the other language; `language` is that
    of the question."""

    words: tuple[str, ...]
    nearness: float | None
    translated: tuple[tuple[str, str], ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Suggestion:
    """An item, its best passage with the spans (start, end) of the matching words, and how well it matches.

    `match` is the probability that it answers the question (`search/rerank.py`). Suggestions are not ordered by it but
    by a score that is relative to the other results and not shown.
    `asked` says how often the same was asked and answered alike (1 unless other items say the same, which then have no
    place of their own); `last_at` is the time of the newest of them. `said_at` is the time of the item, or of the older
    one that its answer was copied from. `other_language` is the item's version in another language, and `newer` a newer
    item that answers differently. `answer` is the part of its answer that is shown, None for an open request. `helped`
    says how often it has solved a question or was used in an answer, as far as the reader may know, and `replaced_by`
    is what people have marked as its replacement. The team `pinned_by`, or the organisation (None),
    has chosen it for such questions until the day `pinned_until`, if that is not None.
    """

    item: Item
    passage: Passage
    match: float
    excerpt: str
    marks: tuple[tuple[int, int], ...]
    why: Why
    asked: int = 1
    last_at: datetime | None = None
    said_at: datetime | None = None
    other_language: Heading | None = None
    newer: Heading | None = None
    answer: AnswerPart | None = None
    helped: int = 0
    replaced_by: Heading | None = None
    pinned_until: date | None = None
    pinned_by: str | None = None


@dataclass(frozen=True)
class Evidence:
    """One item that a person contributed to and that is similar to the question."""

    item: Heading
    weight: float
    at: datetime
    part: Part = Part.ANSWERED


@dataclass(frozen=True)
class Expert:
    """A colleague who did something in items that are similar to the question. There is always evidence.

    `answered`, `keeps`, `verified` and `replied` count all of the evidence by part. `last_at` is the time of the newest
    evidence of one part: the first of answered, keeps, verified, replied that is not 0. `evidence` contains the
    strongest pieces, `words` the words of the question that occur in their titles. `reasons` say what speaks for this
    person by themselves: each part that they had in the evidence, the most important first, and "lately" when the
    newest of that part is at most a quarter of a year old. `answered_this_year` is the part of `answered` that is of
    the present calendar year. `watched_by` is the name of the colleague who wants to watch them answer, for agents.
    """

    person_id: int
    handle: str
    name: str
    teams: tuple[str, ...]
    languages: tuple[str, ...]
    away_until: date | None
    answered: int
    replied: int
    keeps: int
    verified: int
    last_at: datetime
    evidence: tuple[Evidence, ...]
    words: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    answered_this_year: int = 0
    watched_by: str | None = None


@dataclass(frozen=True)
class Recommendation:
    """The answer to one question. `more` is the number of suggestions beyond those that are listed. `notices` say what
    could not run (DENSE_MISSING and the others above). `teams` are the handles of the teams that handled the
    nearest items; they are given when no expert answered, owns or verified one. `likely_teams` are the handles of the
    teams that handle such questions, whoever is known: one when it is clear, else two.

    `exists` is the probability that there is an answer. `missing` are the codes of the question (a version, a device,
    an error) that none of the suggestions mentions. `vague` says that the question says too little to be answered.
    `nearest` are items that are nearest to a question for which nothing is suggested, if they are about something
    similar at all; nobody claims that they answer it.
    """

    question: str
    language: str
    verdict: Verdict
    suggestions: tuple[Suggestion, ...] = ()
    experts: tuple[Expert, ...] = ()
    more: int = 0
    notices: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    exists: float = 0.0
    missing: tuple[str, ...] = ()
    vague: bool = False
    likely_teams: tuple[str, ...] = ()
    nearest: tuple[Heading, ...] = ()


ACCEPTED, UPVOTED, REPLIED, OWNED, OWNED_AND_VERIFIED, VERIFIED = 1.0, 0.5, 0.2, 0.4, 0.6, 0.4
"""How much a contribution counts as evidence, relative to an accepted answer: a judgement."""


def reply_contributions(replies: Iterable[tuple[int | None, datetime, bool, int]]) -> tuple[Contribution, ...]:
    """The best contribution of each author of replies (author id, time, accepted, score); the first of equally good
    ones. The asker's replies must be left out before."""
    best: dict[int, Contribution] = {}
    for author, at, accepted, score in replies:
        if author is None:
            continue
        weight = ACCEPTED if accepted else UPVOTED if score > 0 else REPLIED
        part = Part.REPLIED if weight == REPLIED else Part.ANSWERED
        known = best.get(author)
        if known is None or weight > known.weight:
            best[author] = Contribution(author, weight, at, part)
    return tuple(best.values())


def document_contributions(
    owner_id: int | None, verifier_id: int | None, verified_on: date | None, written_at: datetime
) -> tuple[Contribution, ...]:
    """The contributions of a document's owner, who counts more once the document is verified, and of another person who
    verified it."""
    at = last_confirmed(verified_on, written_at)
    weight = OWNED_AND_VERIFIED if verified_on else OWNED
    parts = () if owner_id is None else (Contribution(owner_id, weight, at, Part.KEEPS),)
    if verified_on is None or verifier_id is None or verifier_id == owner_id:
        return parts
    return (*parts, Contribution(verifier_id, VERIFIED, datetime.combine(verified_on, time.min), Part.VERIFIED))


def last_confirmed(verified_on: date | None, written_at: datetime) -> datetime:
    """When somebody last wrote or verified a document."""
    return max(written_at, datetime.combine(verified_on, time.min)) if verified_on else written_at
