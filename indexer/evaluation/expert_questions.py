"""Sets with an expert task, asked: for each question, what people had done near it by then.

Every question is asked as of its own time (rolling) or of the set's split (fixed). Besides the set's expert queries,
which one of its candidates answered, every later question is asked ("unfiltered"), and every earlier one to learn from.
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

from indexer.evaluation.sets import EvaluationSet, Query, moment
from indexer.learning.history import PastQuestion, past_questions
from recommender.access import ANYONE
from recommender.database.tables import Person
from recommender.datatypes import Contribution, Part
from recommender.errors import EvaluationError
from recommender.people.evidence import Trace
from recommender.recommender import Recommender

FIXED, FILTERED, UNFILTERED = "fixed", "rolling", "rolling, unfiltered"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Asked:
    """A set with an expert task, asked: {protocol: {method: questions}}, in the order of time; what the right answers
    are ({question: {person: grade}}), who is a candidate, when whom answered, and the questions before the split."""

    name: str
    near: Mapping[str, Mapping[str, Sequence[PastQuestion]]]
    truth: Mapping[str, Mapping[str, Mapping[int, int]]]
    candidates: frozenset[int]
    answers: Sequence[tuple[int, datetime]]
    split: datetime
    earlier: Sequence[PastQuestion]


@dataclass(frozen=True)
class Task:
    """What a set's folder says of its expert task: the split, who is a candidate, and the queries."""

    split: datetime
    candidates: Sequence[str]
    queries: Sequence[Query]


def has_experts(each: EvaluationSet) -> bool:
    """True for a set with an expert task."""
    return any(query.experts for query in each.queries)


def read(folder: Path, each: EvaluationSet) -> Task:
    """The expert task of a set. Raises EvaluationError when its split or its people cannot be read."""
    queries = [query for query in each.queries if query.experts and query.asked_at]
    return Task(_split(folder), _candidates(folder), queries)


def ask(
    task: Task,
    each: EvaluationSet,
    session: Session,
    keys: Mapping[str, str],
    methods: Mapping[str, Recommender],
    progress: Progress,
) -> Asked:
    """Ask a set's expert queries, and every question before and after its split. `methods` are recommenders over the
    set's store by name (fusion among them), `keys` its items by corpus id."""
    ids = {handle: number for number, handle in session.execute(select(Person.id, Person.handle))}
    split = task.split
    made = {identifier: moment(row["created_at"]) for identifier, row in each.corpus.items()}
    filtered = [
        _Query(query.id, query.text, query.asked_at, ids.get(query.asked_by or ""), _graded(query.experts, ids))
        for query in task.queries
        if query.asked_at
    ]
    later = [_later(row, ids) for identifier, row in each.corpus.items() if made[identifier] >= split]
    wanted = {FIXED: filtered, FILTERED: filtered, UNFILTERED: [query for query in later if query.experts]}
    near: dict[str, dict[str, list[PastQuestion]]] = {}
    for protocol, queries in wanted.items():
        for method, recommender in methods.items():
            found = near.setdefault(protocol, {}).setdefault(method, [])
            for number, query in enumerate(sorted(queries, key=lambda query: query.at)):
                before = split if protocol == FIXED else query.at
                among = frozenset(keys[identifier] for identifier, at in made.items() if at < before)
                seen = recommender.evidence(query.text, ANYONE, session, before, among)
                found.append(
                    PastQuestion(query.id, query.at, query.asker, frozenset(query.experts), seen.traces, seen.language)
                )
                session.expunge_all()
                progress(f"{each.name}: colleagues, {protocol}, {method}", number + 1, len(queries))
    step = partial(progress, f"{each.name}: earlier questions")
    return Asked(
        each.name,
        near,
        {protocol: {query.id: query.experts for query in queries} for protocol, queries in wanted.items()},
        frozenset(ids[handle] for handle in task.candidates if handle in ids),
        [answer for row in each.corpus.values() for answer in _answers(row, ids)],
        split,
        list(past_questions(methods["fusion"], session, before=split, progress=step)),
    )


