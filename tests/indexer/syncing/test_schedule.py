"""syncing/schedule.py: when a source is due, and that `watch` reads it then."""

import socket
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.configuration import ConfiguredSource
from indexer.sources.protocol import Options
from indexer.syncing import schedule
from indexer.syncing.schedule import needs_whole_read, next_run, pause_until, syncing
from recommender.database.source_tables import SourceState
from recommender.database.tables import HelpRequest, utc_now
from recommender.settings import Settings
from tests.conftest import MODELS
from tests.indexer.conftest import REQUEST, TEAM, WriteLines

NOON = datetime(2026, 3, 2, 12)
HOURLY = ConfiguredSource("desk", "jsonl", Options(place="x"), timedelta(hours=1), timedelta(days=1))
BY_HAND = ConfiguredSource("desk", "jsonl", Options(place="x"))


def _state(
    failures: int = 0, is_due: bool = False, started_at: datetime | None = NOON, finished_at: datetime | None = NOON,
    read_whole_at: datetime | None = NOON,
) -> SourceState:  # fmt: skip
    return SourceState(
        name="desk", failures=failures, is_due=is_due, started_at=started_at, finished_at=finished_at,
        read_whole_at=read_whole_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("configured", "state", "due"),
    [
        (HOURLY, None, datetime.min),
        (BY_HAND, None, None),
        (BY_HAND, _state(is_due=True, started_at=None), datetime.min),
        (HOURLY, _state(), NOON + timedelta(hours=1)),
        (HOURLY, _state(is_due=True), NOON),
        (BY_HAND, _state(finished_at=None), NOON + timedelta(minutes=10)),  # it was killed
        (HOURLY, _state(finished_at=NOON - timedelta(days=1)), NOON + timedelta(hours=1)),
        (BY_HAND, _state(is_due=True, finished_at=None), NOON),
        (HOURLY, _state(failures=1), NOON + timedelta(hours=1)),
        (HOURLY, _state(failures=3), NOON + timedelta(hours=4)),
        (HOURLY, _state(failures=30), NOON + timedelta(hours=6)),
        (HOURLY, _state(failures=2, is_due=True), NOON + timedelta(minutes=1)),
        (BY_HAND, _state(), None),
        (BY_HAND, _state(is_due=True), NOON),
    ],
)
def test_a_source_is_due_by_its_schedule_or_when_it_says_so_and_later_after_each_failure(
    configured: ConfiguredSource, state: SourceState | None, due: datetime | None
) -> None:
    assert next_run(configured, state) == due


def test_a_source_is_read_from_the_beginning_as_often_as_it_says() -> None:
    assert not needs_whole_read(HOURLY, _state(), NOON + timedelta(hours=23))
    assert needs_whole_read(HOURLY, _state(), NOON + timedelta(hours=24))
    assert not needs_whole_read(HOURLY, None, NOON) and not needs_whole_read(BY_HAND, _state(), NOON)


def test_a_source_whose_first_read_broke_off_and_went_on_from_its_mark_is_read_whole_then() -> None:
    assert not needs_whole_read(HOURLY, _state(finished_at=None, read_whole_at=None), NOON)
    assert needs_whole_read(HOURLY, _state(read_whole_at=None), NOON)


def test_a_source_is_looked_at_when_it_is_due_and_not_up_to_two_seconds_later() -> None:
    soon, later = NOON + timedelta(seconds=0.3), NOON + timedelta(hours=1)
    assert pause_until(soon, False, 2.0, NOON) == pytest.approx(0.3)
    assert pause_until(later, False, 2.0, NOON) == 2.0 and pause_until(None, False, 2.0, NOON) == 2.0
    assert pause_until(later, True, 2.0, NOON) == 0.5 and pause_until(soon, True, 2.0, NOON) == pytest.approx(0.3)
    assert pause_until(NOON - timedelta(seconds=9), False, 2.0, NOON) == 0.0


def test_beside_watch_a_source_is_read_when_it_is_due(
    settings: Settings, sessions: sessionmaker[Session], write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(write_lines(TEAM, REQUEST))
    settings.sources_file.write_text(f'[desk]\nkind = "jsonl"\nplace = "{path}"\nevery = "1h"\n', encoding="utf-8")
    if not settings.models_dir.exists():
        settings.models_dir.symlink_to(MODELS, target_is_directory=True)
    monkeypatch.setenv("KOLLEGA_HOME", str(settings.home))
    waited = threading.Event()
    with syncing(settings, sessions):
        for _ in range(600):
            with sessions() as session:
                titles = session.scalars(select(HelpRequest.title)).all()
                state = session.get(SourceState, "desk")
            if titles and state is not None and state.finished_at:
                break
            waited.wait(0.1)
    assert titles == [REQUEST["title"]]
    assert state is not None and state.counts["added"] == 2


def test_a_source_that_waits_for_its_system_keeps_no_other_one_from_being_read(
    settings: Settings, sessions: sessionmaker[Session], write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls, and never answers
        path, address = Path(write_lines(TEAM, REQUEST)), f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.sources_file.write_text(
            f'[slow]\nkind = "jira"\nplace = "{address}"\nallow_http = true\nevery = "1h"\n\n'
            f'[desk]\nkind = "jsonl"\nplace = "{path}"\nevery = "1h"\n',
            encoding="utf-8",
        )
        if not settings.models_dir.exists():
            settings.models_dir.symlink_to(MODELS, target_is_directory=True)
        monkeypatch.setenv("KOLLEGA_HOME", str(settings.home))
        monkeypatch.setenv("KOLLEGA_SLOW_TOKEN", "a-token-of-enough-letters")
        with sessions.begin() as session:
            session.add(SourceState(name="slow", started_at=NOON, read_whole_at=NOON))
        waited = threading.Event()
        with syncing(settings, sessions):
            for _ in range(600):
                with sessions() as session:
                    titles = session.scalars(select(HelpRequest.title)).all()
                    slow = session.get(SourceState, "slow")
                if titles and slow is not None and slow.started_at != NOON:
                    break
                waited.wait(0.1)
    assert titles == [REQUEST["title"]]
    assert slow is not None and slow.started_at != NOON and slow.finished_at is None


def test_sources_that_were_never_read_are_begun_one_after_the_other_and_called_ones_first(
    settings: Settings, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["zebra", "apple", "old", "called", "more", "again"]
    text = "".join(f'[{name}]\nkind = "jsonl"\nplace = "x"\nevery = "1h"\n' for name in names)
    settings.sources_file.write_text(text, encoding="utf-8")
    with sessions.begin() as session:
        for name in names[2:]:
            session.add(SourceState(name=name, started_at=NOON, read_whole_at=NOON, is_due=name == "called"))
    started: list[str] = []
    monkeypatch.setattr(schedule._Runs, "start", lambda _self, name, _whole: started.append(name))
    monkeypatch.setattr(schedule._Runs, "names", lambda _self: set(started))
    schedule._start_due(settings, sessions, schedule._Runs())
    assert started == ["called", "zebra", "old", "more"]  # at most four at once, and only one that is new
    schedule._start_due(settings, sessions, schedule._Runs())
    assert len(started) == 4
    del started[1]
    with sessions.begin() as session:
        session.add(SourceState(name="zebra", started_at=utc_now(), read_whole_at=utc_now()))
    schedule._start_due(settings, sessions, schedule._Runs())
    assert started == ["called", "old", "more", "apple"]
