"""Adds the words of items to their vectors, so that items about the same that also say the same words come
together, and can be named by them.

Each word has a random direction, the same each time, and an item is the sum of those of its words, weighted by how rare
they are (random indexing: Kanerva, Kristoferson and Holst 2000). A word counts together with its translation, and a
compound together with its parts.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import normalise

Vectors = NDArray[np.float32]
_DIMENSION = 192  # a judgement, as the next number
_SHARE = 0.4  # of a cosine that words make up


def with_words(vectors: Vectors, bags: Sequence[Mapping[str, float]]) -> Vectors:
    """Unit vectors of items, shape (items, dimension + 192), from unit vectors of what they mean, shape (items,
    dimension), and the words of each with their weights. Words of a single item count nothing."""
    from scipy.sparse import csr_matrix

    counts = Counter(word for bag in bags for word in bag)
    shared = sorted(word for word, count in counts.items() if count > 1)
    place = {word: number for number, word in enumerate(shared)}
    weights = [math.log(len(bags) / counts[word]) for word in shared]
    rows, columns, values = [], [], []
    for row, bag in enumerate(bags):
        for word, weight in bag.items():
            if word in place:
                rows.append(row)
                columns.append(place[word])
                values.append(weight * weights[place[word]])
    matrix = csr_matrix((np.array(values, np.float32), (rows, columns)), shape=(len(bags), len(shared)))
    directions = np.array([_direction(word) for word in shared], np.float32).reshape(len(shared), _DIMENSION)
    said = normalise(np.asarray(matrix @ directions, np.float32))
    both = np.concatenate([math.sqrt(1.0 - _SHARE) * vectors, math.sqrt(_SHARE) * said], axis=1)
    return normalise(np.asarray(both, np.float32))


def _direction(word: str) -> Vectors:
    """A vector of 1 and -1, from the bits of a hash."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_DIMENSION // 8).digest()
    return np.where(np.unpackbits(np.frombuffer(digest, np.uint8)), np.float32(1.0), np.float32(-1.0))
