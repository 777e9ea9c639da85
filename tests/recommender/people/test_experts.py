"""people/experts.py: the order of people, computed by hand, and the evidence that experts have."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.datatypes import Contribution, Part
from recommender.people.evidence import Trace
from recommender.people.experts import NEAR, Ranked, describe, load_people, rank, reasons, teams, with_evidence
from recommender.people.ranker import VOTES
from tests.recommender.people.conftest import NOW, make_trace


def _ranked(*traces: Trace, excluded: frozenset[int] = frozenset(), half_life: float = 100.0) -> list[int]:
    return [each.person_id for each in rank(traces, VOTES, NOW, half_life, "en", excluded)]


def test_votes_rank_by_squared_score_times_weight_halved_for_each_half_life() -> None:
    # person 7: 0.64; 8: 0.64 * 0.5 * 0.5 = 0.16; 9: 0.64 * 0.25 + 0.36 = 0.52
    traces = [make_trace(1, 0.8, (7, 1.0, 0), (8, 0.5, 100), (9, 1.0, 200)), make_trace(2, 0.6, (9, 1.0, 0))]
    assert _ranked(*traces) == [7, 9, 8]


def test_the_shares_of_all_candidates_sum_to_one_and_are_proportional_to_their_odds() -> None:
    # by votes alone the odds are share of the largest + 0.03: 1.03 against 0.28
    ranked = rank([make_trace(1, 1.0, (7, 1.0, 0)), make_trace(2, 0.5, (8, 1.0, 0))], VOTES, NOW, 100, "en")
    assert [(person.person_id, person.share) for person in ranked] == [
        (7, pytest.approx(1.03 / 1.31)),
        (8, pytest.approx(0.28 / 1.31)),
    ]
    assert reasons(ranked, VOTES) == (("votes",), ())
    assert reasons(ranked[:1], VOTES) == ((),)  # there is nobody to compare with


def test_nobody_is_ranked_without_a_near_item_however_many_items_they_answered() -> None:
    far = [make_trace(number, NEAR - 0.001, (8, 1.0, 0)) for number in range(2, 60)]
    assert _ranked(make_trace(1, NEAR, (7, 0.2, 0)), *far) == [7]
    assert _ranked(*far) == []


def test_the_asker_is_not_ranked_and_ties_come_in_the_order_of_ids() -> None:
    assert _ranked(make_trace(1, 1.0, (9, 1.0, 0), (8, 1.0, 0), (7, 1.0, 0)), excluded=frozenset({8})) == [7, 9]


def test_an_answer_from_the_future_counts_as_one_from_today() -> None:
    ranked = rank([make_trace(1, 1.0, (7, 1.0, -50), (8, 1.0, 0))], VOTES, NOW, 100, "en")
    assert ranked[0].share == ranked[1].share == 0.5


def test_the_teams_are_those_of_near_items_without_teams_with_far_fewer_votes() -> None:
    # it: 1 + 0.25, hr: 0.81, law: 0.36, which is less than 0.3 of the votes of it; the item of far is not convincing
    traces = [
        make_trace(1, 1.0, team="it"), make_trace(2, 0.9, team="hr"), make_trace(3, 0.6, team="law"),
        make_trace(4, 0.5, team="it"), make_trace(5, 0.29, team="far"), make_trace(6, 0.9),
    ]  # fmt: skip
    assert teams(traces) == ("it", "hr")
    assert teams([make_trace(1, 1.0, team="it"), make_trace(2, 0.5, team="hr")]) == ("it",)  # 0.25 of the votes of it
    assert teams([make_trace(1, 0.29, team="it")]) == ()


def test_only_people_with_a_convincing_item_are_named() -> None:
    traces = [
        make_trace(1, 0.3, (7, 0.2, 0), (8, 1.0, 0)),
        make_trace(2, 0.3, (7, 1.0, 0)),
        make_trace(3, 0.29, (9, 1.0, 0)),
    ]
    named = with_evidence([Ranked(9, 0.5), Ranked(8, 0.3), Ranked(7, 0.2)], traces)
    assert [(each.person_id, each.pieces) for each in named] == [(8, 1), (7, 2)]


@pytest.fixture
def items(sessions: sessionmaker[Session]) -> Session:
    """Requests 1 to 7 with accepted answers by aino (1), request 8 with one by eero (2), and document 1 of aino."""
    with sessions.begin() as session:
        team = Team(handle="it", name="it")
        aino = Person(handle="aino", name="Aino", languages=["fi"], teams=[team], away_until=NOW.date())
        session.add_all([aino, Person(handle="eero", name="Eero")])
        session.flush()
        for number in range(1, 9):
            at = NOW - timedelta(days=number)
            reply = Reply(author_id=1 if number < 8 else 2, body="so", created_at=at, accepted=True)
            row = HelpRequest(title=f"t{number}", body="", language="en", status="resolved", created_at=at)
            row.replies, row.audience = [reply], [RequestAudience(token="everyone")]
            session.add(row)
        session.add(
            Document(
                title="d", body="", language="en", owner_id=1, written_at=NOW,
                audience=[DocumentAudience(token="everyone")],
            )
        )  # fmt: skip
    return sessions()


def test_an_expert_has_the_strongest_items_as_evidence_and_counts_of_all(items: Session) -> None:
    aino = [make_trace(number, 1.0 - number / 10, (1, 1.0, number)) for number in range(1, 8)]
    document_owner = Contribution(1, 0.4, NOW, Part.KEEPS)
    traces = [*aino, Trace("document:1", 0.95, None, "en", (document_owner,), True), make_trace(8, 0.29, (1, 1.0, 8))]
    (expert,) = describe(items, ANYONE, [Ranked(1, 0.6)], traces, NOW, 1e9)
    assert (expert.handle, expert.name, expert.teams, expert.languages) == ("aino", "Aino", ("it",), ("fi",))
    assert (expert.reasons, expert.away_until) == ((), NOW.date())
    assert (expert.answered, expert.replied, expert.keeps) == (7, 0, 1)  # request 8 is not convincing
    assert expert.last_at == NOW - timedelta(days=1)  # of the answers, which the page shows
    replied = make_trace(1, 0.9, (1, 0.2, 1))
    replied = replied._replace(contributions=(Contribution(1, 0.2, NOW, Part.REPLIED),))
    earlier = Contribution(1, 0.4, NOW - timedelta(days=9), Part.KEEPS)
    (keeps,) = describe(
        items, ANYONE, [Ranked(1, 0.6)], [replied, Trace("document:1", 0.9, None, "en", (earlier,), True)], NOW, 1e9
    )
    assert (keeps.replied, keeps.keeps, keeps.last_at) == (1, 1, NOW - timedelta(days=9))
    # weights 0.81, 0.64, 0.49, 0.361 (the document: 0.95 squared * 0.4), 0.36
    assert [piece.item.title for piece in expert.evidence] == ["t1", "t2", "t3", "d", "t4"]
    assert [piece.weight for piece in expert.evidence] == pytest.approx([0.81, 0.64, 0.49, 0.361, 0.36])


def test_people_without_readable_evidence_are_not_described(items: Session) -> None:
    items.get_one(HelpRequest, 8).hidden = True
    items.flush()
    traces = [make_trace(8, 1.0, (2, 1.0, 8)), make_trace(1, 1.0, (1, 1.0, 1), (99, 1.0, 1))]
    experts = describe(items, ANYONE, [Ranked(2, 0.5), Ranked(99, 0.3), Ranked(1, 0.2)], traces, NOW, 365)
    assert [expert.handle for expert in experts] == ["aino"]


def test_people_are_loaded_with_their_teams_in_order(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        made = [Team(handle=handle, name=handle) for handle in ("it", "hr")]
        session.add_all([Person(handle="aino", name="Aino", teams=made), Person(handle="eero", name="Eero")])
    with sessions() as session:
        people = load_people(session, {1, 99})
        assert {number: person.handle for number, person in people.items()} == {1: "aino"}
        assert [team.handle for team in people[1].teams] == ["hr", "it"]
