"""Milvus (in its library form) against local files: the same items, vectors, terms and questions, asked in turns in one
process, so that whatever else the machine does concerns both.

The terms are real: each item has the terms of two items of the demo organisation. Vectors are drawn: unit vectors of
384 dimensions. A tenth of the items is for one team only, and who asks is not in it. Each item has two passages, an
answer and an opening. `index` is the time of `SearchIndex.search`, `with_encoding` has that of encoding the question
beside it, which both need. Writes `results/milvus.json`.

Usage: KOLLEGA_HOME=HOME python -m tests.benchmarks.milvus [PASSAGES]
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from indexer.loading.load import load
from indexer.sources.demo import DemoSource
from recommender.corpus import items
from recommender.database.engine import open_database
from recommender.database.index_register import IndexRegister
from recommender.datatypes import Item, Kind, Passage, Role, item_key
from recommender.encoder import ModelCard, Vectors, normalise
from recommender.encoder.load import load_encoder
from recommender.index import SearchIndex, generations
from recommender.index.engines import Engine, LocalEngine
from recommender.index.milvus.engine import MilvusEngine
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
from recommender.search.search import POOL
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import QUESTIONS
from tests.milvus import stop_milvus

PASSAGES = 100_000
_DIMENSION = 384
_ROUNDS = 5  # in which every question is asked of both, with other vectors
_EVERYONE = frozenset({"everyone"})
_TOGETHER = 512  # items that are added together


class MixedTerms(Analyzer):
    """Gives the terms of texts that are the numbers of demo items, `3 17`: those of these items together."""

    def __init__(self, known: Sequence[tuple[Terms, Terms]]) -> None:
        self._known = known

    def index_terms(self, text: str, language: str) -> Terms:
        """The terms of the items; of a text that begins with `t`, those of their titles."""
        place = 0 if text.startswith("t") else 1
        parts = [self._known[int(number)][place] for number in text.lstrip("t").split()]
        return Terms(*(sum((getattr(part, name) for part in parts), ()) for name in ("words", "grams", "written")))


def main(passages: int) -> None:
    """Make both, ask both, print and write the figures."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "models").symlink_to((home / "models").resolve(), target_is_directory=True)
        settings = Settings(home=folder, index="milvus", milvus="index.db")
        sessions = open_database(settings)
        real = Analyzer(settings.models_dir / "dictionaries")
        known, languages = _demo_terms(settings, real)
        engines: dict[str, Engine] = {
            "local": LocalEngine(folder / "local"),
            "milvus": MilvusEngine(settings, IndexRegister(settings, sessions)),
        }
        sides, seconds = {}, {}
        for name, engine in engines.items():
            index_dir = folder / "local" if name == "local" else settings.index_dir
            started = time.process_time(), time.perf_counter()
            sides[name] = _build(engine, index_dir, MixedTerms(known), languages, passages)
            seconds[name] = time.perf_counter() - started[1]
            print(name, f"{seconds[name]:.0f} s, {time.process_time() - started[0]:.0f} s of this process", flush=True)
        figures = _figures(*_ask(sides, settings, real), seconds, passages)
        stop_milvus(folder / "index.db")
        sessions.kw["bind"].dispose()
    write("milvus", figures)
    print(figures)


def _demo_terms(settings: Settings, analyzer: Analyzer) -> tuple[list[tuple[Terms, Terms]], list[str]]:
    """(the terms of the title and of the texts of each demo item, the items' languages)."""
    sessions = open_database(settings)
    load(DemoSource(date.today()), sessions, analyzer)
    with sessions() as session:
        found = list(items(session))
    sessions.kw["bind"].dispose()
    terms = [
        (
            analyzer.index_terms(item.title, item.language),
            analyzer.index_terms(f"{item.body} {item.answer}", item.language),
        )
        for item in found
    ]
    return terms, [item.language for item in found]


def _build(engine: Engine, index_dir: Path, analyzer: Analyzer, languages: Sequence[str], passages: int) -> SearchIndex:
    card = ModelCard("drawn", "1", _DIMENSION, 512)
    rng, chosen = np.random.default_rng(0), random.Random(0)  # noqa: S311 - not for secrets
    with generations.write_lock(index_dir):
        builder = engine.builder(card, analyzer, full=True)
        builder.begin(passages, 20_000)
        for start in range(0, passages // 2, _TOGETHER):
            vectors = _drawn(rng, 2 * _TOGETHER)
            for number in range(start, min(start + _TOGETHER, passages // 2)):
                first, second = chosen.sample(range(len(languages)), 2)
                item = _item(number, languages[first])
                texts = [
                    Passage(item.key, Role.ANSWER, 0, f"t{first}", f"{first} {second}", item.language),
                    Passage(item.key, Role.OPENING, 1, "", f"{first}", item.language),
                ]
                place = 2 * (number - start)
                builder.add(item, f"{number}", texts, list(vectors[place : place + 2]))
        builder.finish(20_000)
    return engine.open_generation(generations.live(index_dir), card)


def _item(number: int, language: str) -> Item:
    audience = frozenset({"team:hr"} if number % 10 == 0 else _EVERYONE)
    key = item_key(Kind.REQUEST, number + 1)
    return Item(key, Kind.REQUEST, "", "", "", language, None, audience, datetime(2026, 1, 1))


def _drawn(rng: np.random.Generator, count: int) -> Vectors:
    return normalise(rng.standard_normal((count, _DIMENSION), np.float32))


def _ask(
    sides: dict[str, SearchIndex], settings: Settings, analyzer: Analyzer
) -> tuple[dict[str, list[float]], list[float]]:
    """(milliseconds of each search by side, those of encoding the question)."""
    encoder = load_encoder(settings)
    rng, order = np.random.default_rng(1), random.Random(1)  # noqa: S311 - not for secrets
    took: dict[str, list[float]] = {name: [] for name in sides}
    encoding: list[float] = []
    for turn in range(_ROUNDS + 1):  # the first one warms up
        for question in QUESTIONS:
            terms, vector = analyzer.query_terms(question), _drawn(rng, 1)[0]
            encoding.append(_ms(lambda text=f"{question} {turn}": encoder.encode_queries([text])))
            for name in order.sample(sorted(sides), len(sides)):
                index = sides[name]
                took[name].append(
                    _ms(lambda index=index, vector=vector, terms=terms: index.search(vector, terms, _EVERYONE, POOL))
                )
    warm = len(QUESTIONS)
    return {name: values[warm:] for name, values in took.items()}, encoding[warm:]


def _figures(
    took: dict[str, list[float]], encoding: Sequence[float], seconds: dict[str, float], passages: int
) -> dict[str, Any]:
    sides = {}
    for name, values in took.items():
        together = [search + encoded for search, encoded in zip(values, encoding, strict=True)]
        sides[name] = {
            "index_p50_ms": statistics.median(values),
            "index_p95_ms": _p95(values),
            "with_encoding_p50_ms": statistics.median(together),
            "with_encoding_p95_ms": _p95(together),
            "indexing_seconds": seconds[name],
        }
    ratios = {name: sides["milvus"][name] / sides["local"][name] for name in sides["local"]}
    about = {"passages": passages, "questions": len(encoding), "load_average": os.getloadavg()[0]}
    return provenance("python -m tests.benchmarks.milvus") | about | sides | {"milvus_over_local": ratios}


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def _ms(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PASSAGES)
