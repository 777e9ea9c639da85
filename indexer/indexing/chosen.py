"""What an admin asks of one run of `kollega reindex`: the items of one team or source first, or only to be told what a
run would do."""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.changes import find_changes_or_compare
from indexer.indexing.stamps import Stamps, read_stamps, stamps_of
from recommender.database.index_register import IndexRegister
from recommender.database.tables import Document, HelpRequest, Team
from recommender.datatypes import Kind, item_key
from recommender.errors import IndexDamaged, IndexMismatch, IndexNotFound, SettingsError
from recommender.index import generations
from recommender.index.base import has_other_keywords, is_of_another_version
from recommender.index.engines import engine_of
from recommender.index.generations import Manifest
from recommender.index.known import Known
from recommender.settings import Settings

Choose = Callable[[Session], Collection[str]]
"""Gives the keys of the items that a run may index."""


@dataclass(frozen=True)
class Planned:
    """How many items a run would index for the first time and again, and how many it would take out."""

    new: int
    changed: int
    removed: int
    keywords_anew: bool = False

    def line(self) -> str:
        """The counts in one line, for an admin."""
        counts = f"dry run, nothing was written: {self.new} new, {self.changed} changed, {self.removed} to remove"
        more = "; the keyword index is of another version, so all items are written anew, without encoding them"
        return counts + (more if self.keywords_anew else "")


def choose(team: str | None, source: str | None) -> Choose | None:
    """The choice of the items of a team, of a source, or of both; None when neither is given. It raises SettingsError
    for a team that is not here, or a source that nothing came from."""
    if team is None and source is None:
        return None

    def keys(session: Session) -> set[str]:
        team_id = session.scalar(select(Team.id).where(Team.handle == team)) if team is not None else None
        if team is not None and team_id is None:
            raise SettingsError(
                f"There is no team {team!r}. The teams are: {', '.join(_teams(session)) or 'none yet'}."
            )
        found: set[str] = set()
        for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document)):
            query = select(table.id)
            query = query.where(table.team_id == team_id) if team is not None else query
            query = query.where(table.source == source) if source is not None else query
            found |= {item_key(kind, identifier) for identifier in session.scalars(query)}
        if source is not None and not found:
            known = _sources(session)
            if source in known:
                raise SettingsError(f"Nothing of the team {team!r} came from {source!r}.")
            raise SettingsError(f"Nothing here came from {source!r}. The sources are: {', '.join(known)}.")
        return found

    return keys


def planned(
    settings: Settings, sessions: sessionmaker[Session], full: bool, only: Choose | None, compare: bool = False
) -> Planned:
    """What a run would do now; with `compare` one that compares every item. The model is not loaded, and nothing is
    written. Raises what the run would raise: IndexMismatch, IndexDamaged, or IndexNotFound with `only` when there is no
    index."""
    known = {} if full else known_items(settings)
    live = generations.live(settings.index_dir) if known is not None and not full else None
    anew = live is not None and has_other_keywords(live, Manifest.read(live))
    if only is not None and (known is None or anew):
        raise IndexNotFound("There is no index of this version yet. Run: kollega reindex")
    known = known or {}
    held = Stamps() if full or compare else read_stamps(settings)
    with sessions() as session:
        stamps, in_index = stamps_of(session, held), Known.of(known)
        found = find_changes_or_compare(session, in_index, settings.passage_tokens, stamps, held)
        chosen = set(found.changed) if only is None else set(found.changed).intersection(only(session))
    return Planned(len(chosen - known.keys()), len(chosen & known.keys()), len(found.gone), anew)


def known_items(settings: Settings) -> dict[str, str] | None:
    """The digests of the items of the live index, by key; None where there is none that this version goes on from.
    Raises IndexMismatch and IndexDamaged as `reindex` does."""
    try:
        directory = generations.live(settings.index_dir)
    except IndexNotFound:
        return None
    if is_of_another_version(directory):
        return None
    manifest = Manifest.read(directory)
    model = manifest.model.name
    if settings.model not in ("", model):
        raise IndexMismatch(f"The index was made by {model}, not by {settings.model}. Run: kollega reindex --full")
    try:
        engine = engine_of(settings, IndexRegister(settings))
        if manifest.engine != engine.name:
            return None
        return {item.key: item.digest for item in engine.items(directory)}
    except (OSError, sqlite3.Error) as error:
        raise IndexDamaged(f"The items of the index cannot be read ({error}). Run: kollega reindex --full") from error


def _teams(session: Session) -> list[str]:
    return list(session.scalars(select(Team.handle).order_by(Team.handle)))


def _sources(session: Session) -> list[str]:
    names = {name for table in (HelpRequest, Document) for name in session.scalars(select(table.source).distinct())}
    return sorted(names)
