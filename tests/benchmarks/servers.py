"""Whether several processes answer more than the one of `kollega serve`, and what they cost.

All of these run at once on the same home, and idle except when it is their turn:
- waitress: `kollega serve`, one process with KOLLEGA_SERVER_THREADS threads.
- two servers: two `kollega serve`, each with half of those who ask, as a proxy divides them that keeps a person at one
  server. There is no proxy here, so that it costs nothing.
- gunicorn, granian: two processes with as many threads each as `kollega serve` has.
- gunicorn --preload: the application is loaded once, before gunicorn makes the two processes from it.
- before: `kollega serve` of the code in the folder that --before names.

In a turn so many people ask titles of the demo, each the next one as soon as the last one is answered, while somebody
opens a page again and again. After the rounds the people of `load.py` type at each server, with --typists.

gunicorn and granian are not installed with Kollega: `pip install --no-deps --target LIBRARIES gunicorn granian`.
Memory is that of all processes, with its part of what they share (proportional set size). On a machine that does other
work, believe the ratios and the seconds of the processor. Prints the figures and writes results/servers.json.

Usage: python -m tests.benchmarks.servers LIBRARIES [--before FOLDER] [--keep FOLDER] [--rounds 6] [--seconds 10]
       [--only NAME]... [--typists NUMBER]
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click
import gevent
import numpy as np
import psutil

from recommender.settings import PREFIX, Settings
from tests.benchmarks.load import simulate_people
from tests.benchmarks.record import provenance, write
from tests.benchmarks.serving import METRICS, answers, ask, family, generated, searched, titles, visit
from tests.cluster import free_ports
from tests.paths import ROOT

PROCESSES = 2
_WITHIN = 180.0  # seconds until the first answer
_BETWEEN = 3.0  # seconds in which a server finishes what is left
_KOLLEGA = [sys.executable, "-m", "indexer", "serve", "--no-watch"]
_OWN = ("waitress", "two servers", "before")
_LOAD = "The load of the machine was {:.0f} before and {:.0f} after, so the ratios say more than the times."
_TYPING = ("requests", "whole", "whole_p50_ms", "whole_p95_ms", "overtaken", "errors")


def commands(threads: int, port: int) -> dict[str, list[str]]:
    """The command of each server by its name."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
                "--workers", f"{PROCESSES}", "--threads", f"{threads}", "--timeout", "180"]  # fmt: skip
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", f"{port}",
               "--workers", f"{PROCESSES}", "--blocking-threads", f"{threads}", "--no-ws"]  # fmt: skip
    application = "tests.benchmarks.wsgi:app"
    return dict.fromkeys(_OWN, _KOLLEGA) | {
        "gunicorn": [*gunicorn, application],
        "gunicorn --preload": [*gunicorn, "--preload", application],
        "granian": [*granian, application],
    }


@dataclass
class Running:
    """A server, its processes and addresses, and what was measured of it."""

    name: str
    processes: list[psutil.Process]
    addresses: list[str]
    started: dict[str, float]
    answered: list[float] = field(default_factory=list)  # milliseconds of each answer
    pages: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)  # answers a second, of each round
    used: list[float] = field(default_factory=list)  # seconds of the processor for each answer, of each round
    typing: list[dict[str, float]] = field(default_factory=list)

    def processor(self) -> float:
        """Seconds of the processor that its processes have used."""
        return float(sum(sum(each.cpu_times()[:2]) for each in family(self.processes)))

    def searched(self) -> float:
        """Questions that it has searched for while somebody typed."""
        return sum(map(searched, self.addresses))

    def take_turn(self, people: int, seconds: float) -> None:
        """Let people ask for some seconds."""
        took: list[float] = []
        before, began = self.processor(), time.monotonic()
        askers = [gevent.spawn(ask, self.addresses[n % len(self.addresses)], titles()[n::people], took)
                  for n in range(people)]  # fmt: skip
        askers.append(gevent.spawn(visit, self.addresses[0], self.pages))
        gevent.sleep(seconds)
        self.rates.append(len(took) / (time.monotonic() - began))
        self.used.append((self.processor() - before) / max(1, len(took)))
        self.answered += took
        gevent.killall(askers)

    def type(self, people: int, seconds: float) -> None:
        """Let people type for some seconds."""
        before = self.searched() if self.name in _OWN else 0.0
        pages: list[float] = []
        visitor = gevent.spawn(visit, self.addresses[0], pages)
        figures = simulate_people(self.processes, self.addresses, people, seconds)
        visitor.kill()
        gevent.sleep(_BETWEEN)
        more = {"searched": (self.searched() if self.name in _OWN else 0.0) - before,
                "pages": len(pages), "page_p95_ms": _p95(pages)}  # fmt: skip
        self.typing.append({name: figures.get(name, 0) for name in _TYPING} | more)

    def figures(self, first: "Running") -> dict[str, Any]:
        """What was measured, with ratios to another server in the same rounds."""
        ratios = [own / other for own, other in zip(self.rates, first.rates, strict=True) if other]
        return {"server": self.name} | self.started | {
            "answered": len(self.answered), "per_second": median(self.rates) if self.rates else 0.0,
            "ratio": median(ratios) if ratios else 0.0, "processor_ms": 1000 * median(self.used or [0]),
            "p50_ms": median(self.answered or [0]), "p95_ms": _p95(self.answered), "page_p95_ms": _p95(self.pages),
            "memory_mb": sum(each.memory_full_info().pss for each in family(self.processes)) / 1e6,
            "rounds": self.rates, "typing": self.typing,
        }  # fmt: skip


