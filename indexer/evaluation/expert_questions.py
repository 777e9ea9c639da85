"""Sets with an expert task: for each question, what people had done in similar items by the time it was asked.

Every question is asked with what was known at its own time (rolling) or at the set's split (fixed). Besides the set's
expert queries, each of which a candidate answered, every later question is asked ("unfiltered"), and every earlier one
as well, to fit weights on.
"""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.evaluation.sets import EvaluationSet, Query, parse_time
from indexer.learning.history import PastQuestion, past_questions
from recommender.access import ANYONE
from recommender.database.person_kind import PERSON
from recommender.database.tables import Person
from recommender.datatypes import Contribution, Part
from recommender.errors import EvaluationError
from recommender.people.evidence import Trace
from recommender.recommender import Recommender

FIXED, FILTERED, UNFILTERED = "fixed", "rolling", "rolling, unfiltered"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ExpertRun:
    """The result of asking the questions of a set with an expert task.

    `questions`: {protocol: {method: questions}}, each list in the order of time. `truth`: who really answered,
    {protocol: {question: {person: grade}}}. `candidates`: who may be suggested. `answers`: (person, when) of every
    answer. `earlier`: the questions before the split, to fit weights on.
    """

    name: str
    questions: Mapping[str, Mapping[str, Sequence[PastQuestion]]]
    truth: Mapping[str, Mapping[str, Mapping[int, int]]]
    candidates: frozenset[int]
    answers: Sequence[tuple[int, datetime]]
    split: datetime
    earlier: Sequence[PastQuestion]


@dataclass(frozen=True)
class ExpertTask:
    """The expert task in a set's folder: the time of the split, the handles of the candidates, and the queries."""

    split: datetime
    candidates: Sequence[str]
    queries: Sequence[Query]


def has_experts(evaluation_set: EvaluationSet) -> bool:
    """True for a set with an expert task."""
    return any(query.experts for query in evaluation_set.queries)


def read(folder: Path, evaluation_set: EvaluationSet) -> ExpertTask:
    """The expert task of a set. Raises EvaluationError when its split or its people cannot be read."""
    queries = [query for query in evaluation_set.queries if query.experts and query.asked_at]
    return ExpertTask(_read_split(folder), _read_candidates(folder), queries)


def ask(
    task: ExpertTask,
    evaluation_set: EvaluationSet,
    session: Session,
    keys: Mapping[str, str],
    methods: Mapping[str, Recommender],
    progress: Progress,
) -> ExpertRun:
    """Ask a set's expert queries, and every question before and after its split. `methods` are recommenders over the
    set's store by name (fusion among them), `keys` its item keys by corpus id."""
    people = session.execute(select(Person.id, Person.handle).where(Person.kind == PERSON))
    ids = {handle: number for number, handle in people}
    rows = evaluation_set.corpus.values()
    questions = _questions(task, evaluation_set, ids)
    created = {keys[identifier]: parse_time(row["created_at"]) for identifier, row in evaluation_set.corpus.items()}
    results: dict[str, dict[str, list[PastQuestion]]] = {}
    for protocol, wanted in questions.items():
        for method, recommender in methods.items():
            results.setdefault(protocol, {})[method] = answered = []
            for number, question in enumerate(sorted(wanted, key=lambda question: question.at)):
                before = task.split if protocol == FIXED else question.at
                among = frozenset(key for key, at in created.items() if at < before)
                answered.append(_ask_question(question, recommender, session, before, among))
                progress(f"{evaluation_set.name}: colleagues, {protocol}, {method}", number + 1, len(wanted))
    step = partial(progress, f"{evaluation_set.name}: earlier questions")
    return ExpertRun(
        evaluation_set.name,
        results,
        {protocol: {question.id: question.experts for question in wanted} for protocol, wanted in questions.items()},
        frozenset(ids[handle] for handle in task.candidates if handle in ids),
        [answer for row in rows for answer in _first_answers(row, ids)],
        task.split,
        list(past_questions(methods["fusion"], session, before=task.split, progress=step)),
    )


@dataclass(frozen=True)
class _ExpertQuestion:
    """A question of the set with the ids of people: who asked, and who really answered ({person: grade})."""

    id: str
    text: str
    at: datetime
    asker: int | None
    experts: Mapping[int, int]


def _questions(
    task: ExpertTask, evaluation_set: EvaluationSet, ids: Mapping[str, int]
) -> dict[str, list[_ExpertQuestion]]:
    """The questions of each protocol."""
    filtered = [
        _ExpertQuestion(
            query.id,
            query.text,
            query.asked_at,
            ids.get(query.asked_by or ""),
            {ids[handle]: grade for handle, grade in query.experts.items() if handle in ids},
        )
        for query in task.queries
        if query.asked_at
    ]
    rows = evaluation_set.corpus.values()
    later = [_question_of(row, ids) for row in rows if parse_time(row["created_at"]) >= task.split]
    return {FIXED: filtered, FILTERED: filtered, UNFILTERED: [question for question in later if question.experts]}


