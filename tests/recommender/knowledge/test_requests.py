"""knowledge/requests.py: what can be done with a request, who may do it, and who can read it afterwards."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, Reader, may_read, reader_of, request_audience
from recommender.database.tables import HelpRequest, Person, Reply, RequestAttempt, RequestAudience, Team, utc_now
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import requests

OLD = datetime(2026, 1, 1)
EVERYBODY = ("minna", "otto", "iida", "vera", "liisa", "lasse", "")
PEOPLE = [  # "" is a person who is not signed in
    ("minna", "staff"),  # asks questions
    ("otto", "agent", "it"),
    ("iida", "staff", "it"),
    ("vera", "agent", "hr"),
    ("liisa", "lead"),
    ("lasse", "staff"),
]


@pytest.fixture
def session(sessions: sessionmaker[Session], add_person: Callable[..., int]) -> Iterator[Session]:
    """A session on PEOPLE and the teams it, hr (restricted) and legal."""
    for handle, role, *teams in PEOPLE:
        add_person(handle, role, *teams, restricted=["hr"])
    with sessions.begin() as session:
        session.add(Team(handle="legal", name="Legal"))
    with sessions() as opened:
        yield opened


def _person(session: Session, handle: str) -> Person:
    return session.scalars(select(Person).where(Person.handle == handle)).one()


def _team(session: Session, handle: str) -> Team:
    return session.scalars(select(Team).where(Team.handle == handle)).one()


def _reader(session: Session, handle: str) -> Reader:
    return reader_of(_person(session, handle)) if handle else ANYONE


def _open(session: Session, team: str | None = "it", *, shared: bool = False) -> HelpRequest:
    """An open request by Minna that was last changed long ago."""
    minna, to = _person(session, "minna"), _team(session, team) if team else None
    request = requests.file_request(session, minna, "VPN", "It drops.", "en", to, shared=shared)
    request.created_at = request.updated_at = OLD
    session.commit()
    return request


def _resolved(session: Session, team: str | None = "it", *, resolution: str | None = None) -> HelpRequest:
    """A request by Minna that was resolved on 3 January, by a reply from Otto on 2 January or by an imported
    resolution."""
    request = _open(session, team)
    request.status, request.resolved_at, request.resolution = "resolved", OLD + timedelta(days=2), resolution
    if resolution is None:
        otto = _person(session, "otto")
        request.replies.append(Reply(author=otto, body="Update it.", created_at=OLD + timedelta(days=1), accepted=True))
    request.updated_at = OLD
    session.commit()
    return request


def _readers(session: Session, request: HelpRequest) -> set[str]:
    return {handle for handle in EVERYBODY if may_read(request_audience(request), _reader(session, handle))}


def _stored(session: Session, request: HelpRequest) -> HelpRequest:
    """The request as it is in the database."""
    session.commit()
    session.expire_all()
    return session.get_one(HelpRequest, request.id)


# sending


@pytest.mark.parametrize(
    ("team", "shared", "readers"),
    [
        ("it", True, set(EVERYBODY)),
        ("it", False, {"minna", "otto", "iida"}),
        ("hr", False, {"minna", "vera"}),
        (None, True, set(EVERYBODY)),
        (None, False, {"minna", "otto", "vera", "liisa"}),  # any agent, because it has no team
    ],
)
def test_a_new_request_is_readable_by_everyone_or_by_asker_and_team(
    session: Session, team: str | None, shared: bool, readers: set[str]
) -> None:
    request = _stored(session, _open(session, team, shared=shared))
    assert _readers(session, request) == readers


def test_a_new_request_is_open_and_stored_as_it_was_written(session: Session) -> None:
    before = utc_now()
    minna = _person(session, "minna")
    made = requests.file_request(session, minna, "VPN drops", "Every hour.", "en", _team(session, "it"), shared=True)
    row = _stored(session, made)
    assert (row.title, row.body, row.language, row.status) == ("VPN drops", "Every hour.", "en", "open")
    assert row.team is not None and (row.team.handle, row.asked_by, row.anonymous) == ("it", minna, False)
    assert (row.assigned_to, row.resolved_at, row.resolution, row.replies) == (None, None, None, [])
    assert before <= row.created_at <= utc_now()


def test_an_anonymous_request_is_marked_and_readable_by_its_asker(session: Session) -> None:
    minna = _person(session, "minna")
    made = requests.file_request(session, minna, "T", "", "en", None, shared=False, anonymous=True)
    row = _stored(session, made)
    assert row.anonymous and row.asked_by is minna
    assert "minna" in _readers(session, row)


def test_a_title_too_long_for_its_column_is_cut(session: Session) -> None:
    made = requests.file_request(session, _person(session, "minna"), "x" * 501, "", "en", None, shared=True)
    assert _stored(session, made).title == "x" * 500


def test_suggestions_shown_before_are_stored_once_and_in_order(session: Session) -> None:
    attempts = [("request:1", False), ("document:2", True), ("request:3", False), ("request:1", True)]
    minna = _person(session, "minna")
    made = requests.file_request(session, minna, "T", "", "en", None, shared=True, attempts=iter(attempts))
    result = [(row.item, row.position, row.opened) for row in _stored(session, made).attempts]
    assert result == [("request:1", 0, True), ("document:2", 1, True), ("request:3", 2, False)]


def test_without_suggestions_no_attempts_are_stored(session: Session) -> None:
    _open(session)
    assert session.query(RequestAttempt).count() == 0


# replying


def test_a_reply_to_an_open_request_leaves_it_open(session: Session) -> None:
    request = _open(session)
    made = requests.reply(session, request, _person(session, "otto"), "Which client?")
    row = _stored(session, request)
    assert [(reply.body, reply.accepted) for reply in row.replies] == [("Which client?", False)]
    assert (made.author, row.status) == (_person(session, "otto"), "open")
    assert row.updated_at == made.created_at > OLD  # so that the watcher notices the change


def test_a_reply_to_a_resolved_request_reopens_it_without_a_solution(session: Session) -> None:
    request = _resolved(session)
    requests.reply(session, request, _person(session, "minna"), "It still drops.")
    row = _stored(session, request)
    assert (row.status, row.resolved_at) == ("open", None)
    assert [(reply.body, reply.accepted) for reply in row.replies] == [
        ("Update it.", False),
        ("It still drops.", False),
    ]


def _by_reply(session: Session, request: HelpRequest) -> None:
    requests.reply(session, request, _person(session, "minna"), "It still drops.")


def _by_reopening(session: Session, request: HelpRequest) -> None:
    requests.reopen(session, request, _reader(session, "minna"))


@pytest.mark.parametrize(("again", "after"), [(_by_reply, ["It still drops."]), (_by_reopening, [])])
def test_an_imported_resolution_becomes_a_reply_when_the_request_is_opened_again(
    session: Session, again: Callable[[Session, HelpRequest], None], after: list[str]
) -> None:
    request = _resolved(session, resolution="Reboot the gateway.")
    again(session, request)
    row = _stored(session, request)
    assert (row.status, row.resolution) == ("open", None)
    assert [reply.body for reply in row.replies] == ["Reboot the gateway.", *after]
    first = row.replies[0]
    assert (first.author, first.accepted, first.created_at) == (None, False, OLD + timedelta(days=2))


def test_the_resolution_of_an_imported_open_request_becomes_a_reply_when_another_reply_solves_it(
    session: Session,
) -> None:
    request = _open(session)
    request.resolution = "Reboot the gateway."
    solution = requests.reply(session, request, _person(session, "otto"), "Update it.")
    requests.resolve(session, request, _reader(session, "otto"), solution)
    row = _stored(session, request)
    assert row.resolution is None
    assert {reply.body: reply.accepted for reply in row.replies} == {"Reboot the gateway.": False, "Update it.": True}


# resolving and reopening


@pytest.mark.parametrize(
    ("team", "allowed"),
    [
        ("it", {"minna", "otto"}),
        ("hr", {"minna", "vera"}),
        ("legal", {"minna"}),
        (None, {"minna", "otto", "vera", "liisa"}),
    ],
)
def test_the_asker_and_the_agents_who_handle_it_resolve_and_reopen(
    session: Session, team: str | None, allowed: set[str]
) -> None:
    for who in allowed:
        request, reader = _open(session, team), _reader(session, who)
        solution = requests.reply(session, request, _person(session, "iida"), "Update it.")
        assert requests.may_resolve(request, reader)
        requests.resolve(session, request, reader, solution)
        assert (_stored(session, request).status, solution.accepted) == ("resolved", True)
        requests.reopen(session, request, reader)
        assert (_stored(session, request).status, solution.accepted) == ("open", False)


@pytest.mark.parametrize(
    ("team", "refused"),
    [
        ("it", {"iida", "vera", "liisa", "lasse", ""}),
        ("hr", {"otto", "iida", "liisa", "lasse", ""}),
        ("legal", {"otto", "iida", "vera", "liisa", "lasse", ""}),
        (None, {"iida", "lasse", ""}),
    ],
)
def test_nobody_else_resolves_or_reopens_it(session: Session, team: str | None, refused: set[str]) -> None:
    request = _open(session, team)
    solution = requests.reply(session, request, _person(session, "iida"), "Update it.")
    for reader in [_reader(session, who) for who in refused]:
        assert not requests.may_resolve(request, reader)
        with pytest.raises(NotAllowed, match="can resolve"):
            requests.resolve(session, request, reader, solution)
    assert (_stored(session, request).status, solution.accepted) == ("open", False)
    requests.resolve(session, request, _reader(session, "minna"), solution)
    for reader in [_reader(session, who) for who in refused]:
        with pytest.raises(NotAllowed, match="can reopen"):
            requests.reopen(session, request, reader)
    assert (_stored(session, request).status, solution.accepted) == ("resolved", True)


def test_a_visitor_is_not_the_asker_of_a_request_without_an_asker(session: Session) -> None:
    request = _open(session)
    request.asked_by = None
    session.flush()
    assert not requests.may_resolve(request, ANYONE)
    with pytest.raises(NotAllowed):
        requests.share(session, request, ANYONE, True)


def test_one_reply_is_the_solution_and_the_time_is_stored(session: Session) -> None:
    request, before = _open(session), utc_now()
    wrong, right = [requests.reply(session, request, _person(session, "otto"), body) for body in ("Wait.", "Update.")]
    requests.resolve(session, request, _reader(session, "minna"), wrong)
    requests.reopen(session, request, _reader(session, "minna"))
    requests.resolve(session, request, _reader(session, "minna"), right)
    row = _stored(session, request)
    assert [(reply.body, reply.accepted) for reply in row.replies] == [("Wait.", False), ("Update.", True)]
    assert row.resolved_at is not None and before <= row.resolved_at == row.updated_at <= utc_now()


def test_a_reply_to_another_request_cannot_be_the_solution(session: Session) -> None:
    request, other = _open(session), _open(session)
    elsewhere = requests.reply(session, other, _person(session, "otto"), "Update it.")
    with pytest.raises(NotAllowed, match="another request"):
        requests.resolve(session, request, _reader(session, "otto"), elsewhere)
    assert [_stored(session, row).status for row in (request, other)] == ["open", "open"]
    assert not elsewhere.accepted


def test_reopening_an_open_request_changes_nothing(session: Session) -> None:
    request = _open(session)
    requests.reopen(session, request, _reader(session, "minna"))
    row = _stored(session, request)
    assert (row.status, row.updated_at) == ("open", OLD)


def test_when_two_people_resolve_the_second_gets_a_conflict_and_stores_nothing(
    session: Session, sessions: sessionmaker[Session]
) -> None:
    number = _open(session).id
    with sessions() as first, sessions() as second:
        request, otto = second.get_one(HelpRequest, number), _person(second, "otto")
        earlier, first_otto = first.get_one(HelpRequest, number), _person(first, "otto")
        solution = requests.reply(first, earlier, first_otto, "first")
        requests.resolve(first, earlier, reader_of(first_otto), solution)
        first.commit()
        assert request.status == "open"  # as the second session has read it
        with pytest.raises(Conflict, match="Somebody else has solved"):
            requests.resolve(second, request, reader_of(otto), requests.reply(second, request, otto, "second"))
        second.rollback()
    session.expire_all()
    row = session.get_one(HelpRequest, number)
    assert (row.status, [(reply.body, reply.accepted) for reply in row.replies]) == ("resolved", [("first", True)])


def test_when_many_people_resolve_together_only_one_succeeds(session: Session, sessions: sessionmaker[Session]) -> None:
    number, together, results = _open(session).id, threading.Barrier(4), []

    def resolve(body: str) -> None:
        with sessions() as mine:
            request, otto = mine.get_one(HelpRequest, number), _person(mine, "otto")
            together.wait(300)
            try:
                requests.resolve(mine, request, reader_of(otto), requests.reply(mine, request, otto, body))
                mine.commit()
                results.append(body)
            except Conflict:
                mine.rollback()
                results.append("conflict")

    threads = [threading.Thread(target=resolve, args=(f"by {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    session.expire_all()
    row = session.get_one(HelpRequest, number)
    (stored_reply,) = row.replies
    assert sorted(results) == [stored_reply.body, "conflict", "conflict", "conflict"]
    assert (row.status, stored_reply.accepted) == ("resolved", True)


def test_resolving_a_resolved_request_with_another_reply_is_a_conflict(session: Session) -> None:
    request, minna = _resolved(session), _reader(session, "minna")
    other = Reply(request=request, body="Or this.", created_at=OLD)
    session.add(other)
    session.flush()
    with pytest.raises(Conflict):
        requests.resolve(session, request, minna, other)
    requests.resolve(session, request, minna, request.replies[0])  # sent twice: it is as it should be
    assert _stored(session, request).resolved_at == OLD + timedelta(days=2)


def test_a_reply_that_resolves_is_stored_as_the_solution(session: Session) -> None:
    request, otto = _open(session), _person(session, "otto")
    solution = requests.reply_and_resolve(session, request, reader_of(otto), otto, "Update it.")
    row = _stored(session, request)
    assert (row.status, [(reply.id, reply.accepted) for reply in row.replies]) == ("resolved", [(solution.id, True)])
    assert (solution.author, solution.body) == (otto, "Update it.")


def test_a_resolving_reply_to_a_resolved_request_is_a_conflict_and_is_not_stored(session: Session) -> None:
    request, otto = _resolved(session), _person(session, "otto")
    with pytest.raises(Conflict, match="Somebody else has solved"):
        requests.reply_and_resolve(session, request, reader_of(otto), otto, "Second.")
    row = _stored(session, request)
    assert (row.status, [reply.body for reply in row.replies]) == ("resolved", ["Update it."])


def test_a_resolving_reply_that_loses_the_race_is_a_conflict_and_is_rolled_back(
    session: Session, sessions: sessionmaker[Session]
) -> None:
    number = _open(session).id
    with sessions() as late:
        request, otto = late.get_one(HelpRequest, number), _person(late, "otto")
        assert request.status == "open"  # as the late session has read it
        with sessions.begin() as early:
            first = _person(early, "otto")
            requests.reply_and_resolve(early, early.get_one(HelpRequest, number), reader_of(first), first, "first")
        with pytest.raises(Conflict, match="Somebody else has solved"):
            requests.reply_and_resolve(late, request, reader_of(otto), otto, "second")
        late.rollback()
    session.expire_all()
    assert [reply.body for reply in session.get_one(HelpRequest, number).replies] == ["first"]


@pytest.mark.parametrize("who", ["iida", "vera", "liisa", "lasse"])
def test_a_person_who_may_not_resolve_stores_no_resolving_reply(session: Session, who: str) -> None:
    for request, status in ((_open(session), "open"), (_resolved(session), "resolved")):
        replies = len(request.replies)
        with pytest.raises(NotAllowed, match="can resolve"):
            requests.reply_and_resolve(session, request, _reader(session, who), _person(session, who), "Mine.")
        row = _stored(session, request)
        assert (row.status, len(row.replies)) == (status, replies)


# assigning and moving


def test_a_request_is_assigned_to_a_member_of_its_team_and_then_to_nobody(session: Session) -> None:
    request, otto = _open(session), _person(session, "otto")
    requests.assign(session, request, reader_of(otto), otto)
    row = _stored(session, request)
    assert row.assigned_to is otto and row.updated_at > OLD
    requests.assign(session, request, reader_of(otto), None)
    assert _stored(session, request).assigned_to is None


@pytest.mark.parametrize(
    ("team", "by", "to", "why"),
    [
        ("it", "otto", "vera", "assigned to a member of the team"),
        ("it", "otto", "minna", "assigned to a member of the team"),
        (None, "otto", "otto", "assigned to a member of the team"),
        ("it", "vera", "otto", "Only the team that handles"),
        ("it", "liisa", "otto", "Only the team that handles"),
        ("it", "iida", "otto", "Only the team that handles"),
        ("it", "minna", "otto", "Only the team that handles"),
        ("it", "", "otto", "Only the team that handles"),
        ("it", "vera", None, "Only the team that handles"),
    ],
)
def test_only_team_members_are_assigned_and_only_those_who_handle_it_assign(
    session: Session, team: str | None, by: str, to: str | None, why: str
) -> None:
    request = _open(session, team)
    with pytest.raises(NotAllowed, match=why):
        requests.assign(session, request, _reader(session, by), _person(session, to) if to else None)
    row = _stored(session, request)
    assert (row.assigned_to, row.updated_at) == (None, OLD)


@pytest.mark.parametrize(
    ("team", "shared", "to", "readers"),
    [
        ("it", True, "hr", {"minna", "vera"}),
        ("it", True, "legal", set(EVERYBODY)),
        ("it", False, "hr", {"minna", "vera"}),
        ("it", False, "legal", {"minna"}),
        (None, False, "hr", {"minna", "vera"}),
        (None, False, "it", {"minna", "otto", "iida"}),
        (None, True, "it", set(EVERYBODY)),
        (None, True, "hr", {"minna", "vera"}),
    ],
)
def test_a_moved_request_is_readable_by_its_new_team_and_by_everyone_only_if_that_is_not_restricted(
    session: Session, team: str | None, shared: bool, to: str, readers: set[str]
) -> None:
    request = _open(session, team, shared=shared)
    requests.move(session, request, _reader(session, "otto"), _team(session, to))
    row = _stored(session, request)
    assert row.team is not None and row.team.handle == to and row.updated_at > OLD
    assert _readers(session, row) == readers


def test_a_moved_request_is_assigned_to_nobody(session: Session) -> None:
    request, otto = _open(session), _person(session, "otto")
    requests.assign(session, request, reader_of(otto), otto)
    requests.move(session, request, reader_of(otto), _team(session, "legal"))
    assert _stored(session, request).assigned_to is None


def test_the_previous_team_cannot_read_a_moved_request_even_if_it_was_in_the_audience(
    session: Session,
) -> None:
    request = _open(session)
    request.audience = [RequestAudience(token="team:it")]
    requests.move(session, request, _reader(session, "otto"), _team(session, "hr"))
    assert _readers(session, _stored(session, request)) == {"minna", "vera"}


@pytest.mark.parametrize("who", ["minna", "iida", "vera", "liisa", "lasse", ""])
def test_only_those_who_handle_a_request_move_it(session: Session, who: str) -> None:
    request = _open(session, shared=True)
    with pytest.raises(NotAllowed, match="Only the team that handles"):
        requests.move(session, request, _reader(session, who), _team(session, "hr"))
    row = _stored(session, request)
    assert row.team is not None and row.team.handle == "it"
    assert _readers(session, row) == set(EVERYBODY)


# sharing


@pytest.mark.parametrize(
    ("team", "narrow"), [("it", {"minna", "otto", "iida"}), (None, {"minna", "otto", "vera", "liisa"})]
)
def test_the_asker_shares_a_request_and_makes_it_private_again(
    session: Session, team: str | None, narrow: set[str]
) -> None:
    request, minna = _open(session, team), _reader(session, "minna")
    for shared in (True, True, False, False, True):
        readers = set(EVERYBODY) if shared else narrow
        requests.share(session, request, minna, shared)
        row = _stored(session, request)
        assert _readers(session, row) == readers and row.updated_at > OLD


@pytest.mark.parametrize("who", [who for who in EVERYBODY if who != "minna"])
def test_only_the_asker_shares_a_request(session: Session, who: str) -> None:
    request = _open(session)
    with pytest.raises(NotAllowed, match="Only the person who asked"):
        requests.share(session, request, _reader(session, who), True)
    assert _readers(session, _stored(session, request)) == {"minna", "otto", "iida"}


@pytest.mark.parametrize("who", EVERYBODY)
def test_the_agents_who_handle_a_request_may_unshare_it(session: Session, who: str) -> None:
    request = _open(session, shared=True)
    if who in ("minna", "otto"):
        requests.share(session, request, _reader(session, who), False)
        assert _readers(session, _stored(session, request)) == {"minna", "otto", "iida"}
    else:
        with pytest.raises(NotAllowed, match="Only the person who asked"):
            requests.share(session, request, _reader(session, who), False)
        assert _readers(session, _stored(session, request)) == set(EVERYBODY)


def test_only_the_asker_and_the_team_read_a_request_that_is_kept_to_them(session: Session) -> None:
    request = _open(session, shared=True)
    vera = _person(session, "vera")
    request.audience += [RequestAudience(token="team:hr"), RequestAudience(token=f"person:{vera.id}")]
    assert requests.is_shared_further(request)
    requests.share(session, request, _reader(session, "minna"), False)
    assert _readers(session, _stored(session, request)) == {"minna", "otto", "iida"}
    assert not requests.is_shared_further(request)
