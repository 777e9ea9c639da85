"""What a generation in Milvus is made of, beside its manifest; `contents.json` in its directory."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recommender.errors import IndexDamaged
from recommender.index import generations
from recommender.index.generations import CONTENTS
from recommender.index.register import Register

ENGINE = "milvus"


@dataclass(frozen=True)
class Group:
    """Items with the same audience and language, and how many there are."""

    audience: tuple[str, ...]
    language: str
    items: int


@dataclass(frozen=True)
class Contents:
    """`collection` is the beginning of the names of its collections, `generation` its number in them. New items,
    passages and terms get the numbers from `items`, `passages` and `terms` on. `lengths` is the mean number of terms by
    field, learned in the run that made the collections. `removed` are the numbers of items that this generation took
    out, `removed_before` those of the one before, whose rows the next run removes. `beside` says that items have the
    vectors of `layout.BESIDE`, which those of earlier versions have not."""

    collection: str
    generation: int
    items: int = 0
    passages: int = 0
    terms: int = 1
    lengths: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    removed: tuple[int, ...] = ()
    removed_before: tuple[int, ...] = ()
    beside: bool = False

    @property
    def unseen(self) -> tuple[int, ...]:
        """The numbers of the items whose rows may still be there."""
        return (*self.removed_before, *self.removed)

    def write(self, directory: Path) -> None:
        """Write `contents.json`."""
        (directory / CONTENTS).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Contents":
        """Read `contents.json`. Raises IndexDamaged when it is missing or damaged."""
        try:
            values: dict[str, Any] = json.loads((directory / CONTENTS).read_text(encoding="utf-8"))
            groups = tuple(Group(tuple(g["audience"]), g["language"], g["items"]) for g in values.pop("groups"))
            values |= {name: tuple(values[name]) for name in ("removed", "removed_before")}
            return cls(**values, groups=groups)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise IndexDamaged(
                f"{CONTENTS} of {directory.name} cannot be read ({error}). Run: kollega reindex --full"
            ) from error


def collections_of(register: Register) -> set[str]:
    """The beginnings of the names of the collections that the generations of the database need. Raises IndexDamaged
    when the database has a damaged list: nothing may be removed then."""
    kept = set()
    for name in register.names():
        try:
            kept.add(str(json.loads(register.files(name)[CONTENTS])["collection"]))
        except (ValueError, TypeError, KeyError) as error:
            raise IndexDamaged(f"{CONTENTS} of {name} in the database cannot be read ({error}).") from error
    return kept


def is_in_milvus(directory: Path) -> bool:
    """True when a generation's manifest says that it is in Milvus."""
    return generations.values_of(directory).get("engine") == ENGINE
