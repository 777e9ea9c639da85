"""How indexing, starting, answering and following a change grow with the number of items, up to a million.

The HOME is made, or grows by the items that it lacks, `--step` of them at a time, each time in a process of its
own that brings the index up to date; a run that was stopped goes on where it stopped. The items are those of
`tests.benchmarks.speed`. No text of theirs is encoded, which would take longer than all that is measured: their vectors
are drawn around real ones. Then it is measured at this size:
- the start of the server until the first answer, and its memory then and at most, also while it takes over a change;
- one question after the other, each encoded alone and then asked as the page does while somebody types;
- `kollega reindex` after one item has changed, until the running server finds it; `kollega verify`.
Seconds are of the processor, since other programs make those of the clock longer; where the clock counts, both are
given. What was measured is kept in a file, one row a size, and written to `results/growing.json`.

Where the time for a million items is missing, `tests.benchmarks.multiplying` makes such a home out of a smaller one.
Usage: python -m tests.benchmarks.growing HOME [--items 1000000] [--step 100000] [--kept FILE] [--no-measure]
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil
from sqlalchemy import func, select

from indexer.indexing.passages import make_passages
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.sources.demo import DemoSource
from recommender import recommender as recommending
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS, load_items
from recommender.database.engine import open_database
from recommender.database.tables import SENT_HERE, Document, HelpRequest
from recommender.datatypes import Item, Kind, item_key
from recommender.encoder.load import load_encoder
from recommender.index import generations
from recommender.index.digest import read_text
from recommender.language.analyzer import Analyzer
from recommender.settings import PREFIX, Settings
from tests.benchmarks.following import _change
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import QUESTIONS, REAL_VECTORS, NoisyEncoder, _settings, generate, typed
from tests.benchmarks.suggestion_parts import PARTS, timed

ROUNDS = 3
_FOUND_WITHIN = 600.0
_KOLLEGA = str(Path(sys.executable).parent / "kollega")


class QuickEncoder(NoisyEncoder):
    """The same, which counts words instead of tokens: the generated texts are short either way."""

    def __init__(self, real: Any, real_vectors: Any) -> None:
        super().__init__(real, real_vectors)
        self.count_tokens = lambda text: 2 * len(text.split())


@click.command()
@click.argument("home", type=click.Path(file_okay=False, path_type=Path))
@click.option("--items", default=1_000_000, show_default=True, help="How many items the home gets.")
@click.option("--step", default=100_000, show_default=True, help="How many of them at a time.")
@click.option("--measure/--no-measure", default=True, help="Measure at this size, or let the home grow alone.")
@click.option("--kept", type=click.Path(path_type=Path), help="Where the rows are kept; in the home unless it is said.")
@click.option("--changes", default=3, show_default=True, help="How many changes are followed.")
@click.option("--part", hidden=True, help="For the processes that this one begins.")
def main(home: Path, items: int, step: int, measure: bool, kept: Path | None, changes: int, part: str | None) -> None:
    """Let the home grow, measure, print the figures and write them."""
    home.mkdir(parents=True, exist_ok=True)
    kept = kept or home / "growing.json"
    exists = (home / "models").exists()
    settings = Settings(home=home, anonymous_reading=True) if exists else _settings(_models_home(), home)
    if part:
        print(json.dumps(grow(settings, items) if part == "grow" else asked(settings, changes)))
        return
    while (there := _indexed(settings)) < items:
        row = _in_process(home, "grow", min(items, there + step))
        _keep(kept, "growth", row)
        click.echo(row)
    for part_of in (sizes, answers, verified) if measure else ():
        _keep(kept, "measured", {"items": items} | part_of(settings, changes))
        held = json.loads(kept.read_text(encoding="utf-8"))
        click.echo(held["measured"])
        write("growing", provenance("python -m tests.benchmarks.growing HOME --items N") | held)


def grow(settings: Settings, size: int) -> dict[str, Any]:
    """Store the items that a home lacks of `size`, and bring the index up to date; what both took."""
    sessions, analyzer = open_database(settings), Analyzer(settings.models_dir / "dictionaries")
    started = time.process_time()
    with sessions() as session:
        is_new = session.scalar(select(HelpRequest.id).limit(1)) is None
    if is_new:
        load(DemoSource(date.today()), sessions, analyzer)
    with sessions() as session:
        seeds, number = demo_and_number(session)
    real = load_encoder(settings)
    kept = settings.home / "real.npy"
    if not kept.exists():
        texts = [read_text(p) for item in seeds for p in make_passages(item, real.count_tokens, 256)]
        np.save(kept, real.encode_passages(texts[:REAL_VECTORS]))
    generate(sessions, seeds, range(number, size - len(seeds)))
    stored, began = time.process_time(), time.perf_counter()
    report = reindex(settings, sessions, QuickEncoder(real, np.load(kept)), analyzer, by_times=True)
    return {
        "items": report.items,
        "passages": report.passages,
        "added": report.encoded,
        "store_seconds": stored - started,
        "index_seconds": time.process_time() - stored,
        "index_clock_seconds": time.perf_counter() - began,
        "indexing_peak_mb": _most_memory(),
    }


def demo_and_number(session: Any) -> tuple[list[Item], int]:
    """(the items of the demo organisation, the number of generated ones): these are not from a source."""
    imported = session.scalars(select(HelpRequest.id).where(HelpRequest.source != SENT_HERE, SEARCHABLE_REQUESTS))
    requests = [item_key(Kind.REQUEST, identifier) for identifier in imported]
    documents = session.scalars(select(Document.id).where(SEARCHABLE_DOCUMENTS))
    seeds = load_items(session, [*requests, *(item_key(Kind.DOCUMENT, identifier) for identifier in documents)])
    there = sum(
        session.scalar(select(func.count()).select_from(table).where(searchable)) or 0
        for table, searchable in ((HelpRequest, SEARCHABLE_REQUESTS), (Document, SEARCHABLE_DOCUMENTS))
    )
    return list(seeds.values()), there - len(seeds)


def sizes(settings: Settings, _changes: int) -> dict[str, Any]:
    """Megabytes on disk, and the passages and vectors in the index."""
    directory = generations.live(settings.index_dir)
    manifest = generations.Manifest.read(directory)
    index = {path.relative_to(directory): path.stat().st_size / 1e6 for path in generations.files_of(directory)}
    keywords = sum(size for path, size in index.items() if len(path.parts) > 1)
    named = {name: index[Path(name)] for name in (generations.CATALOGUE, generations.VECTORS)}
    disk = {"kollega.db": (settings.home / "kollega.db").stat().st_size / 1e6} | named | {"lexical": keywords}
    rounded = {name: round(size) for name, size in disk.items()}
    return {"passages": manifest.passages, "vectors": manifest.rows, "disk_mb": rounded}


def answers(settings: Settings, changes: int) -> dict[str, Any]:
    """What `asked` measures, in a process of its own."""
    return _in_process(settings.home, "ask", 0, changes)


def verified(settings: Settings, _changes: int) -> dict[str, Any]:
    """What `kollega verify` takes."""
    return {f"verify_{name}": value for name, value in _ran(settings, "verify").items()}


def asked(settings: Settings, changes: int) -> dict[str, Any]:
    """What is measured in a process that serves, with garbage collected as in `kollega serve`: its start, questions,
    and following changes; its memory meanwhile, and the processor's time of each part of a question."""
    from web.app import create_app

    took, inner = Counter[str](), list[float]()
    for owner, name, part in PARTS:
        timed(owner, name, part, took, inner)
    gc.disable()
    recommender = recommending.Recommender.open(settings)
    if recommender.notices or recommender.snapshot.encoder is None:
        raise RuntimeError(f"Not all of search runs: {recommender.notices}")
    client = create_app(settings, recommender).test_client()
    result: dict[str, Any] = {
        "page_seconds": _both_clocks(lambda: client.get("/", query_string={"q": QUESTIONS[0]}))[0]
    }
    result |= {"first_answer_seconds": time.process_time(), "starting_peak_mb": _most_memory()}
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    figures: dict[str, list[tuple[float, float]]] = {"suggestion": [], "encoding": [], "first_time": []}
    encode, parts = recommender.snapshot.encoder.encode_queries, []
    for turn in range(ROUNDS + 1):
        took.clear()
        for question in (f"{question} {turn}" for question in QUESTIONS):
            encoding = _both_clocks(lambda text=question: encode([text]))  # type: ignore[misc]
            took["encoding the question"] -= encoding[0]
            answer = _both_clocks(lambda text=question: client.post("/suggest", data=typed(text)))  # type: ignore[misc]
            figures["suggestion" if turn else "first_time"].append(answer)  # the first round fills what is cached
            if turn:
                figures["encoding"].append(encoding)
        parts.append({name: 1000 * seconds / len(QUESTIONS) for name, seconds in took.items()})
    for name, pairs in figures.items():
        for clock, values in zip(("processor", "clock"), zip(*pairs, strict=True), strict=True):
            result |= {f"{name}_{clock}_p50_ms": 1000 * statistics.median(values)}
            result |= {f"{name}_{clock}_p95_ms": 1000 * sorted(values)[int(0.95 * len(values))]}
    result["p95_over_encoding_p95"] = result["suggestion_clock_p95_ms"] / result["encoding_clock_p95_ms"]
    by_processor = result["suggestion_processor_p95_ms"] / result["encoding_processor_p95_ms"]
    result["processor_p95_over_encoding_p95"] = by_processor
    result["parts_ms"] = {name: statistics.median(each[name] for each in parts[1:]) for name in parts[-1]}
    result["serving_mb"] = psutil.Process().memory_info().rss / 1e6
    print(json.dumps(result), file=sys.stderr)
    rounds = [
        _followed(settings, lambda question: client.get("/", query_string={"q": question}).text) for _ in range(changes)
    ]
    result |= {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return result | {"serving_later_mb": psutil.Process().memory_info().rss / 1e6, "serving_peak_mb": _most_memory()}


def _followed(settings: Settings, page: Callable[[str], str]) -> dict[str, float]:
    """How long it takes from a change of one item, by `kollega reindex`, until this process finds the item."""
    word, began, before = _change(settings), time.perf_counter(), time.process_time()
    ran = _ran(settings, "reindex")
    commanded = time.perf_counter() - began
    while f"{word}vika" not in page(f"{word} laite"):
        if time.perf_counter() - began > _FOUND_WITHIN:
            raise SystemExit(f"The changed item was not found within {_FOUND_WITHIN:.0f} s.")
        time.sleep(0.2)
    return {
        "found_clock_seconds": time.perf_counter() - began,
        "reindex_clock_seconds": commanded,
        "taking_over_seconds": time.process_time() - before,
    } | {f"reindex_{name}": value for name, value in ran.items()}


def _ran(settings: Settings, *command: str) -> dict[str, float]:
    """Run a command of `kollega`: the seconds of the processor, and its peak memory."""
    environment = os.environ | {f"{PREFIX}HOME": str(settings.home)}
    process = subprocess.Popen([_KOLLEGA, *command], env=environment, stdout=subprocess.DEVNULL)
    peak = 0.0  # that of getrusage includes the memory of the parent at the fork
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        peak = max(peak, _most_memory(process.pid))
        time.sleep(0.05)
    _pid, status, used = ended
    if status:
        raise SystemExit(f"kollega {' '.join(command)} failed; its messages are above.")
    return {"seconds": used.ru_utime + used.ru_stime, "peak_mb": peak}


def _both_clocks(run: Callable[[], object]) -> tuple[float, float]:
    """The seconds of the processor, and of the clock."""
    processor, clock = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - processor, time.perf_counter() - clock


def _most_memory(process: int | str = "self") -> float:
    """The most memory that a process, or this one, has had, in megabytes; nothing when it has just ended."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0.0) * 1024 / 1e6


def _indexed(settings: Settings) -> int:
    """How many items the index has."""
    name = generations.live_name(settings.index_dir)
    return int(generations.values_of(settings.index_dir / name)["items"]) if name else 0


def _models_home() -> Path:
    return Path(os.environ.get(f"{PREFIX}HOME", "var"))


def _keep(path: Path, kind: str, row: dict[str, Any]) -> None:
    """Keep figures of a size beside or in the place of earlier ones."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"growth": [], "measured": []}
    rows = {each["items"]: each for each in held[kind]}
    rows[row["items"]] = rows.get(row["items"], {}) | row
    held[kind] = [rows[items] for items in sorted(rows)]
    path.write_text(json.dumps(held, indent=1), encoding="utf-8")


def _in_process(home: Path, part: str, size: int, changes: int = 0) -> dict[str, Any]:
    command: Sequence[str] = [sys.executable, "-m", "tests.benchmarks.growing", str(home), "--part", part]
    done = subprocess.run(
        [*command, "--items", str(size), "--changes", str(changes)], check=True, stdout=subprocess.PIPE, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
