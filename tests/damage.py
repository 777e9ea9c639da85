"""The process that asks questions of damaged files, for `test_damage.py`: a crash or a hang ends only this one.

It reads one case a line from standard input (JSON) and answers with one line: what came of it. With `real` it uses the
packaged model in the home, otherwise the fake encoder.
"""

import json
import os
import random
import shutil
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from indexer.indexing.verify import verify
from recommender.access import ANYONE
from recommender.database.engine import open_database
from recommender.errors import KollegaError
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.recommender import Recommender
from recommender.render import as_json
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder

QUESTIONS = ("printer jam", "vpn tunnel drops", "kahvikone vuotaa", "how do I order a screen", "E-52")
KINDS = ("cut", "flip", "bit", "delete", "zero", "empty", "swap", "append")


@dataclass(frozen=True)
class Case:
    """One damage. `in_use` says that the files are open when it happens; `real` that the packaged model is used."""

    home: str
    file: str
    kind: str
    seed: int
    other: str = ""
    in_use: bool = False
    real: bool = False


def damage(case: Case) -> None:
    """Damage the file in place."""
    path, chance = Path(case.home) / case.file, random.Random(case.seed)  # noqa: S311
    size = path.stat().st_size
    if case.kind == "delete":
        path.unlink()
    elif case.kind in ("cut", "empty"):
        os.truncate(path, chance.randrange(size) if size and case.kind == "cut" else 0)
    elif case.kind == "swap":
        other = Path(case.home) / case.other
        shutil.copyfile(other, path)
    elif case.kind == "append":
        with path.open("ab") as file:
            file.write(chance.randbytes(chance.randint(1, 5000)))
    else:
        length = {"bit": 1, "flip": chance.randint(1, 64), "zero": chance.randint(512, 8192)}[case.kind]
        start = chance.randrange(max(1, size - length + 1))
        with path.open("r+b") as file:
            file.seek(start)
            block = file.read(length)
            bit = 1 << chance.randrange(8)
            changed = {"bit": bytes([b ^ bit for b in block]), "flip": bytes([b ^ 0xFF for b in block])}
            file.seek(start)
            file.write(changed.get(case.kind, bytes(len(block))))


def settings_of(case: Case) -> Settings:
    """The settings of a case: its own home, with the fake encoder's model unless it is a real one."""
    if case.real:
        return Settings(home=Path(case.home), anonymous_reading=True)
    return Settings(home=Path(case.home), model="fake", reranker="none", anonymous_reading=True)


def open_recommender(settings: Settings, real: bool) -> Recommender:
    """As `kollega serve` opens one."""
    if real:
        return Recommender.open(settings)
    return Recommender(settings, _questions(settings), Live.load(settings.index_dir, FakeEncoder()))


@cache
def _questions(settings: Settings) -> QuestionAnalyzer:
    """What reads questions, loaded once for all cases with the fake encoder; their homes have no dictionaries."""
    return QuestionAnalyzer.load(Analyzer(MODELS / "dictionaries"), settings)


def answers(recommender: Recommender, settings: Settings) -> list[dict[str, Any]]:
    """The answers to all questions, as the API gives them."""
    sessions = open_database(settings)
    try:
        with sessions() as session:
            return [json.loads(json.dumps(as_json(recommender.recommend(q, ANYONE, session)))) for q in QUESTIONS]
    finally:
        sessions.kw["bind"].dispose()


def outcome(case: Case, whole: list[dict[str, Any]]) -> tuple[str, str]:
    """(same, notice, refused, named by verify, or changed; details): `whole` are the answers before the damage."""
    settings = settings_of(case)
    try:
        if case.in_use:
            recommender = open_recommender(settings, case.real)
            answers(recommender, settings)
            damage(case)
            recommender.refresh()
        else:
            damage(case)
            recommender = open_recommender(settings, case.real)
        found = answers(recommender, settings)
    except (KollegaError, SQLAlchemyError) as error:
        return "refused", f"{type(error).__name__}: {error}"[:200]
    if found == whole:
        return "same", ""
    without = [
        answer for answer, before in zip(found, whole, strict=True) if answer != before and not answer["notices"]
    ]
    if not without:
        return "notice", ", ".join(sorted({notice for answer in found for notice in answer["notices"]}))
    if case.file == "kollega.db":
        problems = verify(
            settings, wait=lambda _seconds: None
        )  # without those of the dictionaries, which are elsewhere
        if named := [problem for problem in problems if not problem.endswith("kollega prepare")]:
            return "named by verify", named[0]
    return "changed", json.dumps(without[0])[:500]


def main() -> None:
    """Answer the cases that come in; the first line has the answers before any damage."""
    whole = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        case = Case(**json.loads(line))
        try:
            answer = outcome(case, whole)
        except BaseException as error:
            answer = ("error", f"{type(error).__name__}: {error}"[:500])
        sys.stdout.write(json.dumps([*answer, asdict(case)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
