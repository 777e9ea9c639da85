"""people/experts.py: the order of people, computed by hand, and the evidence that experts have."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.datatypes import Contribution, Heading, Kind, Part
from recommender.people.evidence import Trace
from recommender.people.experts import NEAR, Ranked, describe, load_people, rank, teams, with_evidence
from recommender.people.ranker import SHIPPED, VOTES
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


def test_nobody_is_ranked_without_a_near_item_however_many_items_they_answered() -> None:
    far = [make_trace(number, NEAR - 0.001, (8, 1.0, 0)) for number in range(2, 60)]
    assert _ranked(make_trace(1, NEAR, (7, 0.2, 0)), *far) == [7]
    assert _ranked(*far) == []


def test_people_of_a_shown_item_are_ranked_however_low_its_score() -> None:
    shown = make_trace(2, NEAR / 2, (8, 1.0, 0))._replace(match=0.5)
    assert _ranked(make_trace(1, 1.0, (7, 1.0, 0)), shown) == [7, 8]


def test_the_asker_is_not_ranked_and_ties_come_in_the_order_of_ids() -> None:
    assert _ranked(make_trace(1, 1.0, (9, 1.0, 0), (8, 1.0, 0), (7, 1.0, 0)), excluded=frozenset({8})) == [7, 9]


def test_an_answer_from_the_future_counts_as_one_from_today() -> None:
    ranked = rank([make_trace(1, 1.0, (7, 1.0, -50), (8, 1.0, 0))], VOTES, NOW, 100, "en")
    assert ranked[0].share == ranked[1].share == 0.5


def test_teams_are_named_only_when_an_item_is_shown() -> None:
    assert teams([make_trace(1, 0.3, team="it")]) == ("it",)
    assert teams([make_trace(1, 0.29, team="it")]) == ()


def test_only_people_with_a_shown_item_are_named_by_how_probably_it_answers() -> None:
    traces = [
        make_trace(1, 0.3, (7, 0.2, 0), (8, 1.0, 0)),
        make_trace(2, 0.6, (7, 1.0, 0)),
        make_trace(3, 0.29, (9, 1.0, 0)),
    ]
    named = with_evidence([Ranked(9, 0.5), Ranked(8, 0.3), Ranked(7, 0.2)], traces)
    # 7: 0.2 * (1 - 0.7 * 0.4) = 0.144; 8: 0.3 * 0.3 = 0.09
    assert [(each.person_id, each.pieces) for each in named] == [(7, 2), (8, 1)]
    assert [each.share for each in named] == pytest.approx([0.144 / 0.234, 0.09 / 0.234])
    assert with_evidence([Ranked(9, 0.5)], traces) == ()


def test_nobody_is_named_whose_items_hardly_answer_even_if_they_are_the_best() -> None:
    weak, strong = make_trace(1, 1.0, (7, 1.0, 0)), make_trace(2, 1.0, (8, 1.0, 0))
    traces = [weak._replace(match=0.09), strong._replace(match=0.11)]
    assert [each.person_id for each in with_evidence([Ranked(7, 0.9), Ranked(8, 0.1)], traces)] == [8]
    assert with_evidence([Ranked(7, 1.0)], traces) == ()


@pytest.mark.parametrize("rounding", [number * 1e-8 for number in range(0, 60, 6)])
def test_equally_good_people_stay_equal_however_scores_are_rounded(rounding: float) -> None:
    """They did the same in items that are equally near, but in another order, in which their votes are added."""
    orders = dict(enumerate(permutations((30, 70, 110)), start=1))  # the age of what a person did in each item
    traces = [
        make_trace(number + 1, 0.9 + rounding, *((person, 1.0, ages[number]) for person, ages in orders.items()))
        for number in range(3)
    ]
    shown = [trace._replace(match=0.7) for trace in traces]
    named = with_evidence(rank(shown, SHIPPED, NOW, 100, "en"), shown)
    assert [each.person_id for each in named] == list(orders)
    assert len({each.share for each in named}) == 1


@pytest.fixture
def items(sessions: sessionmaker[Session]) -> Iterator[Session]:
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
    with sessions() as session:
        yield session


def test_an_expert_has_the_strongest_items_as_evidence_and_counts_of_all(items: Session) -> None:
    aino = [make_trace(number, 1.0 - number / 10, (1, 1.0, number)) for number in range(1, 8)]
    document_owner = Contribution(1, 0.4, NOW, Part.KEEPS)
    traces = [*aino, Trace("document:1", 0.95, None, "en", (document_owner,), 0.95), make_trace(8, 0.29, (1, 1.0, 8))]
    (expert,) = describe(items, ANYONE, [Ranked(1, 0.6)], traces, NOW, 1e9)
    assert (expert.handle, expert.name, expert.teams, expert.languages) == ("aino", "Aino", ("it",), ("fi",))
    assert (expert.reasons, expert.away_until) == (("answered", "keeps", "lately"), NOW.date())
    assert (expert.answered, expert.replied, expert.keeps) == (7, 0, 1)  # request 8 is not shown
    assert expert.answered_this_year == 7
    assert expert.last_at == NOW - timedelta(days=1)  # of the answers, which the page shows
    replied = make_trace(1, 0.9, (1, 0.2, 1))
    replied = replied._replace(contributions=(Contribution(1, 0.2, NOW, Part.REPLIED),))
    earlier = Contribution(1, 0.4, NOW - timedelta(days=9), Part.KEEPS)
    (keeps,) = describe(
        items, ANYONE, [Ranked(1, 0.6)], [replied, Trace("document:1", 0.9, None, "en", (earlier,), 0.9)], NOW, 1e9
    )
    assert (keeps.replied, keeps.keeps, keeps.last_at) == (1, 1, NOW - timedelta(days=9))
    # the document weighs 0.95 * 0.4 = 0.38, less than the fifth answer
    assert [piece.item.title for piece in expert.evidence] == ["t1", "t2", "t3", "t4", "t5"]
    assert [piece.weight for piece in expert.evidence] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])


def test_what_was_done_long_ago_is_neither_of_this_year_nor_lately(items: Session) -> None:
    traces = [make_trace(number, 0.9, (1, 1.0, days)) for number, days in ((1, 100), (2, 400), (3, 500))]
    (expert,) = describe(items, ANYONE, [Ranked(1, 0.6)], traces, NOW, 1e9)
    assert (expert.answered, expert.answered_this_year, expert.reasons) == (3, 1, ("answered",))


def test_people_without_readable_evidence_are_not_described(items: Session) -> None:
    items.get_one(HelpRequest, 8).hidden = True
    items.flush()
    traces = [make_trace(8, 1.0, (2, 1.0, 8)), make_trace(1, 1.0, (1, 1.0, 1), (99, 1.0, 1))]
    experts = describe(items, ANYONE, [Ranked(2, 0.5), Ranked(99, 0.3), Ranked(1, 0.2)], traces, NOW, 365)
    assert [expert.handle for expert in experts] == ["aino"]


def test_headings_that_are_known_are_not_read_again(items: Session) -> None:
    traces = [make_trace(1, 0.9, (1, 1.0, 1)), make_trace(2, 0.8, (1, 1.0, 2))]
    known = {"request:1": Heading("request:1", Kind.REQUEST, "as it was read", "en", None)}
    (expert,) = describe(items, ANYONE, [Ranked(1, 0.6)], traces, NOW, 1e9, known)
    assert [piece.item.title for piece in expert.evidence] == ["as it was read", "t2"]


def test_people_are_loaded_with_their_teams_in_order(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        made = [Team(handle=handle, name=handle) for handle in ("it", "hr")]
        session.add_all([Person(handle="aino", name="Aino", teams=made), Person(handle="eero", name="Eero")])
    with sessions() as session:
        people = load_people(session, {1, 99})
        assert {number: person.handle for number, person in people.items()} == {1: "aino"}
        assert [team.handle for team in people[1].teams] == ["hr", "it"]
