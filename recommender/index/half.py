"""Vectors in half precision (float16), as large indexes have them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Vectors

_KEPT = np.int32(-0x70000001)  # all bits but those to which the sign was extended
_SCALE = np.float32(2.0**112)  # exponents of float16 are less by 15 than they seem, those of float32 by 127


def from_half(vectors: NDArray[Any]) -> Vectors:
    """Finite numbers of half precision, as uint8 of shape (vectors, 2 * dimension), as float32, shape (vectors,
    dimension). By their bits: `astype` takes five times as long, FAISS three times."""
    bits = vectors.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _KEPT
    found = bits.view(np.float32)
    found *= _SCALE
    return found
