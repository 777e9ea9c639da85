"""What commands share: progress on standard error, a database session, the analyser, a clean stop."""

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from recommender.monitoring.logs import fields
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from recommender.language.analyzer import Analyzer


log = logging.getLogger(__name__)
_OBJECTS, _TIMES, _TIMES_OF_OLD = 20_000, 20, 100  # between two collections of garbage: a judgement
SECONDS_BETWEEN_LINES = 10.0
"""Pause between two lines of progress where there is no terminal: a judgement."""
_LEAST_SECONDS = 1.0  # over which a rate is told: a judgement


@contextmanager
def database(settings: Settings) -> "Iterator[sessionmaker[Session]]":
    """Sessions on the database, which is closed at the end: otherwise its write-ahead log would stay until Python
    collects the garbage."""
    from recommender.database.days import use_zone
    from recommender.database.engine import open_database
    from recommender.organisation.values import Organisation

    sessions = open_database(settings)
    try:
        with sessions() as session:
            use_zone(Organisation.read(session, settings).settings.zone)
        yield sessions
    finally:
        sessions.kw["bind"].dispose()


@contextmanager
def few_collections() -> "Iterator[None]":
    """While this is open, Python seldom looks for garbage: for work that makes many objects and hardly any circles of
    them. Each time, it also looks through what the libraries have made."""
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS, _TIMES, _TIMES_OF_OLD)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def database_session(settings: Settings) -> "Iterator[Session]":
    """A session on the database. It is committed at the end, unless the command failed."""
    with database(settings) as sessions, sessions(info={"via": "command"}) as session:
        yield session
        session.commit()


def load_analyzer(settings: Settings) -> "Analyzer":
    """The analyser that makes terms of texts, with its dictionaries in the models directory."""
    from recommender.language.analyzer import Analyzer

    return Analyzer(settings.models_dir / "dictionaries")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the remaining time on standard error. Call the function it gives with (done, total)."""
    with progress_bars() as show:
        yield partial(show, label)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """The same for work in several parts: call the function with (name of the current part, done, total). Without a
    terminal it writes a line when a part begins, and one every few seconds."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(TextColumn):
        """How many are done a second."""

        def render(self, task: Task) -> Text:
            return Text(_rate(task.speed) if task.speed else "")

    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines()
        yield lambda label, done, total: lines.show(label, done, total)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(""), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)
        yield lambda label, done, total: bar.update(task, description=label, completed=done, total=total)


@contextmanager
def running_count(label: str) -> Iterator[Callable[[int], None]]:
    """A count on standard error, for work whose size is not known beforehand."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines(label)
        yield lambda done: lines.show(label, done)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done: bar.update(task, completed=done)


class _Lines:
    """Progress as lines on standard error, for where there is no terminal."""

    def __init__(self, label: str = "") -> None:
        self._label = label
        self._shown_at = self._begun_at = time.monotonic()
        self._before = 0

    def show(self, label: str, done: int, total: int | None = None) -> None:
        """Write a line when the label is new, or when the last line was written a while ago; then with the rate since
        the beginning, and the time that is left at this rate."""
        now = time.monotonic()
        is_new = label != self._label
        if is_new:
            self._begun_at, self._before = now, done
        if is_new or now - self._shown_at >= SECONDS_BETWEEN_LINES:
            self._label, self._shown_at = label, now
            of_total = "" if total is None else f" of {total}"
            rate = (done - self._before) / (now - self._begun_at) if now - self._begun_at >= _LEAST_SECONDS else 0.0
            left = (total - done) / rate if rate and total is not None else None
            more = [_rate(rate)] if rate else []
            more += [_time_left(left)] if left else []
            values = {"a_second": round(rate, 2) if rate else None, "seconds_left": round(left) if left else None}
            sentence = ", ".join([f"{label}: {done}{of_total}", *more])
            note(log, sentence, f"{label}: working", done=done, total=total, **values)


def _rate(a_second: float) -> str:
    return f"{a_second:.0f} a second" if a_second >= 10 else f"{a_second:.1f} a second"


def _time_left(seconds: float) -> str:
    """About how long it takes still, as people say it."""
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s left"
    return f"about {round(seconds / 60)} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"


def logs_json() -> bool:
    """True when the settings of the command that runs want log lines in JSON."""
    context = click.get_current_context(silent=True)
    settings = context.find_object(Settings) if context else None
    return settings is not None and settings.log_format == "json"


def note(logger: logging.Logger, sentence: str, message: str, **values: object) -> None:
    """Tell on standard error what the command does: the sentence, or with JSON logs a line with `message` and the
    values as its fields."""
    if logs_json():
        logger.info(message, extra=fields(**values))
    else:
        click.echo(sentence, file=sys.stderr)  # with `err` click writes into the line of a progress bar


def stop_when_terminated(status: int = 0) -> None:
    """Make SIGTERM end the command as Ctrl+C does, so that the processes it started are stopped and its temporary files
    are removed. The exit status is `status`."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(status))


UNFINISHED = 128 + signal.SIGTERM
"""Exit status of a command that SIGTERM ended before it had done what it is for: the one that a shell gives it."""


def stop_after_this_step(seconds: float) -> threading.Event:
    """An event that SIGTERM sets, so that the command ends after what it is at. It ends in the middle of that when it
    takes longer than `seconds`, or when SIGTERM comes a second time."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()
        stop_when_terminated()
        signal.signal(signal.SIGALRM, lambda _signal, _frame: sys.exit(0))
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))

    signal.signal(signal.SIGTERM, stop)
    return stopping


def end_at_once_when_late() -> None:
    """Call this when the last step is done: what `stop_after_this_step` ends then, because threads take too long, has
    nothing left to finish, and Python would end in the middle of ending these threads, which aborts some libraries."""
    signal.signal(signal.SIGALRM, lambda _signal, _frame: os._exit(0))
