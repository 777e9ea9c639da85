"""Runs work beside `kollega watch`: in a thread, until what started it ends."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread of this name. The event it is given is set when this context ends, and not waited for."""
    stop = threading.Event()
    threading.Thread(target=work, args=(stop,), name=name, daemon=True).start()
    try:
        yield
    finally:
        stop.set()
