"""What the collections of a generation hold, how rows are made and read, and which rows a generation sees.

A full run makes three collections; the runs after it write into the same ones. Each row has the number of the
generation that added it, and each generation lists the items that are no longer in it: so one that is half written is
never seen, and the generation before can be made live again.

* `..._passages`: the vectors, the texts, and each vector once more as text (`stored`), since reading a vector field is
  ten times slower in the library form;
* `..._items`: the terms of each item as a sparse vector. A term weighs what BM25 gives it without its rarity, which a
  question brings along, since it depends on who asks;
* `..._terms`: how many items of each group have a term (`counts.py`).
"""

import base64
import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.encoder import Vectors
from recommender.index.half import from_half
from recommender.index.milvus.client import Fields, Milvus, Row
from recommender.index.narrowing import Among
from recommender.index.nearness import ROLES

_LONGEST, _MOST_TOKENS = 65_535, 4096  # bytes of a text and entries of a list, that Milvus takes
_KEY, _WORD = 64, 400  # bytes of an item's key, and of a word or reader token
_LINKS, _CONSTRUCTION = 24, 80  # M and efConstruction of HNSW, as with local files
PASSAGES, ITEMS, TERMS = "passages", "items", "terms"
UNUSED: Row = {"unused": [0.0, 1.0]}
BESIDE = ("unused", 2)
"""The field with vectors of items and terms, by which nothing is searched, and their dimension: Milvus wants a
collection to have dense vectors where it has no others, and see `Milvus.few_rows`."""


def _text(longest: int) -> dict[str, Any]:
    return {"type": "VARCHAR", "max_length": longest}


_NUMBER, _UNUSED = {"type": "INT64"}, {"type": "FLOAT_VECTOR", "dim": 2}
_AUDIENCE = {"type": "ARRAY", "element_type": "VARCHAR", "max_capacity": _MOST_TOKENS, "max_length": _WORD}
_OF_ITEM: Fields = {
    "number": _NUMBER, "key": _text(_KEY), "kind": _text(16), "language": _text(16), "audience": _AUDIENCE,
    "first": _NUMBER, "roles": _text(1024), "generation": _NUMBER,
}  # fmt: skip
_FIELDS: dict[str, Fields] = {
    PASSAGES: {"id": _NUMBER, **_OF_ITEM, "position": _NUMBER, "digest": _text(64), "context": _text(_LONGEST),
               "text": _text(_LONGEST), "stored": _text(_LONGEST)},
    ITEMS: {**_OF_ITEM, "digest": _text(64), "group": _NUMBER, "terms": {"type": "SPARSE_FLOAT_VECTOR"},
            "unused": _UNUSED},
    TERMS: {"id": _NUMBER, "term": _NUMBER, "word": _text(_WORD), "generation": _NUMBER, "items": _NUMBER,
            "parts": _NUMBER, "counts": _text(_LONGEST), "unused": _UNUSED},
}  # fmt: skip
_LOOKED_UP = {PASSAGES: ("number", "digest", "audience"), ITEMS: ("key", "audience", "group"), TERMS: ("term",)}
ITEM_FIELDS = ("number", "key", "language", "first", "roles")
PASSAGE_FIELDS = ("id", "key", "roles", "first", "position", "context", "text", "language")


class FoundItem(NamedTuple):
    """An item as its rows name it. Its passages have the ids from `first` on; `roles` are the numbers of their
    roles."""

    number: int
    key: str
    language: str
    first: int
    roles: tuple[int, ...]

    @classmethod
    def of(cls, row: Row) -> "FoundItem":
        """The item that a row of passages or items belongs to."""
        return cls(row["number"], row["key"], row["language"], row["first"], tuple(map(int, row["roles"])))

    @property
    def ids(self) -> range:
        """The ids of its passages, in their order."""
        return range(self.first, self.first + len(self.roles))


def name_of(collection: str, part: str) -> str:
    """The name in Milvus of one of the three collections."""
    return f"{collection}_{part}"


