"""kill -9 at random moments of import, reindex, watch and serve: nothing that was acknowledged is lost.

After each kill the database is whole and has every acknowledged write, the old or the new generation of the index is
live and answers, the next run is not blocked by a lock, and nothing unfinished is left over. Acknowledged is a request
to which the API answered 201, a transaction that was committed beside the killed process, and an import that printed
its counts. `KOLLEGA_KILLS` is the number of kills: 12 by default, 40 in `make test-all`, 200 in
`make bench`.
"""

import contextlib
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
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.verify import verify
from recommender import accounts
from recommender.access import ANYONE
from recommender.database import dialects
from recommender.database.tables import HelpRequest, Person, RequestAudience, utc_now
from recommender.index import generations
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.recommender import Recommender
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder
from tests.paths import ROOT

KILLS = int(os.environ.get("KOLLEGA_KILLS", "12"))
WHAT = ("import", "reindex", "watch", "serve")
RECORDS = 600  # of the imported file: several transactions
_LONGEST_WAIT = 120.0  # seconds for a process to be ready


@dataclass
class World:
    """A home, what has been acknowledged in it (titles of requests), and what was counted."""

    settings: Settings
    sessions: sessionmaker[Session]
    encoder: FakeEncoder
    analyzer: Analyzer
    questions: QuestionAnalyzer
    token: str
    acknowledged: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    import_seconds: float = 2.0

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
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/requests", json.dumps({"title": title, "everyone": True}), headers)
        if connection.getresponse().status == 201:
            self.acknowledged.append(title)
        connection.close()

    def environment(self) -> dict[str, str]:
        own = {"HOME": str(self.settings.home), "DATABASE": self.settings.database, "MODEL": "fake"}
        own["API_RATE"] = "100000 per minute"
        set_here = {f"KOLLEGA_{name}": value for name, value in own.items()}
        return {**os.environ, **set_here, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary)}

    @property
    def temporary(self) -> Path:
        """Where the processes put temporary files; nothing may be left there."""
        folder = self.settings.home.parent / "temporary"
        folder.mkdir(exist_ok=True)
        return folder

    def check(self) -> None:
        """What has to hold after every kill."""
        with self.sessions() as session:
            stored = set(session.scalars(select(HelpRequest.title)))
            lost = [title for title in self.acknowledged if title not in stored]
            self.counts["lost"] += len(lost)
            assert lost == []
            assert dialects.of(session.get_bind()).problems(session, 1) == []
        recommender = Recommender(self.settings, self.questions, Live.load(self.settings.index_dir, self.encoder))
        with self.sessions() as session:
            answer = recommender.recommend("first printer jam", ANYONE, session)
        assert answer.notices == () and answer.suggestions[0].item.title == "first printer jam"
        reindex(self.settings, self.sessions, self.encoder, self.analyzer)  # no lock is in the way
        assert verify(self.settings) == []
        folder = self.settings.index_dir
        known = {"CURRENT", "lock", "seen.json", "stamps.npz", "checked.json", *generations.finished(folder)}
        left = {path.name for path in folder.iterdir()} - known
        assert list(self.temporary.iterdir()) == []
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
    settings.models_dir.mkdir()
    (settings.models_dir / "dictionaries").symlink_to(MODELS / "dictionaries", target_is_directory=True)
    for number in range(40):
        add_request(f"filler{number} other{number}", answer=f"reply{number}")
    add_request("first printer jam", answer="Open the tray.", by="aino")
    person = add_person("aino", "agent", "it")
    with sessions.begin() as session:
        token = accounts.make_token(session, session.get_one(Person, person), "kills", ("read", "write"))
    reindex(settings, sessions, encoder, analyzer)
    return World(settings, sessions, encoder, analyzer, QuestionAnalyzer.load(analyzer, settings), token)


class Starter:
    """Starts the processes of `tests.kills`, and kills them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env=environment,
        )  # fmt: skip

    def start(self, what: str, argument: object = "") -> int:
        """The id of a new process that is ready."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what} {argument}\n")
        self._process.stdin.flush()
        lines = sorted(self._process.stdout.readline().strip() for _ in range(2))
        assert lines[0] == "ready", lines
        return int(lines[1].removeprefix("started "))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def _killed(starter: Starter, what: str, argument: object, after: Callable[[], None]) -> Iterator[None]:
    """A process: the body runs beside it, `after` waits, and then it is killed."""
    process = starter.start(what, argument)
    try:
        yield
        after()
    finally:
        _kill(process)


