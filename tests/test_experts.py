"""experts.py: votes and ranks by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.datatypes import Contribution, Evidence, Item, Kind, Part
from recommender.experts import load_people, rank, votes
from recommender.models import Person, Team

NOW = datetime(2026, 6, 1)


def _item(number: int, *parts: tuple[int, float, int]) -> Item:
    """An item with contributions (person, weight, age in days)."""
    made = tuple(Contribution(person, weight, NOW - timedelta(days=age)) for person, weight, age in parts)
    return Item(f"request:{number}", Kind.REQUEST, "t", "", "", "en", None, frozenset(), NOW, contributions=made)


def _evidence(*weights: float) -> Sequence[Evidence]:
    return [Evidence(_item(n), weight, NOW - timedelta(days=n)) for n, weight in enumerate(weights)]


def _person(number: int, left_on: date | None = None, away_until: date | None = None) -> Person:
    return Person(
        id=number, handle=f"p{number}", name=f"P{number}", languages=["fi"], left_on=left_on, away_until=away_until
    )


def test_a_vote_is_the_squared_score_times_the_part_halved_for_each_half_life() -> None:
    item = _item(1, (7, 1.0, 0), (8, 0.5, 100), (9, 1.0, 200))
    found = votes([(item, 0.8)], NOW, half_life_days=100)
    assert {person: [piece.weight for piece in pieces] for person, pieces in found.items()} == {
        7: [pytest.approx(0.64)],
        8: [pytest.approx(0.64 * 0.5 * 0.5)],
        9: [pytest.approx(0.64 * 0.25)],
    }


def test_evidence_is_ordered_by_weight_and_names_its_item() -> None:
    found = votes([(_item(1, (7, 0.2, 0)), 1.0), (_item(2, (7, 1.0, 0)), 1.0)], NOW, 365)
    assert [(piece.item.key, piece.weight) for piece in found[7]] == [("request:2", 1.0), ("request:1", 0.2)]


def test_items_below_the_floor_do_not_vote() -> None:
    found = votes([(_item(1, (7, 1.0, 0)), 0.499), (_item(2, (8, 1.0, 0)), 0.5)], NOW, 365)
    assert list(found) == [8]


def test_excluded_people_get_no_votes() -> None:
    assert list(votes([(_item(1, (7, 1.0, 0), (8, 1.0, 0)), 1.0)], NOW, 365, excluded={7})) == [8]


def test_an_answer_from_the_future_counts_as_one_of_today() -> None:
    assert votes([(_item(1, (7, 1.0, -50)), 1.0)], NOW, 365)[7][0].weight == 1.0


def test_scores_are_sums_of_all_votes_and_five_are_shown() -> None:
    (expert,) = rank({1: _evidence(0.9, 0.8, 0.7, 0.6, 0.5, 0.4)}, {1: _person(1)}, NOW.date(), 4)
    assert expert.score == pytest.approx(3.9)
    assert [piece.weight for piece in expert.evidence] == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert expert.last_at == NOW
    assert (expert.handle, expert.name, expert.languages, expert.teams) == ("p1", "P1", ("fi",), ())


def test_the_best_come_first_and_ties_by_handle() -> None:
    people = {number: _person(number) for number in (1, 2, 3, 4)}
    evidence = {4: _evidence(0.5), 2: _evidence(0.5), 1: _evidence(0.3, 0.3), 3: _evidence(0.9)}
    assert [expert.handle for expert in rank(evidence, people, NOW.date(), 4)] == ["p3", "p1", "p2", "p4"]
    assert [expert.handle for expert in rank(evidence, people, NOW.date(), 2)] == ["p3", "p1"]


def test_those_far_below_the_first_are_left_out() -> None:
    people = {number: _person(number) for number in (1, 2, 3)}
    evidence = {1: _evidence(1.0), 2: _evidence(0.15), 3: _evidence(0.149)}
    assert [expert.handle for expert in rank(evidence, people, NOW.date(), 4)] == ["p1", "p2"]


def test_people_who_left_are_unknown_or_have_no_evidence_are_not_ranked() -> None:
    today = NOW.date()
    people = {
        1: _person(1, left_on=today),
        2: _person(2, left_on=today - timedelta(days=1)),
        3: _person(3, left_on=today + timedelta(days=1)),
        4: _person(4),
    }
    evidence = {number: _evidence(1.0) for number in (1, 2, 3, 9)} | {4: []}
    assert [expert.handle for expert in rank(evidence, people, today, 4)] == ["p3"]


def test_someone_who_is_away_comes_after_those_who_are_there() -> None:
    today = NOW.date()
    people = {1: _person(1, away_until=today), 2: _person(2), 3: _person(3, away_until=today - timedelta(days=1))}
    ranked = rank({1: _evidence(1.0), 2: _evidence(0.5), 3: _evidence(0.4)}, people, today, 4)
    assert [(expert.handle, expert.away_until) for expert in ranked] == [("p2", None), ("p3", None), ("p1", today)]


def test_people_are_loaded_with_their_teams_in_order(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        teams = [Team(handle=handle, name=handle) for handle in ("it", "hr")]
        session.add_all([Person(handle="aino", name="Aino", teams=teams), Person(handle="eero", name="Eero")])
    with sessions() as session:
        people = load_people(session, {1, 99})
        assert {number: person.handle for number, person in people.items()} == {1: "aino"}
        (expert,) = rank({1: _evidence(1.0)}, people, NOW.date(), 1)
        assert expert.teams == ("hr", "it")


def test_the_count_and_the_last_time_are_of_all_the_evidence() -> None:
    pieces = [Evidence(_item(n), 1.0 - n / 10, NOW - timedelta(days=100 - n)) for n in range(9)]
    (expert,) = rank({1: pieces}, {1: _person(1)}, NOW.date(), 3)
    assert (expert.answered, expert.last_at, len(expert.evidence)) == (9, NOW - timedelta(days=92), 5)


def test_what_was_answered_joined_and_kept_is_counted_apart() -> None:
    parts = [Part.ANSWERED, Part.REPLIED, Part.REPLIED, Part.KEEPS]
    item = _item(1)
    contributions = tuple(Contribution(7, 1.0, NOW, part) for part in parts)
    found = votes([(replace(item, contributions=contributions), 1.0)], NOW, 365)
    (expert,) = rank(found, {7: _person(7)}, NOW.date(), 1)
    assert (expert.answered, expert.replied, expert.keeps) == (1, 2, 1)
    assert {piece.part for piece in expert.evidence} == set(parts)
