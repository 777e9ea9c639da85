"""Three web processes behind a proxy and two watch processes on one PostgreSQL: killing one of each at random fails no
request beyond those it was answering, and loses no change. `benchmarks/replicas.py` does the same for minutes."""

from pathlib import Path

import pytest

from recommender.language.analyzer import Analyzer
from tests import cluster
from tests.postgresql import Server

SECONDS = 5.0


def test_killed_replicas_fail_no_request_and_lose_no_change(
    tmp_path: Path, server: Server, request: pytest.FixtureRequest, analyzer: Analyzer
) -> None:
    address = server.new_database(request)
    with cluster.opened(tmp_path / "home", address, analyzer) as opened:
        lost = cluster.run(opened, visitors=3, seconds=SECONDS)
    tally = opened.tally
    assert tally.problems == [] and lost == []
    assert tally.counts["watch killed"] == tally.counts["serve killed"] >= 1 and tally.acknowledged