def pack(asked: Asked) -> Any:
    """The same as JSON holds it; what people did in an item is written once, though many questions met it."""
    numbers: dict[Any, int] = {}

    def past(each: PastQuestion) -> list[Any]:
        places = [numbers.setdefault((t.key, t.team, t.language, t.contributions), len(numbers)) for t in each.traces]
        scores = [trace.score for trace in each.traces]
        return [each.key, each.at.isoformat(), each.asker, sorted(each.answered), each.language, places, scores]

    return {
        "name": asked.name,
        "near": {
            protocol: {method: [past(each) for each in found] for method, found in methods.items()}
            for protocol, methods in asked.near.items()
        },
        "truth": {
            protocol: {query: list(grades.items()) for query, grades in truth.items()}
            for protocol, truth in asked.truth.items()
        },
        "candidates": sorted(asked.candidates),
        "answers": [(person, at.isoformat()) for person, at in asked.answers],
        "split": asked.split.isoformat(),
        "earlier": [past(each) for each in asked.earlier],
        "items": [
            [key, team, language, [(p.person_id, p.weight, p.at.isoformat(), p.part) for p in parts]]
            for key, team, language, parts in numbers
        ],
    }


def unpack(held: Any) -> Asked:
    """What `pack` made. Raises ValueError, TypeError, LookupError or AttributeError for anything else."""
    time = datetime.fromisoformat
    items = [
        (key, team, language, tuple(Contribution(who, weight, time(at), Part(part)) for who, weight, at, part in parts))
        for key, team, language, parts in held["items"]
    ]

    def past(row: Sequence[Any]) -> PastQuestion:
        key, at, asker, answered, language, places, scores = row
        met = [(items[place], score) for place, score in zip(places, scores, strict=True)]
        traces = [Trace(key, score, team, language, parts) for (key, team, language, parts), score in met]
        return PastQuestion(key, time(at), asker, frozenset(answered), traces, language)

    return Asked(
        held["name"],
        {
            protocol: {method: [past(row) for row in rows] for method, rows in methods.items()}
            for protocol, methods in held["near"].items()
        },
        {
            protocol: {query: {int(person): int(grade) for person, grade in grades} for query, grades in truth.items()}
            for protocol, truth in held["truth"].items()
        },
        frozenset(held["candidates"]),
        [(person, time(at)) for person, at in held["answers"]],
        time(held["split"]),
        [past(row) for row in held["earlier"]],
    )


@dataclass(frozen=True)
class _Query:
    id: str
    text: str
    at: datetime
    asker: int | None
    experts: Mapping[int, int]


def _later(row: Mapping[str, Any], ids: Mapping[str, int]) -> _Query:
    """A row of the corpus as a question; whoever answered it is an expert, the accepted one more so."""
    grades: dict[int, int] = {}
    for answer in row.get("answers") or ():
        author = answer.get("author")
        if author in ids and author != row.get("asked_by"):
            grades[ids[author]] = max(grades.get(ids[author], 1), 2 if answer.get("accepted") else 1)
    asker = ids.get(row.get("asked_by") or "")
    return _Query(str(row["id"]), f"{row['title']}\n{row['body']}", moment(row["created_at"]), asker, grades)


def _answers(row: Mapping[str, Any], ids: Mapping[str, int]) -> list[tuple[int, datetime]]:
    """(who, when first) of those who answered a row."""
    first: dict[int, datetime] = {}
    for answer in row.get("answers") or ():
        author = answer.get("author")
        if author in ids and author != row.get("asked_by"):
            at = moment(answer["created_at"])
            first[ids[author]] = min(at, first.get(ids[author], at))
    return list(first.items())


def _graded(experts: Mapping[str, int], ids: Mapping[str, int]) -> dict[int, int]:
    return {ids[handle]: grade for handle, grade in experts.items() if handle in ids}


def _split(folder: Path) -> datetime:
    try:
        return moment(json.loads((folder / "meta.json").read_text(encoding="utf-8"))["expert_split"])
    except (OSError, ValueError, KeyError) as error:
        raise EvaluationError(f"{folder / 'meta.json'} needs expert_split, a time ({error!r}).") from error


def _candidates(folder: Path) -> list[str]:
    try:
        with gzip.open(folder / "people.jsonl.gz", "rt", encoding="utf-8") as file:
            return sorted({row["id"] for row in map(json.loads, file) if row["candidate"]})
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise EvaluationError(f"{folder / 'people.jsonl.gz'} cannot be read: {error!r}.") from error
