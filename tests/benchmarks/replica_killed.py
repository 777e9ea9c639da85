"""Three web processes behind a proxy, with the demo organisation on PostgreSQL: one is killed while twenty people type,
and started again later. Counts the requests that failed although no killed process was answering them, and the people
who had to sign in again, and says how long answers took before, meanwhile and after.

The processes are `kollega serve` and `kollega watch` themselves, with the packaged model. People sign in once and type
as `load.py` describes; after each title they open their inbox, and look whether they are still signed in. The proxy is
that of `replicas.py`: a question that the killed process was answering gets 502, since a proxy sends no form twice.

Usage: python -m tests.benchmarks.replica_killed [--seconds 180] [--people 20]
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click
import gevent
import locust.env
import numpy as np
import requests
from gevent.pool import Group
from sqlalchemy import select

from recommender import accounts
from recommender.database.engine import open_database
from recommender.database.tables import Person, utc_now
from recommender.settings import PREFIX, Settings
from tests.benchmarks import load
from tests.benchmarks.record import provenance, write
from tests.benchmarks.replicas import Finalizers
from tests.cluster import IN_FLIGHT, PASSWORD, Proxy, free_ports
from tests.conftest import MODELS
from tests.postgresql import running_server

_REPLICAS = 3
_LONGEST = 300.0  # seconds for an answer, and for a start
_PHASES = ("before", "one killed", "after")


@dataclass
class Tally:
    """What came of the requests. `phase` says whether one is killed."""

    phase: str = _PHASES[0]
    counts: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in _PHASES})
    people: list[float] = field(default_factory=list)
    people_since_key: list[float] = field(default_factory=list)
    overtaken: int = 0

    def user_error(self, exception: Exception, **_rest: object) -> None:
        """Called by locust when a person cannot go on."""
        self.counts["failed"] += 1
        self.problems[repr(exception)] += 1

    def answered(self, answer: requests.Response, is_right: bool) -> None:
        """Count an answer."""
        self.counts["requests"] += 1
        if answer.headers.get(IN_FLIGHT):
            self.counts["in flight"] += 1
        elif not is_right:
            self.counts["failed"] += 1
            self.problems[f"{answer.request.method} {answer.request.path_url}: {answer.status_code}"] += 1


class SignedInTypist(load.Typist):
    """A person of the demo organisation, with a browser that is signed in."""

    browsers: list[requests.Session]
    counted: Tally

    def on_start(self) -> None:
        """Begin at a moment of their own."""
        number = next(load.Typist.numbers)
        self.random = random.Random(number)  # noqa: S311 - not for secrets
        self.asking, self.resting = Group(), Group()
        self.browser = self.browsers[number % len(self.browsers)]
        gevent.sleep(self.random.uniform(0, 10))

    def ask_and_look(self) -> None:
        """Type a title and read the answers, then open the inbox."""
        self.ask_something()
        inbox = self._ask("GET", "/inbox/")
        is_known = "/sign-out" in inbox.text
        self.counted.answered(inbox, is_known)
        self.counted.counts["signed out"] += inbox.status_code in (200, 401) and not is_known

    def _answered(self, _pause: float, _whole: bool) -> None:
        self.counted.milliseconds[self.counted.phase].append(1000 * self.took)

    def _send(self, path: str, fields: dict[str, str], expected: str) -> str:
        answer = self._ask("POST", path, {"body": "", **fields})
        is_right = answer.status_code == HTTPStatus.OK and expected in answer.text
        self.counted.answered(answer, is_right)
        return answer.text if is_right else ""

    def _ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> requests.Response:
        return _asked(self.browser, method, f"{self.host}{path}", form)


def _asked(
    browser: requests.Session, method: str, address: str, form: Mapping[str, str] | None = None
) -> requests.Response:
    return browser.request(method, address, data=form, timeout=_LONGEST, allow_redirects=False)


def _signed_in(address: str, handle: str) -> requests.Session:
    """A browser in which a person has signed in, one after the other: few may do so at once."""
    browser = requests.Session()
    browser.trust_env = False
    page = _asked(browser, "GET", f"{address}/sign-in").text
    hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"csrf_token": hidden[1] if hidden else "", "handle": handle, "password": PASSWORD}
    answer = _asked(browser, "POST", f"{address}/sign-in", form)
    if answer.status_code != HTTPStatus.FOUND:
        raise SystemExit(f"{handle} could not sign in: {answer.status_code}")
    return browser


class Replica:
    """One `kollega serve`, on a port of its own."""

    def __init__(self, environment: Mapping[str, str], port: int) -> None:
        self._environment, self._port = environment, port
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    def start(self) -> float:
        """Start it, and return after how many seconds it was ready."""
        self.begin()
        return self.ready()

    def begin(self) -> None:
        """Start it."""
        self._began = time.monotonic()
        self._process = _started(
            self._environment, "serve", "--no-watch", "--host", "127.0.0.1", "--port", str(self._port)
        )

    def ready(self) -> float:
        """Wait until it is ready; how many seconds after its start that is."""
        while time.monotonic() < self._began + _LONGEST:
            try:
                if requests.get(f"http://127.0.0.1:{self._port}/health/ready", timeout=5).ok:
                    return time.monotonic() - self._began
            except requests.RequestException:
                pass
            gevent.sleep(0.1)
        raise SystemExit("kollega serve did not become ready; its messages are above.")

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@click.command()
@click.option("--seconds", default=180.0, show_default=True, help="How long people type.")
@click.option("--people", default=20, show_default=True, help="How many people.")
def main(seconds: float, people: int) -> None:
    """Run it, print the figures and write results/replica-killed.json; exit with 1 when a request failed."""
    os.umask(0o077)
    with ExitStack() as stack:
        server = stack.enter_context(running_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = server.new_database(Finalizers())  # type: ignore[arg-type]
        environment = _environment(folder / "home", database)
        (folder / "home").mkdir()
        (folder / "home" / "models").symlink_to(MODELS, target_is_directory=True)
        subprocess.run(_command("demo"), env=environment, check=True, stdout=subprocess.DEVNULL)
        handles = _people(Settings(home=folder / "home", database=database), people)
        figures = provenance("python -m tests.benchmarks.replica_killed") | _run(environment, handles, seconds)
    for name, value in figures.items():
        click.echo(f"{name}: {value}")
    write("replica-killed", figures)
    sys.exit(1 if figures["failed"] or figures["signed_out"] else 0)


def _run(environment: Mapping[str, str], handles: list[str], seconds: float) -> dict[str, Any]:
    """Let people type, a third of the time with one replica killed; the figures."""
    tally, ports = Tally(), free_ports(_REPLICAS)
    replicas = [Replica(environment, port) for port in ports]
    with ExitStack() as stack:
        for replica in replicas:
            stack.callback(replica.kill)
            replica.begin()
        for replica in replicas:
            replica.ready()
        watching = _started(environment, "watch")
        stack.callback(watching.wait)
        stack.callback(watching.terminate)
        address = stack.enter_context(_behind_a_proxy(ports))
        SignedInTypist.host, SignedInTypist.counted = address, tally
        SignedInTypist.browsers = [_signed_in(address, handle) for handle in handles]
        SignedInTypist.tally = tally  # type: ignore[assignment]
        SignedInTypist.questions, SignedInTypist.pauses = load.titles(), load.Pauses()
        SignedInTypist.tasks = [SignedInTypist.ask_and_look]  # and not that of its base class alone
        people = locust.env.Environment(user_classes=[SignedInTypist])
        people.events.user_error.add_listener(tally.user_error)
        runner = people.create_local_runner()
        runner.start(len(handles), spawn_rate=len(handles))
        gevent.sleep(seconds / 3)
        replicas[0].kill()
        tally.phase = _PHASES[1]
        gevent.sleep(seconds / 3)
        back_after = replicas[0].start()
        tally.phase = _PHASES[2]
        gevent.sleep(seconds / 3)
        runner.quit()
    for problem, count in tally.problems.items():
        click.echo(f"failed {count} times: {problem}", err=True)
    return {
        "phase_seconds": seconds / 3,
        "people": len(handles),
        "replicas": _REPLICAS,
        "requests": tally.counts["requests"],
        "in_flight": tally.counts["in flight"],
        "failed": tally.counts["failed"],
        "signed_out": tally.counts["signed out"],
        "ready_again_after_seconds": back_after,
        "load_average": os.getloadavg()[0],
        "answers": [
            {"phase": phase, "answers": len(took), **dict(zip(("p50_ms", "p95_ms"), _percentiles(took), strict=True))}
            for phase, took in tally.milliseconds.items()
        ],
    }


def _percentiles(took: list[float]) -> list[float]:
    return [float(value) for value in np.percentile(took, (50, 95))] if took else [float("nan")] * 2


@contextmanager
def _behind_a_proxy(ports: list[int]) -> Iterator[str]:
    proxy = Proxy(ports)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
    finally:
        proxy.shutdown()
        proxy.server_close()


def _environment(home: Path, database: str) -> dict[str, str]:
    own = {"HOME": str(home), "DATABASE": database, "SECRET_KEY": "k" * 32}
    return {**os.environ, **{PREFIX + name: value for name, value in own.items()}}


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "indexer", *words]


def _started(environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(_command(*words), env=environment, stdout=subprocess.DEVNULL)


def _people(settings: Settings, count: int) -> list[str]:
    """The handles of so many people, who have the PASSWORD now."""
    sessions = open_database(settings)
    try:
        with sessions.begin() as session:
            people = list(
                session.scalars(select(Person).where(Person.here_on(utc_now().date())).order_by(Person.id).limit(count))
            )
            for person in people:
                accounts.set_password(session, person, PASSWORD)
            return [person.handle for person in people]
    finally:
        sessions.kw["bind"].dispose()


if __name__ == "__main__":
    main()
