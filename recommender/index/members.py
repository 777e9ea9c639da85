"""What the rows of a generation are: which item, role and readers each of them has.

Of a generation whose catalogue begins with the file of an earlier one (`catalogue_files.py`) only the small file is
read when what is in the other one is known already. To read the large file takes a second for 100,000 items, so what
comes of it is stored beside it, in `members.npz`. Where that is missing, damaged or of another file, the catalogue is
read.
"""

import json
import os
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from recommender.checksums import FileIdentity, identity_of
from recommender.datatypes import Kind
from recommender.index.catalogue import Catalogue
from recommender.index.generations import CATALOGUE, Manifest
from recommender.index.nearness import ROLES
from recommender.index.readable import passages_by_token

MEMBERS = "members.npz"
"""The file in a generation that is made of its catalogue, and is no part of what manifests list."""
_ARRAYS = ("about", "items", "languages", "item_of", "roles", "counts", "readable")
_NUMBER_OF_ROLE = {role.value: number for number, role in enumerate(ROLES)}


@dataclass(frozen=True)
class Members:
    """The items of a generation, numbered in the order of their first rows, and what each row is.

    `items` has the key of each item and `languages` its language. `item_of` has the item's number for each row, shape
    (rows,), -1 for a removed passage; `roles` the number of the passage's role. `by_token` has the rows that each
    reader token may read. An item of which all rows were removed may still have a number. `earlier` are those of the
    file of an earlier generation, with which this one begins.
    """

    items: list[str]
    languages: list[str]
    item_of: NDArray[np.int32]
    roles: NDArray[np.uint8]
    by_token: dict[str, NDArray[np.int64]]
    earlier: "Members | None" = None

    @classmethod
    def read(cls, catalogue: Catalogue, rows: int) -> "Members":
        """Those of all rows."""
        nothing = cls([], [], np.zeros(0, np.int32), np.zeros(0, np.uint8), {})
        return nothing._with_rows_from(catalogue, 0, rows)

    def followed_by(self, catalogue: Catalogue, rows: int) -> "Members":
        """Those of a generation with so many rows, whose catalogue begins with the file that these were read from."""
        gone, item_of, by_token = catalogue.removed_items(), self.item_of, self.by_token
        if gone:
            left = np.array([key not in gone for key in (*self.items, "")], np.bool_)  # the last is for removed rows
            item_of = np.where(left[item_of], item_of, np.int32(-1))
            by_token = {token: ids[item_of[ids] >= 0] for token, ids in by_token.items()}
        known = Members(self.items, self.languages, item_of, self.roles, by_token, earlier=self)
        return known._with_rows_from(catalogue, len(item_of), rows)

    def _with_rows_from(self, catalogue: Catalogue, first: int, rows: int) -> "Members":
        """These, which are of the rows before `first`, and those of the rows from there on."""
        ids, keys, roles = catalogue.members_and_roles(first)
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        item_of, of_role = np.full(rows, -1, np.int32), np.zeros(rows, np.uint8)
        item_of[:first], of_role[:first] = self.item_of, self.roles
        read = np.array(ids, np.int64)
        item_of[read] = np.array([*map(numbers.__getitem__, keys)], np.int32) + len(self.items)
        of_role[read] = [*map(_NUMBER_OF_ROLE.__getitem__, roles)]
        language = catalogue.languages(first)
        audiences = [(key, audience) for key, audience in catalogue.audiences(first) if key in numbers]
        by_token = dict(self.by_token)
        here = np.where(item_of[first:] < 0, -1, item_of[first:] - len(self.items))
        for token, found in passages_by_token(audiences, numbers, here).items():
            by_token[token] = np.concatenate([by_token.get(token, np.zeros(0, np.int64)), found + first])
        languages = [*self.languages, *(language[key] for key in numbers)]
        return Members([*self.items, *numbers], languages, item_of, of_role, by_token, self.earlier)

    @cached_property
    def documents(self) -> frozenset[str]:
        """The keys of the documents among the items."""
        before = self.earlier.documents if self.earlier else frozenset[str]()
        new = self.items[len(self.earlier.items) if self.earlier else 0 :]
        return before.union(key for key in new if key.startswith(f"{Kind.DOCUMENT}:"))

    @cached_property
    def _places(self) -> dict[str, int]:
        """The number of each item by key, kept for the generations that follow: to copy it takes a small part of the
        time."""
        return dict(zip(self.items, range(len(self.items)), strict=True))

    def numbers(self) -> dict[str, int]:
        """The number of each item that has rows, by key."""
        before = self.earlier
        first = len(before.items) if before else 0
        new = dict(zip(self.items[first:], range(first, len(self.items)), strict=True))
        numbers = before._places | new if before else new  # the later one of a key has its rows
        without = np.bincount(self.item_of[self.item_of >= 0], minlength=len(self.items)) == 0
        for number in np.flatnonzero(without).tolist():
            if numbers[self.items[number]] == number:
                del numbers[self.items[number]]
        return numbers

    def languages_by_token(self) -> dict[str, set[str]]:
        """The languages of the items that each reader token may read."""
        names = sorted(set(self.languages))
        places = {name: place for place, name in enumerate(names)}
        language_of = np.array([places[name] for name in self.languages], np.int32)
        return {
            token: {names[place] for place in np.unique(language_of[self.item_of[rows]])}
            for token, rows in self.by_token.items()
            if len(rows)
        }


