"""Measures what hidden items can still change, each way on its own, and whether one hidden word can be confirmed by it.

`tests/test_non_interference.py` holds a few things fixed that are computed from all items: the mean length of texts,
the space of the vectors, the nearness of unrelated texts, the graph of an approximate search, and models learned from
the history. Here each of them alone is computed with and without one hidden item, on the demo organisation:

- effect: how much an answer of the API changes at most, and for how many questions order or verdict change.
- attack: a hidden item is about one of two words, which somebody who may not read it wants to know. They ask for the
  word in both cases and compare the best match. The share of pairs in which it is lower when the word is there (or
  higher, whichever is more frequent) is what guessing by it would reach; 0.5 is chance.

Writes `results/held-fixed.json`. Usage: KOLLEGA_HOME=... python -m tests.benchmarks.held_fixed
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import changes
from indexer.indexing import reindex as reindexing
from indexer.indexing.reindex import reindex
from indexer.learning.calibrate import PULL
from indexer.loading.load import load
from indexer.sources.demo import DemoSource
from recommender.access import ANYONE
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Reply, RequestAudience
from recommender.datatypes import Recommendation
from recommender.encoder import Encoder, Vectors
from recommender.encoder.load import load_encoder
from recommender.index import builder, generations
from recommender.index.dense import DenseIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.recommender import Recommender
from recommender.render import as_json
from recommender.search import calibration
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import QUESTIONS

WORDS = ("layoffs", "acquisition", "bonus", "strike", "merger", "harassment", "bankruptcy", "relocation")
"""What a hidden item is about, in turn. Beside each stands the next one, which it might be about instead."""
HNSW_PASSAGES = 30_000
"""Passages of the approximate index: those of the demo with noise. HNSW is used from 20,000."""


class CachingEncoder:
    """An encoder that encodes each text once."""

    def __init__(self, real: Encoder) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self._real = real
        self._known: dict[tuple[bool, str], Vectors] = {}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension)."""
        return self._encode(texts, True)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension)."""
        return self._encode(texts, False)

    def _encode(self, texts: Sequence[str], query: bool) -> Vectors:
        missing = list(dict.fromkeys(text for text in texts if (query, text) not in self._known))
        if missing:
            encode = self._real.encode_queries if query else self._real.encode_passages
            self._known |= {(query, text): vector for text, vector in zip(missing, encode(missing), strict=True)}
        return np.stack([self._known[query, text] for text in texts])


@dataclass
class Organisation:
    """The demo organisation with at most one hidden item."""

    settings: Settings
    sessions: sessionmaker[Session]
    encoder: CachingEncoder
    analyzer: Analyzer

    @cached_property
    def recommender(self) -> Recommender:
        """A recommender that encodes each question once."""
        questions = QuestionAnalyzer.load(self.analyzer, self.settings)
        return Recommender(self.settings, questions, Live.load(self.settings.index_dir, self.encoder))

    def hide(self, word: str, length: int = 12) -> None:
        """Replace the hidden item by one about this word; by none for an empty one."""
        with self.sessions.begin() as session:
            for row in session.query(HelpRequest).filter_by(source="hidden"):
                session.delete(row)
            session.flush()  # the next one then has the same id
            if word:
                text = " ".join([word, "are planned for next spring and must stay secret"] + ["word"] * (length - 10))
                request = HelpRequest(
                    source="hidden", title=f"the {word}", body=text, language="en", status="resolved",
                    created_at=datetime(2026, 1, 1), resolved_at=datetime(2026, 1, 1),
                    audience=[RequestAudience(token="team:nobody")],
                )  # fmt: skip
                answer = f"yes, the {word} will be announced later"
                request.replies.append(Reply(body=answer, created_at=datetime(2026, 1, 1), accepted=True))
                session.add(request)

    def answers(self) -> dict[str, Recommendation]:
        """What somebody who is not signed in is answered, by question: all items are indexed anew before that."""
        reindex(self.settings, self.sessions, self.encoder, self.analyzer, full=True)
        self.recommender.refresh(wait=True)
        with self.sessions() as session:
            return {asked: self.recommender.recommend(asked, ANYONE, session, 20) for asked in (*WORDS, *QUESTIONS)}


@contextmanager
def fixed(space: VectorSpace | None = None, background: float | None = None) -> Iterator[None]:
    """Reindex with this space of the vectors and this nearness of unrelated texts instead of those of the items."""
    learn, measure = reindexing._learn_vector_space, builder._background
    if space is not None:
        reindexing._learn_vector_space = lambda *_given: space
    if background is not None:
        builder._background = lambda *_given: background
    try:
        yield
    finally:
        reindexing._learn_vector_space, builder._background = learn, measure


def main() -> None:
    """Take all measurements and write the file."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "models").symlink_to((home / "models").resolve(), target_is_directory=True)
        settings = Settings(home=Path(scratch))
        sessions, analyzer = open_database(settings), Analyzer(settings.models_dir / "dictionaries")
        load(DemoSource(date.today()), sessions, analyzer)
        organisation = Organisation(settings, sessions, CachingEncoder(load_encoder(settings)), analyzer)
        rows = measure(organisation)
    print(write("held-fixed", provenance("python -m tests.benchmarks.held_fixed") | {"rows": rows}))


