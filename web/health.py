"""The addresses that monitoring asks: `/health/live`, `/health/ready` (also `/health`) and `/metrics`.

Each answers within about a second, whatever the database does: what reads it runs beside the request (`Probe`).
"""

import hmac
import logging
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import open_engine
from recommender.errors import IndexDamaged
from recommender.index.generations import Manifest
from recommender.monitoring import freshness, readiness
from recommender.monitoring.probe import Probe
from recommender.outbox import mail
from recommender.recommender import Recommender
from recommender.settings import Settings
from web import current, measuring

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)
SECONDS = 1.0
"""How long a check may take before it counts as failed: a judgement."""


def attach(app: Flask, settings: Settings, recommender: Recommender, sessions: sessionmaker[Session]) -> None:
    """Make the checks of this application."""
    engine = open_engine(settings, wait=SECONDS)
    ready = Probe(lambda: readiness.problem(engine, recommender.snapshot), SECONDS)
    app.extensions["kollega_ready"] = ready
    measuring.counts(app).registry.register(_IndexGauges(settings, recommender, sessions))


@blueprint.get("/health/live")
def live() -> ResponseReturnValue:
    """200 when the process answers; nothing else is asked."""
    return jsonify(live=True)


@blueprint.get("/health")
@blueprint.get("/health/ready")
def ready() -> ResponseReturnValue:
    """200 when questions can be answered; 503, with the reason in a few fixed words, when the index or the database
    cannot be used."""
    current.recommender()  # begins to load a newer index
    probe: Probe[str] = current_app.extensions["kollega_ready"]
    try:
        reason = probe.result()
    except TimeoutError:
        reason = readiness.TOO_SLOW
    if reason:
        return jsonify(ready=False, reason=reason), 503
    return jsonify(ready=True)


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """The counts for Prometheus, for whoever holds the token of the settings; 404 when there is none, else 401."""
    token = current.settings().metrics_token
    if not token:
        abort(404)
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        return Response("The bearer token in KOLLEGA_METRICS_TOKEN is needed.\n", 401, {"WWW-Authenticate": "Bearer"})
    current.recommender()
    return Response(generate_latest(measuring.counts().registry), content_type=CONTENT_TYPE_LATEST)


class _IndexGauges(Collector):
    """The index that answers, and how far it is behind the database."""

    def __init__(self, settings: Settings, recommender: Recommender, sessions: sessionmaker[Session]) -> None:
        self._index_dir = settings.index_dir
        self._recommender = recommender
        self._sessions = sessions
        self._queues = Probe(self._read_queues, SECONDS)

    def describe(self) -> list[Metric]:
        return []  # nothing is read before somebody asks

    def collect(self) -> Iterator[Metric]:
        """All gauges. What cannot be known now is left out."""
        snapshot = self._recommender.snapshot
        is_ready = float(snapshot.index is not None)
        yield _gauge("kollega_index_ready", "1 when there is an index to search, else 0", is_ready)
        if snapshot.generation is not None:
            yield from self._generation(snapshot.generation)
        try:
            lag, mails = self._queues.result()
        except (TimeoutError, SQLAlchemyError, OSError) as error:
            log.warning("How far the index is behind and what waits cannot be read", exc_info=error)
            return
        waiting = {"mail": mails[mail.WAITING], "mail_failed": mails[mail.FAILED]}
        if lag is not None:
            name = "kollega_index_lag_seconds"
            yield _gauge(name, "Age of the oldest change that is not indexed; 0 when all are", lag.age.total_seconds())
            waiting["index"] = lag.waiting
        lengths = GaugeMetricFamily("kollega_queue_length", "What waits to be done", labels=["queue"])
        for queue, length in waiting.items():
            lengths.add_metric([queue], length)
        yield lengths

    def _generation(self, name: str) -> Iterator[Metric]:
        number = name.rpartition("-")[2]
        if number.isdecimal():
            yield _gauge("kollega_index_generation", "Number of the index generation that answers", float(number))
        try:
            manifest = Manifest.read(self._index_dir / name)
        except IndexDamaged:  # or removed, since newer ones went live
            return
        yield _gauge("kollega_index_items", "Items in the index", manifest.items)
        yield _gauge("kollega_index_passages", "Passages in the index", manifest.passages)

    def _read_queues(self) -> tuple[freshness.Lag | None, dict[str, int]]:
        with self._sessions() as session:
            return freshness.lag(session, self._index_dir), mail.queue_lengths(session)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value)
