"""What holds for every source of tickets with a REST interface: all is read, once, from a mark on, despite faults."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from indexer.sources.protocol import Mark, Source
from indexer.sources.records import DeletedRecord, Located, PersonRecord, RequestRecord
from indexer.sources.rest.waiting import Patience
from recommender.errors import SourceError
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, Reply, SystemServer, serving
from tests.indexer.sources.servers.systems import SYSTEMS, Known


@pytest.fixture(params=SYSTEMS.values(), ids=SYSTEMS.keys())
def known(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Known:
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    monkeypatch.setattr("indexer.sources.rest.client.Patience", lambda: Patience(first_pause=0, longest_wait=5))
    found: Known = request.param
    return found


@contextmanager
def running(known: Known, desk: Desk) -> Iterator[SystemServer]:
    with serving(known.serve(desk)) as server:
        yield server


def read(source: Source, since: str | None = None) -> tuple[dict[str, RequestRecord], list[str], list[Located]]:
    """(requests by id, ids in the order in which they came, all that was yielded) and a mark at the end."""
    requests: dict[str, RequestRecord] = {}
    order, located = [], []
    for each in source.read(since):
        if isinstance(each, Located):
            assert each.record is not None, each.problem
            located.append(each)
            if isinstance(each.record, RequestRecord):
                requests[each.record.id] = each.record
                order.append(each.record.id)
    return requests, order, located


def last_mark(source: Source, since: str | None = None) -> str:
    return [each.value for each in source.read(since) if isinstance(each, Mark)][-1]


def names(known: Known, numbers: "list[int] | range") -> set[str]:
    return {known.name(number) for number in numbers}


def test_a_ticket_is_told_by_what_people_call_it_and_without_a_line(known: Known) -> None:
    desk = Desk(1)
    with running(known, desk) as server:
        places = {each.place for each in read(known.open(server.url))[2] if isinstance(each.record, RequestRecord)}
    told = {"jira": "PROJ-1", "servicenow": "INC0000001", "github": "kallio/neuvonta#1", "gitlab": "issue 1"}
    assert places == {told.get(known.kind, "ticket 1")}


def test_every_ticket_is_read_once_with_its_question_answer_people_and_times(known: Known) -> None:
    desk = Desk(130)
    with running(known, desk) as server:
        requests, order, located = read(known.open(server.url))
    assert set(order) == names(known, range(1, 131)) and len(order) == 130
    first, third = requests[known.name(1)], requests[known.name(3)]
    assert first.title == "Kysymys 1: tulostin ei toimi"
    assert "Virhe 0x0001." in first.body
    assert first.created_at == desk.tickets[1].at.replace(tzinfo=None)
    assert first.status == "resolved" and third.status == "open" and third.resolved_at is None
    assert [(reply.body, reply.accepted, reply.internal) for reply in first.replies] == [
        ("Sisäinen huomio 1", False, known.has_private),
        ("Käynnistä palvelu 1 uudelleen.", True, False),
    ]
    people = {each.record.id: each.record for each in located if isinstance(each.record, PersonRecord)}
    assert people[str(first.asked_by)].name == "Kysyjä 4"
    assert people[str(first.replies[1].author)].name == "Agentti 3"
    known_before: set[str] = set()
    for each in located:  # each person comes before the first request that names them
        if isinstance(each.record, PersonRecord):
            known_before.add(each.record.id)
        elif isinstance(each.record, RequestRecord):
            assert each.record.asked_by in known_before


def test_from_a_mark_on_only_what_has_changed_is_read(known: Known) -> None:
    desk = Desk(60, pace=timedelta(minutes=10))
    with running(known, desk) as server:
        mark = last_mark(known.open(server.url))
        desk.now += timedelta(days=3)
        desk.change(7, "Uusi kysymys")
        desk.add("Kysymys 61", "Aivan uusi")
        desk.answer(3, "Paperi puuttui.")
        requests, _order, _located = read(known.open(server.url), mark)
        mark = last_mark(known.open(server.url), mark)
        desk.now += timedelta(days=3)
        desk.touch(1)
        later, _order, _located = read(known.open(server.url), mark)
    changed = names(known, [7, 61, 3])
    assert changed <= set(requests)
    assert len(requests) < 30  # a little is read again, and not everything
    assert requests[known.name(7)].body.strip() == "Uusi kysymys"
    assert requests[known.name(3)].status == "resolved"
    assert known.name(1) in later and len(later) < 10


def test_nothing_is_lost_while_rows_move_between_pages(known: Known) -> None:
    desk = Desk(300, pace=timedelta(seconds=1))
    with running(known, desk) as server:
        server.faults.between = lambda number: desk.touch(number % 300 + 1) if number < 400 else None
        _requests, order, _located = read(known.open(server.url))
    assert set(order) == names(known, range(1, 301))


@pytest.mark.parametrize("fault", ["limited", "failing", "cut", "wrong_json", "page"])
def test_faults_that_pass_change_nothing(known: Known, fault: str) -> None:
    with running(known, Desk(70)) as server:
        setattr(server.faults, f"{fault}_every", 4)
        _requests, order, _located = read(known.open(server.url))
    assert sorted(order) == sorted(names(known, range(1, 71)))


def test_a_read_that_breaks_off_goes_on_from_its_last_mark(known: Known) -> None:
    desk = Desk(200)
    seen: set[str] = set()
    mark: str | None = None
    with running(known, desk) as server:
        server.faults.dead_after = 6
        for _attempt in range(100):
            try:
                for each in known.open(server.url).read(mark):
                    if isinstance(each, Mark):
                        mark = each.value
                    elif isinstance(each.record, RequestRecord):
                        seen.add(each.record.id)
                break
            except SourceError:
                server.faults.dead_after = len(server.requests) + 30 + len(server.requests) % 40
    assert seen == names(known, range(1, 201))


def test_an_answer_in_another_form_ends_with_a_sentence(known: Known) -> None:
    with running(known, Desk(3)) as server:
        server.system.answer = lambda _path, _params: Reply({"surprise": 1})  # type: ignore[method-assign]
        with pytest.raises(SourceError, match=r"desk: .* answers in another form than the system documents"):
            read(known.open(server.url))


def test_a_token_that_ends_half_way_is_told(known: Known) -> None:
    with running(known, Desk(120)) as server:
        server.faults.token_ends_after = 4
        with pytest.raises(
            SourceError, match=r"desk: the token is refused \(401\): make a new one and set KOLLEGA_DESK"
        ):
            read(known.open(server.url))


def test_without_a_token_nothing_is_asked(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KOLLEGA_DESK_TOKEN")
    with running(known, Desk(1)) as server:
        with pytest.raises(SourceError, match="Set KOLLEGA_DESK_TOKEN"):
            read(known.open(server.url))
        assert server.requests == []


def test_a_clock_that_is_wrong_there_loses_nothing(known: Known) -> None:
    desk = Desk(20)
    desk.tickets[20].changed = desk.now + timedelta(days=27_000)
    with running(known, desk) as server:
        server.faults.skew = desk.now + timedelta(minutes=1) - desk.now.now(desk.now.tzinfo)
        mark = last_mark(known.open(server.url))
        desk.now += timedelta(hours=1)
        desk.change(4, "Muuttunut")
        requests, _order, _located = read(known.open(server.url), mark)
    assert known.name(4) in requests


def test_what_was_hidden_merged_closed_or_deleted_is_said(known: Known) -> None:
    desk = Desk(9)
    with running(known, desk) as server:
        before, _order, _located = read(known.open(server.url))
        mark = last_mark(known.open(server.url))
        desk.now += timedelta(days=1)
        desk.hide(1)
        desk.note(6, "Ei tehdä.")
        desk.end(6, "unanswered")
        desk.end(9, "merged", into=1)
        desk.delete(2)
        requests, _order, located = read(known.open(server.url), mark)
    if known.has_private:
        assert requests[known.name(1)].readers_there != before[known.name(1)].readers_there
    assert requests[known.name(9)].status == "closed" and requests[known.name(6)].status in ("closed", "resolved")
    if known.tells_merged:
        assert requests[known.name(9)].merged_into == known.name(1)
    deleted = [each.record.id for each in located if isinstance(each.record, DeletedRecord)]
    assert deleted == ([known.name(2)] if known.tells_deletions else [])


def test_the_token_is_in_no_log_address_or_error(known: Known, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running(known, Desk(3)) as server:
        read(known.open(server.url))
        server.faults.dead_after = 1
        with pytest.raises(SourceError) as failed:
            read(known.open(server.url))
        assert TOKEN not in caplog.text + str(failed.value) + " ".join(server.requests)
