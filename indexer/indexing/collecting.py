"""Makes Python look more seldom for objects that only hold each other, while very many objects are made that stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW = 20_000
"""New objects after which Python looks; a judgement. It looks after 700 by itself."""


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Within it, Python looks seldom, and not at all among the objects that there are already. Looking through those of
    100,000 items again and again takes a tenth of the time of computing insights. Where objects have been left out of
    the looking already, as `kollega serve` does, they stay left out."""
    before = gc.get_threshold()
    gc.set_threshold(_NEW, *before[1:])
    is_first = gc.get_freeze_count() == 0
    if is_first:
        gc.freeze()
    try:
        yield
    finally:
        if is_first:
            gc.unfreeze()
        gc.set_threshold(*before)
