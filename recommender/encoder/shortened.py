"""The first numbers of a model's vectors alone, for models that were taught so that these are useful by themselves
(Kusupati et al. 2022, "Matryoshka Representation Learning"): a smaller index, which is searched faster."""

from collections.abc import Sequence
from dataclasses import replace

from recommender.checksums import FileState
from recommender.encoder import Encoder, ModelCard, Vectors, normalise
from recommender.errors import ModelError
from recommender.sentences.sentence import Sentence


def shortened_card(card: ModelCard, dimension: int) -> ModelCard:
    """The card of the first `dimension` numbers of a model's vectors, which is called NAME@DIMENSION. Raises ModelError
    when these are no part of them."""
    if not 0 < dimension < card.dimension:
        raise ModelError(
            Sentence(
                "%(name)s makes vectors of %(count)s numbers; %(dimension)s is no part of them.",
                name=card.name, count=card.dimension, dimension=dimension,
            )
        )  # fmt: skip
    return replace(card, name=f"{card.name}@{dimension}", dimension=dimension)


class ShortenedEncoder:
    """An encoder whose vectors are the first `dimension` numbers of another one's, scaled to length 1 again. Raises
    ModelError when it has no more numbers."""

    def __init__(self, encoder: Encoder, dimension: int) -> None:
        self._encoder = encoder
        self.backend = encoder.backend
        self.card = shortened_card(encoder.card, dimension)
        self.files: tuple[FileState, ...] = getattr(encoder, "files", ())

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._first(self._encoder.encode_queries(texts))

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._first(self._encoder.encode_passages(texts))

    def count_tokens(self, text: str) -> int:
        return self._encoder.count_tokens(text)

    def _first(self, vectors: Vectors) -> Vectors:
        return normalise(vectors[:, : self.card.dimension])
