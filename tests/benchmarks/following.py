"""How long `kollega serve` takes from its start to the first answer, and one changed item from `kollega reindex` to
being found by a running server, on the corpus that `speed.py` generates. Writes `results/following.json`.

The text of one item is replaced by one with a made-up word, as an edit would do; `kollega reindex` is run; the running
server is asked for the word until it shows the item. Both are repeated, and the median counts.

Usage: python -m tests.benchmarks.following [--items 100000] [--keep FOLDER]
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import requests
from sqlalchemy import select

from recommender.database.engine import open_database
from recommender.database.tables import RESOLVED, HelpRequest, utc_now
from recommender.settings import PREFIX, Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.serving import served
from tests.benchmarks.speed import QUESTIONS, generated_home

_ROUNDS = 5
_FOUND_WITHIN = 60.0
_KOLLEGA = str(Path(sys.executable).parent / "kollega")


@click.command()
@click.option("--items", default=100_000, show_default=True, help="How many items there are.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the home in this FOLDER, for the next run.")
def main(items: int, keep: Path | None) -> None:
    """Generate a corpus unless it is there, measure, print and write the figures."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / str(items)
        if not (scratch / "index").exists():
            scratch.mkdir(parents=True)
            generated_home(home, scratch, items)
        figures = (
            provenance("python -m tests.benchmarks.following") | {"items": items} | measure(Settings(home=scratch))
        )
    write("following", figures)
    print(figures)


def measure(settings: Settings) -> dict[str, Any]:
    """Seconds of the first answers, of `kollega reindex` after a change, and until that is found; medians of some."""
    starts = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        with served(settings) as (_server, address):
            _page(address, QUESTIONS[0])
            starts.append(time.perf_counter() - started)
    commands, found = [], []
    with served(settings) as (_server, address):
        for number in range(_ROUNDS):
            word = _change(settings, number)
            started = time.perf_counter()
            environment = os.environ | {f"{PREFIX}HOME": str(settings.home)}
            subprocess.run([_KOLLEGA, "reindex"], check=True, env=environment, stdout=subprocess.DEVNULL)
            commands.append(time.perf_counter() - started)
            while f"{word}vika" not in _page(address, f"{word} laite"):
                if time.perf_counter() - started > _FOUND_WITHIN:
                    raise SystemExit(f"The changed item was not found within {_FOUND_WITHIN:.0f} s.")
                time.sleep(0.05)
            found.append(time.perf_counter() - started)
    return {
        "first_answer_seconds": statistics.median(starts),
        "reindex_seconds": statistics.median(commands),
        "found_seconds": statistics.median(found),
        "all": {"first_answer": starts, "reindex": commands, "found": found},
        "load_average": os.getloadavg()[0],
    }


def _change(settings: Settings, number: int) -> str:
    """Give an item a new title and text with a made-up word, and return the word."""
    word = f"zorbel{'abcdefghij'[number]}{int(time.time()) % 100_000}"
    with open_database(settings).begin() as session:
        request = session.scalars(
            select(HelpRequest).where(HelpRequest.status == RESOLVED).order_by(HelpRequest.id.desc()).offset(number)
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
