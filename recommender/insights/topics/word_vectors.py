"""Adds the words of items to their vectors, so that items about the same that also say the same words come
together, and can be named by them.

Each word has a random direction, the same each time, and an item is the sum of those of its words, weighted by how rare
they are (random indexing: Kanerva, Kristoferson and Holst 2000). A word counts together with its translation, and a
compound together with its parts.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import normalise

Vectors = NDArray[np.float32]
_DIMENSION = 192  # a judgement, as the next number
_SHARE = 0.4  # of a cosine that words make up
_AT_ONCE = 8_192  # items of which copies are in memory


def with_words(vectors: Vectors, bags: Sequence[Mapping[str, float]]) -> Vectors:
    """Unit vectors of items, shape (items, dimension + 192), from unit vectors of what they mean, shape (items,
    dimension), and the words of each with their weights. Words of a single item count nothing."""
    both = np.empty((len(vectors), vectors.shape[1] + _DIMENSION), np.float32)
    matrix, directions = _said(bags)
    for start in range(0, len(both), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        parts = [
            math.sqrt(1.0 - _SHARE) * vectors[rows],
            math.sqrt(_SHARE) * normalise(np.asarray(matrix[rows] @ directions, np.float32)),
        ]
        both[rows] = normalise(np.concatenate(parts, axis=1))
    return both


def _said(bags: Sequence[Mapping[str, float]]) -> tuple[Any, Vectors]:
    """(what each word counts in each item, a sparse matrix of shape (items, words); the directions of the words, shape
    (words, 192))."""
    from scipy.sparse import csr_matrix

    numbers = defaultdict[str, int](count().__next__)
    words = np.fromiter((numbers[word] for bag in bags for word in bag), np.int64)
    counts = np.bincount(words, minlength=len(numbers))
    named = list(numbers)
    shared = np.array(sorted(np.flatnonzero(counts > 1).tolist(), key=named.__getitem__), np.int64)
    place = np.full(len(named), -1, np.int64)
    place[shared] = np.arange(len(shared))
    weights = np.array([math.log(len(bags) / times) for times in counts.tolist()])
    used = place[words] >= 0
    rows = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])[used]
    values = np.fromiter((weight for bag in bags for weight in bag.values()), np.float64)[used]
    values = (values * weights[words[used]]).astype(np.float32)
    matrix = csr_matrix((values, (rows, place[words[used]])), shape=(len(bags), len(shared)))
    directions = np.array([_direction(named[number]) for number in shared], np.float32)
    return matrix, directions.reshape(len(shared), _DIMENSION)


def _direction(word: str) -> Vectors:
    """A vector of 1 and -1, from the bits of a hash."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_DIMENSION // 8).digest()
    return np.where(np.unpackbits(np.frombuffer(digest, np.uint8)), np.float32(1.0), np.float32(-1.0))
