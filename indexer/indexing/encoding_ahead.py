"""Encodes passages in a thread of its own, while the next ones are cut and those before are added to the index: the
model computes without Python's lock. The vectors of a batch are in the journal before the next batch is begun, so a run
that is killed loses one batch.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from recommender.database.storing import in_chunks
from recommender.datatypes import Passage
from recommender.encoder import Encoder, Vectors
from recommender.index.digest import passage_digest, read_text
from recommender.index.journal import Journal

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """{passage digest: vector as the model makes it}, and how many of these were not in the journal."""

    vectors: dict[str, Vectors]
    encoded: int


class EncodingAhead:
    """A thread that encodes batches of texts in the order in which they are given. Leaving the `with` statement waits
    for the batch that it is at, and drops the others."""

    def __init__(self, encoder: Encoder, journal: Journal, together: int) -> None:
        self._encoder, self._journal, self._together = encoder, journal, together
        self._thread = ThreadPoolExecutor(1, "encoding")

    def __enter__(self) -> "EncodingAhead":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin(self, passages: Sequence[Passage]) -> list[Future[Batch]]:
        """Have passages encoded, each text once, in batches of about the same length. Returns at once."""
        digests: dict[str, list[str]] = {}
        for digest, text in {passage_digest(passage): read_text(passage) for passage in passages}.items():
            digests.setdefault(text, []).append(digest)
        texts = sorted(digests, key=lambda text: (len(text), text))
        batches = [{text: digests[text] for text in batch} for batch in in_chunks(texts, self._together)]
        return [self._thread.submit(self._encode, batch) for batch in batches]

    def _encode(self, digests: dict[str, list[str]]) -> Batch:
        """Runs in the thread: the vectors of texts, from the journal or else encoded now."""
        there = self._journal.find(digest for each in digests.values() for digest in each)
        missing = {text: [digest for digest in each if digest not in there] for text, each in digests.items()}
        texts = [text for text, each in missing.items() if each]
        fresh: dict[str, Vectors] = {}
        if texts:
            encoded = zip(texts, self._encoder.encode_passages(texts), strict=True)
            fresh = {digest: vector for text, vector in encoded for digest in missing[text]}
            self._journal.keep(fresh)
        return Batch(there | fresh, len(fresh))


def one_ahead(made: Iterable[T]) -> Iterator[T]:
    """The elements of `made` in their order, each as soon as the next one is made too."""
    waiting: deque[T] = deque()
    for element in made:
        waiting.append(element)
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting
