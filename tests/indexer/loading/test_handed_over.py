"""loading/handed_over.py: what comes back of a request that was sent on, and what must not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.protocol import WholeSource
from indexer.sources.records import Located, RequestRecord
from recommender.access import reader_of, request_audience
from recommender.audit import SYSTEM
from recommender.database.handover_tables import Handover
from recommender.database.tables import HelpRequest, Person, Reply, RequestAudience
from recommender.errors import NotAllowed
from recommender.knowledge import requests
from recommender.knowledge.erasure import erase_request
from recommender.language.analyzer import Analyzer

Sessions = sessionmaker[Session]
Read = Callable[..., None]
PUBLIC = {"id": "c1", "body": "Dry the tray", "created_at": "2026-03-02T09:00:00"}
TICKET: dict[str, Any] = {
    "id": "77", "title": "The printer is stuck", "body": "Third floor\n\nIn Kollega: https://kollega.example/requests/1",
    "created_at": "2026-03-02T08:10:00", "team": "it",
}  # fmt: skip


class _Tickets(WholeSource):
    def __init__(self, *tickets: dict[str, Any]) -> None:
        self.name, self._tickets = "desk", tickets

    def records(self) -> Iterator[Located]:
        for number, ticket in enumerate(self._tickets, 1):
            yield Located("desk", number, RequestRecord.model_validate(ticket))


@pytest.fixture
def handed(sessions: Sessions, add_request: Callable[..., int]) -> int:
    """A private request of the team IT that has become the ticket 77."""
    number = add_request("The printer is stuck", "Third floor", team="it", audience=[], status="open")
    with sessions.begin() as session:
        session.execute(delete(Reply).where(Reply.request_id == number))
        row = Handover(request_id=number, target="desk", key="k1", state="sent", source="desk", external_id="77")
        row.attempts = 1
        session.add(row)
    return number


@pytest.fixture
def read(sessions: Sessions, analyzer: Analyzer) -> Read:
    """Reads the ticket with these replies and fields from its system."""

    def read(*replies: dict[str, Any], **fields: Any) -> None:
        assert load(_Tickets({**TICKET, "replies": replies, **fields}), sessions, analyzer).problems == []

    return read


def _replies(sessions: Sessions, number: int) -> list[str]:
    with sessions() as session:
        return [reply.body for reply in session.get_one(HelpRequest, number).replies]


def test_a_reply_that_becomes_internal_or_is_deleted_there_is_taken_away_here(
    handed: int, read: Read, sessions: Sessions
) -> None:
    other = {**PUBLIC, "id": "c2", "body": "The budget of Matti"}
    read(PUBLIC, other)
    assert _replies(sessions, handed) == ["Dry the tray", "The budget of Matti"]
    read(PUBLIC, {**other, "internal": True})
    assert _replies(sessions, handed) == ["Dry the tray"]
    read()
    assert _replies(sessions, handed) == []


def test_what_was_changed_or_deleted_here_does_not_come_back(handed: int, read: Read, sessions: Sessions) -> None:
    read(PUBLIC, {**PUBLIC, "id": "c2", "body": "Call Matti at home"})
    with sessions.begin() as session:
        first, second = session.get_one(HelpRequest, handed).replies
        first.body = "Dry the tray (checked)"
        session.delete(second)
    read(PUBLIC, {**PUBLIC, "id": "c2", "body": "Call Matti at home"}, {**PUBLIC, "id": "c3", "body": "More"})
    assert _replies(sessions, handed) == ["Dry the tray (checked)", "More"]
    read({**PUBLIC, "body": "Dry it"}, {**PUBLIC, "id": "c3", "body": "Much more"})
    assert _replies(sessions, handed) == ["Dry the tray (checked)", "Much more"]


def test_a_ticket_that_is_solved_twice_by_its_field_has_one_solution(
    handed: int, read: Read, sessions: Sessions
) -> None:
    read(status="resolved", resolution="Dry the tray", resolved_at="2026-03-02T09:00:00")
    with sessions.begin() as session:
        session.get_one(HelpRequest, handed).status = "open"
    read(status="open")
    read(status="resolved", resolution="Buy another one", resolved_at="2026-03-03T09:00:00")
    assert _replies(sessions, handed) == ["Buy another one"]
    with sessions() as session:
        assert session.get_one(HelpRequest, handed).status == "resolved"


@pytest.mark.parametrize("count", [0, 3], ids=["alone", "among many"])
def test_a_ticket_that_is_read_before_its_number_was_noted_is_no_second_request(
    handed: int, sessions: Sessions, analyzer: Analyzer, count: int
) -> None:
    with sessions.begin() as session:
        row = session.get_one(Handover, handed)
        row.state, row.source, row.external_id = "waiting", None, None
    others = [{**TICKET, "id": str(number), "title": f"Other {number}"} for number in range(count)]
    load(_Tickets(*others, {**TICKET, "replies": [PUBLIC]}), sessions, analyzer)
    with sessions() as session:
        came = session.scalars(select(HelpRequest.title).where(HelpRequest.source == "desk")).all()
        assert sorted(came) == [f"Other {number}" for number in range(count)]
        assert session.get_one(Handover, handed).external_id == "77"
    assert _replies(sessions, handed) == ["Dry the tray"]


def test_the_ticket_of_a_request_that_was_erased_does_not_come_in(handed: int, read: Read, sessions: Sessions) -> None:
    with sessions.begin() as session:
        erase_request(session, session.get_one(HelpRequest, handed), SYSTEM)
    read(PUBLIC)
    with sessions() as session:
        assert session.scalars(select(HelpRequest)).all() == []


def _audience(sessions: Sessions, number: int) -> set[str]:
    with sessions() as session:
        return set(request_audience(session.get_one(HelpRequest, number)))


def test_a_ticket_that_was_made_private_before_it_was_first_read_keeps_its_request_to_the_team(
    handed: int, read: Read, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(HelpRequest, handed).audience = [RequestAudience(token="everyone")]
    read(PUBLIC, group="PROJ", readers_there=("PROJ",), audience=())
    assert "everyone" in _audience(sessions, handed)
    with sessions.begin() as session:
        session.get_one(Handover, handed).readers_there = None  # as before it was first read
    read(PUBLIC, group="PROJ", readers_there=("Vain IT",), audience=())
    assert "everyone" not in _audience(sessions, handed)


@pytest.mark.parametrize(
    "there",
    [{"readers_there": ("Vain IT",), "audience": ()}, {"readers_there": ("Palvelu",), "audience": ("team:it",)}],
    ids=["other readers than at first", "a rule"],
)  # fmt: skip
def test_a_request_is_not_read_by_more_people_than_its_ticket(
    handed: int, read: Read, sessions: Sessions, there: dict[str, Any]
) -> None:
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, handed)
        row.audience, row.asked_by = [RequestAudience(token="everyone")], Person(handle="matti", name="Matti")
    read(PUBLIC, readers_there=("Palvelu",), audience=())
    assert "everyone" in _audience(sessions, handed)
    read(PUBLIC, **there)
    assert "everyone" not in _audience(sessions, handed) and "team:it" in _audience(sessions, handed)
    with sessions() as session:
        request = session.get_one(HelpRequest, handed)
        assert request.asked_by is not None
        with pytest.raises(NotAllowed, match="cannot be shared here"):
            requests.share(session, request, reader_of(request.asked_by), True)
    read(PUBLIC, readers_there=("Palvelu",), audience=())
    assert "everyone" not in _audience(sessions, handed)  # nobody is let in by a source
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, handed)
        assert request.asked_by is not None
        requests.share(session, request, reader_of(request.asked_by), True)
    read(PUBLIC, {**PUBLIC, "id": "c2"}, readers_there=("public",), audience=("everyone",))
    assert "everyone" in _audience(sessions, handed)
