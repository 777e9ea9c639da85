"""Everyday questions to an organisation, judged by hand, and how well the recommender answers them.

A file of questions (`questions.jsonl`) has one object a line: id, text, language, expect (`answer`, `maybe` or
`unknown`), relevant ({id, grade}; grade 2 answers fully and is current, 1 helps), outdated (ids that a newer item
contradicts), team, people (who know), not_people, and a note that starts with the question's kind.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexer.evaluation.measures import auroc
from recommender.datatypes import Recommendation, Verdict
from recommender.errors import EvaluationError

ANSWER, NEAR_MISS, NO_ANSWER, JUNK = "answer", "near miss", "no answer", "junk"
KINDS = (ANSWER, NEAR_MISS, NO_ANSWER, JUNK)
_RIGHT = 0.9  # share of the answers said that have to be right, where the score is cut
_FIRST, _FEW, _MANY = 1, 3, 10  # depths of the measures


@dataclass(frozen=True)
class EverydayQuestion:
    """A question with what its judge expects: `grades` by item id, ids of outdated items, and handles of people."""

    id: str
    text: str
    language: str
    kind: str
    grades: Mapping[str, int]
    outdated: frozenset[str]
    team: str | None
    people: frozenset[str]
    part: str = ""

    @property
    def full(self) -> set[str]:
        """The items that answer fully."""
        return {key for key, grade in self.grades.items() if grade > 1}


@dataclass(frozen=True)
class Reply:
    """What the recommender says to a question: the verdict, the ids of the items shown and their matches, the handles
    of the colleagues named, teams, the probability of an answer, and the ids of the whole ranking."""

    verdict: Verdict
    shown: tuple[str, ...]
    matches: tuple[float, ...]
    people: tuple[str, ...]
    teams: tuple[str, ...]
    exists: float
    ranked: tuple[str, ...]

    @classmethod
    def of(cls, recommendation: Recommendation, ranked: Sequence[str], ids: Mapping[str, str]) -> "Reply":
        """The reply in a recommendation; `ids` are the external ids of items by key."""
        return cls(
            recommendation.verdict,
            tuple(ids[suggestion.item.key] for suggestion in recommendation.suggestions),
            tuple(suggestion.match for suggestion in recommendation.suggestions),
            tuple(expert.handle for expert in recommendation.experts),
            recommendation.teams,
            recommendation.exists,
            tuple(ids[key] for key in ranked),
        )


def read_questions(path: Path) -> list[EverydayQuestion]:
    """The questions of a file. Raises EvaluationError when it cannot be read or a question lacks a field."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [_question(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path} cannot be read as a file of questions: {error!r}.") from error


def _question(row: Mapping[str, Any]) -> EverydayQuestion:
    kind = str(row["note"]).partition(":")[0].strip()
    if kind not in KINDS:
        raise ValueError(f"question {row['id']} is of no known kind: its note must start with one of {KINDS}")
    grades = {item["id"]: int(item["grade"]) for item in row["relevant"]}
    return EverydayQuestion(
        str(row["id"]), row["text"], row["language"], kind, grades, frozenset(row["outdated"]), row["team"],
        frozenset(row["people"]), str(row.get("half", "")),
    )  # fmt: skip


Measures = dict[str, float]


def measure(questions: Sequence[EverydayQuestion], replies: Sequence[Reply]) -> Measures:
    """The measures of the replies, by name, as shares of the questions that each is about; NaN where there are none."""
    pairs = list(zip(questions, replies, strict=True))
    answerable = [pair for pair in pairs if pair[0].kind == ANSWER]
    near, none, junk = ([pair for pair in pairs if pair[0].kind == kind] for kind in (NEAR_MISS, NO_ANSWER, JUNK))
    said = [pair for pair in pairs if pair[1].verdict is Verdict.ANSWER]
    contradicted = [(question, reply) for question, reply in answerable if question.outdated]
    known = [pair for pair in pairs if pair[0].people]
    unknown = [pair for pair in pairs if not pair[0].people]
    measures: Measures = {}
    for depth in (_FIRST, _FEW):
        measures[f"shown: full answer among first {depth}"] = _share(answerable, _full_within(depth, "shown"))
    for depth in (_FIRST, _FEW, _MANY):
        measures[f"ranked: full answer among first {depth}"] = _share(answerable, _full_within(depth, "ranked"))
    measures |= {
        "answered before: right": _share(said, _first_helps),
        "answered before: said of answerable": _share(answerable, lambda _q, reply: reply.verdict is Verdict.ANSWER),
        "answered before: could be said, nine of ten right": _sayable(pairs) / max(1, len(answerable)),
        "answer exists, unknown said": _share(answerable, lambda _q, reply: reply.verdict is Verdict.UNKNOWN),
        "near miss called an answer": _share(near, lambda _q, reply: reply.verdict is Verdict.ANSWER),
        "no answer or junk called an answer": _share(none + junk, lambda _q, reply: reply.verdict is Verdict.ANSWER),
        "something shown for junk": _share(junk, lambda _q, reply: bool(reply.shown)),
        "newer shown and first": _share(contradicted, _newer_first),
        "right colleague first": _share(known, lambda question, reply: bool(question.people & set(reply.people[:1]))),
        "right colleague named": _share(known, lambda question, reply: bool(question.people & set(reply.people))),
        "somebody named where nobody knows": _share(unknown, lambda _q, reply: bool(reply.people)),
        "AUROC, answer against none and junk": _auroc(answerable, none + junk),
        "AUROC, answer against near miss": _auroc(answerable, near),
    }
    return measures


Pair = tuple[EverydayQuestion, Reply]


def _share(pairs: Sequence[Pair], holds: Callable[[EverydayQuestion, Reply], bool]) -> float:
    return float(np.mean([holds(*pair) for pair in pairs])) if pairs else float("nan")


def _full_within(depth: int, where: str) -> Callable[[EverydayQuestion, Reply], bool]:
    return lambda question, reply: bool(question.full & set(getattr(reply, where)[:depth]))


def _first_helps(question: EverydayQuestion, reply: Reply) -> bool:
    """True when the first suggestion answers or helps and is not outdated."""
    return bool(reply.shown) and reply.shown[0] in question.grades.keys() - question.outdated


def _newer_first(question: EverydayQuestion, reply: Reply) -> bool:
    """True when an item that answers fully is shown, and no outdated one stands before it."""
    for key in reply.shown[:_FEW]:
        if key in question.full:
            return True
        if key in question.outdated:
            return False
    return False


def _sayable(pairs: Sequence[Pair]) -> int:
    """For how many answerable questions "answered before" could be said, with the match of the first suggestion cut
    where nine of ten are right."""
    scored = sorted(
        ((reply.matches[0], _first_helps(question, reply), question.kind == ANSWER) for question, reply in pairs
         if reply.matches),
        key=lambda entry: -entry[0],
    )  # fmt: skip
    best = right = answerable = 0
    for number, (_match, helps, has_answer) in enumerate(scored, 1):
        right += helps
        answerable += has_answer
        if right >= _RIGHT * number:
            best = answerable
    return best


def _auroc(answerable: Sequence[Pair], others: Sequence[Pair]) -> float:
    if not answerable or not others:
        return float("nan")
    replies = [reply for _question, reply in (*answerable, *others)]
    return auroc([reply.exists for reply in replies], [True] * len(answerable) + [False] * len(others))
