"""Encoders, which turn texts into vectors of unit length: the protocol, and the model card that the index stores. The
modules here find, rebuild and run models; comparing vectors belongs in index/."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""A vector, shape (dimension,), or several, shape (count, dimension)."""

_UNRELATED = (
    "Kahvikone vuotaa keittiössä.",
    "The invoice has the wrong reference number.",
    "Bussi numero seitsemän ajaa poikkeusreittiä.",
    "A cat slept on the warm roof all afternoon.",
    "Sopimus on allekirjoitettava ennen perjantaita.",
    "The orchestra plays Sibelius on Sunday evening.",
    "Tietokone ei käynnisty päivityksen jälkeen.",
    "How do plants turn light into sugar?",
    "Lumityöt pihalla tehdään aamulla.",
    "My passport expires next spring.",
)
"""Ten texts about different things, in two languages: a judgement."""


@dataclass(frozen=True)
class ModelCard:
    """What the index manifest stores about a model. Vectors can be compared only when their models have equal cards."""

    name: str
    revision: str
    dimension: int
    max_tokens: int

    @property
    def key(self) -> str:
        """Which vectors these are, in one text."""
        return f"{self.name} {self.revision} {self.dimension}"


class Encoder(Protocol):
    """Turns texts into vectors of unit length, float32, shape (texts, dimension)."""

    card: ModelCard
    backend: str

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, with the model's prompt for queries."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, with the model's prompt for documents."""
        ...

    def count_tokens(self, text: str) -> int:
        """Number of tokens of a text, without special tokens and prompt."""
        ...


class CrossEncoder(Protocol):
    """Reads a question together with a text, which takes longer than comparing vectors and tells more."""

    name: str

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How well each text answers the question, shape (texts,); a higher score is better."""
        ...


def unrelated_cosine(encoder: Encoder) -> float:
    """Mean cosine of ten unrelated texts: the cosine that this model gives texts with nothing in common."""
    vectors = encoder.encode_queries(_UNRELATED)
    cosines = vectors @ vectors.T
    return float(cosines[~np.eye(len(_UNRELATED), dtype=bool)].mean())


def warm_up(encoder: Encoder) -> None:
    """Run a model once: the first time takes longer."""
    encoder.encode_queries(["valmiina"])


def normalise(vectors: Vectors) -> Vectors:
    """Scale rows to unit length, shape (rows, dimension); a row of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)
