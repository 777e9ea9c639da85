"""Three web processes behind a proxy and two watch processes on one PostgreSQL: one of each is killed at random, again
and again, while people search, read and write. Counts the requests that failed although nobody was answering them, the
changes that were lost, and how long it took until others led.

The processes are those of `kollega serve` and `kollega watch`, with an encoder that costs nothing in place of a model:
what is measured is what happens when they die. The proxy gives a request to another replica when one cannot be reached,
and repeats one that was cut off when it changes nothing, as proxies do.

Usage: python -m tests.benchmarks.replicas [--seconds 300] [--visitors 6]
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from recommender.language.analyzer import Analyzer
from tests import cluster
from tests.benchmarks.record import provenance, write
from tests.conftest import MODELS
from tests.postgresql import running_server


@dataclass
class Finalizers:
    """Stands for the request of a fixture."""

    kept: list[Any] = field(default_factory=list)

    def addfinalizer(self, finalizer: Any) -> None:
        self.kept.append(finalizer)


@click.command()
@click.option("--seconds", default=300.0, show_default=True)
@click.option("--visitors", default=6, show_default=True)
def main(seconds: float, visitors: int) -> None:
    """Run it, print the figures and write results/replicas.json."""
    os.umask(0o077)
    analyzer = Analyzer(MODELS / "dictionaries")
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        address = server.new_database(Finalizers())  # type: ignore[arg-type]
        with cluster.opened(Path(folder) / "home", address, analyzer) as opened:
            lost = cluster.run(opened, visitors, seconds)
    tally = opened.tally
    figures = {
        "seconds": seconds,
        "visitors": visitors,
        "requests": tally.counts["requests"],
        "serve_killed": tally.counts["serve killed"],
        "watch_killed": tally.counts["watch killed"],
        "in_flight": tally.counts["in flight"],
        "failed": tally.counts["failed"],
        "changes": len(tally.acknowledged),
        "lost": len(lost),
        "longest_takeover_seconds": max(opened.takeovers),
    }
    for name, value in figures.items():
        click.echo(f"{name}: {value}")
    for problem in sorted(set(tally.problems)):
        click.echo(f"failed: {problem}", err=True)
    write("replicas", provenance("python -m tests.benchmarks.replicas") | figures)


if __name__ == "__main__":
    main()
