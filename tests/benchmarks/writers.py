"""Fifty people type while others write: whether anything fails, and whether all that was acknowledged is there after.

`kollega serve` runs in its own process, on loopback, on a copy of a home such as that of `make demo`. The typists are
those of `load.py`. Each writer has a token and sends requests, replies, resolutions and outcomes over the API, one
after the other, with pauses; each call has a key, and every tenth is sent twice. At the end the database is read: each
request and reply that was acknowledged must be there once. Prints the figures; exits with status 1 when a call failed
or something is missing.

Usage: python -m tests.benchmarks.writers HOME [--seconds 300] [--users 50] [--writers 10]
"""

import random
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click
import gevent
import locust  # noqa: F401 - it makes sockets wait for others, and must do so before `requests` is imported
import requests
from sqlalchemy import select

from recommender import accounts
from recommender.access import AGENTS
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Person, Reply
from recommender.settings import Settings
from tests.benchmarks import load

_PAUSES = 0.2, 1.5  # seconds between two calls of a writer
_TWICE = 10  # every tenth call is sent again, as after a lost answer


class Writer:
    """One person who writes. `acknowledged` has the marks of the requests and replies that were confirmed."""

    def __init__(self, number: int, address: str, token: str) -> None:
        self.random = random.Random(number)  # noqa: S311 - not for secrets
        self.number, self.address = number, address
        self.headers = {"Authorization": f"Bearer {token}"}
        self.acknowledged: list[str] = []
        self.errors: Counter[str] = Counter()
        self.calls = 0

    def run(self) -> None:
        """Write until the greenlet is killed."""
        while True:
            mark = f"mark{secrets.token_hex(8)}"
            filed = self._send("/requests", {"title": f"Load test {mark}", "body": "Please ignore."}, 201)
            if filed is None:
                continue
            self.acknowledged.append(mark)
            number = filed["id"]
            for resolve in (False, True):
                mark = f"mark{secrets.token_hex(8)}"
                if self._send(f"/requests/{number}/replies", {"body": f"Reply {mark}", "resolve": resolve}, 201):
                    self.acknowledged.append(mark)
            self._send("/feedback", {"kind": "solved", "item": f"request:{number}"}, 201)

    def _send(self, path: str, json: dict[str, Any], expected: int) -> Any:
        gevent.sleep(self.random.uniform(*_PAUSES))
        headers = self.headers | {"Idempotency-Key": secrets.token_hex(8)}
        times = 2 if self.random.randrange(_TWICE) == 0 else 1
        answer: Any = None
        for _ in range(times):
            self.calls += 1
            try:
                response = requests.post(f"{self.address}/api/v1{path}", json=json, headers=headers, timeout=60)
            except requests.RequestException as error:
                self.errors[type(error).__name__] += 1
                return None
            if response.status_code != expected:
                self.errors[f"{path.rpartition('/')[2]}: {response.status_code} {response.text[:200]}"] += 1
                return None
            answer = response.json()
        return answer


@click.command()
@click.argument("home", type=click.Path(path_type=Path, exists=True))
@click.option("--seconds", default=300, show_default=True, help="How long people type and write.")
@click.option("--users", default=50, show_default=True, help="How many people type.")
@click.option("--writers", default=10, show_default=True, help="How many people write.")
def main(home: Path, seconds: int, users: int, writers: int) -> None:
    """Serve a copy of HOME, let people type and write, and count what is there at the end."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, symlinks=True)
        settings = Settings(home=copy)
        tokens = _tokens(settings, writers)
        with load.served(settings) as (server, address):
            people = [Writer(number, address, token) for number, token in enumerate(tokens)]
            greenlets = [gevent.spawn(person.run) for person in people]
            figures = load.simulate_people([server], [address], users, seconds)
            gevent.killall(greenlets)
        acknowledged = [mark for person in people for mark in person.acknowledged]
        missing, twice = _counted(settings, acknowledged)
    errors = sum((person.errors for person in people), Counter[str]())
    print(f"typed questions: {figures['requests']}, errors: {figures['errors']} {figures.get('failed') or ''}")
    print(f"calls that write: {sum(person.calls for person in people)}, errors: {errors.total()} {dict(errors) or ''}")
    print(f"acknowledged requests and replies: {len(acknowledged)}, missing: {missing}, there twice: {twice}")
    print(f"p50 / p95 / p99 ms of typing: {figures.get('p50_ms', 0):.0f} / {figures.get('p95_ms', 0):.0f} / "
          f"{figures.get('p99_ms', 0):.0f}, load average {figures.get('load_average')}")  # fmt: skip
    sys.exit(1 if figures["errors"] or errors or missing or twice or not acknowledged else 0)


def _tokens(settings: Settings, number: int) -> list[str]:
    """Tokens of as many agents."""
    sessions = open_database(settings)
    with sessions.begin() as session:
        agents = session.scalars(
            select(Person).where(Person.role.in_(AGENTS), Person.left_on.is_(None)).order_by(Person.id).limit(number)
        ).all()
        tokens = [accounts.make_token(session, person, "load test", ("read", "write")) for person in agents]
    sessions.kw["bind"].dispose()
    return tokens


def _counted(settings: Settings, acknowledged: list[str]) -> tuple[int, int]:
    """(how many of the acknowledged marks are missing in the database, how many are there more than once)."""
    sessions = open_database(settings)
    with sessions() as session:
        titles = session.scalars(select(HelpRequest.title).where(HelpRequest.title.like("Load test mark%"))).all()
        bodies = session.scalars(select(Reply.body).where(Reply.body.like("Reply mark%"))).all()
    sessions.kw["bind"].dispose()
    stored = Counter(text.split()[-1] for text in (*titles, *bodies))
    return sum(mark not in stored for mark in acknowledged), sum(count > 1 for count in stored.values())


if __name__ == "__main__":
    main()
