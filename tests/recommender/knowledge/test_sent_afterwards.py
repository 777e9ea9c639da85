"""knowledge/sent_afterwards.py: who sends a request after an answer had helped is counted, and told to nobody."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.service_tables import ReadingKey, ReadingMark, SentAfterwards
from recommender.knowledge import retention, sent_afterwards
from recommender.knowledge.outcomes import EventKind
from recommender.knowledge.sent_afterwards import DAYS_KEPT, four_weeks

NOW = datetime(2026, 11, 2, 12)
MATTI, LIISA, SECRET = "person:1", "person:2", "secret of the home"


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets today to a number of days after NOW."""

    def set_to(days: int) -> None:
        monkeypatch.setattr(sent_afterwards, "utc_now", lambda: NOW + timedelta(days=days))

    set_to(0)
    return set_to


@pytest.fixture
def items(add_request: Callable[..., int], session: Session) -> list[str]:
    """Three answers of a team; the first two are in one topic, the third in none."""
    keys = [f"request:{add_request(title, team='it')}" for title in ("printer", "printer again", "screen")]
    topic = TopicRow(audience=EVERYONE, name_fi="tulostin", name_en="printer", made_on=date(2026, 1, 1))
    session.add(topic)
    session.flush()
    session.add_all(TopicItem(topic_id=topic.id, item=key) for key in keys[:2])
    session.commit()
    return keys


def _counted(session: Session, days: int = DAYS_KEPT) -> list[tuple[str, int]]:
    """What is counted once the keys have been destroyed, as (kind, times)."""
    sent_afterwards.forget_who(session, NOW.date() + timedelta(days=days))
    return [(row.kind, row.times) for row in session.scalars(select(SentAfterwards).order_by(SentAfterwards.kind))]


def test_a_request_on_the_topic_of_an_answer_that_had_helped_is_counted(session: Session, items: list[str]) -> None:
    sent_afterwards.note(session, EventKind.SOLVED, items[0], MATTI, SECRET)
    sent_afterwards.note(session, EventKind.LEFT, items[1], MATTI, SECRET)
    sent_afterwards.note(session, EventKind.LEFT, items[0], MATTI, SECRET)
    sent_afterwards.request_sent(session, [(items[1], False)], MATTI, SECRET)
    assert _counted(session, DAYS_KEPT - 1) == []  # not before it can no longer be told whose it was
    assert _counted(session) == [("left", 2), ("solved", 1)]
    (row, *_) = session.scalars(select(SentAfterwards))
    assert row.since == four_weeks(NOW.date()) and row.topic_id is not None


@pytest.mark.parametrize(
    ("who", "secret", "attempt", "opened", "days"),
    [
        (LIISA, SECRET, 0, True, 0),  # somebody else
        (MATTI, "another", 0, True, 0),
        (MATTI, SECRET, 2, True, 0),  # another topic
        (MATTI, SECRET, 0, True, DAYS_KEPT),  # too late
    ],
)
def test_other_requests_are_not_counted(
    session: Session, items: list[str], clock: Callable[[int], None],
    who: str, secret: str, attempt: int, opened: bool, days: int,
) -> None:  # fmt: skip
    sent_afterwards.note(session, EventKind.SOLVED, items[0], MATTI, SECRET)
    clock(days)
    sent_afterwards.request_sent(session, [(items[attempt], opened)], who, secret)
    assert _counted(session, days + DAYS_KEPT) == []


def test_an_item_without_a_topic_counts_for_itself(session: Session, items: list[str]) -> None:
    sent_afterwards.note(session, EventKind.SOLVED, items[2], MATTI, SECRET)
    sent_afterwards.request_sent(session, [(items[0], True), (items[2], False)], MATTI, SECRET)
    assert session.scalars(select(ReadingMark.sent)).all() == [False]  # it was only shown, and not first
    sent_afterwards.request_sent(session, [(items[0], True), (items[2], True)], MATTI, SECRET)
    assert _counted(session) == [("solved", 1)]


def test_what_was_taken_back_is_not_counted(session: Session, items: list[str], clock: Callable[[int], None]) -> None:
    for item in items[:2]:
        sent_afterwards.note(session, EventKind.SOLVED, item, MATTI, SECRET)
    clock(2)
    sent_afterwards.take_back(session, EventKind.SOLVED, items[0], MATTI, SECRET)
    sent_afterwards.request_sent(session, [(items[0], True)], MATTI, SECRET)
    assert _counted(session) == [("solved", 1)]
    sent_afterwards.take_back(session, EventKind.SOLVED, items[0], MATTI, SECRET)  # too late: nothing happens


def test_visitors_and_answers_of_no_team_leave_no_mark(
    session: Session, items: list[str], add_request: Callable[..., int]
) -> None:
    of_no_team = f"request:{add_request('whatever')}"
    sent_afterwards.note(session, EventKind.SOLVED, items[0], "address:192.0.2.1", SECRET)
    sent_afterwards.note(session, EventKind.SOLVED, of_no_team, MATTI, SECRET)
    sent_afterwards.note(session, EventKind.UNHELPFUL, items[0], MATTI, SECRET)
    sent_afterwards.note(session, EventKind.SOLVED, "request:999", MATTI, SECRET)
    assert session.scalars(select(ReadingMark)).all() == []


def test_nothing_links_a_person_to_what_they_read_once_the_key_is_destroyed(
    session: Session, items: list[str], sessions: sessionmaker[Session]
) -> None:
    sent_afterwards.note(session, EventKind.SOLVED, items[0], MATTI, SECRET)
    (mark,) = session.scalars(select(ReadingMark.digest))
    key, said = session.scalars(select(ReadingKey.key)).one(), f"solved\n{MATTI}\ntopic:1".encode()
    assert hmac.new(f"{key}{SECRET}".encode(), said, hashlib.sha256).hexdigest() == mark  # while the key is there
    sent_afterwards.request_sent(session, [(items[0], True)], MATTI, SECRET)
    session.commit()
    with sessions() as other:
        retention.erase_due(other, NOW + timedelta(days=DAYS_KEPT), 0)
    session.expire_all()
    assert session.scalars(select(ReadingKey)).all() == session.scalars(select(ReadingMark)).all() == []
    columns = {column["name"] for column in inspect(session.get_bind()).get_columns("sent_afterwards")}
    assert columns == {"id", "team_id", "topic_id", "kind", "since", "times"}  # neither person nor answer nor day


def test_each_day_has_a_key_of_its_own(session: Session, items: list[str], clock: Callable[[int], None]) -> None:
    for days in (0, 1):
        clock(days)
        sent_afterwards.note(session, EventKind.SOLVED, items[0], MATTI, SECRET)
    first, second = session.scalars(select(ReadingMark.digest)).all()
    assert first != second
    sent_afterwards.request_sent(session, [(items[0], True)], MATTI, SECRET)
    assert _counted(session, 30) == [("solved", 2)]


def test_four_weeks_begin_on_a_monday_and_cover_all_days() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(100)]
    starts = [four_weeks(day) for day in days]
    assert {start.weekday() for start in starts} == {0} and len(set(starts)) in (4, 5)
    assert all(timedelta(0) <= day - start < timedelta(days=28) for day, start in zip(days, starts, strict=True))
