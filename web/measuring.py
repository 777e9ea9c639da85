"""What is counted for Prometheus while requests are answered. Every label is one of a fixed set of values: a route's
name, a method, a status, a verdict. Nothing that somebody wrote, and no name, can become one."""

import os

from flask import Flask, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError

from recommender.database.failures import code_of
from recommender.datatypes import Recommendation

TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder in which several processes count together; prometheus_client reads it on import."""
UNKNOWN_ROUTE, OTHER = "unknown", "other"
"""What stands for every address that is none of ours, and for every method and reason beside the usual ones."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0)  # the limits of 200 and 800 ms are wanted
_REASONS = {
    "SQLITE_BUSY": "locked", "SQLITE_LOCKED": "locked", "SQLITE_FULL": "full", "SQLITE_READONLY": "read-only",
    "SQLITE_IOERR": "disk", "SQLITE_CORRUPT": "damaged", "SQLITE_NOTADB": "damaged",
    "55P03": "locked", "40P01": "locked", "40001": "locked", "53100": "full", "25006": "read-only", "58030": "disk",
    "XX001": "damaged", "XX002": "damaged", "57P01": "away",
}  # fmt: skip
_READS = ("SELECT", "PRAGMA", "WITH")


disable_created_metrics()  # type: ignore[no-untyped-call]  # they say when something was first counted


class Counts:
    """The counters of one application; of all processes of a server together when there are several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        counted_in: CollectorRegistry | None = self.registry
        if os.environ.get(TOGETHER):
            MultiProcessCollector(self.registry)  # type: ignore[no-untyped-call]
            counted_in = None
        labels = ["route", "method", "status"]
        self._requests = Counter("kollega_requests", "HTTP requests answered", labels, registry=counted_in)
        self._seconds = Histogram(
            "kollega_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=counted_in
        )
        self._answers = Counter(
            "kollega_answers",
            "Answers to questions; partial: while somebody typed",
            ["verdict", "partial"],
            registry=counted_in,
        )
        self._errors = Counter(
            "kollega_database_errors",
            "Operations that the database refused",
            ["operation", "reason"],
            registry=counted_in,
        )

    def count_request(self, status: int, seconds: float) -> None:
        """Count the present request."""
        self._requests.labels(route(), method(), str(status)).inc()
        self._seconds.labels(route()).observe(seconds)

    def count_answer(self, recommendation: Recommendation, partial: bool) -> None:
        """Count an answer by its verdict. `partial` says that the question was not finished."""
        self._answers.labels(str(recommendation.verdict), "yes" if partial else "no").inc()

    def count_database_error(self, context: ExceptionContext) -> None:
        """Count what the database refused, except a broken rule such as a taken name, which the caller answers."""
        error = context.sqlalchemy_exception
        counted = isinstance(error, DBAPIError) and not isinstance(error, IntegrityError)
        if counted and not context.is_pre_ping:
            words = (context.statement or "").split(maxsplit=1)
            reading = bool(words) and words[0].upper() in _READS
            found = _REASONS.get(code_of(context.original_exception), OTHER)
            self._errors.labels("read" if reading else "write", found).inc()


def attach(app: Flask, engine: Engine) -> None:
    """Begin to count, with this engine's errors."""
    counts = app.extensions["kollega_counts"] = Counts()
    event.listen(engine, "handle_error", counts.count_database_error)


def counts(app: Flask | None = None) -> Counts:
    """The counters of an application, else of the present one."""
    app_counts: Counts = (app or current_app).extensions["kollega_counts"]
    return app_counts


def route() -> str:
    """The name of the present request's route, never its path."""
    return request.url_rule.endpoint if request.url_rule else UNKNOWN_ROUTE


def method() -> str:
    """The method of the present request, when it is one of the usual ones."""
    return request.method if request.method in _METHODS else OTHER
