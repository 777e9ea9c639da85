"""kill -9 at random moments of import, reindex, watch and serve: nothing that was acknowledged is lost.

After each kill the database is whole and has every acknowledged write, the old or the new generation of the index is
live and answers, the next run is not blocked by a lock, and nothing unfinished is left over. Acknowledged is a request
to which the API answered 201, a transaction that was committed beside the killed process, and an import that printed
its counts. `KOLLEGA_KILLS` is the number of kills: 12 by default, 40 in `make test-all`, 200 in
`make bench`.
"""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.verify import verify
from recommender import accounts
from recommender.access import ANYONE
from recommender.database.tables import HelpRequest, Person, RequestAudience, utc_now
from recommender.index import generations
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder, make_recommender
from tests.paths import ROOT

KILLS = int(os.environ.get("KOLLEGA_KILLS", "12"))
WHAT = ("import", "reindex", "watch", "serve")
RECORDS = 1200  # of the imported file: three transactions
_LONGEST_WAIT = 120.0  # seconds for a process to be ready


@dataclass
class World:
    """A home, what has been acknowledged in it (titles of requests), and what was counted."""

    settings: Settings
    sessions: sessionmaker[Session]
    encoder: FakeEncoder
    analyzer: Analyzer
    token: str
    acknowledged: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def write(self, title: str) -> None:
        """A write beside the process that is killed; it counts once it is committed."""
        with self.sessions.begin() as session:
            audience = [RequestAudience(token="everyone")]
            row = HelpRequest(
                title=title, body="", language="en", status="open", created_at=utc_now(), audience=audience
            )
            session.add(row)
        self.acknowledged.append(title)

    def post(self, port: int, title: str) -> None:
        """A write through the API; it counts once it has been answered."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/requests", json.dumps({"title": title, "everyone": True}), headers)
        if connection.getresponse().status == 201:
            self.acknowledged.append(title)
        connection.close()

    def environment(self) -> dict[str, str]:
        own = {"HOME": str(self.settings.home), "MODEL": "fake", "API_RATE": "100000 per minute"}
        return {**os.environ, **{f"KOLLEGA_{name}": value for name, value in own.items()}, "OMP_NUM_THREADS": "1"}

    def check(self) -> None:
        """What has to hold after every kill."""
        with self.sessions() as session:
            stored = set(session.scalars(select(HelpRequest.title)))
            lost = [title for title in self.acknowledged if title not in stored]
            self.counts["lost"] += len(lost)
            assert lost == []
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        recommender = make_recommender(self.settings, self.analyzer, self.encoder)
        recommender.refresh(wait=True)
        with self.sessions() as session:
            answer = recommender.recommend("first printer jam", ANYONE, session)
        assert answer.notices == () and answer.suggestions[0].item.title == "first printer jam"
        reindex(self.settings, self.sessions, self.encoder, self.analyzer)  # no lock is in the way
        assert verify(self.settings) == []
        folder = self.settings.index_dir
        left = {path.name for path in folder.iterdir()} - set(generations.finished(folder)) - {"CURRENT", "lock"}
        assert left == set() and len(generations.finished(folder)) <= 3  # one may have been finished and not yet live


@pytest.fixture
def world(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
    add_person: Callable[..., int],
) -> World:
    (settings.home / "models").symlink_to(MODELS, target_is_directory=True)
    for number in range(40):
        add_request(f"filler{number} other{number}", answer=f"reply{number}")
    add_request("first printer jam", answer="Open the tray.", by="aino")
    person = add_person("aino", "agent", "it")
    with sessions.begin() as session:
        token = accounts.make_token(session, session.get_one(Person, person), "kills", ("read", "write"))
    reindex(settings, sessions, encoder, analyzer)
    return World(settings, sessions, encoder, analyzer, token)


@contextmanager
def _killed(world: World, *words: str, after: Callable[[], None]) -> Iterator[None]:
    """A process of `tests.kills`: when it is ready, the body runs beside it, `after` waits, and then it is killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kills", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=world.environment(),
    ) as process:  # fmt: skip
        timer = threading.Timer(_LONGEST_WAIT, process.kill)
        timer.start()
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield
            after()
            assert process.poll() is None, "it ended by itself"
        finally:
            timer.cancel()
            process.send_signal(signal.SIGKILL)


