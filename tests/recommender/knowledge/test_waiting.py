"""waiting.py: what the counters in the navigation count, and that counting stays quick however much there is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader, reader_of
from recommender.database.request_tables import SnoozedRequest
from recommender.database.tables import HelpRequest, Person, RequestAudience, utc_now
from recommender.database.told_tables import Notification
from recommender.knowledge.waiting import COUNTED_AT_MOST, waiting

Sessions = sessionmaker[Session]
LATER = timedelta(days=7)


def _reader(session: Session, handle: str) -> Reader:
    return reader_of(session.query(Person).filter_by(handle=handle).one())


def test_snoozed_requests_wait_only_when_their_time_has_come_or_something_has_happened(
    sessions: Sessions, add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    numbers = [add_request(title, team="it", status="open", asked_by="matti") for title in ("A", "B", "C", "D")]
    add_person("aino", "agent", "it")
    today = utc_now().date()
    with sessions.begin() as session:
        now = utc_now()
        for number, until, changed in (
            (numbers[0], now + LATER, now - LATER),
            (numbers[1], now - LATER, now - LATER),
            (numbers[2], now + LATER, now),
        ):
            session.add(SnoozedRequest(request_id=number, until=until, snoozed_at=now - timedelta(days=1)))
            session.get_one(HelpRequest, number).updated_at = changed
        session.flush()
        assert waiting(session, _reader(session, "aino"), today).queue == 3


def test_no_counter_counts_further_than_the_page_shows(
    sessions: Sessions, add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    first = add_request("First", team="it", status="open", asked_by="matti")
    add_person("aino", "agent", "it")
    read: list[Any] = []
    with sessions.begin() as session:
        team, reader = session.get_one(HelpRequest, first).team_id, _reader(session, "aino")
        for number in range(COUNTED_AT_MOST + 20):
            request = HelpRequest(title=f"{number}", body="", language="en", team_id=team, created_at=utc_now())
            request.audience.append(RequestAudience(token="everyone"))
            session.add(request)
            session.flush()
            session.add(Notification(person_id=reader.person_id, kind="reply", request_id=request.id))
        session.flush()
        event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: read.append((args[2], args[3])))
        counted = waiting(session, reader, utc_now().date())
    assert (counted.queue, counted.unread) == (COUNTED_AT_MOST, COUNTED_AT_MOST)
    assert (
        all("LIMIT" in statement and str(COUNTED_AT_MOST) in str(values) for statement, values in read)
        and len(read) == 4
    )
