"""Two people act on one request at the same moment, each with a connection of their own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader, reader_of
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, RequestAudience, Team, utc_now
from recommender.errors import Conflict
from recommender.knowledge import documents, outcomes, requests
from recommender.knowledge.documents import Content

Sessions = sessionmaker[Session]
Act = Callable[[Session, HelpRequest, Reader], Any]
ROUNDS = 10  # races; each has a winner, and which one it is differs


@pytest.fixture
def number(sessions: Sessions, add_person: Callable[..., int], add_request: Callable[..., int]) -> int:
    """The id of an open request to IT; aino and otto are agents of IT and HR, vera is one of IT only."""
    for handle, teams in (("aino", ("it", "hr")), ("otto", ("it", "hr")), ("vera", ("it",))):
        add_person(handle, "agent", *teams)
    add_person("hilkka", "agent", "hr", restricted=["hr"])
    return add_request("Screen", team="it", status="open", asked_by="matti")


def _race(sessions: Sessions, number: int, **acts: Act) -> dict[str, str]:
    """What became of each act, by the handle of who did it: each read the request before any of them wrote."""
    together = Barrier(len(acts))

    def act(handle: str) -> str:
        with sessions() as session:
            person = session.query(Person).filter_by(handle=handle).one()
            request, reader = session.get_one(HelpRequest, number), reader_of(person)
            _ = request.audience, request.replies, request.team
            together.wait(timeout=60)
            try:
                acts[handle](session, request, reader)
                session.commit()
            except Conflict:
                return "conflict"
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return dict(zip(acts, pool.map(act, acts), strict=True))


def _to_team(handle: str) -> Act:
    return lambda session, request, reader: requests.move(
        session, request, reader, session.query(Team).filter_by(handle=handle).one()
    )


def _to_person(handle: str) -> Act:
    return lambda session, request, reader: requests.assign(
        session, request, reader, session.query(Person).filter_by(handle=handle).one()
    )


def _again(sessions: Sessions, number: int, **values: Any) -> None:
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, number)
        row.team, row.assigned_to = session.query(Team).filter_by(handle="it").one(), None
        row.status, row.audience = "open", [RequestAudience(token="everyone")]
        for name, value in values.items():
            setattr(row, name, value)


def test_a_request_is_never_assigned_to_somebody_outside_of_the_team_that_got_it(
    sessions: Sessions, number: int
) -> None:
    for _ in range(ROUNDS):
        _again(sessions, number)
        became = _race(sessions, number, aino=_to_team("hr"), otto=_to_person("vera"))
        assert sorted(became.values()) == ["conflict", "done"]
        with sessions() as session:
            row = session.get_one(HelpRequest, number)
            assert row.team is not None
            moved = became["aino"] == "done"
            assert (row.team.handle, row.assigned_to and row.assigned_to.handle) == (
                ("hr", None) if moved else ("it", "vera")
            )


def test_of_two_agents_who_take_a_request_at_once_one_is_told_that_the_other_was_first(
    sessions: Sessions, number: int
) -> None:
    for _ in range(ROUNDS):
        _again(sessions, number)
        became = _race(sessions, number, aino=_to_person("aino"), vera=_to_person("vera"))
        assert sorted(became.values()) == ["conflict", "done"]
        with sessions() as session:
            assigned = session.get_one(HelpRequest, number).assigned_to
            assert assigned is not None and became[assigned.handle] == "done"


def test_sharing_and_moving_at_once_leave_no_reader_that_neither_meant(sessions: Sessions, number: int) -> None:
    for _ in range(ROUNDS):
        _again(sessions, number, team=None, audience=[RequestAudience(token="agents")])
        became = _race(
            sessions, number,
            matti=lambda session, request, reader: requests.share(session, request, reader, False),
            aino=_to_team("hr"),
        )  # fmt: skip
        assert "done" in became.values()
        with sessions() as session:
            row = session.get_one(HelpRequest, number)
            if row.team is not None:  # a restricted team: not even agents of other teams may read it
                assert [entry.token for entry in row.audience] == []


def test_an_imported_resolution_becomes_one_reply_when_two_people_reopen_at_once(
    sessions: Sessions, number: int
) -> None:
    for _ in range(ROUNDS):
        _again(sessions, number, status=RESOLVED, resolved_at=utc_now(), resolution="Restart it.", replies=[])
        became = _race(
            sessions, number,
            aino=lambda session, request, reader: requests.reopen(session, request, reader),
            matti=lambda session, request, reader: requests.reopen(session, request, reader),
        )  # fmt: skip
        assert set(became.values()) == {"done"}
        with sessions() as session:
            row = session.get_one(HelpRequest, number)
            assert (row.status, [reply.body for reply in row.replies]) == ("open", ["Restart it."])


@contextmanager
def _two(sessions: Sessions) -> Iterator[tuple[Session, Session]]:
    with sessions() as first, sessions() as second:
        yield first, second


def test_nobody_verifies_a_text_that_they_have_not_read(
    sessions: Sessions, number: int, add_document: Callable[..., int]
) -> None:
    identifier = add_document("Guide", "Press the button.", team="it", owner="vera")
    with _two(sessions) as (first, second):
        seen = first.get_one(Document, identifier).updated_at
        vera = first.query(Person).filter_by(handle="vera").one()
        other, aino = second.get_one(Document, identifier), second.query(Person).filter_by(handle="aino").one()
        assert other.team is not None
        content = Content("Guide", "Press nothing.", "en", other.team, other.owner, True, None, False)
        documents.edit(second, other, reader_of(aino), content, seen)
        second.commit()
        with pytest.raises(Conflict):
            documents.verify(first, first.get_one(Document, identifier), reader_of(vera), vera, seen, 0)


def test_only_flags_that_somebody_has_seen_are_settled(sessions: Sessions, number: int) -> None:
    with sessions() as session:
        key = f"request:{number}"
        outcomes.record(session, outcomes.EventKind.FLAGGED, key, note="old")
        seen = outcomes.flags(session, key)[-1].id
        outcomes.record(session, outcomes.EventKind.FLAGGED, key, note="new")
        outcomes.settle_flags(session, key, seen)
        assert [flag.note for flag in outcomes.flags(session, key)] == ["new"]
