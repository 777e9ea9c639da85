"""One attempt to send something on, and what came of it."""

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from indexer.sources.rest.client import Refused
from recommender.errors import KollegaError, SourceError
from recommender.outbox.mail import MOST_ATTEMPTS

log = logging.getLogger(__name__)
T = TypeVar("T")
_FOR_GOOD = frozenset({400, 413, 422})
"""Statuses with which a system says that it will never take this."""


class CannotBeTaken(SourceError):
    """The other side will never take this."""


def attempt(send: Callable[[], T], attempts: int) -> tuple[T | None, str, bool]:
    """(what sending gave, what went wrong, whether another attempt is of no use). `attempts` counts this one too: after
    some of them, what nobody has foreseen is given up."""
    try:
        return send(), "", False
    except (Refused, CannotBeTaken) as error:
        return None, str(error), isinstance(error, CannotBeTaken) or error.status in _FOR_GOOD
    except KollegaError as error:
        return None, str(error), False
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("Something could not be sent on")
        return None, f"It could not be sent on: {type(error).__name__}.", attempts >= MOST_ATTEMPTS
