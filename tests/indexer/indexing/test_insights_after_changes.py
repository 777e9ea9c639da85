"""indexing/insights.py: what an update takes over from the one before is what asking everything again gives, when
something else than texts has changed. Which questions a changed text has asked again is in risk/test_figures.py."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import insights as module
from indexer.indexing.insights import compute_insights
from recommender.database.gap_tables import GapItem, GapRow, TopicAge
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import (
    TopicAnswer,
    TopicFigure,
    TopicKnower,
    TopicQuestion,
    TransferAct,
    TransferActItem,
)
from recommender.database.tables import Document, Event, HelpRequest, Person, Reply, Team, utc_now
from recommender.index.local import LocalIndex
from recommender.knowledge.outcomes import EventKind
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder

Change = Callable[[Session], object]
Add = Callable[..., int]
_STORED = (TopicRow, TopicItem, TopicAnswer, TopicFigure, TopicKnower, TransferAct, TransferActItem, TopicAge)
_COMPUTED = (
    TopicAnswer, TopicQuestion, TopicFigure, TopicKnower, TransferActItem, TransferAct, GapItem, GapRow, TopicAge,
)  # fmt: skip
_TIMES_AND_IDS = {"id", "act_id", "proposed_at", "computed_at", "computed_on", "updated_at", "made_on"}
DAY = timedelta(days=1)


def _leave(session: Session) -> None:
    session.scalars(select(Person).where(Person.handle == "aino")).one().left_on = (utc_now() - DAY).date()


def _verify(session: Session) -> None:
    document = session.scalars(select(Document)).one()
    document.verified_on, document.verified_by_id, document.updated_at = utc_now().date(), 1, utc_now()


def _flag(session: Session) -> None:
    key = f"document:{session.scalars(select(Document.id)).one()}"
    session.add(Event(kind=EventKind.FLAGGED, item=key, subject_id=1, day=utc_now().date()))


def _not_my_topic(session: Session) -> None:
    answered = session.scalars(select(Reply.author_id).where(Reply.request_id == 3)).one()
    session.add(Event(kind=EventKind.NOT_MY_TOPIC, item="request:3", subject_id=answered, day=utc_now().date()))


def _rename_team(session: Session) -> None:
    session.scalars(select(Team).where(Team.handle == "it")).one().name = "Information technology"


CHANGES: dict[str, Change] = {
    "a person leaves": _leave,
    "a document verified": _verify,
    "a document flagged": _flag,
    "not somebody's topic": _not_my_topic,
    "a team renamed": _rename_team,
    "a setting changed": lambda _session: None,
    "a new day": lambda _session: None,
}
CHANGES_NOTHING = {"a team renamed", "a new day"}


@pytest.fixture
def stored(sessions: sessionmaker[Session], add_request: Add, add_document: Add) -> None:
    """Two subjects, each with six requests that two people answered, and a guide; all of them are old."""
    at = utc_now() - 30 * DAY
    for subject in ("printer", "parking"):
        for number in range(6):
            title, by = f"{subject} {('tray', 'permit')[number % 2]}", ("aino", "eero")[number % 3 == 0]
            add_request(title, f"{subject} {subject}", f"{subject} {subject}", by=by, team="it", at=at + number * DAY)
    add_document("printer tray", "printer printer tray", team="it", owner="eero", verified_by="eero", at=at)
    with sessions.begin() as session:
        for table in (HelpRequest, Document):
            session.execute(update(table).values(updated_at=at))


def _everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in _STORED:
        columns = [column for column in table.__table__.columns if column.name not in _TIMES_AND_IDS]
        found[table.__name__] = sorted((tuple(row) for row in session.execute(select(*columns))), key=repr)
    gaps = session.execute(
        select(GapRow.topic_id, GapRow.kind, GapRow.team_id, GapRow.counts, GapRow.said, GapItem.item, GapItem.position)
        .join(GapItem, GapItem.gap_id == GapRow.id)
    )  # fmt: skip
    return found | {"gaps": sorted((tuple(row) for row in gaps), key=repr)}


def _rounded(found: Mapping[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Without the last digits: with time all shares grow old alike, but these differ then."""
    return {
        table: [tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in rows]
        for table, rows in found.items()
    }


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.usefixtures("stored")
def test_after_a_change_everything_is_as_if_all_questions_were_asked_again(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    def compute(now: datetime, settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
        monkeypatch.setattr(module, "utc_now", lambda: now)
        reindexed()
        compute_insights(settings, sessions, encoder, analyzer)
        with sessions() as session:
            return _everything(session)

    first = compute(utc_now() - DAY, settings)  # long enough ago that nothing was being indexed then
    assert first["TopicAnswer"] and first["TopicKnower"]
    with sessions.begin() as session:
        CHANGES[name](session)
    now = utc_now() + (DAY if name == "a new day" else timedelta())
    changed = replace(settings, half_life_days=30.0) if name == "a setting changed" else settings
    taken_over = compute(now, changed)
    assert (_rounded(taken_over) == _rounded(first)) == (name in CHANGES_NOTHING)
    with sessions.begin() as session:
        for table in _COMPUTED:
            session.execute(delete(table))
    for path in settings.index_dir.glob("questions-*"):
        path.unlink()
    assert compute(now, changed) == taken_over