@click.command()
@click.argument("libraries", type=click.Path(exists=True, path_type=Path))
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the home in this FOLDER, for the next run.")
@click.option("--before", type=click.Path(exists=True, path_type=Path), help="FOLDER of an earlier version.")
@click.option("--items", default=100_000, show_default=True, help="How many items they search.")
@click.option("--rounds", default=6, show_default=True, help="How many turns of each server.")
@click.option("--seconds", default=10.0, show_default=True, help="How long a turn takes.")
@click.option("--people", default=8, show_default=True, help="How many ask in a turn.")
@click.option("--typists", default=0, show_default=True, help="How many type in a turn afterwards.")
@click.option("--typing-seconds", default=40.0, show_default=True, help="How long they type.")
@click.option("--only", multiple=True, help="Only the server of this NAME; several times for several.")
@click.option("--result", default="servers", show_default=True, help="NAME of the file in results.")
def main(libraries: Path, keep: Path | None, before: Path | None, items: int, only: tuple[str, ...], result: str,
         **turns: Any) -> None:  # fmt: skip
    """Run it, print the figures and write them."""
    names = only or tuple(name for name in commands(1, 1) if before or name != "before")
    load_before = os.getloadavg()[0]
    with generated(items, keep) as settings, ExitStack() as stack:
        servers = []
        for name in names:
            code = before.resolve() if before and name == "before" else ROOT
            servers += _started(stack, settings, name, [str(code), str(libraries.resolve())])
        _take_turns(servers, **turns)
        rows = [server.figures(servers[0]) for server in servers]
    for row in rows:
        click.echo(row)
    held = {"items": items, "processes": PROCESSES, "threads": settings.server_threads, **turns,
            "load_average": [load_before, os.getloadavg()[0]], "rows": rows}  # fmt: skip
    again = (
        f"python -m tests.benchmarks.servers LIBRARIES --people {turns['people']}{' --before FOLDER' * bool(before)}"
    )
    write(result, provenance(again) | {"note": _LOAD.format(*held["load_average"])} | held)


def _take_turns(
    servers: list[Running], rounds: int, seconds: float, people: int, typists: int, typing_seconds: float
) -> None:
    for number in range(rounds):
        for server in servers if number % 2 else reversed(servers):
            server.take_turn(people, seconds)
            gevent.sleep(_BETWEEN)
            click.echo(f"{server.name}: {server.rates[-1]:.2f} a second, {1000 * server.used[-1]:.0f} ms")
    for number in range(rounds if typists else 0):
        for server in servers if number % 2 else reversed(servers):
            server.type(typists, typing_seconds)
            click.echo(f"{server.name}: {server.typing[-1]}")


def _started(stack: ExitStack, settings: Settings, name: str, path: list[str]) -> list[Running]:
    """The server when it answers; none when it does not, which is told."""
    began = time.monotonic()
    count = PROCESSES if name == "two servers" else 1
    started = [stack.enter_context(_running(settings, name, path)) for _ in range(count)]
    running = Running(name, [server for server, _at in started], [address for _server, address in started], {})
    for address in running.addresses:
        if not answers(running.processes, address, _WITHIN):
            click.echo(f"{name}: no answer within {_WITHIN:.0f} s")
            return []
    running.started |= {"first_answer_seconds": time.monotonic() - began,
                        "first_answer_processor_seconds": running.processor()}  # fmt: skip
    click.echo(f"{name}: {running.started}")
    return [running]


@contextmanager
def _running(settings: Settings, name: str, path: list[str]) -> Iterator[tuple[psutil.Process, str]]:
    (port,) = free_ports(1)
    own = {"HOME": str(settings.home), "HOST": "127.0.0.1", "PORT": str(port), "ANONYMOUS_READING": "1",
           "METRICS_TOKEN": METRICS}  # fmt: skip
    environment = {**os.environ, **{PREFIX + key: value for key, value in own.items()},
                   "PYTHONPATH": os.pathsep.join(path)}  # fmt: skip
    command = commands(settings.server_threads, port)[name]
    with subprocess.Popen(command, cwd=path[0], env=environment, stdout=subprocess.DEVNULL) as process:
        server = psutil.Process(process.pid)
        try:
            yield server, f"http://127.0.0.1:{port}"
        finally:
            everybody = family([server])
            process.terminate()
            _gone, alive = psutil.wait_procs(everybody, timeout=20)
            for each in alive:
                each.kill()


def _p95(milliseconds: list[float]) -> float:
    return float(np.percentile(milliseconds, 95)) if milliseconds else 0.0


if __name__ == "__main__":
    main()
