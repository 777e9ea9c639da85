"""syncing/sync.py: a source is read from its mark on, and nothing is lost when a run breaks off."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.configuration import ConfiguredSource
from indexer.sources.protocol import Abilities, Mark, Options, Source
from indexer.sources.records import Located, RequestRecord, TeamRecord
from indexer.syncing.sync import is_being_read, sync
from recommender import audit
from recommender.database.engine import open_database
from recommender.database.leading import take_lock
from recommender.database.source_tables import SourceState, mark_as_due
from recommender.database.tables import HelpRequest, utc_now
from recommender.errors import SourceError
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.postgresql import Server

CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass
class _Desk:
    """A ticket system whose tickets have numbers; a read from the mark N yields those above N, with a mark after each.
    It breaks off before ticket number `fails_at`."""

    tickets: dict[int, str]
    lists_all: bool = True
    fails_at: int | None = None
    bad: int | None = None
    marks: bool = True
    name: str = "desk"
    reads: list[str | None] = field(default_factory=list)

    @property
    def abilities(self) -> Abilities:
        return Abilities(lists_all=self.lists_all, since=True)

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        self.reads.append(since)
        yield Located("desk", 0, TeamRecord(id="it", name="IT"))
        for number, title in sorted(self.tickets.items()):
            if self.marks and number <= int(since or 0):
                continue
            if number == self.fails_at:
                raise SourceError("desk does not answer. Try again later.")
            if number == self.bad:
                yield Located("desk", number, None, "no ticket")
                continue
            yield Located("desk", number, _ticket(number, title))
            if self.marks:
                yield Mark(str(number))


def _ticket(number: int, title: str) -> RequestRecord:
    values: dict[str, Any] = {"id": str(number), "title": title, "team": "it", "created_at": "2026-03-02T08:10:00"}
    return RequestRecord.model_validate(values)


class _Configured(ConfiguredSource):
    source: Source

    def open(self) -> Source:
        return self.source


Run = Any


@pytest.fixture
def run(sessions: sessionmaker[Session], analyzer: Analyzer) -> Run:
    """Syncs a desk, with options of its own if wanted."""

    def sync_desk(desk: _Desk, place: str = "x", **options: Any) -> Any:
        configured = _Configured("desk", "jsonl", Options(place=place))
        object.__setattr__(configured, "source", desk)
        return sync(configured, sessions, analyzer, **options)

    return sync_desk


def _titles(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return sorted(session.scalars(select(HelpRequest.title)))


def _state(sessions: sessionmaker[Session]) -> SourceState:
    with sessions() as session:
        return session.get_one(SourceState, "desk")


def test_a_team_of_the_options_that_is_not_here_is_told_before_anything_is_read(
    sessions: sessionmaker[Session], analyzer: Analyzer
) -> None:
    desk = _Desk({1: "one"})
    rules = {"teams": {"IT": "it"}, "audiences": {"IT": ("team:hr", "everyone")}}
    configured = _Configured("desk", "zammad", Options.model_validate({"place": "x", **rules}))
    object.__setattr__(configured, "source", desk)
    with pytest.raises(SourceError, match=r"desk: there is no team 'hr'; there are: none yet\. Correct its name, or"):
        sync(configured, sessions, analyzer)
    assert desk.reads == [] and "there is no team 'hr'" in (_state(sessions).error or "")


def test_a_second_run_goes_on_from_the_mark_of_the_first(run: Run, sessions: sessionmaker[Session]) -> None:
    desk = _Desk({1: "one", 2: "two"})
    first = run(desk)
    desk.tickets[3] = "three"
    second = run(desk)
    assert desk.reads == [None, "2"]
    assert (first.whole, second.whole, second.loaded.added) == (True, False, 1)
    assert _titles(sessions) == ["one", "three", "two"]
    assert _state(sessions).counts["added"] == 1


def test_a_run_that_breaks_off_keeps_what_it_has_read_and_goes_on_there(
    run: Run, sessions: sessionmaker[Session]
) -> None:
    desk = _Desk({number: f"ticket {number}" for number in range(1, 6)}, fails_at=4)
    broken = run(desk)
    state = _state(sessions)
    assert broken.has_problems and (state.mark, state.failures, state.finished_at) == ("3", 1, None)
    assert state.error == "desk does not answer. Try again later."
    desk.fails_at = None
    run(desk)
    assert desk.reads == [None, "3"] and len(_titles(sessions)) == 5
    assert (_state(sessions).error, _state(sessions).failures) == (None, 0)


def test_other_options_are_read_from_the_beginning_and_so_is_a_full_run(run: Run) -> None:
    desk = _Desk({1: "one"})
    run(desk)
    run(desk, place="elsewhere")
    run(desk, place="elsewhere")
    run(desk, place="elsewhere", full=True)
    assert desk.reads == [None, None, "1", None]


def test_what_was_changed_in_a_record_is_told_once_and_not_at_each_run(
    run: Run, sessions: sessionmaker[Session]
) -> None:
    desk = _Desk({1: "salasana: Kesa2024 one", 2: "two"})
    told = [list(run(desk, place="x").loaded.changes)]
    desk.marks = False  # like a file, it is read as a whole each time
    for full in (False, True):
        told.append(list(run(desk, full=full).loaded.changes))
    desk.tickets[1] = "salasana: Kesa2024 changed"
    told.append(list(run(desk).loaded.changes))
    assert told == [["personal data masked"], [], ["personal data masked"], ["personal data masked"]]


def test_a_record_that_cannot_be_used_lets_nothing_be_deleted(run: Run, sessions: sessionmaker[Session]) -> None:
    desk = _Desk({1: "one", 2: "two", 3: "three"})
    run(desk)
    del desk.tickets[1]
    desk.bad = 2
    report = run(desk, full=True)
    assert _titles(sessions) == ["one", "three", "two"] and report.deleted == 0
    assert "2 items may have been deleted there, and stay here" in report.notes[0]


def test_when_much_has_vanished_nothing_is_deleted_before_an_admin_says_so(
    run: Run, sessions: sessionmaker[Session]
) -> None:
    desk = _Desk({number: f"ticket {number}" for number in range(1, 31)})
    run(desk)
    desk.tickets = {1: "ticket 1"}
    report = run(desk, full=True)
    assert len(_titles(sessions)) == 30 and report.has_problems
    assert "29 of 30 items are no longer there, and stay here." in report.notes[0]
    assert "kollega sync desk --full --allow-deletions" in report.notes[0]
    assert _state(sessions).problems == report.notes


def test_a_source_in_which_nothing_is_left_deletes_nothing_however_small_it_was(
    run: Run, sessions: sessionmaker[Session]
) -> None:
    desk = _Desk({1: "one", 2: "two"})
    run(desk)
    desk.tickets = {}
    report = run(desk, full=True)
    assert _titles(sessions) == ["one", "two"]
    assert "2 of 2 items are no longer there, and stay here." in report.notes[0]
    assert run(desk, full=True, allow_deletions=True).deleted == 2


def test_a_run_that_is_ended_from_outside_is_due_again(run: Run, sessions: sessionmaker[Session]) -> None:
    class _Ended(_Desk):
        def read(self, since: str | None = None) -> Iterator[Located | Mark]:
            yield Located("desk", 1, _ticket(1, "one"))
            yield Mark("1")
            raise SystemExit(143)

    with sessions.begin() as session:
        mark_as_due(session, "desk")
    with pytest.raises(SystemExit):
        run(_Ended({}))
    state = _state(sessions)
    assert (state.is_due, state.started_at, state.mark, state.failures) == (True, None, "1", 0)


def test_a_name_under_which_a_program_has_sent_items_is_refused(run: Run, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        audit.record(session, audit.SYSTEM, "items.load", "source:desk", {"n": 1})
        session.add(
            HelpRequest(title="Sent", body="", language="en", source="desk", external_id="sent", created_at=utc_now())
        )
    desk = _Desk({1: "a"})
    for _time in range(2):
        with pytest.raises(SourceError, match="another name"):
            run(desk)
    assert desk.reads == [] and _titles(sessions) == ["Sent"]
    with sessions.begin() as session:
        session.delete(session.scalars(select(HelpRequest)).one())
    run(desk)
    assert _titles(sessions) == ["a"]


def test_only_one_process_reads_a_source(run: Run, sessions: sessionmaker[Session]) -> None:
    engine = sessions.kw["bind"]
    lock = take_lock(engine, "sync-desk")
    assert lock is not None
    with closing(lock), pytest.raises(SourceError, match="is being read by another process"):
        assert is_being_read("desk", engine)
        run(_Desk({1: "one"}))
    assert not is_being_read("desk", engine)


@pytest.fixture
def machines(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Iterator[list[sessionmaker[Session]]]:
    """Two with homes of their own, and one database."""
    database = server.new_database(request)
    found = [open_database(Settings(home=tmp_path / name, database=database)) for name in ("first", "second")]
    yield found
    for each in found:
        each.kw["bind"].dispose()


@dataclass
class _Meanwhile(_Desk):
    """Does something before the last ticket is read."""

    then: Callable[[], None] = lambda: None

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        yield from super().read(since)
        self.then()


def _of(desk: _Desk) -> _Configured:
    configured = _Configured("desk", "jsonl", Options.model_validate({"place": "x"}))
    object.__setattr__(configured, "source", desk)
    return configured


def test_only_one_of_two_machines_reads_a_source(machines: list[sessionmaker[Session]], analyzer: Analyzer) -> None:
    first, second = machines

    def read_there() -> None:
        assert is_being_read("desk", second.kw["bind"])
        with pytest.raises(SourceError, match="is being read by another process"):
            sync(_of(_Desk({1: "one"})), second, analyzer)

    sync(_of(_Meanwhile({1: "one"}, then=read_there)), first, analyzer)
    assert not is_being_read("desk", second.kw["bind"])
    assert _titles(second) == ["one"]


def test_a_reader_that_was_cut_off_deletes_nothing(machines: list[sessionmaker[Session]], analyzer: Analyzer) -> None:
    first, second = machines
    sync(_of(_Desk({number: f"{number}" for number in range(1, 7)}, marks=False)), first, analyzer)

    def cut_off() -> None:
        with second.kw["bind"].connect() as connection:
            connection.exec_driver_sql(CUT_OFF)

    desk = _Meanwhile({1: "1", 2: "2", 3: "3", 4: "4", 5: "5"}, marks=False, then=cut_off)
    with pytest.raises(SourceError, match="the connection to the database was lost while it was read"):
        sync(_of(desk), first, analyzer, full=True)
    assert len(_titles(second)) == 6


def test_a_run_answers_what_was_due_and_an_unforeseen_fault_is_stored_by_its_kind(
    run: Run, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        mark_as_due(session, "desk")
    assert _state(sessions).is_due
    run(_Desk({1: "one"}))
    assert not _state(sessions).is_due

    class _Broken(_Desk):
        def read(self, since: str | None = None) -> Iterator[Located | Mark]:
            raise ZeroDivisionError("with a secret in its text")
            yield

    with pytest.raises(ZeroDivisionError):
        run(_Broken({}))
    assert (_state(sessions).error, _state(sessions).failures) == ("ZeroDivisionError", 1)
