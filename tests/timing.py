"""Times that hold on a machine that is busy with other work."""

import time
from collections.abc import Callable

LONG = 60.0
"""Seconds in which even a busy machine does what usually takes a moment. What should not wait is tested against
something that would take longer than that, or by the processor's time (`time.thread_time`) when it only computes."""


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait until something is so, and fail when it takes too long."""
    until = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)
