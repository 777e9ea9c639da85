"""The process that `test_kills.py` kills: it reindexes, watches or serves, with the fake encoder, until then.

Usage: python -m tests.kills reindex|watch|serve PORT, with KOLLEGA_HOME and KOLLEGA_MODEL=fake
"""

import sys
from dataclasses import replace

from waitress import create_server

from indexer.indexing.reindex import reindex
from indexer.indexing.watch import watch
from recommender.database.engine import open_database
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender
from web.app import create_app


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main(what: str, port: int) -> None:
    """Work until the process is killed."""
    settings = replace(Settings.from_environment(), reranker="none", watch_seconds=0.02)
    analyzer, encoder = Analyzer(settings.models_dir / "dictionaries"), FakeEncoder()
    analyzer.warm_up()
    if what == "serve":
        recommender = make_recommender(settings, analyzer, encoder)
        recommender.refresh(wait=True)
        server = create_server(create_app(settings, recommender), host="127.0.0.1", port=port, threads=4)
        _ready()
        server.run()
        return
    sessions = open_database(settings)
    _ready()
    if what == "watch":
        watch(settings, sessions, encoder, analyzer, lambda _report: None)
    number = 0
    while True:  # now a few changes are indexed, and now everything
        number += 1
        reindex(settings, sessions, encoder, analyzer, full=number % 3 == 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
