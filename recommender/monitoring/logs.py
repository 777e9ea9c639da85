"""How log lines look: text for a terminal, or JSON, one object a line. Which values may be logged is decided here too.

What people wrote is in no line: of an exception only its type, its place in the code and, where it comes from the
system or from Kollega itself, its reason are logged, because the messages of other exceptions repeat values.
"""

import json
import logging
import re
import sqlite3
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from recommender.errors import KollegaError

log = logging.getLogger(__name__)
FORMATS = ("text", "json")
OWN_PACKAGES = ("recommender", "indexer", "web")
request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the HTTP request that the present thread answers; empty outside of one."""
_PATH = re.compile(r"^(Exception on|(?:Exception|Client disconnected) while serving) .*", re.DOTALL)
"""What Flask and waitress write before the address that was asked for."""


def configure(log_format: str, verbose: bool = False) -> None:
    """Write log lines to standard error: warnings, with `json` also each request and step of work, and with `verbose`
    everything that Kollega's own code logs. With `json` an error that ends the process becomes a line too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter() if log_format == "json" else TextFormatter(whole_errors=verbose))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    for package in OWN_PACKAGES:  # libraries log addresses, names and whatever else they are given
        if verbose or log_format == "json":
            logging.getLogger(package).setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of each request that waits for a thread
    if log_format == "json":
        logging.captureWarnings(True)
        sys.excepthook = _log_crash
        threading.excepthook = lambda crash: _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Values to log beside a message: `log.info("index updated", extra=fields(items=3))`. JSON lines have them as
    fields, text lines have not."""
    return {"fields": values}


def describe(error: BaseException) -> str:
    """An exception's type, and its reason where that cannot repeat what people wrote."""
    return ": ".join(part for part in (_type_of(error), _reason(error)) if part)


class TextFormatter(logging.Formatter):
    """Lines for a terminal. `whole_errors` shows exceptions with their messages."""

    def __init__(self, whole_errors: bool = False) -> None:
        super().__init__()
        self._whole_errors = whole_errors

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.levelname} {record.name}: {_message(record)}"
        if request_id.get():
            text += f" (request {request_id.get()})"
        if record.exc_info and record.exc_info[1]:
            text += "\n" + self._describe(record.exc_info[1])
        return text

    def _describe(self, error: BaseException) -> str:
        if self._whole_errors:
            return "".join(traceback.format_exception(error)).rstrip()
        lines = []
        for each in reversed(list(_chain(error))):
            lines += traceback.format_list(traceback.extract_tb(each.__traceback__))
            lines.append(describe(each) + "\n")
        return "".join(lines).rstrip()


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, logger, message, request_id, the fields that were given, and
    the exception as a list of {type, reason, at}, the outermost first."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1]:
            line["exception"] = [_as_json(error) for error in _chain(record.exc_info[1])]
        return json.dumps(line, default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # a library's mistake: its values do not fit its message
        text = str(record.msg)
    return _PATH.sub(r"\1 a request", text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those that it was raised from or while handling."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _as_json(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    described: dict[str, Any] = {"type": _type_of(error)}
    if reason := _reason(error):
        described["reason"] = reason
    return described | {"at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]}


def _type_of(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _reason(error: BaseException) -> str:
    """Why it happened, where the text cannot contain what people wrote."""
    if isinstance(error, KollegaError | sqlite3.Error):
        return str(error)
    from recommender.database.failures import is_of_server, reason

    if is_of_server(error):
        return reason(error)
    return error.strerror or "" if isinstance(error, OSError) else ""


def _log_crash(kind: type[BaseException], error: BaseException | None, place: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("The process ends with an error", exc_info=(kind, error, place))
