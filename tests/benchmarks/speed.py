"""How fast Kollega is and how much memory it needs: prints a table and writes `results/speed.json`.

Ratios are taken within one run. The corpora of 1,000 to 100,000 items are generated from the demo organisation: title
and texts of an item mix sentences of two real items, and its vectors are those of real passages plus noise, scaled to
length 1. Indexing and search run in separate processes, as they do in use, so that the peak memory of each is measured.
Usage: python -m tests.benchmarks.speed [SIZE ...]
"""

import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select

from indexer.commands.accounts import open_demo
from indexer.indexing.passages import make_passages
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.sources.demo import SIGN_INS, DemoSource
from recommender.corpus import items
from recommender.database.engine import open_database
from recommender.database.storing import in_chunks
from recommender.database.tables import HelpRequest, Person, Reply, RequestAudience
from recommender.datatypes import Item
from recommender.encoder import Encoder, Vectors, normalise
from recommender.encoder.load import load_encoder
from recommender.index.digest import read_text
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write

SIZES = (1_000, 10_000, 100_000)
REAL_VECTORS = 200  # of the demo, around which those of generated items are drawn
_STORED = 2_000  # generated items that are stored together
QUESTIONS = (
    "unohdin salasanani", "I cannot connect to the VPN from home", "tulostin ei tulosta mitään", "VPN 809",
    "montako lomapäivää voin siirtää ensi vuodelle", "where do I send a supplier invoice", "kulkukortti ei avaa ovea",
    "can I work from Spain for two weeks", "kuitti hukassa mitä teen", "NDA template for a new customer",
    "Teams mikrofoni ei toimi palaverissa", "parking for a visitor tomorrow", "miten tilaan uuden näytön",
    "export papers for Norway", "VRT-412", "lasku jumissa kierrossa", "sick leave during annual leave",
    "kokoushuoneen näyttö on musta", "company card declined", "asiakas kahteen kertaan Leijassa",
)  # fmt: skip


class NoisyEncoder:
    """Real vectors for questions; for passages, the vector of a real passage plus noise (seeded by the text)."""

    def __init__(self, real: Encoder, real_vectors: Vectors) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self.encode_queries = real.encode_queries
        self._real_vectors = real_vectors

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension)."""
        rng = np.random.default_rng(zlib.crc32(texts[0].encode()))
        noise = rng.normal(0.0, 0.02, (len(texts), self._real_vectors.shape[1])).astype(np.float32)
        return normalise(self._real_vectors[self._chosen(texts, rng)] + noise)

    def _chosen(self, texts: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
        """The row of the real vector for each text."""
        return rng.integers(0, len(self._real_vectors), len(texts))


def main(sizes: Sequence[int]) -> None:
    """Run all measurements, print the table, write the JSON."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    figures: dict[str, Any] = provenance("make bench") | {"encoding": encoding(home), "help": help_seconds()}
    figures["scale"] = [scale(home, size) for size in sizes]
    write("speed", figures)
    print(table(figures))


def encoding(home: Path) -> dict[str, float]:
    """Compare the two encoders, and reindex with the encoder alone, on the passages of the demo."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = _settings(home, Path(scratch))
        sessions = open_database(settings)
        analyzer = Analyzer(settings.models_dir / "dictionaries")
        load(DemoSource(date.today()), sessions, analyzer)
        fast = load_encoder(settings)
        slow = load_encoder(replace(settings, backend="torch"))
        with sessions() as session:
            passages = [p for item in items(session) for p in make_passages(item, fast.count_tokens, 256)]
        texts = [read_text(passage) for passage in passages]
        fast.encode_passages(texts[:16])
        slow.encode_passages(texts[:16])
        analyzer.index_terms("valmiina", "fi")
        analyzer.index_terms("ready", "en")
        part = texts[:240]
        pairs = [
            (_time(lambda: slow.encode_passages(part)), _time(lambda: fast.encode_passages(part))) for _ in range(3)
        ]
        runs = []
        for _ in range(3):
            alone = _time(lambda: fast.encode_passages(texts))
            first = _time(lambda: reindex(settings, sessions, fast, analyzer, full=True))
            runs.append((alone, first))
        started = time.perf_counter()
        second = reindex(settings, sessions, fast, analyzer)
        unchanged = time.perf_counter() - started
        return {
            "texts": len(texts),
            "openvino_over_torch": statistics.median(slow_s / fast_s for slow_s, fast_s in pairs),
            "openvino_texts_per_second": len(part) / statistics.median(fast_s for _slow, fast_s in pairs),
            "torch_texts_per_second": len(part) / statistics.median(slow_s for slow_s, _fast in pairs),
            "reindex_over_encoder": statistics.median(alone / first for alone, first in runs),
            "second_reindex_encoded": second.encoded,
            "second_over_first": unchanged / first,
            "query_ms": 1000 * statistics.median(_time(lambda q=q: fast.encode_queries([q])) for q in QUESTIONS),
        }


def help_seconds() -> float:
    """Median seconds of `kollega --help`."""
    command = [str(Path(sys.executable).parent / "kollega"), "--help"]
    run = lambda: subprocess.run(command, check=True, capture_output=True)  # noqa: E731
    return statistics.median(_time(run) for _ in range(5))


def scale(home: Path, size: int) -> dict[str, Any]:
    """Index `size` generated items in one process and search in another, like `reindex` and `serve`."""
    with tempfile.TemporaryDirectory() as scratch:
        settings, indexed = generated_home(home, Path(scratch), size)
        figures = {"items": size} | indexed | _in_process(settings, "--ask", size)
    print(json.dumps(figures), file=sys.stderr)
    return figures


def generated_home(home: Path, scratch: Path, size: int) -> tuple[Settings, dict[str, float]]:
    """Make a home in `scratch` with `size` generated items, indexed in a separate process; return its figures too."""
    settings = _settings(home, scratch)
    return settings, _in_process(settings, "--index", size)


def index_generated(
    settings: Settings, size: int, encoder_class: type[NoisyEncoder] = NoisyEncoder
) -> dict[str, float]:
    """Generate items from those of the demo organisation, load and index them."""
    sessions = open_database(settings)
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    load(DemoSource(date.today()), sessions, analyzer)
    with sessions.begin() as session:
        open_demo(session, SIGN_INS)  # where no admin can sign in yet, each request looks for one
    real = load_encoder(settings)
    with sessions() as session:
        seeds = list(items(session))
    texts = [read_text(p) for item in seeds for p in make_passages(item, real.count_tokens, 256)]
    encoder = encoder_class(real, real.encode_passages(texts[:REAL_VECTORS]))
    generate(sessions, seeds, range(size - len(seeds)))
    return {
        "index_seconds": _time(lambda: reindex(settings, sessions, encoder, analyzer)),
        "indexing_peak_mb": _peak_mb(),
    }


def typed(text: str) -> dict[str, str]:
    """The form that the page sends while somebody types: the colleagues follow when the typing rests."""
    return {"q": text, "people": "later"}


def search_while_typing(settings: Settings, _size: int) -> dict[str, float]:
    """Search as the page does while someone types: one request after the other, with the whole answer rendered."""
    from web.app import create_app

    recommender = Recommender.open(settings)
    if recommender.notices:
        raise RuntimeError(f"Not all of search runs: {recommender.notices}")
    client = create_app(settings, recommender).test_client()
    for question in QUESTIONS:
        answer = client.post("/suggest", data=typed(question))
        if answer.status_code != 200 or "answers-heading" not in answer.text:
            raise RuntimeError(f"{question!r} was answered with {answer.status}: {answer.text[:300]}")
    encoder = recommender.snapshot.encoder
    if encoder is None:
        raise RuntimeError("The model is missing.")
    took, encoding = [], []
    for turn in range(10):
        for question in QUESTIONS:
            text = f"{question} {turn}" if turn else question
            encoding.append(1000 * _time(lambda text=text: encoder.encode_queries([text])))
            took.append(1000 * _time(lambda text=text: client.post("/suggest", data=typed(text))))
    p95, encoding_p95 = (sorted(each)[int(0.95 * len(each))] for each in (took, encoding))
    return {
        "p50_ms": statistics.median(took),
        "p95_ms": p95,
        "encoding_p50_ms": statistics.median(encoding),
        "encoding_p95_ms": encoding_p95,
        "p95_over_encoding_p95": p95 / encoding_p95,
        "serving_peak_mb": _peak_mb(),
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown, each with its limit."""
    encoding, scales = figures["encoding"], figures["scale"]
    lines = [
        "| figure | measured | limit |",
        "|---|---|---|",
        f"| OpenVINO / PyTorch fp32, same texts | {encoding['openvino_over_torch']:.2f} | >= 1.8 |",
        f"| texts a second, OpenVINO / PyTorch | {encoding['openvino_texts_per_second']:.0f} / "
        f"{encoding['torch_texts_per_second']:.0f} | |",
        f"| reindex texts a second / encoder alone | {encoding['reindex_over_encoder']:.3f} | >= .90 |",
        f"| second reindex: texts encoded | {encoding['second_reindex_encoded']} | 0 |",
        f"| second reindex / first | {encoding['second_over_first']:.3f} | <= .05 |",
        f"| one question encoded, ms | {encoding['query_ms']:.1f} | |",
        f"| `kollega --help`, s | {figures['help']:.2f} | <= 0.5 |",
    ]
    for row in scales:
        bound = " (p95 <= 60)" if row["items"] == SIZES[-1] else ""
        memory = "<= 1,500" if row["items"] == SIZES[-1] else ""
        lines += [
            f"| suggestion at {row['items']:,} items, p50 / p95 ms "
            f"| {row['p50_ms']:.0f} / {row['p95_ms']:.0f} |{bound} |",
            f"| peak memory at {row['items']:,} items, indexing / serving, MB "
            f"| {row['indexing_peak_mb']:.0f} / {row['serving_peak_mb']:.0f} | {memory} |",
        ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Made:
    """A generated request: what two items of the demo organisation say, mixed."""

    identifier: int
    number: int
    seed_title: str
    body: list[str]
    answer: list[str]
    language: str
    author_id: int
    at: datetime


def generate(sessions: Any, seeds: list[Item], numbers: range) -> None:
    """Store the generated items with these numbers."""
    with sessions() as session:
        for chunk in made(session, seeds, numbers):
            store(session, chunk)


def made(session: Any, seeds: list[Item], numbers: range) -> Iterator[list[Made]]:
    """The generated items with these numbers, some thousands at a time. What one says depends on the seeds and its
    number alone."""
    sentences = {seed.key: re.split(r"(?<=[.!?])\s+", f"{seed.body} {seed.answer}") for seed in seeds}
    people = session.scalars(select(Person.id).order_by(Person.id)).all()
    last = session.scalar(select(func.max(HelpRequest.id))) or 0
    for chunk in in_chunks(numbers, _STORED):
        rows = []
        for identifier, number in enumerate(chunk, last + 1):
            rng = random.Random(number)  # noqa: S311 - not for secrets
            first, second = rng.sample(seeds, 2)
            mixed = sentences[first.key] + sentences[second.key]
            body, answer = (rng.sample(mixed, min(4, len(mixed))) for _ in range(2))
            at = datetime(2024, 1, 1) + timedelta(hours=number % 20_000)
            rows.append(Made(identifier, number, first.title, body, answer, first.language, rng.choice(people), at))
        last += len(rows)
        yield rows


def store(session: Any, chunk: list[Made]) -> None:
    """Store generated items as resolved requests, each with an accepted answer."""
    for table, rows in (
        (HelpRequest, [
            {"id": each.identifier, "title": f"{each.seed_title} {each.number}", "body": " ".join(each.body),
             "language": each.language, "status": "resolved", "created_at": each.at, "resolved_at": each.at}
            for each in chunk
        ]),
        (Reply, [
            {"request_id": each.identifier, "author_id": each.author_id, "body": " ".join(each.answer),
             "created_at": each.at, "accepted": True}
            for each in chunk
        ]),
        (RequestAudience, [{"request_id": each.identifier, "token": "everyone"} for each in chunk]),
    ):  # fmt: skip
        session.execute(insert(table), rows)
    session.commit()


def _in_process(settings: Settings, part: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.speed", part, str(size)]
    environment = {**os.environ, "KOLLEGA_HOME": str(settings.home)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _settings(home: Path, scratch: Path) -> Settings:
    """A temporary home that shares the rebuilt and exported models."""
    models = home / "models"
    models.mkdir(parents=True, exist_ok=True)
    (scratch / "models").symlink_to(models.resolve(), target_is_directory=True)
    return Settings(home=scratch)


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _peak_mb() -> float:
    """The peak memory of this process; that of getrusage includes the memory of the parent at the fork."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    parts = {"--index": index_generated, "--ask": search_while_typing}
    if len(sys.argv) == 3 and sys.argv[1] in parts:
        settings = Settings(home=Path(os.environ["KOLLEGA_HOME"]), anonymous_reading=True)
        print(json.dumps(parts[sys.argv[1]](settings, int(sys.argv[2]))))
    else:
        main([int(size) for size in sys.argv[1:]] or SIZES)