_known: WeakValueDictionary[FileIdentity, Members] = WeakValueDictionary()  # of the files that open indexes have


def known_members(path: Path, checksum: str) -> Members | None:
    """The members of the catalogue in this one file, as an open index has them that read it when it had this checksum;
    None when there is none."""
    try:
        return _known.get(identity_of(path, checksum)) if checksum else None
    except OSError:  # it is missing
        return None


def members_of(catalogue: Catalogue, known: Members | None, manifest: Manifest) -> Members:
    """The members of a generation. `known` are those of its `catalogue.db` if they need not be read again."""
    if known is None:
        checksum = manifest.files.get(CATALOGUE, "")
        known = _stored(catalogue, manifest, checksum) or _read(catalogue, manifest)
        if checksum:
            _known[identity_of(catalogue.path, checksum)] = known
    return known.followed_by(catalogue, manifest.rows) if catalogue.is_in_two_files else known


def store_members(directory: Path, base: Path | None, manifest: Manifest) -> None:
    """Store the members of the `catalogue.db` of a generation that is whole, or link to those of `base`, from which it
    has that file."""
    if base is not None and (base / MEMBERS).exists() and (directory / CATALOGUE).samefile(base / CATALOGUE):
        os.link(base / MEMBERS, directory / MEMBERS)
    else:
        _store(directory, manifest)


def mend_members(directory: Path, manifest: Manifest) -> None:
    """Store the members of a generation that is whole again, when what is stored of them cannot be used."""
    if members_are_damaged(directory, manifest):
        _store(directory, manifest)


def members_are_damaged(directory: Path, manifest: Manifest) -> bool:
    """True when members are stored that cannot be used. All of their file is read."""
    path, checksum = directory / MEMBERS, manifest.files.get(CATALOGUE, "")
    return bool(checksum) and path.exists() and _arrays(path, checksum) is None


def _store(directory: Path, manifest: Manifest) -> None:
    with closing(Catalogue.load(directory / CATALOGUE)) as catalogue:
        members = _read(catalogue, manifest)
    about = {"of": manifest.files[CATALOGUE], "tokens": list(members.by_token)}
    new = directory / f"{MEMBERS}.new"
    with new.open("wb") as file:
        np.savez(
            file,
            about=np.array(json.dumps(about)),
            items=_as_array(members.items),
            languages=_as_array(members.languages),
            item_of=members.item_of,
            roles=members.roles,
            counts=np.array([len(rows) for rows in members.by_token.values()], np.int64),
            readable=np.concatenate([np.zeros(0, np.int64), *members.by_token.values()]),
        )
    os.replace(new, directory / MEMBERS)


def _read(catalogue: Catalogue, manifest: Manifest) -> Members:
    with closing(Catalogue.load_alone(catalogue.path)) as alone:
        rows = alone.last_id() + 1 if catalogue.is_in_two_files else manifest.rows
        return Members.read(alone, rows)


def _stored(catalogue: Catalogue, manifest: Manifest, checksum: str) -> Members | None:
    """The members of the `catalogue.db` with this checksum as they are stored beside it; None when there are none."""
    held = _arrays(catalogue.path.with_name(MEMBERS), checksum)
    try:
        if held is None or not (catalogue.is_in_two_files or len(held["item_of"]) == manifest.rows):
            return None
        items, languages = _as_texts(held["items"]), _as_texts(held["languages"])
        rows = np.split(held["readable"], np.cumsum(held["counts"]))[:-1]
        by_token = dict(zip(json.loads(str(held["about"]))["tokens"], rows, strict=True))
        if len(items) != len(languages):
            return None
        return Members(items, languages, held["item_of"], held["roles"], by_token)
    except Exception:  # of a damaged file, of many kinds
        return None


def _arrays(path: Path, checksum: str) -> dict[str, NDArray[Any]] | None:
    """All that is stored of the catalogue with this checksum, which is compared with the checksums in the file; None
    when it is missing, damaged or of another catalogue."""
    try:
        with path.open("rb") as file, np.load(file) as held:
            arrays = {name: held[name] for name in _ARRAYS}
        return arrays if json.loads(str(arrays["about"]))["of"] == checksum else None
    except Exception:  # reading a damaged file may raise errors of many kinds
        return None


def _as_array(texts: list[str]) -> NDArray[np.uint8]:
    """Texts without line breaks, in one array."""
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _as_texts(array: NDArray[np.uint8]) -> list[str]:
    text = array.tobytes().decode()
    return text.split("\n") if text else []
