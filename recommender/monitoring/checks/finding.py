"""One result of a check. Its sentences are in `texts.py`, with values that are numbers, versions, days or words of
Kollega's own, never a text from the database, the environment or an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recommender.monitoring.checks.texts import TEXTS
from recommender.sentences.sentence import Sentence, Size, Value, in_english

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """`check` says what was looked at (`database`), `code` what was found (`database_newer`). `state` is OK, WARNING or
    PROBLEM."""

    check: str
    state: str
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def said(self) -> Sentence:
        """What was found."""
        return Sentence(TEXTS[self.code][0], **self.values)

    @property
    def advice(self) -> Sentence:
        """What to do next; empty when there is nothing to do."""
        return Sentence(TEXTS[self.code][1], **self.values)

    def as_dict(self) -> dict[str, object]:
        """The finding for JSON."""
        return {
            "check": self.check,
            "state": self.state,
            "code": self.code,
            "message": self.said,
            "next": self.advice,
            "values": {name: _in_json(value) for name, value in self.values.items()},
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


def _in_json(value: object) -> str | int | float:
    """A value as the English sentence says it; numbers stay numbers."""
    return value if isinstance(value, int | float) and not isinstance(value, Size) else in_english(value)
