"""Follow the database: when it changes, bring the index up to it. Runs as its own process beside the server."""

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from indexer.reindex import ReindexReport, reindex
from recommender.corpus import fingerprint
from recommender.encoder import Encoder
from recommender.errors import IndexLocked
from recommender.language import Analyzer
from recommender.settings import Settings

log = logging.getLogger(__name__)


def watch(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: Encoder,
    analyzer: Analyzer,
    report: Callable[[ReindexReport], None],
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Reindex whenever the database's fingerprint changes, until `stopped()`. Waits while another process writes."""
    last: tuple[Any, ...] | None = None
    while not stopped():
        with sessions() as session:
            now = fingerprint(session)
        if now != last:
            try:
                report(reindex(settings, sessions, encoder, analyzer))
                last = now
            except IndexLocked as error:
                log.warning("%s", error)
        time.sleep(settings.watch_seconds)