def _kill(process: int) -> None:
    """Kill a process, and wait until it is gone. One that has ended by itself is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
        while True:
            os.kill(process, 0)
            time.sleep(0.005)


def _kill_import(world: World, starter: Starter, number: int, chance: random.Random) -> None:
    file = world.settings.home / f"s{number}.jsonl"
    lines = [
        {"type": "request", "id": str(n), "title": f"imported {number} {n}", "body": "x", "language": "en",
         "created_at": "2026-01-01T00:00:00Z", "audience": ["everyone"], "status": "open"}
        for n in range(RECORDS)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    printed = file.with_suffix(".out")

    def stored() -> int:
        with world.sessions() as session:
            return session.scalar(select(func.count()).where(HelpRequest.source == f"s{number}")) or 0

    with _killed(starter, "import", file, after=lambda: time.sleep(chance.uniform(0.0, world.import_seconds))):
        pass
    if _counted(printed):
        assert stored() == RECORDS
    world.counts["imports that were cut"] += 0 < stored() < RECORDS
    printed.unlink(missing_ok=True)  # what the killed one has printed is not taken for what the next one prints
    started = time.monotonic()
    process = starter.start("import", file)  # goes on where the killed one was
    while not _counted(printed) and time.monotonic() < started + _LONGEST_WAIT:
        time.sleep(0.01)
    world.import_seconds = time.monotonic() - started
    _kill(process)
    assert _counted(printed) == stored() == RECORDS
    world.counts["records"] += RECORDS
    with world.sessions.begin() as session:  # or the index would grow with each kill
        session.execute(delete(HelpRequest).where(HelpRequest.source == f"s{number}"))


def _counted(printed: Path) -> int:
    """How many records an import says that it has loaded; 0 when it was killed before that."""
    text = printed.read_text(encoding="utf-8") if printed.exists() else ""
    counts = re.match(r"(\d+) added, (\d+) updated, (\d+) unchanged", text)
    return sum(map(int, counts.groups())) if counts else 0


def _kill_reindex(world: World, starter: Starter, number: int, chance: random.Random) -> None:
    with _killed(starter, "reindex", "", after=lambda: time.sleep(chance.uniform(0.0, 0.8))):
        for n in range(chance.randint(1, 10)):
            world.write(f"reindexed {number} {n}")


def _kill_watch(world: World, starter: Starter, number: int, chance: random.Random) -> None:
    with _killed(starter, "watch", "", after=lambda: time.sleep(chance.uniform(0.0, 0.3))):
        for n in range(chance.randint(1, 10)):
            world.write(f"watched {number} {n}")
            time.sleep(chance.uniform(0.0, 0.1))


def _kill_serve(world: World, starter: Starter, number: int, chance: random.Random) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def send(sender: int) -> None:
        for n in range(100_000):
            try:
                world.post(port, f"sent {number} {sender} {n}")
            except (OSError, http.client.HTTPException):  # it was killed
                return

    def wait() -> None:
        """Until the first write has been acknowledged, and a while longer."""
        before, until = len(world.acknowledged), time.monotonic() + _LONGEST_WAIT
        while len(world.acknowledged) == before and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.8))

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    with _killed(starter, "serve", port, after=wait):
        for sender in senders:
            sender.start()
    for thread in senders:
        thread.join()


@pytest.fixture
def starter(world: World) -> Iterator[Starter]:
    opened = Starter(world.environment())
    yield opened
    opened.close()


def test_nothing_acknowledged_is_lost_when_a_process_is_killed(world: World, starter: Starter) -> None:
    kill = {"import": _kill_import, "reindex": _kill_reindex, "watch": _kill_watch, "serve": _kill_serve}
    for number in range(KILLS):
        what = WHAT[number % len(WHAT)]
        kill[what](world, starter, number, random.Random(number))  # noqa: S311
        world.counts[what] += 1
        world.check()
    acknowledged = len(world.acknowledged)
    sent = sum(title.startswith("sent ") for title in world.acknowledged)
    print("\nkills:", json.dumps({"kills": KILLS, "acknowledged": acknowledged, "sent": sent, **world.counts}))
    assert world.counts["lost"] == 0 and sent > 0
