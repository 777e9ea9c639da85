"""Damaged files never change an answer silently: each time the answer is the same, or has a notice, or is refused.

A case cuts, flips, zeroes, empties, deletes, swaps or lengthens a random file of the index, the model or the database,
before it is opened or while it is open, and asks questions in another process. That one must neither crash nor hang.
SQLite has no checksums, so that a changed letter of a text in the database is no fault of the database; then
`kollega verify` must name it. `KOLLEGA_DAMAGE_CASES` is the number of cases: 30 by default, without the real model;
60 in `make test-all`; 200 in `make bench`, every fifth of them with the packaged model, whose files are made again.
"""

import json
import os
import random
import select
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from recommender.encoder import Encoder
from recommender.index import generations
from recommender.language.analyzer import Analyzer
from recommender.learned import ANSWER_MODEL, RANKER
from recommender.people.ranker import Ranker
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder
from tests.damage import KINDS, QUESTIONS, Case, answers, open_recommender, settings_of
from tests.paths import ROOT

CASES = int(os.environ.get("KOLLEGA_DAMAGE_CASES", "30"))
REAL_FROM = 100
"""Cases from which every fifth one uses the packaged model."""
HANGS = 240  # seconds; making the model again takes half a minute


class Asker:
    """The process that asks; started again when it has crashed."""

    def __init__(self, whole: list[dict[str, Any]]) -> None:
        self._whole = whole
        self._process: subprocess.Popen[str] | None = None

    def ask(self, case: Case) -> tuple[str, str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.damage"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
                env={**os.environ, "KOLLEGA_TEST_MODELS": str(MODELS), "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            self._send(json.dumps(self._whole))
        self._send(json.dumps(case.__dict__))
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], HANGS)[0]:
            self.close()
            return "hang", ""
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self._process = None
            return "crash", f"exit status {status}"
        result, details, _case = json.loads(line)
        return result, details

    def _send(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _make_world(
    settings: Settings, sessions: sessionmaker[Session], encoder: Encoder, add: Callable[[int], None]
) -> None:
    """Two generations of an index, and weights that were learned."""
    analyzer = Analyzer(MODELS / "dictionaries")
    add(0)
    reindex(settings, sessions, encoder, analyzer)
    add(1)
    reindex(settings, sessions, encoder, analyzer)
    live = generations.live(settings.index_dir)
    RANKER.save(live, Ranker({"votes": 2.0, "lately": -0.25}, {"questions": 300}))
    ANSWER_MODEL.save(live, AnswerModel(-2.5, 7.5, {"questions": 300}))


@pytest.fixture
def add_items(add_request: Callable[..., int], add_document: Callable[..., int]) -> Callable[[int], None]:
    def add(part: int) -> None:
        for number in range(6):
            add_request(f"subject{part}{number} printer", answer=f"reply{part}{number} about {number}", by=f"p{number}")
        add_request("printer jam on floor two", answer="Open the tray and pull the sheet out.", by="aino", team="it")
        add_request("vpn tunnel drops", "It says E-52.", "Restart the client.", by="ville", team="it")
        add_document("Ordering a screen", "## How\n\nOrder it in the shop.", owner="aino", team="it")
        add_request("Kahvikone vuotaa keittiössä", answer="Soita huoltoon.", by="ville", language="fi")

    return add


def _files(home: Path) -> dict[str, list[str]]:
    """The files of each kind in a home, by their paths in it; locks and the files of another kind are left out."""
    live = generations.live(home / "index")
    index = [path for path in live.rglob("*") if path.is_file() and path.suffix != ".lock"]
    models = [path for path in (home / "models").rglob("*") if path.is_file() and path.name != ".lock"]
    kinds = {"index": [*index, home / "index" / "CURRENT"], "database": [home / "kollega.db"], "models": models}
    return {kind: sorted(str(path.relative_to(home)) for path in paths) for kind, paths in kinds.items()}


def _random_case(number: int, home: Path, real: bool) -> Case:
    chance = random.Random(number)  # noqa: S311
    files = _files(home)
    kind = "models" if real else chance.choices(("index", "database"), (4, 1))[0]
    file = chance.choice(files[kind])
    others = [other for other in (*files["index"], *files["database"]) if other != file]
    how = chance.choice(KINDS)
    in_use = chance.random() < 0.4 and not (kind == "database" and how in ("cut", "empty", "swap"))
    return Case(str(home), file, how, number, chance.choice(others), in_use, real)


@pytest.fixture
def asker_of() -> Iterator[Callable[[list[dict[str, Any]]], Asker]]:
    opened: list[Asker] = []

    def made(whole: list[dict[str, Any]]) -> Asker:
        opened.append(Asker(whole))
        return opened[-1]

    yield made
    for asker in opened:
        asker.close()


def test_damaged_files_never_change_an_answer_silently(
    settings: Settings,
    sessions: sessionmaker[Session],
    tmp_path: Path,
    add_items: Callable[[int], None],
    asker_of: Callable[[list[dict[str, Any]]], Asker],
) -> None:
    _make_world(settings, sessions, FakeEncoder(), add_items)
    sessions.kw["bind"].dispose()
    template = Case(str(settings.home), "", "", 0)
    whole = answers(open_recommender(settings_of(template), False), settings)
    assert all(answer["suggestions"] for answer in whole[:3]) and not any(answer["notices"] for answer in whole)
    asker = asker_of(whole)
    results: Counter[str] = Counter()
    wrong = []
    for number in range(CASES - CASES // 5 * (CASES >= REAL_FROM)):
        home = tmp_path / "case"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(settings.home, home)
        case = _random_case(number, home, real=False)
        result, details = asker.ask(case)
        results[result] += 1
        if result not in ("same", "notice", "refused", "named by verify"):
            wrong.append((result, details, case))
    print("\ndamaged files:", json.dumps({"cases": results.total(), **results}, sort_keys=True))
    assert wrong == [], "\n".join(map(str, wrong))
    assert results["notice"] and len(QUESTIONS) == len(whole)


@pytest.mark.skipif(CASES < REAL_FROM, reason="the packaged model is made again for each case")
def test_damaged_files_of_the_model_never_change_an_answer_silently(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_items: Callable[[int], None],
    real_encoder: Encoder,
    asker_of: Callable[[list[dict[str, Any]]], Asker],
) -> None:
    _make_world(settings, sessions, real_encoder, add_items)
    (settings.home / "models").mkdir()
    for folder in MODELS.iterdir():
        if folder.name == "dictionaries" or real_encoder.card.revision in _revision_of(folder):
            shutil.copytree(folder, settings.home / "models" / folder.name)
    real = settings_of(Case(str(settings.home), "", "", 0, real=True))
    recommender = open_recommender(real, True)
    whole = answers(recommender, real)
    assert not any(answer["notices"] for answer in whole)
    asker = asker_of(whole)
    results: Counter[str] = Counter()
    wrong = []
    for number in range(CASES // 5):
        case = _random_case(number, settings.home, real=True)
        result, details = asker.ask(case)
        results[result] += 1
        if result not in ("same", "notice", "refused"):
            wrong.append((result, details, case))
        assert answers(open_recommender(real, True), real) == whole  # what was damaged has been made again
    print("\ndamaged model files:", json.dumps({"cases": results.total(), **results}, sort_keys=True))
    assert wrong == []


def _revision_of(folder: Path) -> str:
    """What tells to which model a prepared folder belongs: its name, or the revision that is written in it."""
    revision = folder / "REVISION"
    return folder.name + (revision.read_text(encoding="ascii") if revision.is_file() else "")