def _ask_question(
    question: _ExpertQuestion, recommender: Recommender, session: Session, before: datetime, among: frozenset[str]
) -> PastQuestion:
    nearby = recommender.evidence(question.text, ANYONE, session, before, among)
    session.expunge_all()
    answered = frozenset(question.experts)
    return PastQuestion(question.id, question.at, question.asker, answered, nearby.traces, nearby.language)


def _question_of(row: Mapping[str, Any], ids: Mapping[str, int]) -> _ExpertQuestion:
    """A row of the corpus as a question. Everybody who answered is an expert of grade 1, the author of the accepted
    answer of grade 2."""
    grades: dict[int, int] = {}
    for answer in row.get("answers") or ():
        author = answer.get("author")
        if author in ids and author != row.get("asked_by"):
            grades[ids[author]] = max(grades.get(ids[author], 1), 2 if answer.get("accepted") else 1)
    asker = ids.get(row.get("asked_by") or "")
    return _ExpertQuestion(
        str(row["id"]), f"{row['title']}\n{row['body']}", parse_time(row["created_at"]), asker, grades
    )


def _first_answers(row: Mapping[str, Any], ids: Mapping[str, int]) -> list[tuple[int, datetime]]:
    """(person, time of their first answer) of everybody who answered a row."""
    first: dict[int, datetime] = {}
    for answer in row.get("answers") or ():
        author = answer.get("author")
        if author in ids and author != row.get("asked_by"):
            at = parse_time(answer["created_at"])
            first[ids[author]] = min(at, first.get(ids[author], at))
    return list(first.items())


def _read_split(folder: Path) -> datetime:
    try:
        return parse_time(json.loads((folder / "meta.json").read_text(encoding="utf-8"))["expert_split"])
    except (OSError, ValueError, KeyError) as error:
        raise EvaluationError(f"{folder / 'meta.json'} needs expert_split, a time ({error!r}).") from error


def _read_candidates(folder: Path) -> list[str]:
    try:
        with gzip.open(folder / "people.jsonl.gz", "rt", encoding="utf-8") as file:
            return sorted({row["id"] for row in map(json.loads, file) if row["candidate"]})
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise EvaluationError(f"{folder / 'people.jsonl.gz'} cannot be read: {error!r}.") from error


def pack(expert_run: ExpertRun) -> Any:
    """An ExpertRun as JSON values. What people did in an item is written once for all questions."""
    numbers: dict[Any, int] = {}

    def packed(past: PastQuestion) -> list[Any]:
        places = [numbers.setdefault((t.key, t.team, t.language, t.contributions), len(numbers)) for t in past.traces]
        scores = [trace.score for trace in past.traces]
        return [past.key, past.at.isoformat(), past.asker, sorted(past.answered), past.language, places, scores]

    return {
        "name": expert_run.name,
        "questions": {
            protocol: {method: [packed(past) for past in questions] for method, questions in methods.items()}
            for protocol, methods in expert_run.questions.items()
        },
        "truth": {
            protocol: {question: list(grades.items()) for question, grades in truth.items()}
            for protocol, truth in expert_run.truth.items()
        },
        "candidates": sorted(expert_run.candidates),
        "answers": [(person, at.isoformat()) for person, at in expert_run.answers],
        "split": expert_run.split.isoformat(),
        "earlier": [packed(past) for past in expert_run.earlier],
        "items": [
            [key, team, language, [(part.person_id, part.weight, part.at.isoformat(), part.part) for part in parts]]
            for key, team, language, parts in numbers
        ],
    }


def unpack(stored: Any) -> ExpertRun:
    """The ExpertRun of which `pack` made these values. Raises ValueError, TypeError, LookupError or AttributeError for
    any other values."""
    time = datetime.fromisoformat
    items = [
        (key, team, language, tuple(Contribution(who, weight, time(at), Part(part)) for who, weight, at, part in parts))
        for key, team, language, parts in stored["items"]
    ]

    def unpacked(row: Sequence[Any]) -> PastQuestion:
        key, at, asker, answered, language, places, scores = row
        scored = [(items[place], score) for place, score in zip(places, scores, strict=True)]
        traces = [Trace(key, score, team, language, parts) for (key, team, language, parts), score in scored]
        return PastQuestion(key, time(at), asker, frozenset(answered), traces, language)

    return ExpertRun(
        stored["name"],
        {
            protocol: {method: [unpacked(row) for row in rows] for method, rows in methods.items()}
            for protocol, methods in stored["questions"].items()
        },
        {
            protocol: {
                question: {int(person): int(grade) for person, grade in grades} for question, grades in truth.items()
            }
            for protocol, truth in stored["truth"].items()
        },
        frozenset(stored["candidates"]),
        [(person, time(at)) for person, at in stored["answers"]],
        time(stored["split"]),
        [unpacked(row) for row in stored["earlier"]],
    )
