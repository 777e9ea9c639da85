"""How long `kollega serve` takes from its start to the first answer, and how long until the running server finds one
changed item: with the watcher beside it, and by `kollega reindex` without one. The corpus is that which `speed.py`
generates. Writes `results/following.json`.

The text of one item is replaced by one with a made-up word, as an edit would do, and the server is asked for the word
until it shows the item. Everything is repeated, and the median counts.

Usage: python -m tests.benchmarks.following [--items 100000] [--keep FOLDER]
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import click
import requests
from sqlalchemy import select

from recommender.database.engine import open_database
from recommender.database.tables import RESOLVED, HelpRequest, utc_now
from recommender.settings import PREFIX, Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.serving import generated, served
from tests.benchmarks.speed import QUESTIONS

_ROUNDS = 5
_FOUND_WITHIN = 120.0
_NUMBERS = count()
_WORD = "zorbel"  # the start of each made-up word
_KOLLEGA = str(Path(sys.executable).parent / "kollega")


@click.command()
@click.option("--items", default=100_000, show_default=True, help="How many items there are.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the home in this FOLDER, for the next run.")
def main(items: int, keep: Path | None) -> None:
    """Generate a corpus unless it is there, measure, print and write the figures."""
    with generated(items, keep) as settings:
        figures = provenance("python -m tests.benchmarks.following") | {"items": items} | measure(settings)
    write("following", figures)
    print(figures)


def measure(settings: Settings) -> dict[str, Any]:
    """Seconds of the first answers, of `kollega reindex`, and until a change is found; medians of some."""
    starts, commands = [], []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        with served(settings) as (_server, address):
            _page(address, QUESTIONS[0])
            starts.append(time.perf_counter() - started)

    def reindex() -> None:
        started = time.perf_counter()
        environment = os.environ | {f"{PREFIX}HOME": str(settings.home)}
        subprocess.run([_KOLLEGA, "reindex"], check=True, env=environment, stdout=subprocess.DEVNULL)
        commands.append(time.perf_counter() - started)

    with served(settings) as (_server, address):
        after_command = [_seconds_until_found(settings, address, reindex) for _ in range(_ROUNDS)]
    with served(settings, watch=True) as (_server, address):
        _seconds_until_found(settings, address, lambda: None)  # the first time the watcher reads everything
        watched = [_seconds_until_found(settings, address, lambda: None) for _ in range(_ROUNDS)]
    every = {"first_answer": starts, "reindex": commands, "found": after_command, "found_by_watcher": watched}
    medians = {f"{name}_seconds": statistics.median(each) for name, each in every.items()}
    return medians | {"all": every, "load_average": os.getloadavg()[0]}


def _seconds_until_found(settings: Settings, address: str, then: Callable[[], None]) -> float:
    word, started = _change(settings), time.perf_counter()
    then()
    while f"{word}vika" not in _page(address, f"{word} laite"):
        if time.perf_counter() - started > _FOUND_WITHIN:
            raise SystemExit(f"The changed item was not found within {_FOUND_WITHIN:.0f} s.")
        time.sleep(0.05)
    return time.perf_counter() - started


def _change(settings: Settings) -> str:
    """Give an item a new title and text with a made-up word, and return the word. An item that was changed so before is
    left out: the index knows it by a word that looks like the new one, and the page shows what it says now."""
    number = next(_NUMBERS)
    word = f"{_WORD}{'abcdefghijklmnopqrst'[number]}{int(time.time()) % 100_000}"
    with open_database(settings).begin() as session:
        request = session.scalars(
            select(HelpRequest)
            .where(HelpRequest.status == RESOLVED, HelpRequest.title.not_like(f"{_WORD}%"))
            .order_by(HelpRequest.id.desc())
            .limit(1)
        ).first()
        if request is None:
            raise SystemExit("The home has no resolved request.")
        request.title, request.body = f"{word} laite", f"{word}vika: {word} laite ei käy."
        request.updated_at = utc_now()
    return word


def _page(address: str, question: str) -> str:
    answer = requests.get(f"{address}/", params={"q": question}, timeout=60)
    answer.raise_for_status()
    return answer.text


if __name__ == "__main__":
    main()
