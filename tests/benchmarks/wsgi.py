"""The web application for servers other than that of `kollega serve`, to compare them (`servers.py`).

A server that gives the application the socket of a request (gunicorn) gets what waitress has by itself: a question
whose client has left is not searched for."""

import socket
from collections.abc import Iterable
from functools import partial
from typing import Any

from recommender.settings import Settings
from web.app import create_app

_made = create_app(Settings.from_environment())


def app(environment: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request."""
    if connection := environment.get("gunicorn.socket"):
        environment["waitress.client_disconnected"] = partial(_has_left, connection)
    return _made(environment, start_response)


def _has_left(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