def _kill_import(world: World, number: int, chance: random.Random) -> None:
    lines = [
        {"type": "request", "id": str(n), "title": f"imported {number} {n}", "body": "x", "language": "en",
         "created_at": "2026-01-01T00:00:00Z", "audience": ["everyone"], "status": "open"}
        for n in range(RECORDS)
    ]  # fmt: skip
    file = world.settings.home / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    own = world.environment()
    command = [sys.executable, "-m", "indexer", "import", "jsonl", "--source", f"s{number}", str(file)]

    def stored() -> int:
        with world.sessions() as session:
            return session.scalar(select(func.count()).where(HelpRequest.source == f"s{number}")) or 0

    log = world.settings.home / "kollega.db-wal"
    before = log.stat().st_size if log.exists() else 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=own)
    while process.poll() is None and (not log.exists() or log.stat().st_size == before):
        time.sleep(0.01)  # until it writes
    time.sleep(chance.uniform(0.0, 0.6))
    process.kill()
    if _counted(process.communicate()[0]):
        assert stored() == RECORDS
    world.counts["imports that were cut"] += 0 < stored() < RECORDS
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=own, check=False)
    assert again.returncode == 0 and _counted(again.stdout) == stored() == RECORDS  # goes on where the killed one was
    world.counts["records"] += RECORDS
    with world.sessions.begin() as session:  # or the index would grow with each kill
        session.execute(delete(HelpRequest).where(HelpRequest.source == f"s{number}"))


def _counted(printed: str) -> int:
    """How many records an import says that it has loaded; 0 when it was killed before that."""
    counts = re.match(r"(\d+) added, (\d+) updated, (\d+) unchanged", printed)
    return sum(map(int, counts.groups())) if counts else 0


def _kill_reindex(world: World, number: int, chance: random.Random) -> None:
    with _killed(world, "reindex", after=lambda: time.sleep(chance.uniform(0.0, 0.8))):
        for n in range(chance.randint(1, 10)):
            world.write(f"reindexed {number} {n}")


def _kill_watch(world: World, number: int, chance: random.Random) -> None:
    with _killed(world, "watch", after=lambda: time.sleep(chance.uniform(0.0, 0.3))):
        for n in range(chance.randint(1, 10)):
            world.write(f"watched {number} {n}")
            time.sleep(chance.uniform(0.0, 0.1))


def _kill_serve(world: World, number: int, chance: random.Random) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = threading.Event()

    def send(sender: int) -> None:
        for n in range(100_000):
            try:
                world.post(port, f"sent {number} {sender} {n}")
            except (OSError, http.client.HTTPException):  # it was killed
                return
            if stop.is_set():
                return

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    with _killed(world, "serve", str(port), after=lambda: time.sleep(chance.uniform(0.2, 1.0))):
        for sender in senders:
            sender.start()
    stop.set()
    for thread in senders:
        thread.join()


def test_nothing_acknowledged_is_lost_when_a_process_is_killed(world: World) -> None:
    kill = {"import": _kill_import, "reindex": _kill_reindex, "watch": _kill_watch, "serve": _kill_serve}
    for number in range(KILLS):
        what = WHAT[number % len(WHAT)]
        kill[what](world, number, random.Random(number))  # noqa: S311
        world.counts[what] += 1
        world.check()
    acknowledged = len(world.acknowledged)
    sent = sum(title.startswith("sent ") for title in world.acknowledged)
    print("\nkills:", json.dumps({"kills": KILLS, "acknowledged": acknowledged, "sent": sent, **world.counts}))
    assert world.counts["lost"] == 0 and sent > 0
