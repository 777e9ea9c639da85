"""Measures who is named for the judged questions of invented organisations, asked as somebody who is signed out.

Each organisation is a folder with `org.jsonl`, as for `kollega import jsonl`, and `questions.jsonl`: one JSON object a
line with `text`, `people` (the handles of those who know; empty when nobody does), `not_people` (handles of those who
must not be named) and `team` (a handle or null).

Usage: python -m indexer.research.measure_people FOLDER...
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from indexer.evaluation.cache import CachingEncoder
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from recommender.access import ANYONE
from recommender.database.engine import open_database
from recommender.encoder import Encoder
from recommender.encoder.load import load_encoder
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.recommender import Recommender
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings


@dataclass(frozen=True)
class Asked:
    """One question: who knows, who must not be named, its team, and the people and teams that were named, best
    first."""

    people: frozenset[str]
    not_people: frozenset[str]
    team: str | None
    named: tuple[str, ...]
    teams: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """Shares of questions. Of those that somebody can answer: one who knows is `first`, or `named` at all. Of those
    that nobody can answer: `somebody` is named. Of those with people who must not be named: such a person is named
    (`wrong`). Of the people who are named for questions that somebody can answer, those who know (`right`). Of those
    with a team and a proposal: the right one is `team_first`, or among those offered (`team_offered`)."""

    first: float
    named: float
    somebody: float
    wrong: float
    right: float
    team_first: float
    team_offered: float


def measure(asked: Sequence[Asked]) -> Figures:
    """The figures of these questions; 0 for a share of no questions."""
    known = [each for each in asked if each.people]
    unknown = [each for each in asked if not each.people]
    unwanted = [each for each in asked if each.not_people]
    proposed = [each for each in asked if each.team and each.teams]
    return Figures(
        first=_share([each.named[:1] != () and each.named[0] in each.people for each in known]),
        named=_share([not each.people.isdisjoint(each.named) for each in known]),
        somebody=_share([each.named != () for each in unknown]),
        wrong=_share([not each.not_people.isdisjoint(each.named) for each in unwanted]),
        right=_share([person in each.people for each in known for person in each.named]),
        team_first=_share([each.teams[0] == each.team for each in proposed]),
        team_offered=_share([each.team in each.teams for each in proposed]),
    )


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def ask(folder: Path, settings: Settings, encoder: Encoder, analyzer: Analyzer) -> list[Asked]:
    """Load an organisation into an empty store in `settings.home` and ask its questions. Raises EvaluationError when
    a record or a question cannot be read."""
    sessions = open_database(settings)
    report = load(JSONLSource(folder / "org.jsonl", folder.name), sessions, analyzer)
    if report.problems:
        raise EvaluationError(f"{folder.name}: {report.problems[0]}")
    reindex(settings, sessions, encoder, analyzer)
    recommender = Recommender(
        settings, QuestionAnalyzer.load(analyzer, settings), Live.load(settings.index_dir, encoder)
    )
    asked = []
    with sessions() as session:
        for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                people, not_people = frozenset(row["people"]), frozenset(row["not_people"])
                text, team = str(row["text"]), row["team"]
            except (ValueError, KeyError, TypeError) as error:
                raise EvaluationError(
                    f"{folder / 'questions.jsonl'} has a line that cannot be read: {error!r}"
                ) from error
            found = recommender.recommend(text, ANYONE, session)
            named = tuple(expert.handle for expert in found.experts)
            asked.append(Asked(people, not_people, team, named, found.likely_teams or found.teams))
            session.expunge_all()
    sessions.kw["bind"].dispose()
    return asked


def main(folders: Sequence[Path]) -> None:
    """Measure each organisation, and all of them together, and print a table."""
    settings = Settings.from_environment()
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    encoder = CachingEncoder(load_encoder(settings), settings.home / "evaluation" / "vectors")
    names = [field.name.replace("_", " ") for field in fields(Figures)]
    print(f"| organisation | questions | {' | '.join(names)} |\n{'|---' * (len(names) + 2)}|")
    everything: list[Asked] = []
    for folder in folders:
        with TemporaryDirectory() as home:
            asked = ask(folder, replace(settings, home=Path(home), database=""), encoder, analyzer)
        everything += asked
        print(_row(folder.name, asked), flush=True)
    print(_row("all", everything))
    encoder.close()


def _row(name: str, asked: Sequence[Asked]) -> str:
    figures = " | ".join(f"{value:.3f}" for value in astuple(measure(asked)))
    return f"| {name} | {len(asked)} | {figures} |"


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
