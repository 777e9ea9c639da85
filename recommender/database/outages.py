"""Says once that the server of the database went away, and once that it is back, for a process that tries again and
again."""

import logging
import threading

from sqlalchemy import Engine, ExceptionContext, event

from recommender.database.failures import explain, is_away

log = logging.getLogger(__name__)
BACK = "The database can be reached again."


def report_outages(engine: Engine) -> None:
    """Log a line when the server of this engine cannot be reached any more, and one when it can be again. What works
    with the engine may then be silent about errors that are `is_away`."""
    away, changing = threading.Event(), threading.Lock()

    def failed(context: ExceptionContext) -> None:
        # a connection of the pool that was closed meanwhile is replaced by a new one: only that may fail
        if context.is_pre_ping or not is_away(context.original_exception):
            return
        with changing:
            if not away.is_set():
                away.set()
                log.error("%s", explain(context.sqlalchemy_exception or context.original_exception, None))

    def connected(_connection: object, _record: object) -> None:
        with changing:
            if away.is_set():
                away.clear()
                log.warning(BACK)

    event.listen(engine, "handle_error", failed)
    event.listen(engine, "connect", connected)