def create(milvus: Milvus, collection: str, dimension: int, approximate: bool) -> None:
    """Make the three collections."""
    hnsw = {"index_type": "HNSW", "metric_type": "IP", "params": {"M": _LINKS, "efConstruction": _CONSTRUCTION}}
    vectors = hnsw if approximate else {"index_type": "FLAT", "metric_type": "IP"}
    sparse = {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"}
    flat = {"index_type": "FLAT", "metric_type": "IP"}
    indexes: dict[str, dict[str, dict[str, Any]]] = {
        PASSAGES: {"vector": vectors},
        ITEMS: {"terms": sparse, "unused": flat},
        TERMS: {"unused": flat},
    }
    for part, fields in _FIELDS.items():
        wanted = {**fields, "vector": {"type": "FLOAT_VECTOR", "dim": dimension}} if part == PASSAGES else fields
        looked_up = () if milvus.is_file else _LOOKED_UP[part]
        by_value: dict[str, dict[str, Any]] = {field: {"index_type": "INVERTED"} for field in looked_up}
        milvus.create(name_of(collection, part), wanted, {**indexes[part], **by_value})


def drop(milvus: Milvus, collection: str) -> None:
    """Remove the three collections."""
    for part in _FIELDS:
        milvus.drop(name_of(collection, part))


def item_row(item: Item, number: int, first: int, roles: Sequence[Role], generation: int) -> Row:
    """What the rows of an item and of its passages have in common."""
    return {
        "number": number, "key": item.key, "kind": item.kind.value, "language": item.language,
        "audience": sorted(item.audience), "first": first, "generation": generation,
        "roles": "".join(str(ROLES.index(role)) for role in roles),
    }  # fmt: skip


def passage_row(shared: Row, identifier: int, digest: str, passage: Passage, vector: Vectors) -> Row:
    """The row of a passage."""
    return {
        **shared, "id": identifier, "position": passage.position, "digest": digest, "context": _cut(passage.context),
        "text": _cut(passage.text), "stored": as_text(vector), "vector": np.asarray(vector, np.float32),
    }  # fmt: skip


def passage_of(row: Row) -> Passage:
    """The passage of a row with PASSAGE_FIELDS."""
    role = ROLES[int(row["roles"][row["id"] - row["first"]])]
    return Passage(row["key"], role, row["position"], row["context"], row["text"], row["language"])


def as_text(vector: Vectors) -> str:
    """A vector as text, in half precision, as the approximate search of local files has it."""
    return base64.b64encode(np.asarray(vector, "<f2").tobytes()).decode("ascii")


def stored(row: Row) -> bytes:
    """The vector of a row with such a text."""
    return base64.b64decode(row["stored"])


def as_vectors(stored: Sequence[bytes], dimension: int) -> Vectors:
    """Such vectors, shape (vectors, dimension)."""
    return from_half(np.frombuffer(b"".join(stored), np.uint8).reshape(-1, 2 * dimension))


def _cut(text: str) -> str:
    """The text, as much of it as Milvus takes; passages are far shorter."""
    return text.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")


def visible(generation: int, removed: Collection[int]) -> str:
    """The condition for rows of items and passages that a generation sees."""
    seen = f"generation <= {generation}"
    return f"{seen} and number not in {sorted(removed)}" if removed else seen


def readable(tokens: frozenset[str]) -> str:
    """The condition for what these reader tokens may read."""
    return f"array_contains_any(audience, {quoted(tokens)})"


def within(among: Among | None) -> str:
    """The condition for the items to search; empty for all."""
    if among is None:
        return ""
    kind = "" if among.kind is None else f"kind == {_quoted(Kind(among.kind).value)}"
    language = "" if among.language is None else f"language == {_quoted(among.language)}"
    keys = "" if among.keys is None else f"key in {quoted(among.keys)}"
    return both(kind, language, keys)


def both(*conditions: str) -> str:
    """All of these conditions, without the empty ones."""
    return " and ".join(f"({condition})" for condition in conditions if condition)


def quoted(texts: Collection[str]) -> str:
    """A list of texts in a condition."""
    return f"[{', '.join(_quoted(text) for text in sorted(texts))}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
