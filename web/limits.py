"""How often people and addresses may do things; the counts are in this process's memory and are not stored."""

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItemPerDay

from web.client_address import limit_key

limiter = Limiter(limit_key, storage_uri="memory://", headers_enabled=True)
_A_FEW_A_DAY = RateLimitItemPerDay(3)  # a judgement


def attach(app: Flask) -> None:
    """Register the limits."""
    limiter.init_app(app)


def among_the_first_today(who: str, what: str) -> bool:
    """True when somebody does something for the first, second or third time today, as far as this process knows."""
    return limiter.limiter.hit(_A_FEW_A_DAY, who, what)
