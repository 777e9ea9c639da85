"""What a person may narrow a search to: a team, a kind of item, a language; and the order in which to list the answers.

A filter is applied to what is searched, not to what was found: the best answers of a team are found however many
better ones other teams have.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS
from recommender.database.tables import RESOLVED, Document, HelpRequest, Team
from recommender.datatypes import Kind, item_key

_TABLES = {Kind.REQUEST: HelpRequest, Kind.DOCUMENT: Document}


@dataclass(frozen=True)
class Filters:
    """What to search: the items of a team (its handle), of a kind, in a language; empty or None for all. With `newest`
    the answers are listed by their time, not by how well they match."""

    team: str = ""
    kind: Kind | None = None
    language: str = ""
    newest: bool = False

    @property
    def narrows(self) -> bool:
        """True when some items are left out."""
        return bool(self.team or self.kind or self.language)


NO_FILTERS = Filters()


@dataclass(frozen=True)
class Choices:
    """What a reader can narrow a search to: handles of teams and codes of languages of which they can read an item."""

    teams: tuple[str, ...]
    languages: tuple[str, ...]


def filtered_keys(filters: Filters, session: Session, reader: Reader) -> frozenset[str] | None:
    """Keys of the answered items that the filters let through and that `reader` may read; None when all are let
    through. A team or language that does not exist, and one of which the reader may read nothing, let nothing
    through."""
    if not filters.narrows:
        return None
    kinds = [filters.kind] if filters.kind else list(Kind)
    return frozenset(item_key(kind, number) for kind in kinds for number in _numbers(kind, filters, session, reader))


def choices(session: Session, reader: Reader) -> Choices:
    """The teams and languages of what `reader` may read, in the order of their handles and codes."""
    teams, languages = set[str](), set[str]()
    for kind, table in _TABLES.items():
        rows = select(Team.handle, table.language).select_from(table).outerjoin(Team, Team.id == table.team_id)
        for team, language in session.execute(rows.where(*_readable(kind, reader)).distinct()):
            languages.add(language)
            teams.update([team] if team else [])
    return Choices(tuple(sorted(teams)), tuple(sorted(languages)))


def _numbers(kind: Kind, filters: Filters, session: Session, reader: Reader) -> list[int]:
    table = _TABLES[kind]
    query = select(table.id).where(*_readable(kind, reader))
    if filters.language:
        query = query.where(table.language == filters.language)
    if filters.team:
        query = query.join(Team, Team.id == table.team_id).where(Team.handle == filters.team)
    return list(session.scalars(query))


def _readable(kind: Kind, reader: Reader) -> tuple[object, ...]:
    if kind is Kind.REQUEST:
        return SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader)
    return SEARCHABLE_DOCUMENTS, readable_documents(reader)
