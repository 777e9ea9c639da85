"""How often an address may sign in and a token may call the API; the counts are in this process's memory."""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=True)


def attach(app: Flask) -> None:
    """Register the limits."""
    limiter.init_app(app)
