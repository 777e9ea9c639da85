"""One result of a check. Its sentences are in `texts.py`, with values that are numbers, versions, days or words of
Kollega's own, never a text from the database, the environment or an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recommender.monitoring.checks.texts import TEXTS

OK, WARNING, PROBLEM = "ok", "warning", "problem"
Value = str | int | float


@dataclass(frozen=True)
class Finding:
    """`check` says what was looked at (`database`), `code` what was found (`database_newer`). `state` is OK, WARNING or
    PROBLEM."""

    check: str
    state: str
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, str]:
        """(what was found, what to do next), to be filled in with the values."""
        return TEXTS[self.code]

    @property
    def said(self) -> str:
        """What was found, in English."""
        return self.texts[0] % self.values

    @property
    def advice(self) -> str:
        """What to do next, in English; empty when there is nothing to do."""
        return self.texts[1] % self.values

    def as_dict(self) -> dict[str, object]:
        """The finding for JSON."""
        return {
            "check": self.check,
            "state": self.state,
            "code": self.code,
            "message": self.said,
            "next": self.advice,
            "values": dict(self.values),
        }


def fine(check: str, code: str, /, **values: Value) -> Finding:
    """A finding that needs nothing to be done."""
    return Finding(check, OK, code, values)


def warning(check: str, code: str, /, **values: Value) -> Finding:
    """A finding about which something should be done some day."""
    return Finding(check, WARNING, code, values)


def problem(check: str, code: str, /, **values: Value) -> Finding:
    """A finding because of which something does not work, or will not soon."""
    return Finding(check, PROBLEM, code, values)


def failed(check: str, error: BaseException) -> Finding:
    """A check that could not be made; of the error only its kind is said, since its message may repeat a text."""
    return problem(check, "failed", error=type(error).__name__)


def megabytes(size: float) -> str:
    """A number of bytes, in MB or GB."""
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"
