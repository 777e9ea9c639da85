"""index/beside.py: work in threads of its own, or in the one that waits for it."""

import threading

import pytest

from recommender.index.beside import Beside
from tests.timing import LONG


def test_work_is_done_in_another_thread_and_its_error_is_raised_where_it_is_waited_for() -> None:
    beside = Beside()
    assert beside.begin(threading.get_ident)() != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        beside.begin(lambda: 1 // 0)()


def test_what_no_thread_has_begun_is_done_by_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0})
    beside, go_on = Beside(), threading.Event()
    busy = beside.begin(lambda: go_on.wait(LONG))
    assert beside.begin(threading.get_ident)() == threading.get_ident()
    go_on.set()
    assert busy()
