"""The words of very many items, with what each counts, in arrays: as one `dict` for each item they would take ten times
the memory."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
        numbers = defaultdict[str, int](count().__next__)
        starts, words, counts = array("q", [0]), array("i"), array("d")
        for bag in bags:
            words.extend(map(numbers.__getitem__, bag))
            counts.extend(bag.values())
            starts.append(len(words))
        terms, numbered = list(numbers), np.frombuffer(words, np.int32) if words else np.zeros(0, np.int32)
        kept = np.array([term not in without for term in terms], np.bool_)[numbered]
        kept_before = np.concatenate([[0], np.cumsum(kept)])
        return cls(terms, kept_before[np.array(starts)], numbered[kept], np.array(counts)[kept])

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
