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

import recommender
from recommender.encoder import ModelCard
from recommender.settings import Settings

T = TypeVar("T")
ANSWERING = Path(recommender.__file__).parent
"""All of its code and what it learned decides what is answered."""
_SAYS_WHERE = ("home", "database")


class KeptAnswers:
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


def state_of(settings: Settings, card: ModelCard, asking: Sequence[Path]) -> str:
    """A digest of what decides what is answered: the recommender's code and the files that ask it, the versions of all
    packages, the settings but for where things are, the model."""
    matters = {name: value for name, value in asdict(settings).items() if name not in _SAYS_WHERE}
    packages = sorted(f"{each.name} {each.version}" for each in distributions())
    told = hashlib.sha256(f"{sorted(matters.items())} {card} {packages}".encode("utf-8", "surrogatepass"))
    answering = sorted(path for path in ANSWERING.rglob("*") if path.suffix in (".py", ".npz", ".gz"))
    for path in (*answering, *asking):
        told.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return told.hexdigest()


def state_with(state: str, *parts: object) -> str:
    """That state with something more that decides, told by its repr."""
    return hashlib.sha256(f"{state} {parts!r}".encode("utf-8", "surrogatepass")).hexdigest()
