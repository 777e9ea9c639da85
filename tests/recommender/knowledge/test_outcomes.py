"""knowledge/outcomes.py: what is counted, what is counted separately, and that nobody who searched is stored."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Date, inspect, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, reader_of
from recommender.database.sent_tables import CountedOutcome, OutcomeKey
from recommender.database.tables import Event, HelpRequest, Person, utc_now
from recommender.knowledge import outcomes, retention
from recommender.knowledge.outcomes import EventKind, Usage

ITEM, OTHER = "request:1", "document:2"


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


def _on(session: Session, kind: EventKind, day: date, item: str = ITEM) -> None:
    session.add(Event(kind=kind, item=item, day=day))
    session.flush()


def test_the_events_table_has_no_column_for_who_searched(session: Session) -> None:
    columns = {column["name"]: column["type"] for column in inspect(session.get_bind()).get_columns("events")}
    # `subject_id` is the person the event is about; think twice before adding another person here
    assert set(columns) == {"id", "kind", "item", "day", "request_id", "subject_id", "note", "settled"}
    assert isinstance(columns["day"], Date)  # only the day: a time could be compared with a log


@pytest.mark.parametrize("kind", [EventKind.SOLVED, EventKind.LEFT, EventKind.FLAGGED, EventKind.USED])
def test_an_event_stores_the_outcome_of_an_item_and_nothing_else(session: Session, kind: EventKind) -> None:
    outcomes.record(session, kind, ITEM)
    (row,) = session.scalars(select(Event))
    assert (row.kind, row.item, row.day, row.settled) == (kind, ITEM, utc_now().date(), False)
    assert (row.request_id, row.subject_id, row.note) == (None, None, None)


def test_an_item_used_twice_in_one_request_counts_once(session: Session, add_request: Callable[..., int]) -> None:
    first, second = add_request("first"), add_request("second")
    for request in (first, first, second):
        outcomes.record(session, EventKind.USED, ITEM, request_id=request)
    outcomes.record(session, EventKind.USED, OTHER, request_id=first)
    counted = outcomes.usage(session, [ITEM, OTHER], ANYONE)
    assert (counted[ITEM].used, counted[OTHER].used) == (2, 1)


def test_an_item_that_several_agents_mark_as_used_at_once_counts_once(
    sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    request, ready = add_request("first"), Barrier(6)

    def mark(_number: int) -> int | None:
        with sessions.begin() as session:
            session.scalar(select(HelpRequest.id))  # as a page does before
            ready.wait()
            return outcomes.record(session, EventKind.USED, ITEM, request_id=request)

    with ThreadPoolExecutor(6) as pool:
        stored = [number for number in pool.map(mark, range(6)) if number is not None]
    with sessions() as session:
        assert [row.id for row in session.scalars(select(Event))] == stored and len(stored) == 1


def test_an_item_used_outside_of_requests_counts_each_time(session: Session) -> None:
    for _ in range(2):
        outcomes.record(session, EventKind.USED, ITEM)
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].used == 2


def test_an_item_that_solved_one_request_twice_counts_twice(session: Session, add_request: Callable[..., int]) -> None:
    request = add_request("first")
    for _ in range(2):
        outcomes.record(session, EventKind.SOLVED, ITEM, request_id=request)
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].used == 2


def test_explicit_and_implicit_outcomes_are_counted_separately(session: Session) -> None:
    for kind, times in ((EventKind.SOLVED, 2), (EventKind.USED, 1), (EventKind.LEFT, 4), (EventKind.FLAGGED, 3)):
        for _ in range(times):
            outcomes.record(session, kind, ITEM)
    outcomes.record(session, EventKind.NOT_MY_TOPIC, ITEM)
    assert outcomes.usage(session, [ITEM], ANYONE) == {ITEM: Usage(used=3, last_on=utc_now().date(), left=4, flags=3)}


def test_last_on_is_the_newest_day_on_which_the_item_helped(session: Session) -> None:
    _on(session, EventKind.SOLVED, date(2026, 3, 1))
    _on(session, EventKind.USED, date(2026, 2, 1))
    for kind in (EventKind.LEFT, EventKind.FLAGGED, EventKind.NOT_MY_TOPIC):
        _on(session, kind, date(2026, 4, 1))
    _on(session, EventKind.SOLVED, date(2026, 5, 1), OTHER)
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].last_on == date(2026, 3, 1)


def test_usage_has_an_entry_for_each_of_the_items_and_no_other(session: Session) -> None:
    _on(session, EventKind.LEFT, date(2026, 3, 1))
    _on(session, EventKind.SOLVED, date(2026, 3, 1), "request:9")
    assert outcomes.usage(session, [ITEM, OTHER], ANYONE) == {ITEM: Usage(left=1), OTHER: Usage()}
    assert outcomes.usage(session, [], ANYONE) == {}


def test_flags_are_an_item_s_unsettled_ones_oldest_first(session: Session) -> None:
    for note, item in (("outdated", ITEM), ("elsewhere", OTHER), ("wrong", ITEM)):
        outcomes.record(session, EventKind.FLAGGED, item, note=note)
    outcomes.record(session, EventKind.LEFT, ITEM, note="no flag")
    assert [flag.note for flag in outcomes.flags(session, ITEM)] == ["outdated", "wrong"]


def test_settled_flags_no_longer_count_and_a_new_one_does(session: Session) -> None:
    for item in (ITEM, ITEM, OTHER):
        outcomes.record(session, EventKind.FLAGGED, item, note="wrong")
    outcomes.settle_flags(session, ITEM, outcomes.flags(session, ITEM)[-1].id)
    assert outcomes.flags(session, ITEM) == []
    assert [outcomes.usage(session, [item], ANYONE)[item].flags for item in (ITEM, OTHER)] == [0, 1]
    outcomes.record(session, EventKind.FLAGGED, ITEM, note="still wrong")
    assert [flag.note for flag in outcomes.flags(session, ITEM)] == ["still wrong"]
    assert session.query(Event).count() == 4  # settled flags are still stored


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("  outdated \n", "outdated"),
        ("", None),
        (" \n\t", None),
        (None, None),
        ("x" * 1_000, "x" * 1_000),
        (" " + "x" * 1_001, "x" * 1_000),
    ],
)
def test_a_note_is_trimmed_and_cut(session: Session, given: str | None, stored: str | None) -> None:
    outcomes.record(session, EventKind.FLAGGED, ITEM, note=given)
    assert session.scalars(select(Event.note)).one() == stored


def test_declining_an_item_affects_one_person_and_can_be_undone(
    session: Session, add_person: Callable[..., int]
) -> None:
    aino, matti = add_person("aino"), add_person("matti")
    for person, item in ((aino, ITEM), (aino, OTHER), (matti, ITEM)):
        outcomes.record(session, EventKind.NOT_MY_TOPIC, item, subject_id=person)
    outcomes.record(session, EventKind.SOLVED, "request:9", subject_id=aino)
    assert [set(outcomes.declined(session, person)) for person in (aino, matti)] == [{ITEM, OTHER}, {ITEM}]
    assert outcomes.who_declined(session, [ITEM, "request:9"]) == {(ITEM, aino), (ITEM, matti)}
    outcomes.take_back_declined(session, aino, ITEM)
    assert [set(outcomes.declined(session, person)) for person in (aino, matti)] == [{OTHER}, {ITEM}]


SECRET = "key of the installation"


def _solve(session: Session, who: str, item: str = ITEM, kind: EventKind = EventKind.SOLVED) -> int:
    outcomes.record_once(session, kind, item, who, SECRET)
    return outcomes.usage(session, [item], ANYONE)[item].used


def _later(monkeypatch: pytest.MonkeyPatch, days: int) -> date:
    at = utc_now() + timedelta(days=days)
    monkeypatch.setattr(outcomes, "utc_now", lambda: at)
    return at.date()


def test_one_person_counts_once_in_thirty_days_for_each_item(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [_solve(session, "person:1") for _ in range(15)] == [1] * 15
    assert (_solve(session, "person:2"), _solve(session, "person:1", OTHER)) == (2, 1)
    _later(monkeypatch, 29)
    assert _solve(session, "person:1") == 2
    day = _later(monkeypatch, 30)
    assert _solve(session, "person:1") == 3
    assert session.scalars(select(CountedOutcome.day)).all() == [day]  # the earlier marks are gone
    assert session.scalars(select(OutcomeKey.made_on)).all() == [day]


def test_who_counted_is_not_stored_and_each_item_has_a_key_of_its_own(session: Session) -> None:
    _solve(session, "person:1")
    _solve(session, "person:1", OTHER)
    first, second = session.scalars(select(CountedOutcome))
    assert first.event_id is None and len(first.digest) == 64 and first.digest != second.digest
    keys = {row.item: row.key for row in session.scalars(select(OutcomeKey))}
    assert keys[ITEM] != keys[OTHER] and len(bytes.fromhex(keys[ITEM])) == 32
    said = b"solved\nperson:1"
    with_both = hmac.new(f"{keys[ITEM]}{SECRET}".encode(), said, hashlib.sha256).hexdigest()
    assert with_both in {first.digest, second.digest}
    for key in ("", SECRET, keys[ITEM]):  # none of them alone is enough
        assert hmac.new(key.encode(), said, hashlib.sha256).hexdigest() not in {first.digest, second.digest}


def test_the_key_is_destroyed_after_thirty_days_even_when_nobody_counts(session: Session) -> None:
    _solve(session, "person:1")
    now = utc_now()
    retention.erase_due(session, now + timedelta(days=29), 0)
    assert session.scalars(select(OutcomeKey)).all() and session.scalars(select(CountedOutcome)).all()
    retention.erase_due(session, now + timedelta(days=30), 0)
    assert not session.scalars(select(OutcomeKey)).all() and not session.scalars(select(CountedOutcome)).all()
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].used == 1


def _say(session: Session, kind: EventKind, who: str = "person:1") -> tuple[int, int]:
    outcomes.record_once(session, kind, ITEM, who, SECRET)
    usage = outcomes.usage(session, [ITEM], ANYONE)[ITEM]
    return usage.used, usage.unhelpful


def test_not_helpful_is_counted_once_and_is_the_opposite_of_solved(session: Session) -> None:
    assert [_say(session, EventKind.UNHELPFUL) for _ in range(3)] == [(0, 1)] * 3
    assert _say(session, EventKind.UNHELPFUL, "person:2") == (0, 2)
    assert _say(session, EventKind.SOLVED) == (1, 1)
    assert _say(session, EventKind.UNHELPFUL) == (0, 2)


def test_one_takes_back_only_what_one_has_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("person:1", "person:2"):
        _say(session, EventKind.SOLVED, who)
    assert not outcomes.take_back(session, EventKind.SOLVED, ITEM, "person:3", SECRET)
    assert not outcomes.take_back(session, EventKind.UNHELPFUL, ITEM, "person:1", SECRET)
    assert outcomes.take_back(session, EventKind.SOLVED, ITEM, "person:1", SECRET)
    assert not outcomes.take_back(session, EventKind.SOLVED, ITEM, "person:1", SECRET)
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].used == 1
    assert _say(session, EventKind.SOLVED) == (2, 0)  # and may say it again
    _later(monkeypatch, 30)
    assert not outcomes.take_back(session, EventKind.SOLVED, ITEM, "person:1", SECRET)
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].used == 2


def test_a_second_flag_of_one_person_adds_its_note_until_the_first_is_settled(session: Session) -> None:
    for note in ("old screenshots", "old screenshots", "and the menu is gone"):
        outcomes.record_once(session, EventKind.FLAGGED, ITEM, "person:1", SECRET, note)
    (flag,) = outcomes.flags(session, ITEM)
    assert flag.note == "old screenshots\nand the menu is gone"
    outcomes.record_once(session, EventKind.FLAGGED, ITEM, "person:2", SECRET, "wrong")
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM].flags == 2
    outcomes.settle_flags(session, ITEM, flag.id)
    outcomes.record_once(session, EventKind.FLAGGED, ITEM, "person:1", SECRET, "still wrong")
    assert [each.note for each in outcomes.flags(session, ITEM)] == ["wrong", "still wrong"]


def test_a_use_counts_only_for_those_who_may_read_the_request_that_it_was_used_in(
    session: Session, add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it")
    private, hidden = add_request("Private", team="it", audience=[]), add_request("Hidden")
    session.get_one(HelpRequest, hidden).hidden = True
    for request in (private, hidden):
        outcomes.record(session, EventKind.USED, ITEM, request_id=request)
    aino = reader_of(session.scalars(select(Person).where(Person.handle == "aino")).one())
    assert outcomes.usage(session, [ITEM], ANYONE)[ITEM] == Usage()
    assert outcomes.usage(session, [ITEM], aino)[ITEM] == Usage(used=1, last_on=utc_now().date())
