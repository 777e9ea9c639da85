"""indexer/indexing/collecting.py: Python looks for unneeded objects as before, whatever happens meanwhile."""

import gc

import pytest

from indexer.indexing.collecting import rarely_collecting


def test_python_looks_seldom_and_then_as_before() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="away"), rarely_collecting():
        assert gc.get_threshold()[0] > before[0] and gc.get_freeze_count() > 0
        raise ValueError("away")
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0


def test_what_was_left_out_before_stays_left_out() -> None:
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        with rarely_collecting():
            assert gc.get_freeze_count() >= before
        assert gc.get_freeze_count() == before > 0
    finally:
        gc.unfreeze()
