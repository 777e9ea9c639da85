"""people/colleagues.py: who is named for a question, on a real index with an encoder that counts words."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, reader_of
from recommender.database.tables import Person, Reply, utc_now
from recommender.people import colleagues, experts
from tests.recommender.conftest import Add, Build, add_unrelated_requests, get_person


def test_an_expert_has_evidence_with_its_weight(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray", by="groucho", at=utc_now() - timedelta(days=365))
    (expert,) = build().recommend("printer jam", ANYONE, session).experts
    # the best candidate of both legs has the fused score 1; accepted counts 1; one half-life has passed
    assert (expert.handle, expert.name) == ("groucho", "Groucho")
    assert [piece.item.id for piece in expert.evidence] == [request_id]
    assert expert.evidence[0].weight == pytest.approx(0.5, abs=1e-4)


def test_neither_the_reader_nor_the_asker_of_the_request_is_named(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    for by in ("groucho", "harpo", "chico"):
        add_request("printer jam", answer="open the tray", by=by, at=utc_now())
    recommender, reader = build(), reader_of(get_person(session, "chico"))
    asker = get_person(session, "harpo").id
    result = recommender.recommend("printer jam", reader, session, asker=asker)
    assert [expert.handle for expert in result.experts] == ["groucho"]
    assert {expert.handle for expert in recommender.recommend("printer jam", ANYONE, session).experts} == {
        "groucho", "harpo", "chico",
    }  # fmt: skip


def test_people_who_help_in_the_language_of_the_question_come_first(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    for number in range(3):
        add_request(f"my printer has a paper jam {number}", answer="open the tray", by="groucho", at=utc_now())
    add_request("my printer has a paper jam", answer="open the tray", by="harpo", at=utc_now())
    recommender, question = build(), "my printer has a paper jam and I cannot print"

    def named() -> list[str]:
        with sessions() as fresh:
            return [expert.handle for expert in recommender.recommend(question, ANYONE, fresh).experts]

    assert recommender.language_of(question) == "en" and named() == ["groucho", "harpo"]
    with sessions.begin() as other:
        get_person(other, "groucho").languages, get_person(other, "harpo").languages = ["fi"], ["fi", "en"]
    assert named() == ["harpo", "groucho"]


def test_an_accepted_answer_counts_more_than_an_upvoted_one_and_that_more_than_a_reply(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    now = utc_now()
    request = add_request("printer jam", answer="open the tray", by="accepted", at=now)
    with sessions.begin() as other:
        for handle, score in (("upvoted", 3), ("replied", 0)):
            author = Person(handle=handle, name=handle)
            other.add(Reply(request_id=request, author=author, body="try this", created_at=now, score=score))
    experts = build().recommend("printer jam", ANYONE, session).experts
    assert [expert.handle for expert in experts] == ["accepted", "upvoted", "replied"]
    assert [expert.evidence[0].weight for expert in experts] == pytest.approx([1.0, 0.5, 0.2], abs=1e-4)


def test_an_old_answer_counts_less_than_a_new_one(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    for handle, years in (("oldest", 2), ("new", 0), ("old", 1)):
        add_request("printer jam", answer="open the tray", by=handle, at=utc_now() - timedelta(days=365 * years))
    experts = build().recommend("printer jam", ANYONE, session).experts
    assert [expert.handle for expert in experts] == ["new", "old"]  # the weight of the oldest is too small
    assert [expert.evidence[0].weight for expert in experts] == pytest.approx([1.0, 0.5], abs=1e-4)


def test_the_asker_is_not_named_as_an_expert(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", answer="open the tray", by="groucho")
    add_request("printer jam", answer="open the lid", by="harpo")
    recommender = build()
    reader = reader_of(get_person(session, "groucho"))
    assert [expert.handle for expert in recommender.recommend("printer jam", reader, session).experts] == ["harpo"]
    assert {expert.handle for expert in recommender.recommend("printer jam", ANYONE, session).experts} == {
        "groucho",
        "harpo",
    }


def test_people_who_left_are_not_named_and_people_who_are_away_come_last(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    for handle in ("gone", "leaving", "away", "back", "here"):
        add_request("printer jam", answer="open the tray", by=handle)
    today = utc_now().date()
    with sessions.begin() as other:
        get_person(other, "gone").left_on = today
        get_person(other, "leaving").left_on = today + timedelta(days=2)
        get_person(other, "away").away_until = today + timedelta(days=2)
        get_person(other, "back").away_until = today - timedelta(days=2)
    experts = build().recommend("printer jam", ANYONE, session).experts
    named = [(expert.handle, expert.away_until) for expert in experts]
    assert sorted(named[:3]) == [("back", None), ("here", None), ("leaving", None)]
    assert named[3:] == [("away", today + timedelta(days=2))]


def test_the_team_is_named_when_nobody_who_answered_can_be_named(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", answer="open the tray", by="groucho", team="it")
    recommender = build()
    result = recommender.recommend("printer jam", ANYONE, session)
    assert ([expert.handle for expert in result.experts], result.teams) == (["groucho"], ())
    with sessions.begin() as other:
        get_person(other, "groucho").left_on = utc_now().date()
    result = recommender.recommend("printer jam", ANYONE, session)
    assert (result.experts, result.teams) == ((), ("it",))
    assert recommender.recommend("saxophone mango", ANYONE, session).teams == ()


def test_nobody_is_named_for_an_unrelated_question(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    assert build().recommend("saxophone mango", ANYONE, session).experts == ()


def test_only_people_with_a_shown_item_are_named_however_much_others_did(
    build: Build, session: Session, add_request: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam upstairs", answer="open the tray", by="groucho")
    for number in range(5):
        add_request(f"jam alpha{number} beta{number} gamma{number}", answer=f"delta{number} eps{number}", by="harpo")
    recommender = build()
    monkeypatch.setattr(experts, "NEAR", 0.0)
    near = recommender.evidence("printer jam upstairs", ANYONE, session)
    assert len(experts.rank(near.traces, recommender.snapshot.ranker, utc_now(), 365, "en")) > 1
    [expert] = recommender.recommend("printer jam upstairs", ANYONE, session).experts
    assert expert.handle == "groucho"
    rank = experts.rank
    monkeypatch.setattr(experts, "rank", lambda *given: tuple(reversed(rank(*given))))
    monkeypatch.setattr(colleagues, "EXPERTS_WEIGHED", 1)
    assert [expert.handle for expert in recommender.recommend("printer jam upstairs", ANYONE, session).experts] == [
        "groucho"
    ]
