"""evaluation/everyday.py: each measure by hand on a few questions and replies, and files that cannot be read."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from indexer.evaluation.everyday import ANSWER, JUNK, NEAR_MISS, NO_ANSWER, EverydayQuestion, Reply, measure
from indexer.evaluation.everyday import read_questions as read
from recommender.datatypes import Verdict
from recommender.errors import EvaluationError


def _question(kind: str, outdated: str = "", people: str = "", **grades: int) -> EverydayQuestion:
    return EverydayQuestion(
        "q", "text", "en", kind, grades, frozenset(outdated.split()), None, frozenset(people.split())
    )


def _reply(
    verdict: Verdict = Verdict.UNKNOWN,
    shown: str = "",
    ranked: str = "",
    people: str = "",
    match: float = 0.5,
    exists: float = 0.5,
) -> Reply:
    items = tuple(shown.split())
    matches = (match,) * len(items)
    return Reply(verdict, items, matches, tuple(people.split()), (), exists, tuple(ranked.split()))


def _one(name: str, *pairs: tuple[EverydayQuestion, Reply]) -> float:
    return measure([question for question, _reply in pairs], [reply for _question, reply in pairs])[name]


FULL = _question(ANSWER, a=2, b=1)


def test_a_full_answer_is_looked_for_among_the_first_that_are_shown_and_ranked() -> None:
    pairs = [
        (FULL, _reply(shown="a x y", ranked="a x")),
        (FULL, _reply(shown="b x a", ranked="b x x a")),  # b only helps
        (FULL, _reply(shown="x y z a", ranked="x " * 10 + "a")),
        (FULL, _reply(shown="", ranked="x x x x x x x x x a")),
        (_question(NEAR_MISS), _reply(shown="a", ranked="a")),  # is not among the answerable
    ]
    assert _one("shown: full answer among first 1", *pairs) == 1 / 4
    assert _one("shown: full answer among first 3", *pairs) == 2 / 4
    assert _one("ranked: full answer among first 1", *pairs) == 1 / 4
    assert _one("ranked: full answer among first 3", *pairs) == 1 / 4
    assert _one("ranked: full answer among first 10", *pairs) == 3 / 4


def test_an_answer_said_is_right_when_the_first_suggestion_helps_and_is_not_outdated() -> None:
    outdated = _question(ANSWER, outdated="b", a=2, b=1)
    pairs = [
        (FULL, _reply(Verdict.ANSWER, shown="b a")),
        (outdated, _reply(Verdict.ANSWER, shown="b a")),
        (FULL, _reply(Verdict.ANSWER, shown="x a")),
        (_question(JUNK), _reply(Verdict.ANSWER, shown="x")),
        (FULL, _reply(Verdict.MAYBE, shown="a")),  # nothing was said
    ]
    assert _one("answered before: right", *pairs) == 1 / 4
    assert _one("answered before: said of answerable", *pairs) == 3 / 4
    assert _one("no answer or junk called an answer", *pairs) == 1.0


def test_kinds_without_an_answer_are_counted_apart() -> None:
    pairs = [
        (_question(NEAR_MISS), _reply(Verdict.ANSWER, shown="x")),
        (_question(NEAR_MISS), _reply(Verdict.MAYBE, shown="x")),
        (_question(NO_ANSWER), _reply(Verdict.ANSWER, shown="x")),
        (_question(JUNK), _reply(Verdict.MAYBE, shown="x")),
        (_question(JUNK), _reply()),
        (FULL, _reply(Verdict.UNKNOWN)),
        (FULL, _reply(Verdict.ANSWER, shown="a")),
    ]
    assert _one("near miss called an answer", *pairs) == 1 / 2
    assert _one("no answer or junk called an answer", *pairs) == 1 / 3
    assert _one("something shown for junk", *pairs) == 1 / 2
    assert _one("answer exists, unknown said", *pairs) == 1 / 2


def test_so_many_answers_could_be_said_with_nine_of_ten_right() -> None:
    name = "answered before: could be said, nine of ten right"
    right = [(FULL, _reply(shown="a", match=1.0 - number / 100)) for number in range(9)]
    wrong = (FULL, _reply(shown="x", match=0.91))
    assert _one(name, *right, wrong) == 9 / 10 + 1 / 10  # nine of the ten said are right
    assert _one(name, *right[:8], wrong) == 8 / 9  # only without the wrong one
    assert _one(name, (FULL, _reply(shown="x", match=1.1)), *right[:8]) == 0.0
    near_miss = (_question(NEAR_MISS), _reply(shown="x", match=0.5))
    assert _one(name, *right, near_miss) == 1.0
    assert _one(name, (FULL, _reply())) == 0.0  # nothing was shown


def test_the_newer_item_is_first_when_no_outdated_one_stands_before_it() -> None:
    outdated = _question(ANSWER, outdated="o", a=2, b=1)
    shown = ["a o", "o a", "x a o", "x y z a", "b o", ""]
    pairs = [(outdated, _reply(shown=items)) for items in shown]
    assert _one("newer shown and first", *pairs, (FULL, _reply())) == 2 / 6


def test_colleagues_are_right_first_and_named() -> None:
    known = _question(ANSWER, people="aino eero")
    pairs = [
        (known, _reply(people="eero olli")),
        (known, _reply(people="olli aino")),
        (known, _reply()),
        (_question(NO_ANSWER), _reply(people="olli")),
        (_question(ANSWER), _reply()),
    ]
    assert _one("right colleague first", *pairs) == 1 / 3
    assert _one("right colleague named", *pairs) == 2 / 3
    assert _one("somebody named where nobody knows", *pairs) == 1 / 2


def test_the_area_under_the_curve_is_of_the_probability_that_an_answer_exists() -> None:
    pairs = [
        (FULL, _reply(exists=0.9)),
        (FULL, _reply(exists=0.4)),
        (_question(NO_ANSWER), _reply(exists=0.5)),
        (_question(JUNK), _reply(exists=0.1)),
        (_question(NEAR_MISS), _reply(exists=0.9)),
    ]
    assert _one("AUROC, answer against none and junk", *pairs) == 3 / 4
    assert _one("AUROC, answer against near miss", *pairs) == 1 / 4  # a tie counts half


def test_what_no_question_is_about_is_no_number() -> None:
    measures = measure([FULL], [_reply()])
    for name in ("answered before: right", "near miss called an answer", "newer shown and first"):
        assert math.isnan(measures[name])
    assert math.isnan(measures["AUROC, answer against near miss"])
    assert measures["answer exists, unknown said"] == 1.0


ROW: dict[str, Any] = {
    "id": 7, "text": "printer?", "language": "en", "expect": "answer", "relevant": [{"id": "request:a", "grade": 2}],
    "outdated": ["request:o"], "team": "it", "people": ["aino"], "not_people": [], "note": "near miss: other model",
}  # fmt: skip


def test_questions_are_read_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + json.dumps({**ROW, "half": "report"}) + "\n", encoding="utf-8")
    first, second = read(path)
    assert (first.id, first.kind, first.full, first.outdated) == ("7", NEAR_MISS, {"request:a"}, {"request:o"})
    assert (first.people, first.team, first.part, second.part) == ({"aino"}, "it", "", "report")


@pytest.mark.parametrize("note", ["", "nonsense", "people: who knows"])
def test_a_question_of_an_unknown_kind_is_refused(tmp_path: Path, note: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({**ROW, "note": note}), encoding="utf-8")
    with pytest.raises(EvaluationError, match="question 7 is of no known kind"):
        read(path)


@pytest.mark.parametrize("text", ["{", "[1]", json.dumps({name: ROW[name] for name in ROW if name != "relevant"})])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"questions\.jsonl cannot be read"):
        read(path)
    with pytest.raises(EvaluationError, match=r"missing\.jsonl"):
        read(tmp_path / "missing.jsonl")
