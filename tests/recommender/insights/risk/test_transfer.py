"""insights/risk/transfer.py: which acts are chosen, in which order."""

from itertools import combinations

import numpy as np
import pytest

from recommender.insights.risk.transfer import TEAM, Losses, Proposal, Question, choose


def _losses(answers: dict[str, set[frozenset[int]]], leaving: float = 0.1, weight: float = 1.0) -> Losses:
    questions: dict[Question, set[frozenset[int]]] = {(1, key): set(value) for key, value in answers.items()}
    return Losses(questions, dict.fromkeys(questions, weight), lambda _person: leaving)


def _act(helps: str, people: set[int], minutes: int = 30, kind: str = "write", topic: int = 1) -> Proposal:
    return Proposal(topic, kind, minutes, frozenset((topic, key) for key in helps), frozenset(people))


def test_a_question_is_lost_for_certain_without_anybody_and_perhaps_with_one_person() -> None:
    losses = _losses(
        {
            "a": set(),
            "b": {frozenset({1})},
            "c": {frozenset({1}), frozenset({2})},
            "d": {frozenset({1, 2})},
            "e": {TEAM},
        }
    )
    assert [losses.of((1, key)) for key in "abcde"] == [1.0, 0.1, 0.0, 0.0, 0.0]
    assert losses.of_all(losses.answers) == pytest.approx(1.1)


def test_the_act_that_takes_most_away_comes_first_and_the_next_counts_what_is_left() -> None:
    losses = _losses({key: {frozenset({1})} for key in "abcdef"}, weight=5.0)
    wide, overlapping, rest = _act("abcd", {1, 2}), _act("abc", {1, 3}), _act("ef", {1, 3})
    first, second = choose([rest, overlapping, wide], losses)
    assert (first.helps, second.helps) == (wide.helps, rest.helps)
    assert first.loss_before == pytest.approx(3.0) and first.loss_after == pytest.approx(1.0)
    assert second.loss_before == pytest.approx(1.0) and second.loss_after == pytest.approx(0.0)


def test_what_takes_nothing_away_is_not_proposed() -> None:
    losses = _losses({"a": {frozenset({1})}, "b": {TEAM}}, leaving=0.01)
    assert choose([_act("a", {1, 2}), _act("b", {2}), _act("a", {1})], losses) == []


def test_of_two_that_help_as_much_the_shorter_one_is_first() -> None:
    losses = _losses({"a": {frozenset({1})}})
    (first,) = choose([_act("a", {1, 2}, minutes=60), _act("a", {1, 2}, minutes=15)], losses)
    assert first.minutes == 15


@pytest.mark.parametrize("seed", range(20))
def test_the_lazy_choice_is_the_greedy_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    keys = "abcdefghij"
    answers = {key: {frozenset({int(random.integers(1, 4))})} for key in keys}
    acts = [
        _act("".join(random.choice(list(keys), 4, replace=False)), {int(person), 9}, int(random.integers(10, 60)))
        for person in random.integers(1, 4, 12)
    ]
    chosen = choose(acts, _losses(answers), most_of_topic=4)
    losses, left, expected = _losses(answers), list(acts), list[frozenset[Question]]()
    for _ in range(4):
        best = max(left, key=lambda act: (round(losses.gain(act), 9), -act.minutes, -acts.index(act)))
        if losses.gain(best) < 0.05:
            break
        losses.do(best)
        left.remove(best)
        expected.append(best.helps)
    assert [act.helps for act in chosen] == expected


@pytest.mark.parametrize("seed", range(20))
def test_an_act_never_helps_more_after_others_than_before(seed: int) -> None:
    """The gain is submodular as long as nobody's chance of leaving is more than a half."""
    random = np.random.default_rng(seed)
    keys = "abcdef"
    people = [frozenset[int](), frozenset({1}), frozenset({2})]
    answers = {key: {each} - {frozenset[int]()} for key in keys for each in [people[random.integers(0, 3)]]}
    acts = [
        _act("".join(random.choice(list(keys), 3, replace=False)), set(random.integers(1, 4, 2).tolist()))
        for _ in range(6)
    ]
    for first, second in combinations(acts, 2):
        losses = _losses(answers, leaving=0.5)
        before = losses.gain(second)
        losses.do(first)
        assert losses.gain(second) <= before + 1e-9
