"""What tests do with a whole web application: close it, and let the time of its limits pass."""

import time

from flask import Flask
from sqlalchemy import delete

from recommender.database.replica_tables import RateCount
from web.limits import InDatabase, InMemory, limiter


def close_app(app: Flask) -> None:
    """Close the connections to its database, if it is Kollega."""
    if "kollega_counting" not in app.extensions:
        return
    app.extensions["kollega_counting"].close()
    app.extensions["kollega_sessions"].kw["bind"].dispose()
    storage = limiter.limiter.storage  # of the application that was made last
    if isinstance(storage, InDatabase):
        storage.counts.engine.dispose()


def minutes_pass() -> None:
    """Forget what was counted for less than a day."""
    storage = limiter.limiter.storage
    if isinstance(storage, InDatabase):
        with storage.counts.engine.begin() as connection:
            connection.execute(delete(RateCount).where(RateCount.ends_at < time.time() + 12 * 3600))
        return
    assert isinstance(storage, InMemory)
    for key in [key for key in storage.windows if not key.endswith("/day")]:
        storage.clear(key)
