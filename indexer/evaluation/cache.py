"""What the recommender answered, kept in a file for as long as everything that makes the answers stays the same."""

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
"""Packages whose code and learned files decide how an index is built and what is answered."""
_SAYS_WHERE = ("home", "database")


class AnswerCache:
    """One gzipped JSON file, which holds for one state (`state_of`) of what made it."""

    def __init__(self, path: Path, state: str) -> None:
        self._path = path
        self._state = state

    def read(self, unpack: Callable[[Any], T]) -> T | None:
        """What was kept, as `unpack` makes it of JSON; None when there is nothing, or nothing that can be used."""
        try:
            with gzip.open(self._path, "rt", encoding="utf-8") as file:
                held = json.load(file)
            return unpack(held["answers"]) if held["state"] == self._state else None
        except (OSError, EOFError, zlib.error, ValueError, TypeError, LookupError, AttributeError):
            return None

    def write(self, answers: Any) -> None:
        """Keep answers, as JSON holds them, instead of what was kept before, in one atomic step."""
        beside = self._path.with_name(f"{self._path.name}.new")
        with gzip.open(beside, "wt", encoding="utf-8", compresslevel=3) as file:
            json.dump({"state": self._state, "answers": answers}, file)
        os.replace(beside, self._path)


def code_digest() -> str:
    """A digest of every code file and learned file of the packages in CODE."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted(path for path in package.rglob("*") if path.suffix in (".py", ".npz", ".gz")):
            digest.update(f"\0{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def state_of(settings: Settings, card: ModelCard) -> str:
    """A digest of everything that decides what is answered: the code, the versions of all installed packages, the
    model, and the settings except where things are stored."""
    matters = {name: value for name, value in asdict(settings).items() if name not in _SAYS_WHERE}
    packages = sorted(f"{each.name} {each.version}" for each in distributions())
    deciding = f"{code_digest()} {sorted(matters.items())} {card} {packages}"
    return hashlib.sha256(deciding.encode("utf-8", "surrogatepass")).hexdigest()


def state_with(state: str, *parts: object) -> str:
    """That state with something more that decides, told by its repr."""
    return hashlib.sha256(f"{state} {parts!r}".encode("utf-8", "surrogatepass")).hexdigest()


class CachingEncoder:
    """An encoder that keeps every vector it makes, by a hash of the text, for the next run."""

    def __init__(self, real: Encoder, directory: Path) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self._real = real
        self._kept = Journal(directory, real.card)
        self._near: dict[str, Vectors] = {}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encode("query", texts, self._real.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encode("passage", texts, self._real.encode_passages)

    def _encode(self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        digests = [hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        self._near |= self._kept.find(digest for digest in digests if digest not in self._near)
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._near}
        if missing:
            made = dict(zip(missing, encode(list(missing.values())), strict=True))
            self._kept.keep(made)
            self._near |= made
        return np.array([self._near[digest] for digest in digests], np.float32).reshape(len(texts), -1)

    def close(self) -> None:
        """Close the file."""
        self._kept.close()
