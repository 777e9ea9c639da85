"""Adds the words of items to their vectors, so that items about the same that also say the same words come
together, and can be named by them.

Each word has a random direction, the same each time, and an item is the sum of those of its words, weighted by how rare
they are (random indexing: Kanerva, Kristoferson and Holst 2000). A word counts together with its translation, and a
compound together with its parts.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import normalise
from recommender.insights.topics.bags import Bags

Vectors = NDArray[np.float32]
DIMENSION = 192
"""Numbers that the words of an item add to its vector; a judgement, as those below."""
_SHARE = 0.4  # of a cosine that words make up
_AT_ONCE = 1_024  # items of which copies are in memory


def with_words(vectors: Vectors, items: Sequence[int], bags: Bags, into: Vectors | None = None) -> Vectors:
    """Unit vectors of items, shape (items, dimension + 192), from unit vectors of what they mean, which are in these
    rows of `vectors`, and the words of each. Words of a single item count nothing. They are the first rows of `into`,
    if that is given, of which `vectors` may be the first columns when the rows are in their order."""
    both = np.empty((len(items), vectors.shape[1] + DIMENSION), np.float32) if into is None else into[: len(items)]
    matrix, directions = _said(bags)
    for start in range(0, len(both), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        parts = [
            math.sqrt(1.0 - _SHARE) * vectors[items[rows]],
            math.sqrt(_SHARE) * normalise(np.asarray(matrix[rows] @ directions, np.float32)),
        ]
        both[rows] = normalise(np.concatenate(parts, axis=1))
    return both


def meanings_in(both: Vectors) -> Vectors:
    """What items mean, of the vectors that `with_words` makes, shape (items, dimension). An item that says no words has
    a longer one than others."""
    return both[:, :-DIMENSION]


def _said(bags: Bags) -> tuple[Any, Vectors]:
    """(what each word counts in each item, a sparse matrix of shape (items, words); the directions of the words, shape
    (words, 192))."""
    times = dict(zip(bags.terms, np.bincount(bags.words, minlength=len(bags.terms)).tolist(), strict=True))
    words = sorted(word for word, count in times.items() if count > 1)
    matrix = bags.matrix(words)
    rarity = np.array([math.log(len(bags) / times[word]) for word in words])
    matrix.data *= rarity[matrix.indices]
    directions = np.array([_direction(word) for word in words], np.float32)
    return matrix.astype(np.float32), directions.reshape(len(words), DIMENSION)


def _direction(word: str) -> Vectors:
    """A vector of 1 and -1, from the bits of a hash."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=DIMENSION // 8).digest()
    return np.where(np.unpackbits(np.frombuffer(digest, np.uint8)), np.float32(1.0), np.float32(-1.0))
