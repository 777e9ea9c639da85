"""How often an address may sign in and a token may call the API; the counts are in this process's memory."""

from flask import Flask
from flask_limiter import Limiter

from web.client_address import limit_key

limiter = Limiter(limit_key, storage_uri="memory://", headers_enabled=True)


def attach(app: Flask) -> None:
    """Register the limits."""
    limiter.init_app(app)
