"""people/evidence.py: which items give traces, and that items hidden from the reader change nothing."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, Reader, may_read, reader_of
from recommender.corpus import load_items
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.datatypes import Contribution, Expert, Part
from recommender.people.availability import Availability
from recommender.people.evidence import mark_shown, traces
from recommender.people.experts import Ranked, describe, rank, teams, with_evidence
from recommender.people.fairness import choose
from recommender.people.ranker import SHIPPED

AT = datetime(2026, 1, 1)
Named = tuple[tuple[Ranked, ...], tuple[str, ...], tuple[Expert, ...]]


def _request(*replies: Reply, audience: Sequence[str] = ("everyone",), **values: object) -> HelpRequest:
    row = HelpRequest(title="t", body="", language="en", status="resolved", created_at=AT)
    for name, value in values.items():
        setattr(row, name, value)
    row.replies, row.audience = list(replies), [RequestAudience(token=token) for token in audience]
    return row


def _reply(author: int | None, days: int = 0, accepted: bool = False, score: int = 0) -> Reply:
    return Reply(author_id=author, body="so", created_at=AT + timedelta(days=days), accepted=accepted, score=score)


def _document(owner: int, audience: Sequence[str] = ("everyone",), **values: object) -> Document:
    row = Document(title="d", body="", language="fi", owner_id=owner, written_at=AT)
    for name, value in values.items():
        setattr(row, name, value)
    row.audience = [DocumentAudience(token=token) for token in audience]
    return row


@pytest.fixture
def people(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """People 1 to 5 and the teams it (person 1) and hr (person 2)."""
    with sessions() as session:
        added = [Person(handle=f"p{number}", name=f"P{number}", role="agent") for number in range(1, 6)]
        added[0].teams, added[1].teams = [Team(handle="it", name="it")], [Team(handle="hr", name="hr")]
        for person in added:  # one after the other, so that the ids are equal to the numbers in the names
            session.add(person)
            session.flush()
        yield session


def test_the_best_contribution_of_each_replier_counts_but_none_of_the_asker(people: Session) -> None:
    team = people.scalars(select(Team).where(Team.handle == "it")).one()
    replies = [_reply(1), _reply(1, 2, accepted=True), _reply(2, 1, score=3), _reply(3, 3), _reply(4), _reply(None)]
    people.add(_request(*replies, asked_by_id=4, team_id=team.id))
    people.flush()
    (trace,) = traces(people, {"request:1": 0.7}, ANYONE)
    assert (trace.key, trace.score, trace.team, trace.language) == ("request:1", 0.7, "it", "en")
    assert set(trace.contributions) == {
        Contribution(1, 1.0, AT + timedelta(days=2), Part.ANSWERED),
        Contribution(2, 0.5, AT + timedelta(days=1), Part.ANSWERED),
        Contribution(3, 0.2, AT + timedelta(days=3), Part.REPLIED),
    }


def test_a_service_takes_part_in_nothing_whatever_it_answered_or_owns(people: Session) -> None:
    bot = Person(handle="p6", name="ServiceDesk Bot", role="agent")
    people.add(bot)
    people.flush()
    people.add_all(
        [_request(_reply(6, accepted=True), _reply(1, 1)), _document(6, verified_by_id=2, verified_on=date(2026, 2, 1))]
    )
    people.flush()
    keys = {"request:1": 0.9, "document:1": 0.5}

    def authors() -> list[set[int]]:
        return [{part.person_id for part in trace.contributions} for trace in traces(people, keys, ANYONE)]

    assert authors() == [{1}, {2}]
    bot.stated_kind = "person"
    people.flush()
    assert authors() == [{1, 6}, {2, 6}]


def test_the_contributions_are_those_of_the_whole_item(people: Session) -> None:
    people.add_all(
        [_request(_reply(1), _reply(2, 1, True)), _document(3, verified_on=date(2026, 2, 1), verified_by_id=4)]
    )
    people.flush()
    keys = ("request:1", "document:1")
    items = load_items(people, keys)
    assert {trace.key: trace.contributions for trace in traces(people, dict.fromkeys(keys, 1.0), ANYONE)} == {
        key: items[key].contributions for key in keys
    }
    assert [part.person_id for part in items["document:1"].contributions] == [3, 4]


def test_open_hidden_and_draft_items_give_no_traces_and_the_nearest_comes_first(people: Session) -> None:
    people.add_all([_request(_reply(1), status="open"), _request(_reply(1), hidden=True), _request(_reply(1))])
    people.add_all([_document(1, draft=True), _document(1, hidden=True), _document(1)])
    people.flush()
    scores = {f"request:{n}": n / 10 for n in (1, 2, 3)} | {f"document:{n}": n / 5 for n in (1, 2, 3)}
    assert [trace.key for trace in traces(people, scores, ANYONE)] == ["document:3", "request:3"]


def test_a_question_of_the_past_uses_only_contributions_made_before_it(people: Session) -> None:
    people.add_all([_request(_reply(1, 1), _reply(2, 5), _reply(1, 6, accepted=True)), _document(3)])
    people.flush()
    keys = {"request:1": 1.0, "document:1": 0.5}
    result = traces(people, keys, ANYONE, before=AT + timedelta(days=5))
    assert [trace.contributions for trace in result] == [
        (Contribution(1, 0.2, AT + timedelta(days=1), Part.REPLIED),),
        (Contribution(3, 0.4, AT, Part.KEEPS),),
    ]
    assert traces(people, keys, ANYONE, before=AT)[1].contributions == ()
    people.get_one(HelpRequest, 1).resolved_at = AT + timedelta(days=6)
    assert [trace.key for trace in traces(people, keys, ANYONE, before=AT + timedelta(days=6))] == ["document:1"]
    assert len(traces(people, keys, ANYONE, before=AT + timedelta(days=7))) == 2


def test_an_item_that_a_person_declined_is_no_evidence_for_them(people: Session) -> None:
    people.add_all([_request(_reply(1), _reply(2)), _request(_reply(1))])
    people.flush()
    keys = {"request:1": 1.0, "request:2": 0.5}
    result = traces(people, keys, ANYONE, declined={("request:1", 1), ("request:2", 9)})
    assert [[part.person_id for part in trace.contributions] for trace in result] == [[2], [1]]


def _fill(session: Session, rng: random.Random) -> None:
    """Add items with random audiences, teams, askers and answers."""
    tokens = ["everyone", "team:it", "team:hr", "person:3", "person:4"]
    team_ids = [None, *session.scalars(select(Team.id))]
    for _ in range(rng.randint(3, 14)):
        audience = rng.sample(tokens, rng.randint(0, 2))
        replies = [
            _reply(rng.randint(1, 5), rng.randint(0, 400), rng.random() < 0.3, rng.randint(0, 1))
            for _ in range(rng.randint(0, 4))
        ]
        asker, team = rng.choice([None, 3, 4, 5]), rng.choice(team_ids)
        session.add(_request(*replies, audience=audience, asked_by_id=asker, team_id=team))
        if rng.random() < 0.4:
            session.add(_document(rng.randint(1, 5), rng.sample(tokens, 1), team_id=team, draft=rng.random() < 0.2))
    session.flush()


@pytest.mark.parametrize("seed", range(40))
def test_items_that_the_reader_may_not_read_do_not_change_the_colleagues(people: Session, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    _fill(people, rng)
    requests, documents = people.scalars(select(HelpRequest.id)).all(), people.scalars(select(Document.id)).all()
    keys = [f"request:{number}" for number in requests] + [f"document:{number}" for number in documents]
    scores = {key: rng.random() for key in keys}
    readers = [ANYONE, *(reader_of(person) for person in people.scalars(select(Person)))]
    named = []
    for reader in readers:
        before = _named(people, scores, reader)
        named.append(before)
        hidden = [key for key, item in load_items(people, keys).items() if not may_read(item.audience, reader)]
        with people.begin_nested() as only_readable:
            for key in hidden:
                kind, number = key.split(":")
                table = HelpRequest if kind == "request" else Document
                people.execute(delete(table).where(table.id == int(number)))
            people.expire_all()
            assert _named(people, scores, reader) == before
            only_readable.rollback()
        people.expire_all()
        assert people.scalar(select(func.count()).select_from(HelpRequest)) == len(requests)
    assert any(experts for _ranked, _teams, experts in named) and any(handles for _ranked, handles, _experts in named)


def _named(session: Session, scores: dict[str, float], reader: Reader) -> Named:
    """The people whom the recommender names, if items are shown from a score of 0.3 on."""
    now = AT + timedelta(days=500)
    shown = {key: score for key, score in scores.items() if score >= 0.3}
    near = mark_shown(traces(session, scores, reader), shown)
    excluded = {reader.person_id} if reader.person_id else set()
    ranked = with_evidence(rank(near, SHIPPED, now, 365, "en", excluded), near)
    people = [person.person_id for person in ranked]
    available = {person_id: Availability(person_id, False, None, False, None, 0.0, (), None) for person_id in people}
    return ranked, teams(near), describe(session, reader, choose(ranked, available, (), "en"), near, now, 365)
