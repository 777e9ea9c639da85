"""narrowing.py: the rows and keys of the items that a search is limited to."""

import gc
import weakref

import numpy as np
import pytest

from recommender.datatypes import Kind
from recommender.index.narrowing import ALL, Among, Keys, Narrowing

ITEMS = ["request:1", "document:2", "request:3", "request:4", "document:5"]
LANGUAGES = ["fi", "en", "en", "fi", "sv"]
NUMBERS = {key: number for number, key in enumerate(ITEMS)}
DOCUMENTS = frozenset({"document:2", "document:5"})
ITEM_OF = np.array([0, 0, 1, 2, -1, 3, 4, 4], np.int32)  # row 4 is a removed passage


@pytest.mark.parametrize(
    ("among", "rows"),
    [
        (Among(), [0, 1, 2, 3, 5, 6, 7]),
        (Among(kind=Kind.REQUEST), [0, 1, 3, 5]),
        (Among(kind=Kind.DOCUMENT), [2, 6, 7]),
        (Among(language="en"), [2, 3]),
        (Among(kind=Kind.REQUEST, language="en"), [3]),
        (Among(language="de"), []),
        (Among(keys=frozenset({"request:1", "document:5", "request:9"})), [0, 1, 6, 7]),
        (Among(kind=Kind.DOCUMENT, keys=frozenset({"request:1", "document:5"})), [6, 7]),
        (Among(keys=frozenset()), []),
    ],
)
def test_the_rows_are_those_of_the_items_to_search(among: Among, rows: list[int]) -> None:
    narrowing = Narrowing(ITEMS, LANGUAGES, ITEM_OF, NUMBERS, DOCUMENTS)
    for _again in range(2):
        assert np.flatnonzero(narrowing.rows(among)).tolist() == rows


@pytest.mark.parametrize(
    ("among", "keys"),
    [
        (None, ALL),
        (Among(language="en"), ALL),
        (Among(kind=Kind.REQUEST), Keys(without=frozenset({"document:2", "document:5"}))),
        (Among(kind=Kind.DOCUMENT), Keys(only=frozenset({"document:2", "document:5"}))),
        (Among(keys=frozenset({"request:1", "request:9"})), Keys(only=frozenset({"request:1", "request:9"}))),
        (Among(keys=frozenset(ITEMS[1:])), Keys(without=frozenset({"request:1"}))),
        (Among(kind=Kind.DOCUMENT, keys=frozenset(ITEMS[1:])), Keys(only=frozenset({"document:2", "document:5"}))),
        (Among(keys=frozenset()), Keys(only=frozenset())),
    ],
)
def test_words_are_searched_in_or_outside_of_the_fewer_keys(among: Among | None, keys: Keys) -> None:
    assert Narrowing(ITEMS, LANGUAGES, ITEM_OF, NUMBERS, DOCUMENTS).keys(among) == keys


def test_it_is_freed_at_once_when_nobody_uses_it_any_more() -> None:
    """The server has Python look for no garbage in what was loaded at its start."""
    narrowing = Narrowing(ITEMS, LANGUAGES, ITEM_OF, NUMBERS, DOCUMENTS)
    narrowing.rows(Among(language="en"))
    held = weakref.ref(narrowing)
    gc.disable()
    try:
        del narrowing
        assert held() is None
    finally:
        gc.enable()
