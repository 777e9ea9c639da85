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
