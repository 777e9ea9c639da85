"""The vectors of the demo organisation's texts, made once and shipped, so that the demo is indexed in seconds.

The file `vectors.npz` contains a vector for every text that indexing the demo gives to the packaged model. It is made
by `python -m indexer.research.demo_vectors`. A text that has changed since then is not in it and is encoded like any
other, and with another model the file is not used at all. So an outdated file costs time, but never gives a wrong
vector.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from recommender.encoder import Encoder, ModelCard, Vectors, normalise

FILE = Path(__file__).parent / "vectors.npz"
_DIGEST_BYTES = 16


class StoredVectorsEncoder:
    """An encoder that looks a text up in `vectors` and encodes it only when it is not there.

    `vectors` is {digest of the text and its kind: vector of shape (dimension,)}. What is encoded is added to it.
    """

    def __init__(self, encoder: Encoder, vectors: Mapping[bytes, Vectors]) -> None:
        self.card, self.backend, self.count_tokens = encoder.card, encoder.backend, encoder.count_tokens
        self.vectors = dict(vectors)
        self._encoder = encoder

    @property
    def files(self) -> tuple[Any, ...]:
        """The states of the files of the model, as the encoder has them."""
        return tuple(getattr(self._encoder, "files", ()))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode_queries`."""
        return self._encode("query", texts, self._encoder.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode_passages`."""
        return self._encode("passage", texts, self._encoder.encode_passages)

    def _encode(self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        digests = [_digest(kind, text) for text in texts]
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self.vectors}
        if missing:
            self.vectors |= dict(zip(missing, encode(list(missing.values())), strict=True))
        return np.array([self.vectors[digest] for digest in digests], np.float32).reshape(
            len(texts), self.card.dimension
        )


def with_shipped_vectors(encoder: Encoder, path: Path = FILE) -> Encoder:
    """An encoder that takes vectors from the file if they are there; `encoder` itself when the file is of another
    model."""
    with np.load(path) as arrays:
        if ModelCard(**json.loads(str(arrays["card"]))) != encoder.card:
            return encoder
        digests, vectors = arrays["digests"], normalise(arrays["vectors"].astype(np.float32))
    return StoredVectorsEncoder(encoder, {row.tobytes(): vector for row, vector in zip(digests, vectors, strict=True)})


def save(path: Path, card: ModelCard, vectors: Mapping[bytes, Vectors]) -> None:
    """Write the file, its numbers as float16; cosines change by less than 1e-6."""
    digests = sorted(vectors)
    np.savez_compressed(
        path,
        card=np.array(json.dumps(asdict(card))),
        digests=np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), _DIGEST_BYTES),
        vectors=np.array([vectors[digest] for digest in digests], np.float16),
    )


def _digest(kind: str, text: str) -> bytes:
    """The key of a text. `kind` is part of it, since questions and passages are encoded differently."""
    return hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]
