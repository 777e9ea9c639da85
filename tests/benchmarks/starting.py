"""How long `kollega serve` takes to its first answer, and how much memory it and the `kollega watch` beside it take.

Runs the server on home directories that are loaded and indexed, as `kollega demo` or `load.py --keep` leave one,
several times, asks until the first answer comes, and looks at the memory a while later. With --before it runs another
version of Kollega in turns with this one, on the same directories: so the ratio says something on a busy machine too.
Prints the figures and writes results/starting.json.

Usage: python -m tests.benchmarks.starting HOME... [--before FOLDER] [--rounds 3] [--settle 60]
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import click
import psutil
import requests

from recommender.index import generations
from recommender.settings import PREFIX
from tests.benchmarks.record import provenance, write
from tests.cluster import free_ports
from tests.paths import ROOT

_LONGEST = 120.0  # seconds until it answers
_QUESTION = "The printer is jammed"


@click.command()
@click.argument("homes", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--before", type=click.Path(exists=True, path_type=Path), help="FOLDER of an earlier version.")
@click.option("--rounds", default=3, show_default=True, help="How many starts of each version.")
@click.option("--settle", default=60.0, show_default=True, help="Seconds from the answer until memory is looked at.")
def main(homes: tuple[Path, ...], before: Path | None, rounds: int, settle: float) -> None:
    """Run it, print the figures and write them."""
    versions = [("now", ROOT)] if before is None else [("before", before.resolve()), ("now", ROOT)]
    rows: list[dict[str, Any]] = []
    for home in homes:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name, _code in versions}
        for _round in range(rounds):
            for name, code in versions:
                runs[name].append(_measured(code, home.resolve(), settle))
                click.echo(f"{home} {name}: {runs[name][-1]}")
        items = generations.values_of(generations.live(home / "index"))["items"]
        for name, each in runs.items():
            rows.append({"items": items, "version": name} | {key: median(run[key] for run in each) for key in each[0]})
    figures = {"rounds": rounds, "settled_seconds": settle, "load_average": os.getloadavg()[0], "runs": rows}
    write("starting", provenance("python -m tests.benchmarks.starting HOME...") | figures)


def _measured(code: Path, home: Path, settle: float) -> dict[str, float]:
    """Seconds by the clock and of all processors, until the first line and the first answer; megabytes of memory that
    each process has for itself, with its part of what both share (proportional set size)."""
    began = time.monotonic()
    with _serving(code, home) as (server, address):
        assert server.stdout is not None
        server.stdout.readline()
        first_line = time.monotonic() - began
        while not _answers(address):
            if server.poll() is not None or time.monotonic() > began + _LONGEST:
                raise SystemExit("kollega serve did not answer; its messages are above.")
            time.sleep(0.05)
        answered, used = time.monotonic() - began, sum(_processor(server.pid))
        time.sleep(settle)
        (watcher,) = [each for each in psutil.Process(server.pid).children() if "watch" in each.cmdline()]
        return {
            "first_line_seconds": first_line,
            "answer_seconds": answered,
            "answer_processor_seconds": used,
            "settled_processor_seconds": sum(_processor(server.pid)),
            "serve_mb": _megabytes(server.pid),
            "watch_mb": _megabytes(watcher.pid),
            "watch_peak_mb": _peak(watcher.pid),
        }


@contextmanager
def _serving(code: Path, home: Path) -> Iterator[tuple[psutil.Popen, str]]:
    (port,) = free_ports(1)
    own = {"HOME": str(home), "HOST": "127.0.0.1", "PORT": str(port), "ANONYMOUS_READING": "1"}
    environment = {**os.environ, **{PREFIX + name: value for name, value in own.items()}, "PYTHONPATH": str(code)}
    server = psutil.Popen(
        [sys.executable, "-u", "-m", "indexer", "serve"], cwd=code, env=environment, stdout=-1, text=True
    )
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()


def _answers(address: str) -> bool:
    try:
        answer = requests.post(f"{address}/suggest", data={"q": _QUESTION, "body": ""}, timeout=_LONGEST)
    except requests.ConnectionError:
        return False
    return "data-verdict=" in answer.text


def _processor(pid: int) -> Iterator[float]:
    """Seconds of the processors of a process and of those that it has begun."""
    for each in (process := psutil.Process(pid), *process.children(recursive=True)):
        times = each.cpu_times()
        yield times.user + times.system


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_full_info().pss) / 1e6


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


if __name__ == "__main__":
    main()
