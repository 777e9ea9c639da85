"""The words of very many items, with what each counts, in arrays: as one `dict` for each item they would take ten times
the memory."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Written = TypeVar("Written", bound=Hashable)
Says = Iterable[tuple[str, float]]
"""The terms that a word says, and what each counts."""
_AT_ONCE = 10_000  # items whose words are in memory several times: a judgement


@dataclass(frozen=True)
class Bags:
    """The words of items. Those of item n are `words[starts[n] : starts[n + 1]]`, as places in `terms`, and what they
    count is in `counts` at the same places."""

    terms: Sequence[str]
    starts: NDArray[np.int64]
    words: NDArray[np.int32]
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, bags: Iterable[Mapping[str, float]], without: Set[str] = frozenset()) -> "Bags":
        """From the words of each item, and what they count, except the words in `without`."""
        return cls.of_written((bag.items() for bag in bags), lambda word: (word,), without)

    @classmethod
    def of_written(
        cls, items: Iterable[Iterable[Written]], says: Callable[[Written], Says], without: Set[str] = frozenset()
    ) -> "Bags":
        """From the words of each item as they are written. `says` is asked once for each of them; of what an item says
        several times, what counts most counts."""
        numbers = defaultdict[Written, int](count().__next__)
        starts, written = array("q", [0]), array("i")
        for item in items:
            written.extend(map(numbers.__getitem__, item))
            starts.append(len(written))
        terms = defaultdict[str, int](count().__next__)
        said = [[(terms[term], counts) for term, counts in says(word) if term not in without] for word in numbers]
        lengths = np.array([len(each) for each in said], np.int64)
        words = np.array([term for each in said for term, _counts in each], np.int32)
        counts = np.array([counts for each in said for _term, counts in each], np.float64)
        bags = cls(list(terms), np.concatenate([[0], np.cumsum(lengths)]), words, counts)
        return bags._merged(np.array(starts), np.frombuffer(written, np.int32) if written else words[:0])

    def _merged(self, starts: NDArray[np.int64], numbers: NDArray[np.int32]) -> "Bags":
        """Bags, each made of several of these, those with the numbers `numbers[starts[n] : starts[n + 1]]`."""
        ends, words, counts = [np.zeros(1, np.int64)], [self.words[:0]], [self.counts[:0]]
        for first in range(0, len(starts) - 1, _AT_ONCE):
            bounds = starts[first : first + _AT_ONCE + 1]
            of = numbers[bounds[0] : bounds[-1]]
            lengths = np.diff(self.starts)[of]
            places = np.arange(lengths.sum()) + np.repeat(self.starts[of] - np.cumsum(lengths) + lengths, lengths)
            bag = np.repeat(np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)), lengths)
            both = bag * len(self.terms) + self.words[places]
            order = np.argsort(both, kind="stable")
            both = both[order]
            firsts = np.flatnonzero(np.diff(both, prepend=-1))
            words.append((both[firsts] % max(1, len(self.terms))).astype(np.int32))
            counts.append(np.maximum.reduceat(self.counts[places][order], firsts) if len(firsts) else self.counts[:0])
            ends.append(ends[-1][-1] + np.searchsorted(both[firsts], np.arange(1, len(bounds)) * len(self.terms)))
        return Bags(self.terms, np.concatenate(ends), np.concatenate(words), np.concatenate(counts))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def matrix(self, terms: Sequence[str]) -> Any:
        """What these words count in each item, as a sparse matrix of shape (items, terms)."""
        from scipy.sparse import csr_matrix  # takes a while to load

        columns = {term: column for column, term in enumerate(terms)}
        column_of = np.array([columns.get(term, -1) for term in self.terms], np.int64)[self.words]
        used = column_of >= 0
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))[used]
        return csr_matrix((self.counts[used], (rows, column_of[used])), shape=(len(self), len(terms)))
