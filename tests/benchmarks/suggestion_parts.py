"""Where the time of one suggestion on the page goes, by the processor's clock: prints the milliseconds of each part for
the questions of `tests.benchmarks.speed`, each asked with another number at its end, as the median of five rounds.

Parts that are part of others are not counted twice. The home is one with generated items, such as
`tests.benchmarks.insights` makes. Usage: KOLLEGA_HOME=DIR python -m tests.benchmarks.suggestion_parts
"""

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import jinja2

from recommender import recommender as recommending
from recommender.encoder.openvino import OpenVINOEncoder
from recommender.index.dense import DenseIndex
from recommender.index.lexical import LexicalIndex
from recommender.index.local import LocalIndex
from recommender.search import search
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings
from tests.benchmarks.speed import QUESTIONS
from web.app import create_app

ROUNDS = 5
_WORDS = "reading its words, translations and corrections"
PARTS: list[tuple[Any, str, str]] = [
    (OpenVINOEncoder, "encode_queries", "encoding the question"),
    (QuestionAnalyzer, "analyse", _WORDS),
    (QuestionAnalyzer, "with_translations", _WORDS),
    (LexicalIndex, "rarity", _WORDS),
    (LexicalIndex, "search", "keyword search"),
    (DenseIndex, "search", "dense search"),
    (LocalIndex, "search", "cosines of the candidates"),
    (search, "fuse", "fusion"),
    (search, "_readable_items", "reading the best items from the database"),
    (search.Search, "_texts", "their passages from the catalogue"),
    (search, "feature_matrix", "features of the first candidates: their words and codes"),
    (search.Search, "_look_again", "second look"),
    (recommending.Recommender, "_people", "colleagues: evidence from the database, ranking"),
    (jinja2.Template, "render", "the page"),
]


def timed(owner: Any, name: str, part: str, took: Counter[str], inner: list[float]) -> None:
    """Let a function add its seconds, without those of the parts that it calls, to `took`."""
    function: Callable[..., Any] = getattr(owner, name)

    @wraps(function)
    def measured(*arguments: Any, **named: Any) -> Any:
        started = time.process_time()
        inner.append(0.0)
        try:
            return function(*arguments, **named)
        finally:
            seconds = time.process_time() - started
            took[part] += seconds - inner.pop()  # type: ignore[assignment]
            if inner:
                inner[-1] += seconds

    setattr(owner, name, measured)


def main(home: Path) -> None:
    """Ask, and print the milliseconds of each part."""
    took, rounds, inner = Counter[str](), list[dict[str, float]](), list[float]()
    for owner, name, part in PARTS:
        timed(owner, name, part, took, inner)
    settings = Settings(home=home, anonymous_reading=True)
    client = create_app(settings, recommending.Recommender.open(settings)).test_client()
    for number in range(ROUNDS + 1):
        took.clear()
        started = time.process_time()
        for question in QUESTIONS:
            answer = client.post("/suggest", data={"q": f"{question} {number}"})
            if answer.status_code != 200:
                raise RuntimeError(f"{question!r} was answered with {answer.status}")
        whole = time.process_time() - started
        parts = {**took, "the rest": whole - sum(took.values()), "all": whole}
        rounds.append({part: 1000 * seconds / len(QUESTIONS) for part, seconds in parts.items()})
    for part in rounds[-1]:  # the first round fills what is cached
        print(f"{statistics.median(each.get(part, 0.0) for each in rounds[1:]):7.1f} ms  {part}")


if __name__ == "__main__":
    main(Path(os.environ["KOLLEGA_HOME"]))
