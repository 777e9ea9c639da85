"""Processes that work beside this one: how they are ended, and how they have ended."""

import signal
import subprocess
import time
from collections.abc import Iterable

from recommender.sentences.sentence import Sentence


def end_processes(processes: Iterable["subprocess.Popen[bytes]"], seconds: float) -> None:
    """End all of them, and kill those that take longer than so many seconds together."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.terminate()
    until = time.monotonic() + seconds
    for process in running:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def how_it_ended(status: int) -> str:
    """How a process with this return code has ended, in words."""
    if status < 0:
        return Sentence("killed by %(signal)s", signal=signal.Signals(-status).name)
    return Sentence("exit status %(status)s", status=status)
