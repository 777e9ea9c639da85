"""An encoder whose vectors can be computed by hand. Processes that tests start import it from here, which takes a
moment: `conftest.py` loads the whole application and Playwright too."""

import zlib
from collections.abc import Sequence

import numpy as np

from recommender.encoder import ModelCard, Vectors, normalise
from recommender.language.terms import tokens


class FakeEncoder:
    """A bag of words: each token adds 1 to the dimension crc32(token) % 64; vectors are then scaled to length 1.

    Texts that share no token (and no hash) have cosine 0, equal texts 1. `encoded` counts the passages encoded.
    """

    backend = "fake"

    def __init__(self, name: str = "fake") -> None:
        self.card = ModelCard(name, "1", 64, 512)
        self.encoded: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return normalise(np.array([self._bag(text) for text in texts], np.float32).reshape(len(texts), 64))

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return self.encode_queries(texts)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    @staticmethod
    def _bag(text: str) -> list[float]:
        bag = [0.0] * 64
        for token in tokens(text):
            bag[zlib.crc32(token.encode()) % 64] += 1.0
        return bag
