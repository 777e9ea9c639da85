"""The JSON forms of a Recommendation: the command line prints them, the web API sends and documents them.

The names and docstrings of the models are part of the API's OpenAPI document.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, StringConstraints

from recommender.datatypes import Evidence, Expert, Heading, Recommendation, Suggestion

Key = Annotated[str, StringConstraints(pattern=r"^(request|document):[1-9][0-9]{0,8}$")]
ShownRole = Literal["question", "answer", "section"]
"""The role of a passage that is shown. When an opening matches best, the item's first passage is shown instead."""
_DIGITS = 4
"""Decimal places of probabilities and of nearness."""


class SuggestedPassage(BaseModel):
    """The part of an item that is shown; `marks` are the spans [start, end] of its text that match the question."""

    role: ShownRole
    text: str
    marks: list[list[int]]


class SuggestionReason(BaseModel):
    """Why an item is suggested: the words it shares with the question, and how near it is in meaning, from 0 (like
    unrelated texts) to 1; null when the search was by words alone."""

    words: list[str]
    nearness: float | None


class RelatedItem(BaseModel):
    """Another item, by its key, with its title and language."""

    item: Key
    title: str
    language: str


class SuggestedItem(BaseModel):
    """An item that may answer the question; `match` is the probability that it does. `answer` is the part of the answer
    that has the fix, in Markdown; `passage` is what matches best, which may be the question. `asked` says how often the
    same was asked and answered alike, and `last_at` when last. `helped` says how often it has solved a question or was
    used in an answer, and `verified_on` when somebody last confirmed that a document is right. `other_language` is its
    version in another language, `newer` a newer item that answers differently, and `replaced_by` the item that people
    have marked as its replacement. `pinned_until` is the last day on which it stands first because somebody has chosen
    it for such questions: the team `pinned_by`, or the organisation when that is null. The `match` of a chosen item
    that search has not found is 0."""

    item: Key
    kind: Literal["request", "document"]
    title: str
    team: str | None
    language: str
    at: datetime
    url: str | None
    match: float
    passage: SuggestedPassage
    answer: str
    why: SuggestionReason
    asked: int
    last_at: datetime
    helped: int
    verified_on: date | None
    other_language: RelatedItem | None
    newer: RelatedItem | None
    replaced_by: RelatedItem | None
    pinned_until: date | None
    pinned_by: str | None


class EvidenceItem(BaseModel):
    """One item that a colleague is suggested for, and their part in it."""

    item: Key
    title: str
    part: Literal["answered", "replied", "keeps", "verified"]
    at: datetime


class Colleague(BaseModel):
    """A colleague who can help, with the evidence. `answered`, `replied`, `keeps` (documents they own) and `verified`
    count the similar items by what the colleague did in them."""

    handle: str
    name: str
    teams: list[str]
    languages: list[str]
    away_until: date | None
    answered: int
    replied: int
    keeps: int
    verified: int
    last_at: datetime
    words: list[str]
    reasons: list[str]
    evidence: list[EvidenceItem]


class Recommended(BaseModel):
    """The answer to a question. `notices` say what could not run, and `more` how many further suggestions there are.
    `teams` handled the most similar items; they are named when no colleague answered, owns or verified one. `exists` is
    the probability that there is an answer, `missing` are the codes of the question that no suggestion mentions, and
    `vague` says that the question says too little to be answered."""

    question: str
    language: str
    verdict: Literal["answer", "maybe", "unknown"]
    notices: list[str]
    more: int
    suggestions: list[SuggestedItem]
    experts: list[Colleague]
    teams: list[str]
    exists: float
    missing: list[str]
    vague: bool


def as_json(recommendation: Recommendation) -> dict[str, Any]:
    """A recommendation in the form of `Recommended`; times are written as RFC 3339 in UTC."""
    return _recommended(recommendation).model_dump(mode="json")


def suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    """A suggestion in the form of `SuggestedItem`."""
    return _suggested_item(suggestion).model_dump(mode="json")


def expert_json(expert: Expert) -> dict[str, Any]:
    """A colleague in the form of `Colleague`."""
    return _colleague(expert).model_dump(mode="json")


def related_json(heading: Heading | None) -> dict[str, Any] | None:
    """Another item in the form of `RelatedItem`; None for None."""
    related = _related(heading)
    return related.model_dump(mode="json") if related else None


def in_utc(at: datetime) -> str:
    """A time of the database, which is in UTC, in the format of RFC 3339."""
    return f"{at.isoformat()}Z"


def _recommended(recommendation: Recommendation) -> Recommended:
    return Recommended(
        question=recommendation.question,
        language=recommendation.language,
        verdict=recommendation.verdict.value,
        notices=list(recommendation.notices),
        more=recommendation.more,
        suggestions=[_suggested_item(suggestion) for suggestion in recommendation.suggestions],
        experts=[_colleague(expert) for expert in recommendation.experts],
        teams=list(recommendation.teams),
        exists=round(recommendation.exists, _DIGITS),
        missing=list(recommendation.missing),
        vague=recommendation.vague,
    )


def _suggested_item(suggestion: Suggestion) -> SuggestedItem:
    item = suggestion.item
    return SuggestedItem(
        item=item.key,
        kind=item.kind.value,
        title=item.title,
        team=item.team,
        language=item.language,
        at=item.at.replace(tzinfo=UTC),
        url=item.url,
        match=round(suggestion.match, _DIGITS),
        passage=SuggestedPassage(
            role=cast(ShownRole, suggestion.passage.role.value),
            text=suggestion.excerpt,
            marks=[list(mark) for mark in suggestion.marks],
        ),
        answer=suggestion.answer.text if suggestion.answer else suggestion.excerpt,
        why=SuggestionReason(words=list(suggestion.why.words), nearness=_rounded(suggestion.why.nearness)),
        asked=suggestion.asked,
        last_at=(suggestion.last_at or item.at).replace(tzinfo=UTC),
        helped=suggestion.helped,
        verified_on=item.verified_on,
        other_language=_related(suggestion.other_language),
        newer=_related(suggestion.newer),
        replaced_by=_related(suggestion.replaced_by),
        pinned_until=suggestion.pinned_until,
        pinned_by=suggestion.pinned_by,
    )


def _related(heading: Heading | None) -> RelatedItem | None:
    return None if heading is None else RelatedItem(item=heading.key, title=heading.title, language=heading.language)


def _colleague(expert: Expert) -> Colleague:
    return Colleague(
        handle=expert.handle,
        name=expert.name,
        teams=list(expert.teams),
        languages=list(expert.languages),
        away_until=expert.away_until,
        answered=expert.answered,
        replied=expert.replied,
        keeps=expert.keeps,
        verified=expert.verified,
        last_at=expert.last_at.replace(tzinfo=UTC),
        words=list(expert.words),
        reasons=list(expert.reasons),
        evidence=[_evidence_item(evidence) for evidence in expert.evidence],
    )


def _evidence_item(evidence: Evidence) -> EvidenceItem:
    item = evidence.item
    return EvidenceItem(item=item.key, title=item.title, part=evidence.part.value, at=evidence.at.replace(tzinfo=UTC))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
