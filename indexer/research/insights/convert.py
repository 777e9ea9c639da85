"""Turns evaluation sets with people and times into the import format, as it would have been exported at a time.

A set is a folder as `docs/search.md` describes it, whose requests have `answers` with author and time. Requests become
requests of the team that the set names, answered ones resolved; who answered becomes an agent of the teams they
answered in. A request is resolved at its accepted answer, else at the first answer by somebody else.

Usage: python -m indexer.research.insights.convert TARGET FOLDER...
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from indexer.evaluation.sets import EvaluationSet
from recommender.database.tables import utc_now


@dataclass(frozen=True)
class Answer:
    """An answer to a question: who wrote it, when, whether it was accepted, and its votes."""

    id: str
    author: str
    at: datetime
    body: str
    accepted: bool
    score: int


@dataclass(frozen=True)
class Asked:
    """A question of a set with its answers by others, oldest first."""

    id: str
    title: str
    body: str
    language: str
    team: str
    asker: str | None
    at: datetime
    url: str | None
    answers: tuple[Answer, ...]

    @property
    def text(self) -> str:
        """Title and text."""
        return f"{self.title}\n{self.body}"

    def first_answer_after(self) -> float | None:
        """Hours until the first answer; None when there is none."""
        return (self.answers[0].at - self.at).total_seconds() / 3600 if self.answers else None

    def known_at(self, time: datetime) -> "Asked":
        """The question with the answers that it had at that time."""
        answers = tuple(answer for answer in self.answers if answer.at < time)
        return Asked(
            self.id, self.title, self.body, self.language, self.team, self.asker, self.at, self.url, answers
        )  # fmt: skip

    def moved(self, by: timedelta) -> "Asked":
        """The question, as if it and its answers had been written so much later."""
        answers = tuple(replace(answer, at=answer.at + by) for answer in self.answers)
        return replace(self, at=self.at + by, answers=answers)


def read_questions(folder: Path) -> list[Asked]:
    """The questions of a set, oldest first."""
    rows = EvaluationSet.read(folder).corpus.values()
    questions = [_question(row) for row in rows if row["kind"] == "request" and row.get("created_at")]
    return sorted(questions, key=lambda question: (question.at, question.id))


def _question(row: Mapping[str, Any]) -> Asked:
    asker = row.get("asked_by")
    answers = [
        Answer(
            str(answer.get("id") or f"{row['id']}-{place}"), str(answer["author"]), _time(answer["created_at"]),
            str(answer["body"]),
            bool(answer.get("accepted")), int(answer.get("score") or 0),
        )
        for place, answer in enumerate(row.get("answers") or ())
        if answer.get("author") and answer["author"] != asker
    ]  # fmt: skip
    answers.sort(key=lambda answer: (answer.at, answer.id))
    team = str(row.get("team") or "everybody").lower().replace(" ", "-")
    return Asked(
        str(row["id"]), str(row["title"]), str(row["body"]), str(row["language"]), team, asker,
        _time(row["created_at"]), row.get("url"), tuple(answers),
    )  # fmt: skip


def _time(value: str) -> datetime:
    """A time in UTC without a zone."""
    time = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def records(questions: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    """The lines of the import format for these questions: teams, people, requests."""
    teams, people = set[str](), defaultdict[str, set[str]](set)
    for question in questions:
        teams.add(question.team)
        if question.asker:
            people[question.asker] |= set()
        for answer in question.answers:
            people[answer.author].add(question.team)
    for team in sorted(teams):
        yield {"type": "team", "id": team, "name": team}
    for person in sorted(people):
        role = "agent" if people[person] else "staff"
        yield {
            "type": "person", "id": person, "name": person, "kind": "person", "role": role,
            "teams": sorted(people[person]), "languages": ["en"],
        }  # fmt: skip
    yield from map(_request, questions)


def _request(question: Asked) -> dict[str, Any]:
    solved = next((answer for answer in question.answers if answer.accepted), None)
    if solved is None and question.answers:
        solved = question.answers[0]
    request = {
        "type": "request", "id": question.id, "title": question.title[:500].strip() or question.id,
        "body": question.body, "team": question.team, "language": question.language,
        "status": "resolved" if solved else "open", "asked_by": question.asker,
        "created_at": question.at.isoformat(), "audience": ["everyone"], "url": question.url,
        "replies": [
            {
                "id": answer.id, "author": answer.author, "body": answer.body, "created_at": answer.at.isoformat(),
                "accepted": answer.accepted, "score": answer.score,
            }
            for answer in question.answers
        ],
    }  # fmt: skip
    if solved:
        request["resolved_at"] = solved.at.isoformat()
    return {name: value for name, value in request.items() if value is not None}


def write(questions: Sequence[Asked], path: Path) -> None:
    """Write the import format of these questions."""
    lines = [json.dumps(record, ensure_ascii=False) for record in records(questions)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(target: Path, folders: Sequence[Path]) -> None:
    """Write each set to TARGET/NAME.jsonl, as if its last question had been asked today: what is old counts little."""
    target.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        questions = read_questions(folder)
        until_now = timedelta(days=(utc_now() - max(question.at for question in questions)).days)
        write([question.moved(until_now) for question in questions], target / f"{folder.name}.jsonl")
        print(f"{folder.name}: {len(questions)} requests")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
