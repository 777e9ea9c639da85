"""How fast `kollega reindex` is, compared with the model alone on the same texts: a first index, and half of the items
added to an index. The corpora are the demo organisation and a larger one generated from it (`speed.py`), or those of
the homes that are named, which are copied.

The model alone gets all texts at once. It and reindex take turns, and the medians count: by the clock, and by the time
that this process uses of the processors, on which other programs have less influence. Writes `results/indexing.json`,
unless homes are named.

Usage: KOLLEGA_HOME=DIR python -m tests.benchmarks.indexing [--texts 5000] [--rounds 3] [HOME ...]
"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import click
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.passages import make_passages
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.sources.demo import DemoSource
from recommender.corpus import items
from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest
from recommender.encoder import Encoder
from recommender.encoder.load import load_encoder
from recommender.index.digest import read_text
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import _peak_mb, _settings, generate

_TEXTS_OF_AN_ITEM = 3.4  # in the demo
Seconds = tuple[float, float]
"""By the clock, and of the processors."""


@click.command()
@click.argument("homes", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--texts", default=5000, show_default=True, help="About how many texts the larger corpus has.")
@click.option("--rounds", default=3, show_default=True, help="How often everything is measured.")
def main(homes: Sequence[Path], texts: int, rounds: int) -> None:
    """Measure each corpus, print and write the figures."""
    own = Path(os.environ.get("KOLLEGA_HOME", "var"))
    corpora: list[dict[str, Any]] = []
    for home, wanted in [(home, 0) for home in homes] or [(None, 0), (None, texts)]:
        with tempfile.TemporaryDirectory() as scratch:
            settings = _settings(own, Path(scratch))
            sessions = _filled(settings, home, wanted)
            corpora.append(_measured(settings, sessions, rounds))
            sessions.kw["bind"].dispose()
        click.echo(corpora[-1])
    if not homes:
        figures = {"load_average": os.getloadavg()[0], "rounds": rounds, "corpora": corpora}
        command = f"python -m tests.benchmarks.indexing --texts {texts} --rounds {rounds}"
        write("indexing", provenance(command) | figures)


def _filled(settings: Settings, home: Path | None, texts: int) -> sessionmaker[Session]:
    """A database with the items of a home, or of the demo and generated ones."""
    if home:
        with sqlite3.connect(home / "kollega.db") as source, sqlite3.connect(settings.home / "kollega.db") as copy:
            source.backup(copy)
        return open_database(settings)
    sessions = open_database(settings)
    load(DemoSource(date.today()), sessions, Analyzer(settings.models_dir / "dictionaries"))
    with sessions() as session:
        seeds = list(items(session))
    generate(sessions, seeds, range(round(texts / _TEXTS_OF_AN_ITEM) - len(seeds)))
    return sessions


def _measured(settings: Settings, sessions: sessionmaker[Session], rounds: int) -> dict[str, Any]:
    encoder, analyzer = load_encoder(settings), Analyzer(settings.models_dir / "dictionaries")
    analyzer.warm_up()
    texts = _texts(settings, sessions, encoder)
    every, added = [text for _key, text in texts], [text for key, text in texts if _is_added(key)]
    encoder.encode_passages(every[:16])
    first, more = [], []
    for _ in range(rounds):
        alone = _took(lambda: encoder.encode_passages(every))
        first.append((alone, _took(lambda: reindex(settings, sessions, encoder, analyzer, full=True))))
    _hide(sessions, True)
    reindex(settings, sessions, encoder, analyzer, full=True)
    _hide(sessions, False)
    half = shutil.copytree(settings.index_dir, settings.home / "half")
    for _ in range(rounds):
        shutil.rmtree(settings.index_dir)
        shutil.copytree(half, settings.index_dir)
        alone = _took(lambda: encoder.encode_passages(added))
        more.append((alone, _took(lambda: reindex(settings, sessions, encoder, analyzer))))
    counts = {"texts": len(every), "distinct_texts": len(set(every)), "added_texts": len(added)}
    return counts | _figures("first", first) | _figures("added", more) | {"peak_mb": _peak_mb()}


def _figures(name: str, runs: Sequence[tuple[Seconds, Seconds]]) -> dict[str, float]:
    """Speed of reindex by that of the model alone, and the seconds of both."""
    figures: dict[str, float] = {}
    for place, kind in enumerate(("clock", "processor")):
        figures[f"{name}_{kind}"] = median(alone[place] / whole[place] for alone, whole in runs)
        figures[f"{name}_alone_{kind}_s"] = median(alone[place] for alone, _whole in runs)
    return figures


def _texts(settings: Settings, sessions: sessionmaker[Session], encoder: Encoder) -> list[tuple[str, str]]:
    """(key of the item, what the model reads) of each passage."""
    with sessions() as session:
        return [
            (item.key, read_text(passage))
            for item in items(session)
            for passage in make_passages(item, encoder.count_tokens, settings.passage_tokens)
        ]


def _is_added(key: str) -> bool:
    return int(key.partition(":")[2]) % 2 == 0


def _hide(sessions: sessionmaker[Session], hidden: bool) -> None:
    """Hide what is added later, or show it."""
    with sessions.begin() as session:
        for table in (HelpRequest, Document):
            session.execute(update(table).where(table.id % 2 == 0).values(hidden=hidden))


def _took(run: Callable[[], object]) -> Seconds:
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
