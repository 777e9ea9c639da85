"""The pages and questions that the engines are measured on, from the evaluation sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.evaluation.sets import EvaluationSet, answers_of
from tests.benchmarks.peers import Page

TASKS = (
    ("fi_libreoffice_help", ("fi-fi", "en-en")),
    ("se_matheducators", ("answer",)),
    ("se_quantum", ("answer",)),
)
"""Folders of sets, and what is asked there: help pages by their titles, answers by the whole question."""
LONGEST = 900
"""Characters of a page that count, so that no engine has to cut it into passages."""


@dataclass(frozen=True)
class Question:
    """A question, what is relevant to it ({page id: grade}), and the language of what may be found; None for all."""

    id: str
    text: str
    relevant: Mapping[str, int]
    language: str | None


@dataclass(frozen=True)
class Task:
    """The pages of a set, and the questions by what is asked."""

    name: str
    pages: Sequence[Page]
    questions: Mapping[str, Sequence[Question]]


def read_task(folder: Path, protocols: Sequence[str], pages: int, questions: int) -> Task:
    """A set with at most so many pages and, for each protocol, questions of its test part. The pages that the questions
    are about come first. Raises EvaluationError when the set cannot be read."""
    held = EvaluationSet.read(folder)
    rows = _answers_alone(held.corpus) if "answer" in protocols else held.corpus
    asked = {
        protocol: [
            Question(query.id, query.text[:LONGEST], query.relevant, query.filter.get("language"))
            for query in held.queries
            if query.protocol == protocol and query.part == "test"
        ][:questions]
        for protocol in protocols
    }
    wanted = {identifier for each in asked.values() for question in each for identifier in question.relevant}
    chosen = sorted(rows, key=lambda identifier: (identifier not in wanted, identifier))[:pages]
    kept = [Page(name, str(rows[name]["body"])[:LONGEST], str(rows[name]["language"])) for name in chosen]
    known = {page.id for page in kept}
    return Task(held.name, kept, {name: _answerable(each, known) for name, each in asked.items()})


def _answers_alone(corpus: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every answer as a page of its own text. With the text of its question, which is asked word by word, whoever
    compares words would find it without fail."""
    texts = {str(answer["id"]): answer["body"] for row in corpus.values() for answer in row.get("answers") or ()}
    return {identifier: {**row, "body": texts[identifier]} for identifier, row in answers_of(corpus).items()}


def _answerable(questions: Sequence[Question], known: set[str]) -> list[Question]:
    return [question for question in questions if set(question.relevant) <= known]
