"""How near unrelated texts are to each other in an index: the zero of its scores."""

from collections.abc import Collection, Sequence

import numpy as np

from recommender.encoder import Vectors
from recommender.index.catalogue import Catalogue
from recommender.index.dense import DenseIndex

SAMPLE = 400  # passages that are compared with each other: a judgement
_PRIOR_PAIRS = 200  # pairs of passages that `unrelated_cosine` counts as: a judgement


def measured_background(
    catalogue: Catalogue, dense: DenseIndex, unrelated: float | None, keys: Collection[str] | None = None
) -> float:
    """Mean cosine of passages of different items, from a sample of the items `keys` or of all: how near unrelated texts
    are. `unrelated` is as in `mean_cosine`."""
    wanted = None if keys is None else frozenset(keys)
    members = [member for member in catalogue.members() if wanted is None or member[1] in wanted]
    sample = np.random.default_rng(0).permutation(len(members))[:SAMPLE]
    vectors = dense.vectors(np.array([members[n][0] for n in sample], np.int64))
    return mean_cosine(vectors, [members[n][1] for n in sample], unrelated)


def mean_cosine(vectors: Vectors, keys: Sequence[str], unrelated: float | None) -> float:
    """Mean cosine of passages of different items, whose vectors, shape (passages, dimension), and items' keys are
    given. `unrelated` counts as much as _PRIOR_PAIRS pairs of passages; None leaves it out."""
    items = np.array(keys)
    cosines = (vectors @ vectors.T)[items[:, None] != items[None, :]]
    prior_pairs = 0 if unrelated is None else _PRIOR_PAIRS
    return float(((unrelated or 0.0) * prior_pairs + cosines.sum()) / max(1, prior_pairs + cosines.size))
