"""Where the time of one suggestion on the page goes, by the processor's clock: prints the milliseconds of each part for
the questions of `tests.benchmarks.speed`, each asked with another number at its end, as the median of five rounds. Then
how long a suggestion takes as a multiple of encoding the same questions alone, of which 95 of 100 take no longer.

The colleagues are asked for when the typing rests, so they are told apart. Parts that are part of others are not
counted twice. Garbage is collected as in `kollega serve`. The home is one with generated items, such as
`tests.benchmarks.insights` makes.
Usage: KOLLEGA_HOME=DIR python -m tests.benchmarks.suggestion_parts
"""

import gc
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import partial, wraps
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
from tests.benchmarks.speed import QUESTIONS, typed
from web.app import create_app

ROUNDS = 5
PEOPLE = "colleagues, in a request of their own when the typing rests"
_WORDS = "reading its words, translations and corrections"
_SHOWN = "the verdict, and the parts of answers that are shown"
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
    (recommending, "decide", _SHOWN),
    (recommending, "pinned_first", _SHOWN),
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
    app = create_app(Settings(home=home, anonymous_reading=True))
    client, recommender = app.test_client(), app.extensions["kollega_recommender"]
    encode = recommender.snapshot.encoder.encode_queries

    def ask(question: str, path: str = "/suggest") -> None:
        answer = client.post(path, data=typed(question))
        if answer.status_code != 200:
            raise RuntimeError(f"{question!r} was answered with {answer.status}")

    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    asked, encoded = list[float](), list[float]()
    for number in range(ROUNDS + 1):
        took.clear()
        questions = [f"{question} {number}" for question in QUESTIONS]
        asked += (seconds := [_processor_seconds(ask, question) for question in questions])
        parts = {**took, "the rest": sum(seconds) - sum(took.values()), "all": sum(seconds)}
        parts[PEOPLE] = sum(_processor_seconds(partial(ask, path="/suggest/people"), each) for each in questions)
        rounds.append({part: 1000 * total / len(QUESTIONS) for part, total in parts.items()})
        encoded += [_processor_seconds(encode, [question]) for question in questions]
    for part in rounds[-1]:  # the first round fills what is cached
        print(f"{statistics.median(each.get(part, 0.0) for each in rounds[1:]):7.1f} ms  {part}")
    slow = [sorted(all_rounds[len(QUESTIONS) :])[-len(QUESTIONS) * ROUNDS // 20] for all_rounds in (asked, encoded)]
    print(f"95 % within {1000 * slow[0]:.1f} ms, encoding alone {1000 * slow[1]:.1f} ms: {slow[0] / slow[1]:.2f} times")


def _processor_seconds(run: Callable[[Any], object], argument: object) -> float:
    started = time.process_time()
    run(argument)
    return time.process_time() - started


if __name__ == "__main__":
    main(Path(os.environ["KOLLEGA_HOME"]))
