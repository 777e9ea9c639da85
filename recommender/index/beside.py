"""Work of libraries that needs no Python while it goes on, on the processors that Python itself does not use."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Beside:
    """Begins such work in threads of its own, at most one for each processor. Safe for many threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), "beside")

    def begin(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Begin some work; what is returned waits for its result. It does the work itself where all threads are busy
        with that of others."""
        begun = self._threads.submit(work)
        return lambda: work() if begun.cancel() else begun.result()
