"""index/readable.py: the rows that readers may read."""

import gc
import weakref

import numpy as np

from recommender.index.readable import Readable

BY_TOKEN = {
    "everyone": np.array([0, 3, 8, 20], np.int64),
    "team:it": np.array([1, 3, 16], np.int64),
    "person:7": np.array([22], np.int64),
}


def test_a_reader_may_read_the_rows_of_each_of_their_tokens() -> None:
    readable = Readable(BY_TOKEN, 23)  # a number that eight does not divide
    for _again in range(2):
        assert np.flatnonzero(readable(frozenset({"everyone"}))).tolist() == [0, 3, 8, 20]
        assert np.flatnonzero(readable(frozenset({"everyone", "team:it", "person:7"}))).tolist() == [
            0, 1, 3, 8, 16, 20, 22,
        ]  # fmt: skip
        assert not readable(frozenset({"person:8"})).any()
        assert not readable(frozenset()).any()
    assert (readable(frozenset({"everyone"})).shape, readable(frozenset({"everyone"})).dtype) == ((23,), np.bool_)


def test_readers_of_a_large_index_take_little_memory() -> None:
    rows = 800_000
    readable = Readable({f"person:{n}": np.array([n], np.int64) for n in range(100)}, rows)
    held = [readable._bits(frozenset({f"person:{n}"})).nbytes for n in range(100)]
    assert sum(held) <= 100 * rows / 8


def test_readers_without_items_of_their_own_share_what_is_kept() -> None:
    readable = Readable(BY_TOKEN, 23)
    for person in range(100, 200):
        readable(frozenset({"everyone", f"person:{person}"}))
    assert readable._bits.cache_info().currsize == 1


def test_it_is_freed_at_once_when_nobody_uses_it_any_more() -> None:
    """The server has Python look for no garbage in what was loaded at its start."""
    readable = Readable(BY_TOKEN, 23)
    readable(frozenset({"everyone"}))
    held = weakref.ref(readable)
    gc.disable()
    try:
        del readable
        assert held() is None
    finally:
        gc.enable()
