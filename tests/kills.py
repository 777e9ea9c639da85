"""The processes that tests kill. They import a file, read sources, reindex, watch or serve, with the fake encoder.

One process loads everything once and starts the others as copies of itself (fork), one for each line of standard input:
what to do, and a port or a file. It answers `started PID`, and the copy `ready`. Run with KOLLEGA_HOME and
KOLLEGA_MODEL=fake.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from indexer.cli import main as kollega
from indexer.commands.watching import watch_together
from indexer.indexing.reindex import reindex
from indexer.indexing.watch import watch
from indexer.sources.rest import client
from indexer.sources.rest.waiting import Patience
from recommender.database.engine import open_database
from recommender.index.model_in_use import FollowingEncoder
from recommender.language.analyzer import Analyzer
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender
from web.app import create_app
from web.server import Server


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def work(what: str, argument: str, settings: Settings, analyzer: Analyzer) -> None:
    """Work until the process is killed."""
    encoder = FakeEncoder()
    if what == "import":  # prints its counts into a file beside the imported one
        file = Path(argument)
        _say("ready")
        with file.with_suffix(".out").open("w", encoding="utf-8") as sys.stdout:
            kollega(["import", "jsonl", "--source", file.stem, str(file)], standalone_mode=False)
    elif what == "sync":
        client.Patience = partial(Patience, first_pause=0.01)  # type: ignore[misc, assignment]
        _say("ready")
        with Path(os.devnull).open("w", encoding="utf-8") as sys.stdout:
            kollega(["sync"], standalone_mode=False)
    elif what == "serve":
        recommender = make_recommender(settings, analyzer, encoder)
        recommender.refresh(wait=True)
        here = replace(settings, host="127.0.0.1", port=int(argument), server_threads=4)
        server = Server(create_app(settings, recommender), here)
        _say("ready")
        server.run()
    elif what == "watch":
        sessions = open_database(settings)
        _say("ready")
        watch(settings, sessions, FollowingEncoder(settings, encoder), analyzer, lambda _report: None)
    elif what == "watch-together":
        sessions = open_database(settings)
        _say("ready")
        encoders = FollowingEncoder(settings, encoder)
        watch_together(settings, sessions, encoders, analyzer, lambda _report: None, threading.Event())
    else:
        sessions = open_database(settings)
        _say("ready")
        number = 0
        while True:  # now a few changes are indexed, and now everything
            number += 1
            reindex(settings, sessions, encoder, analyzer, full=number % 3 == 0)


def main() -> None:
    """Start one copy for each line of standard input, until it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed ones
    settings = replace(Settings.from_environment(), reranker="none", watch_seconds=0.02)
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    analyzer.warm_up()
    QuestionAnalyzer.load(analyzer, settings)
    for line in sys.stdin:
        what, _, argument = line.strip().partition(" ")
        child = os.fork()
        if child:
            _say(f"started {child}")
            continue
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(what, argument, settings, analyzer)
        finally:
            os._exit(0)


if __name__ == "__main__":
    main()
