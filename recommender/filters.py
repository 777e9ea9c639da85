"""What a person may narrow a search to: a team, a kind of item, a language; and the order in which to list the answers.

A filter is applied to what is searched, not to what was found: the best answers of a team are found however many
better ones other teams have.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS
from recommender.database.tables import RESOLVED, Document, HelpRequest, Team
from recommender.datatypes import Kind
from recommender.index.narrowing import Among

_TABLES: dict[Kind, type[HelpRequest] | type[Document]] = {Kind.REQUEST: HelpRequest, Kind.DOCUMENT: Document}


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


def let_through(filters: Filters, session: Session) -> Among | None:
    """What the filters let through; None when all is let through. A team or language that does not exist lets nothing
    through.

    The index knows the kind and language of its items, but not their team: the keys of a team's items are read here.
    What of them the reader may not read is left out by the search, as it is without filters; to ask for it here too
    would take longer than the search."""
    if not filters.narrows:
        return None
    kinds = [filters.kind] if filters.kind else list(Kind)
    keys = None
    if filters.team:
        found = [(kind, session.scalars(_OF_TEAM[kind], {"team": filters.team}).all()) for kind in kinds]
        keys = frozenset([f"{kind}:{number}" for kind, numbers in found for number in numbers])
    return Among(filters.kind, filters.language or None, keys)


def choices(session: Session, reader: Reader) -> Choices:
    """The teams and languages of what `reader` may read, in the order of their handles and codes."""
    teams, languages = set[str](), set[str]()
    for kind, table in _TABLES.items():
        rows = select(Team.handle, table.language).select_from(table).outerjoin(Team, Team.id == table.team_id)
        for team, language in session.execute(rows.where(*_readable(kind, reader)).distinct()):
            languages.add(language)
            teams.update([team] if team else [])
    return Choices(tuple(sorted(teams)), tuple(sorted(languages)))


def _readable(kind: Kind, reader: Reader) -> tuple[ColumnElement[bool], ...]:
    if kind is Kind.REQUEST:
        return SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader)
    return SEARCHABLE_DOCUMENTS, readable_documents(reader)


_TEAM = select(Team.id).where(Team.handle == bindparam("team")).scalar_subquery()
_OF_TEAM = {
    Kind.REQUEST: select(HelpRequest.id).where(HelpRequest.team_id == _TEAM, HelpRequest.status == RESOLVED),
    Kind.DOCUMENT: select(Document.id).where(Document.team_id == _TEAM),
}
