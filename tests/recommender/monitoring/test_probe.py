"""monitoring/probe.py: who asks is answered in time, and a check that hangs runs once."""

import threading
import time

import pytest

from recommender.monitoring.probe import Probe
from tests.timing import LONG


def test_a_probe_gives_what_its_check_returns_or_raises() -> None:
    assert Probe(lambda: 3, LONG).result() == 3
    with pytest.raises(ZeroDivisionError):
        Probe(lambda: 1 // 0, LONG).result()


def test_a_check_that_hangs_is_not_waited_for_and_runs_only_once() -> None:
    begun, release = [], threading.Event()

    def hang() -> str:
        begun.append(1)
        release.wait(2 * LONG)
        return "done"

    probe = Probe(hang, 0.05)
    for _ in range(3):
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            probe.result()
        assert time.monotonic() - before < LONG
    assert len(begun) == 1
    release.set()
    probe._seconds = LONG
    assert Probe(probe.result, LONG).result() == "done"  # whoever asks while it runs gets its result
    known = len(begun)  # it may have ended before that question came, which then ran it again
    assert probe.result() == "done" and len(begun) == known + 1  # and the next one runs it again
