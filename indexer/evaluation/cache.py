"""Caches of an evaluation: answers, which are valid until something changes that affects them, and vectors of texts."""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import indexer
import recommender
from recommender.encoder import Encoder, ModelCard, Vectors
from recommender.index.journal import Journal
from recommender.settings import Settings

T = TypeVar("T")
CODE = (Path(recommender.__file__).parent, Path(indexer.__file__).parent)
"""Packages whose code and shipped files affect how an index is built and what is answered."""
_LOCATIONS = ("home", "database")
"""Settings that say where data is stored, and do not affect an answer."""


class AnswerCache:
    """One gzipped JSON file, valid for one state (`state_of`) of everything that affects the answers."""

    def __init__(self, path: Path, state: str) -> None:
        self._path = path
        self._state = state

    def read(self, unpack: Callable[[Any], T]) -> T | None:
        """The cached answers, as `unpack` makes them from JSON; None when there are none that can be used."""
        try:
            with gzip.open(self._path, "rt", encoding="utf-8") as file:
                stored = json.load(file)
            return unpack(stored["answers"]) if stored["state"] == self._state else None
        except (OSError, EOFError, zlib.error, ValueError, TypeError, LookupError, AttributeError):
            return None

    def write(self, answers: Any) -> None:
        """Replace the cached answers by these (of types that JSON has) in one atomic step."""
        temporary = self._path.with_name(f"{self._path.name}.new")
        with gzip.open(temporary, "wt", encoding="utf-8", compresslevel=3) as file:
            json.dump({"state": self._state, "answers": answers}, file)
        os.replace(temporary, self._path)


def code_digest() -> str:
    """A digest of every code file and every shipped model or dictionary file of the packages in CODE."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted(
            path for path in package.rglob("*") if path.suffix in (".py", ".npz", ".gz", ".json", ".txt")
        ):
            digest.update(f"\0{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def state_of(settings: Settings, card: ModelCard) -> str:
    """A digest of everything that affects an answer: the code, the versions of all installed packages, the model, and
    the settings except where things are stored."""
    values = {name: value for name, value in asdict(settings).items() if name not in _LOCATIONS}
    packages = sorted(f"{package.name} {package.version}" for package in distributions())
    inputs = f"{code_digest()} {sorted(values.items())} {card} {packages}"
    return hashlib.sha256(inputs.encode("utf-8", "surrogatepass")).hexdigest()


def state_with(state: str, *parts: object) -> str:
    """A state that depends on `state` and also on the repr of the parts."""
    return hashlib.sha256(f"{state} {parts!r}".encode("utf-8", "surrogatepass")).hexdigest()


class CachingEncoder:
    """An encoder that stores every vector it makes, by a digest of the text, for this run and the next."""

    def __init__(self, real: Encoder, directory: Path) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self._real = real
        self._journal = Journal(directory, real.card)
        self._vectors: dict[str, Vectors] = {}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode_queries`."""
        return self._encode("query", texts, self._real.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode_passages`."""
        return self._encode("passage", texts, self._real.encode_passages)

    def _encode(self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        digests = [hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        self._vectors |= self._journal.find(digest for digest in digests if digest not in self._vectors)
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._vectors}
        if missing:
            encoded = dict(zip(missing, encode(list(missing.values())), strict=True))
            self._journal.keep(encoded)
            self._vectors |= encoded
        return np.array([self._vectors[digest] for digest in digests], np.float32).reshape(len(texts), -1)

    def close(self) -> None:
        """Close the file."""
        self._journal.close()
