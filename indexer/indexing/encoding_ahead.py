"""Encodes passages in a thread of its own, while the next ones are cut and those before are added to the index: the
model computes without Python's lock. The vectors of a batch are in the journal before the next batch is begun, so a run
that is killed loses one batch.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TypeVar

from recommender.database.storing import in_chunks
from recommender.datatypes import Passage
from recommender.encoder import Encoder, Vectors
from recommender.index.digest import passage_digest, read_text
from recommender.index.journal import Journal

T = TypeVar("T")
LONGEST_WAIT = 5.0
"""Seconds for which a program that is to end waits for the batch at hand, which takes about two; a judgement."""


@dataclass(frozen=True)
class Batch:
    """{passage digest: vector as the model makes it}, and how many of these were not in the journal."""

    vectors: dict[str, Vectors]
    encoded: int


class EncodingAhead:
    """A thread that encodes batches of texts in the order in which they are given. Leaving the `with` statement waits
    for the batch that it is at, and drops the others. When the program is to end, it waits for a while only."""

    def __init__(self, encoder: Encoder, journal: Journal, together: int) -> None:
        self._encoder, self._journal, self._together = encoder, journal, together
        self._waiting: SimpleQueue[tuple[Future[Batch], dict[str, list[str]]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="encoding", daemon=True)

    def __enter__(self) -> "EncodingAhead":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        with suppress(Empty):
            while waiting := self._waiting.get_nowait():
                waiting[0].cancel()
        self._waiting.put(None)
        self._thread.join(LONGEST_WAIT if kind is not None and not issubclass(kind, Exception) else None)

    def begin(self, passages: Sequence[Passage]) -> list[Future[Batch]]:
        """Have passages encoded, each text once, in batches of about the same number of tokens: a model fills shorter
        texts of a batch up. Returns when these are counted."""
        digests: dict[str, list[str]] = {}
        for digest, text in {passage_digest(passage): read_text(passage) for passage in passages}.items():
            digests.setdefault(text, []).append(digest)
        count = self._encoder.count_tokens
        texts = sorted(digests, key=lambda text: (count(text), len(text), text))
        batches = [{text: digests[text] for text in batch} for batch in in_chunks(texts, self._together)]
        coming: list[Future[Batch]] = [Future() for _batch in batches]
        for future, batch in zip(coming, batches, strict=True):
            self._waiting.put((future, batch))
        return coming

    def _work(self) -> None:
        while begun := self._waiting.get():
            future, digests = begun
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(self._encode(digests))
                except BaseException as error:  # it is raised again where the result is asked for
                    future.set_exception(error)

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


def when_done(coming: Future[T]) -> T:
    """The result of a future, waited for a second at a time: Python can miss that a signal has come, such as that the
    program is to end, until a wait ends."""
    while not wait([coming], timeout=1.0).done:
        pass
    return coming.result()


def one_ahead(made: Iterable[T]) -> Iterator[T]:
    """The elements of `made` in their order, each as soon as the next one is made too."""
    waiting: deque[T] = deque()
    for element in made:
        waiting.append(element)
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting
