"""A whole suggestion with the records on PostgreSQL and the index in Milvus (its library form), against SQLite and
local files: the same items, vectors and questions, asked in turns in one process, so that whatever else the machine
does concerns both. Writes `results/on-servers.json`.

Give it a copy of a home with its index in local files, such as `tests.benchmarks.insights` makes. Its records are
copied as by `kollega copy-store`, and its vectors are taken from its index: nothing is encoded but the questions. Most
of the time goes into writing the passages into Milvus.

With a FOLDER, what was copied and written is kept there, and used the next time: it must be of the same home then.
Usage: KOLLEGA_HOME=DIR python -m tests.benchmarks.on_servers [FOLDER]
"""

import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient

from recommender.corpus import items
from recommender.database.copying import copy_store
from recommender.database.engine import open_database
from recommender.database.index_register import IndexRegister
from recommender.encoder import ModelCard
from recommender.encoder.load import load_encoder
from recommender.index import generations
from recommender.index.catalogue import Catalogue
from recommender.index.dense import DenseIndex
from recommender.index.digest import item_digest, passage_digest
from recommender.index.engines import engine_of
from recommender.index.generations import CATALOGUE, SPACE, VECTORS, Manifest
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import QUESTIONS, typed
from tests.conftest import unlimited
from tests.milvus import stop_milvus
from tests.postgresql import running_server
from web.app import create_app

_ROUNDS = 10  # in which every question is asked of both, after one in which it is asked for the first time


def main(home: Path, kept: Path | None) -> None:
    """Copy the home, ask both, print and write the figures."""
    local = Settings(home=home, anonymous_reading=True, **unlimited())  # type: ignore[arg-type]
    with running_server() as server, tempfile.TemporaryDirectory() as scratch:
        folder = kept or Path(scratch)
        copy = _copied(local, folder)
        distant = replace(copy, database=server.address(server.create("TEMPLATE template0")))
        copy_store(copy, distant)
        count = Manifest.read(generations.live(copy.index_dir)).items
        sides = {"local": _client(local), "servers": _client(distant)}
        took = _asked(sides)
        stop_milvus(folder / "index.db")
    figures = _figures(took, count)
    write("on-servers", figures)
    print(figures)


def _copied(local: Settings, folder: Path) -> Settings:
    """The home in a folder, with its records in SQLite and its index in Milvus; written unless it is there already."""
    copy = replace(local, home=folder, index="milvus", milvus="index.db")
    if generations.live_name(copy.index_dir) is None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "models").symlink_to(local.models_dir.resolve(), target_is_directory=True)
        copy_store(local, copy)
        _write_index(local, copy, load_encoder(local).card)
    return copy


def _write_index(local: Settings, distant: Settings, card: ModelCard) -> None:
    """Write what the index of `local` has into that of `distant`."""
    analyzer, count = Analyzer(local.models_dir / "dictionaries"), 0
    sessions = open_database(distant)
    directory = generations.live(local.index_dir)
    catalogue, dense = Catalogue.load(directory / CATALOGUE), DenseIndex.load(directory / VECTORS)
    indexed = catalogue.digests()
    with generations.write_lock(distant.index_dir):
        builder = engine_of(distant, IndexRegister(distant, sessions)).builder(card, analyzer, full=True)
        builder.begin(len(dense), distant.hnsw_from, VectorSpace.load(directory / SPACE))
        with sessions() as session:
            for item in items(session):
                if indexed.get(item.key) != item_digest(item, distant.passage_tokens):
                    raise RuntimeError(f"{item.key} is not in the index of the home. Run: kollega reindex")
                passages = catalogue.passages_of(item.key)
                digests = [passage_digest(passage) for passage in passages]
                ids = catalogue.ids_by_digest(digests)
                vectors = dense.vectors(np.array([ids[digest] for digest in digests], np.int64))
                builder.add(item, indexed[item.key], passages, list(vectors))
                count += 1
                if count % 10_000 == 0:
                    print(f"{count} items are in Milvus", file=sys.stderr)
        builder.finish(distant.hnsw_from)
    catalogue.close()
    sessions.kw["bind"].dispose()


def _client(settings: Settings) -> FlaskClient:
    recommender = Recommender.open(settings)
    if recommender.notices:
        raise RuntimeError(f"Not all of search runs: {recommender.notices}")
    return create_app(settings, recommender).test_client()


def _asked(sides: dict[str, FlaskClient]) -> dict[str, list[float]]:
    """Milliseconds of each suggestion, by side."""
    order = random.Random(1)  # noqa: S311 - not for secrets
    took: dict[str, list[float]] = {name: [] for name in sides}
    gc.collect()
    gc.freeze()  # as in `kollega serve`
    for turn in range(_ROUNDS + 1):
        for question in QUESTIONS:
            for name in order.sample(sorted(sides), len(sides)):
                started = time.perf_counter()
                answer = sides[name].post("/suggest", data=typed(f"{question} {turn}"))
                took[name].append(1000 * (time.perf_counter() - started))
                if answer.status_code != 200 or "answers-heading" not in answer.text:
                    raise RuntimeError(f"{question!r} was answered with {answer.status} ({name})")
    return took


def _figures(took: dict[str, list[float]], count: int) -> dict[str, Any]:
    sides = {name: _times(values[: len(QUESTIONS)], values[len(QUESTIONS) :]) for name, values in took.items()}
    ratios = {name: sides["servers"][name] / local for name, local in sides["local"].items()}
    about = {"items": count, "questions": _ROUNDS * len(QUESTIONS), "load_average": os.getloadavg()[0]}
    return provenance("python -m tests.benchmarks.on_servers") | about | sides | {"servers_over_local": ratios}


def _times(first: Sequence[float], later: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": statistics.median(later), "p95_ms": _p95(later), "first_p50_ms": statistics.median(first)}


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


if __name__ == "__main__":
    main(Path(os.environ["KOLLEGA_HOME"]), Path(sys.argv[1]) if len(sys.argv) > 1 else None)
