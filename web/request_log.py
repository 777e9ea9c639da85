"""Around each request: its id, which is in the answer and in every log line, its time, and one log line about it with
no more than route, method, status and milliseconds."""

import logging
import re
import time
from uuid import uuid4

from flask import Flask, Response, g, request

from recommender.monitoring.logs import fields, request_id
from web import measuring
from web.client_address import from_trusted_proxy

log = logging.getLogger(__name__)
HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def attach(app: Flask) -> None:
    """Register what runs first and last. Call this before anything else is registered on the app."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    g.began_at = time.perf_counter()
    request_id.set(_id_of_proxy() or uuid4().hex)


def _id_of_proxy() -> str:
    """The id that a trusted proxy has given to this request, when it is a plain one; else empty."""
    given = request.headers.get(HEADER, "")
    return given if from_trusted_proxy() and _PLAIN.fullmatch(given) else ""


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("began_at", time.perf_counter())
    response.headers[HEADER] = request_id.get()
    measuring.counts().count_request(response.status_code, seconds)
    log.info(
        "request answered",
        extra=fields(
            route=measuring.route(),
            method=measuring.method(),
            status=response.status_code,
            milliseconds=round(1000 * seconds, 1),
        ),
    )
    return response


def _forget(_error: BaseException | None) -> None:
    request_id.set("")
