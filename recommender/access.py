"""Who may read what: the one rule, used by every surface.

A person holds reader tokens, an item has an audience of tokens; it is readable when the two sets meet. Besides the
audience written on it, a request is readable by the person who asked and the team that handles it, a document by its
owner and its team.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, or_

from recommender.models import Document, DocumentAudience, HelpRequest, Person, RequestAudience

EVERYONE = "everyone"


@dataclass(frozen=True)
class Reader:
    """The person who looks, as tokens. `person_id` is None for someone who is not signed in."""

    person_id: int | None
    team_ids: frozenset[int]
    tokens: frozenset[str]


ANYONE = Reader(None, frozenset(), frozenset({EVERYONE}))


def reader_of(person: Person) -> Reader:
    """The tokens a person holds: everyone, their teams, themselves."""
    teams = {f"team:{team.handle}" for team in person.teams}
    tokens = frozenset({EVERYONE, f"person:{person.id}"} | teams)
    return Reader(person.id, frozenset(team.id for team in person.teams), tokens)


def request_audience(request: HelpRequest) -> frozenset[str]:
    """The tokens that may read a request."""
    return _audience([row.token for row in request.audience], request.asked_by_id, request.team)


def document_audience(document: Document) -> frozenset[str]:
    """The tokens that may read a document."""
    return _audience([row.token for row in document.audience], document.owner_id, document.team)


def _audience(written: list[str], person_id: int | None, team: object) -> frozenset[str]:
    if EVERYONE in written:
        return frozenset({EVERYONE})
    tokens = set(written)
    if person_id is not None:
        tokens.add(f"person:{person_id}")
    if team is not None:
        tokens.add(f"team:{team.handle}")  # type: ignore[attr-defined]
    return frozenset(tokens)


def may_read(audience: frozenset[str], reader: Reader) -> bool:
    """True when the two sets meet."""
    return not audience.isdisjoint(reader.tokens)


def readable_requests(reader: Reader) -> ColumnElement[bool]:
    """The rule as a condition on HelpRequest, for lists and counts."""
    by_token = exists().where(
        RequestAudience.request_id == HelpRequest.id, RequestAudience.token.in_(sorted(reader.tokens))
    )
    own = HelpRequest.asked_by_id == reader.person_id if reader.person_id is not None else None
    return _any(by_token, own, HelpRequest.team_id.in_(sorted(reader.team_ids)) if reader.team_ids else None)


def readable_documents(reader: Reader) -> ColumnElement[bool]:
    """The rule as a condition on Document, for lists and counts."""
    by_token = exists().where(
        DocumentAudience.document_id == Document.id, DocumentAudience.token.in_(sorted(reader.tokens))
    )
    own = Document.owner_id == reader.person_id if reader.person_id is not None else None
    return _any(by_token, own, Document.team_id.in_(sorted(reader.team_ids)) if reader.team_ids else None)


def _any(*conditions: ColumnElement[bool] | None) -> ColumnElement[bool]:
    return or_(*[condition for condition in conditions if condition is not None])
