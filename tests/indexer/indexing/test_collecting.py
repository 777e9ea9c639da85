"""indexer/indexing/collecting.py: Python looks for unneeded objects as before, whatever happens meanwhile."""

import gc
from collections.abc import Iterator

import pytest

from indexer.indexing.collecting import rarely_collecting


@pytest.fixture(autouse=True)
def as_python_begins() -> Iterator[None]:
    """Objects are looked for as in a new process, whatever ran in this one before."""
    before = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_python_looks_seldom_and_then_as_before() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="away"), rarely_collecting():
        assert gc.get_threshold()[0] > before[0] and gc.get_freeze_count() > 0
        raise ValueError("away")
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0


def test_what_was_left_out_before_stays_left_out() -> None:
    kept: list[list[int]] = [[] for _ in range(1_000)]  # others that are left out may be freed by other threads
    gc.freeze()
    try:
        with rarely_collecting():
            assert gc.get_freeze_count() > len(kept)
        assert gc.get_freeze_count() > len(kept)
    finally:
        gc.unfreeze()