def measure(organisation: Organisation) -> list[dict[str, Any]]:
    """A row for each way."""
    changes._ENOUGH = changes._ENOUGH_SHARE = 10**9  # as if too few items were readable by everyone
    organisation.hide("")
    organisation.answers()
    directory = generations.live(organisation.settings.index_dir)
    space = VectorSpace.load(directory / "space.npz")
    background = generations.Manifest.read(directory).background
    with fixed(space, background):
        lengths = _by_trials("mean length of texts", organisation)
    with fixed(None, background):
        centre = _by_trials("space of the vectors", organisation)
    with fixed(space, None):
        unrelated = _by_trials("nearness of unrelated texts", organisation)
    directory = generations.live(organisation.settings.index_dir)
    return [lengths, centre, unrelated, graph(directory, organisation.encoder), learned()]


def _by_trials(what: str, organisation: Organisation) -> dict[str, Any]:
    organisation.hide("")
    without = organisation.answers()
    by_word = {}
    for word in WORDS:
        organisation.hide(word)
        by_word[word] = organisation.answers()
    row = _effect(without, by_word[WORDS[0]])
    guesses = []
    for word, other in zip(WORDS, (*WORDS[1:], WORDS[0]), strict=True):
        matches = [_best_match(answers[word]) for answers in (by_word[word], by_word[other])]
        guesses.append(float(np.sign(round(matches[0] - matches[1], 4))))
    print(what, row, guesses, file=sys.stderr)
    return {"what": what, **row, "told_apart": sum(guess != 0 for guess in guesses), "attack": _accuracy(guesses)}


def _effect(before: Mapping[str, Recommendation], after: Mapping[str, Recommendation]) -> dict[str, Any]:
    """How the answers of the API differ: the largest change of a number, and questions with another order or
    verdict."""
    largest, orders, verdicts = 0.0, 0, 0
    for asked, found in before.items():
        one, other = as_json(found), as_json(after[asked])
        matches = {each["item"]: each["match"] for each in one["suggestions"]}
        changes = [abs(each["match"] - matches.get(each["item"], each["match"])) for each in other["suggestions"]]
        largest = max([largest, abs(one["exists"] - other["exists"]), *changes])
        orders += [each["item"] for each in one["suggestions"]] != [each["item"] for each in other["suggestions"]]
        verdicts += found.verdict != after[asked].verdict
    return {"questions": len(before), "largest": largest, "orders": orders, "verdicts": verdicts}


def _best_match(found: Recommendation) -> float:
    """The best match that the API tells, or else how probable an answer is."""
    return max((suggestion.match for suggestion in found.suggestions), default=found.exists)


def _accuracy(signs: Sequence[float]) -> float:
    """The share of right guesses of the better of two rules; a tie is a coin toss."""
    lower = (sum(sign < 0 for sign in signs) + 0.5 * sum(sign == 0 for sign in signs)) / len(signs)
    return max(lower, 1.0 - lower)


def graph(directory: Path, encoder: CachingEncoder) -> dict[str, Any]:
    """The approximate search of a large index: which of the nearest readable passages it finds when hidden ones are
    about the words, and when they are about other ones."""
    small = DenseIndex.load(directory / "vectors.faiss")
    space = VectorSpace.load(directory / "space.npz")
    known = small.vectors(np.arange(len(small)))
    rng = np.random.default_rng(7)
    noisy = known[rng.integers(0, len(known), HNSW_PASSAGES)]
    noisy = noisy + rng.normal(0.0, 0.02, noisy.shape).astype(np.float32)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    asked = {text: space.place_question(encoder.encode_queries([text])[0], "en", 1) for text in (*WORDS, *QUESTIONS)}

    def nearest(hidden: Sequence[str]) -> dict[str, list[int]]:
        index = DenseIndex.empty(noisy.shape[1], approximate=True)
        index.add(noisy)
        if hidden:
            index.add(np.stack([asked[word] for word in hidden]))
        readable = np.arange(len(index)) < len(noisy)
        return {text: [row for row, _cosine in index.search(vector, readable, 200)] for text, vector in asked.items()}

    without, again = nearest(()), nearest(())

    def differ(one: Mapping[str, Sequence[int]], other: Mapping[str, Sequence[int]], first: int) -> int:
        return sum(list(one[text][:first]) != list(other[text][:first]) for text in asked)

    hidden = nearest(WORDS[::2])
    told = [set(hidden[word]) != set(without[word]) for word in WORDS]
    signs = [1.0 if (differs == (place % 2 == 0)) else -1.0 for place, differs in enumerate(told)]
    return {
        "what": "graph of an approximate search", "questions": len(asked), "orders": differ(without, hidden, 20),
        "orders_of_200": differ(without, hidden, 200), "orders_when_built_again": differ(without, again, 200),
        "told_apart": sum(told), "attack": _accuracy(signs),
    }  # fmt: skip


def learned(questions: int = 250) -> dict[str, Any]:
    """The probability of an answer, fitted to an invented history: with each past question left out in turn."""
    rng = np.random.default_rng(7)
    probabilities = rng.uniform(0.02, 0.98, questions)
    truth = rng.uniform(size=questions) < probabilities**2  # as in an organisation that writes little down
    shown = np.linspace(0.02, 0.98, 49)

    def fitted(kept: Sequence[int]) -> NDArray[np.float64]:
        exists = truth[list(kept)].tolist()
        model = calibration.fit(probabilities[list(kept)].tolist(), exists, calibration.balanced(exists), PULL)
        return np.array([model.probability(value) for value in shown])

    whole = fitted(range(questions))
    changes = [np.abs(fitted([n for n in range(questions) if n != left]) - whole).max() for left in range(questions)]
    return {"what": "models learned from the history", "questions": questions, "largest": float(max(changes))}


if __name__ == "__main__":
    main()
