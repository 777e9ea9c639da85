"""kill -9 and faults at random moments of a sync over the network: no ticket is lost, and none is stored twice.

Half of `KOLLEGA_KILLS` is the number of kills for each of two systems: one that gives pages by number, and one that
gives them by a cursor and takes a request for each ticket. From 40 kills on there are 2,000 tickets.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload, sessionmaker

from recommender.database.source_tables import SourceState
from recommender.database.tables import HelpRequest
from recommender.settings import Settings
from tests.conftest import MODELS
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, Faults, SystemServer, serving
from tests.indexer.sources.servers.systems import SYSTEMS, Known
from tests.paths import ROOT

KILLS = int(os.environ.get("KOLLEGA_KILLS", "12")) // 2
TICKETS = 2000 if KILLS >= 20 else 400
_LONGEST_RUN = 300.0  # seconds for one sync to end


class Starter:
    """Starts processes that run `kollega sync`."""

    def __init__(self, settings: Settings) -> None:
        own = {"KOLLEGA_HOME": str(settings.home), "KOLLEGA_MODEL": "fake", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, **own},
        )  # fmt: skip

    def sync(self) -> int:
        """The id of a process that begins to read the sources."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("sync\n")
        self._process.stdin.flush()
        lines = sorted(self._process.stdout.readline().strip() for _line in range(2))
        assert lines[0] == "ready", lines
        return int(lines[1].removeprefix("started "))

    def close(self) -> None:
        """End the process that starts the others."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def starter(settings: Settings, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Iterator[Starter]:
    assert sessions.kw["bind"]  # the home and its database are there
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    settings.models_dir.mkdir()
    (settings.models_dir / "dictionaries").symlink_to(MODELS / "dictionaries", target_is_directory=True)
    started = Starter(settings)
    yield started
    started.close()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ends(process: int, seconds: float) -> bool:
    """True when a process ends within this time."""
    until = time.monotonic() + seconds
    while is_running(process):
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    assert ends(process, 30)


def faults(chance: random.Random, desk: Desk) -> Faults:
    """Faults of one run: some requests fail, and tickets change while they are read."""

    def between(_number: int) -> None:
        if chance.random() < 0.2:
            desk.touch(chance.randint(1, TICKETS))

    every = {name: chance.choice([0, 0, 5, 9]) for name in ("limited", "failing", "cut", "wrong_json", "page")}
    made = Faults(between=between, **{f"{name}_every": value for name, value in every.items()})
    if chance.random() < 0.3:
        made.dead_after = chance.randint(1, 60)
    return made


def change_some(chance: random.Random, desk: Desk) -> None:
    """Let people work on tickets."""
    desk.now += timedelta(minutes=30)
    for number in chance.sample(range(1, TICKETS + 1), TICKETS // 14):
        desk.change(number, f"Kysymys {number} muuttui kello {desk.now:%H:%M:%S}")


def check(known: Known, desk: Desk, sessions: sessionmaker[Session]) -> None:
    """Every ticket is stored once, as it is there now."""
    with sessions() as session:
        wanted = select(HelpRequest).where(HelpRequest.source == "desk").options(selectinload(HelpRequest.replies))
        stored = session.scalars(wanted).all()
        ids = [row.external_id for row in stored]
        assert len(ids) - len(set(ids)) == 0  # twice
        assert set(map(known.name, desk.tickets)) - set(ids) == set()  # lost
        assert len(ids) == TICKETS
        bodies = {row.external_id: row.body.strip() for row in stored}
        replies = {row.external_id: [reply.body for reply in row.replies] for row in stored}
    for number, ticket in desk.tickets.items():
        assert bodies[known.name(number)] == ticket.text
        assert replies[known.name(number)] == [note.text for note in ticket.notes if note.public]


@pytest.mark.parametrize("name", ["jira data center", "zendesk"])
def test_no_ticket_is_lost_or_stored_twice_when_a_sync_is_killed(
    name: str, starter: Starter, settings: Settings, sessions: sessionmaker[Session]
) -> None:
    known, chance, desk = SYSTEMS[name], random.Random(18), Desk(TICKETS, pace=timedelta(seconds=1))  # noqa: S311
    killed, cut = 0, 0
    with serving(known.serve(desk)) as server:
        settings.sources_file.write_text(known.table(server.url), encoding="utf-8")
        while killed < KILLS:
            server.faults = faults(chance, desk)
            before = mark(sessions)
            process = starter.sync()
            if chance.random() < 0.8:  # else it is killed at its beginning
                while is_running(process) and mark(sessions) == before:
                    time.sleep(0.01)
            if ends(process, chance.uniform(0, 1.5)):
                change_some(chance, desk)  # so that the next run has something to read
                continue
            kill(process)
            killed, cut = killed + 1, cut + (mark(sessions) != before)
        finish(server, starter)
        check(known, desk, sessions)
        change_some(chance, desk)
        finish(server, starter)
        check(known, desk, sessions)
    assert cut >= KILLS // 3  # so many were killed between two marks


def mark(sessions: sessionmaker[Session]) -> str | None:
    """How far the source was read."""
    with sessions() as session:
        state = session.get(SourceState, "desk")
        return state.mark if state else None


def finish(server: SystemServer, starter: Starter) -> None:
    """Let a sync run to its end, without faults."""
    server.faults = Faults()
    assert ends(starter.sync(), _LONGEST_RUN)


def test_the_sources_file_is_what_an_admin_would_write(tmp_path: Path) -> None:
    written = SYSTEMS["jira cloud"].table("https://jira.example", tmp_path / "token")
    assert written.startswith('[desk]\nkind = "jira"\nplace = "https://jira.example"\nuser = ')
