"""Measures all engines, prints the table and writes `results/peers.json`.

Usage: python -m tests.benchmarks.peers SETS [--pages N] [--questions N] [--rounds N]. SETS is the folder of the
evaluation sets. It needs what `make peers` installs. Times are compared within one run; each engine is loaded, and
asked a few questions, before its time is taken. A machine that is shared may become slower in between, so the engines
are measured in two rounds, the second one in the opposite order, and the mean of both counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from indexer.evaluation.measures import measure
from recommender.encoder.packaged import model_folder
from tests.benchmarks.peers import Peer
from tests.benchmarks.peers.engines import ENGINES
from tests.benchmarks.peers.tasks import TASKS, Question, Task, read_task
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import _peak_mb

_DEPTH = 100
"""Pages that are taken before those of another language are left out."""
_TIMED = 10
"""Results that are asked for when the time is taken."""


def measure_engine(engine: Peer, tasks: Sequence[Task]) -> dict[str, Any]:
    """Texts indexed a second, milliseconds of a question (median and 95 % within) over all tasks, nDCG@10 of each."""
    rates, took, quality = [], [], {}
    for task in tasks:
        rates.append((len(task.pages), _seconds(lambda task=task: engine.index(task.pages))))
        languages = {page.id: page.language for page in task.pages}
        for name, questions in task.questions.items():
            for question in questions[:5]:
                engine.ask(question.text, _TIMED)
            took += [1000 * _seconds(lambda q=q: engine.ask(q.text, _TIMED)) for q in questions]
            quality[f"{task.name} {name}"] = _quality(getattr(engine, "rank", engine.ask), questions, languages)
    return {
        "texts_per_second": sum(pages for pages, _seconds in rates) / sum(seconds for _pages, seconds in rates),
        "p50_ms": statistics.median(took),
        "p95_ms": sorted(took)[int(0.95 * len(took))],
        "ndcg": quality,
    }


def together(rounds: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row for each engine, in the order of the first round: the mean of its times in all rounds, and the most
    memory. Its quality is that of the first, since it is the same in each."""
    rows = []
    for first in rounds[0]:
        same = [row for each in rounds for row in each if row["engine"] == first["engine"]]
        means = {name: statistics.fmean(row[name] for row in same) for name in ("texts_per_second", "p50_ms", "p95_ms")}
        rows.append({**first, **means, "peak_mb": max(row["peak_mb"] for row in same)})
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown."""
    tasks = list(rows[0]["ndcg"])
    lines = ["| engine | texts a second | median, ms | 95 % within, ms | memory, MB | " + " | ".join(tasks) + " |"]
    lines.append("|---" * (5 + len(tasks)) + "|")
    for row in rows:
        quality = " | ".join(f"{row['ndcg'][task]:.3f}".lstrip("0") for task in tasks)
        lines.append(
            f"| {row['engine']} | {row['texts_per_second']:.1f} | {row['p50_ms']:.0f} | {row['p95_ms']:.0f} "
            f"| {row['peak_mb']:.0f} | {quality} |"
        )
    return "\n".join(lines)


def _quality(
    ask: Callable[[str, int], list[str]], questions: Sequence[Question], languages: Mapping[str, str]
) -> float:
    run = {}
    for question in questions:
        found = ask(question.text, _DEPTH)
        run[question.id] = [page for page in found if question.language in (None, languages[page])][:10]
    scores = measure({question.id: question.relevant for question in questions}, run, ("nDCG@10",))["nDCG@10"]
    return statistics.fmean(scores.values()) if scores else 0.0


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _one(name: str, sets: Path, pages: int, questions: int) -> dict[str, Any]:
    """Measure one engine in this process."""
    tasks = [read_task(sets / folder, protocols, pages, questions) for folder, protocols in TASKS]
    engine = ENGINES[name](model_folder(Path(os.environ.get("KOLLEGA_HOME", "var")) / "models"))
    return {"engine": name} | measure_engine(engine, tasks) | {"peak_mb": _peak_mb()}


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path)
    parser.add_argument("--pages", type=int, default=4000, help="most pages of a set")
    parser.add_argument("--questions", type=int, default=300, help="most questions of a task")
    parser.add_argument("--rounds", type=int, default=2, help="how often each engine is measured")
    parser.add_argument("--engine", choices=ENGINES, help="measure this one, and print JSON")
    options = parser.parse_args()
    if options.engine:
        print(json.dumps(_one(options.engine, options.sets, options.pages, options.questions)))
        return
    rounds: list[list[dict[str, Any]]] = []
    for number in range(options.rounds):
        rounds.append([])
        for name in ENGINES if number % 2 == 0 else reversed(ENGINES):
            one = [sys.executable, "-m", "tests.benchmarks.peers", *sys.argv[1:], "--engine", name]
            done = subprocess.run(one, check=True, stdout=subprocess.PIPE, text=True)
            rounds[-1].append(json.loads(done.stdout.splitlines()[-1]))
            print(json.dumps(rounds[-1][-1]), file=sys.stderr)
    rows = together(rounds)
    sizes = {"pages": options.pages, "questions": options.questions, "rounds": options.rounds}
    command = f'make peers SETS=FOLDER PEERS="--pages {options.pages} --questions {options.questions}"'
    write("peers", provenance(command) | sizes | {"rows": rows})
    print(table(rows))


if __name__ == "__main__":
    _main()
