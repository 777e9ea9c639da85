"""A sentence that keeps its parts, so that a page can say it in another language.

The tool that collects the texts of pages finds the first argument of each `Sentence(...)` and `N_(...)` in all three
packages; a page shows one with the filter `said`.
"""

import errno
import socket
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

Value = str | int | float | date
"""What can stand in a sentence; a text may be a sentence itself."""
_WHICH_ONE = frozenset({"code", "column", "id", "line", "number", "port", "status", "year"})
"""Names of values that say which one, not how many: a page shows them as they are, and not in groups of digits."""


class Size(int):
    """A number of bytes, which is said in MB or GB."""

    def __str__(self) -> str:
        return f"{self / 1e6:.1f} MB" if self < 1e9 else f"{self / 1e9:.1f} GB"


class Large(int):
    """A number that is said in groups of three digits, also in English."""

    def __str__(self) -> str:
        return f"{self:,}"


class Sentence(str):
    """A sentence in English which keeps its parts: `text` with names in it such as `%(file)s`, and their `values`.

    It is a text like any other for whoever prints, compares or stores it; `str(error)` of an error whose message it is
    gives it back whole. A text without values is taken as it is, also with a percent sign in it.
    """

    text: str
    values: Mapping[str, Value]

    def __new__(cls, text: str, /, **values: object) -> "Sentence":
        """Fill the values into the text. What is neither a text, a number nor a day, such as a path, becomes a text, as
        does a number that says which one, such as `line`."""
        made = super().__new__(
            cls, text % {name: in_english(each) for name, each in values.items()} if values else text
        )
        made.text, made.values = text, {name: _kept(name, value) for name, value in values.items()}
        return made

    def __str__(self) -> "Sentence":  # so that the message of an error stays a sentence
        return self

    def changed(self, change: Callable[[str], str]) -> "Sentence":
        """The same sentence with other texts as values, such as another name of a file."""
        return Sentence(self.text, **{name: _changed(value, change) for name, value in self.values.items()})


def in_english(value: object) -> str:
    """A value as an English sentence says it."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def joined(parts: Iterable[str], between: str) -> Sentence:
    """Sentences and other texts, such as the place of a row and what is wrong there, with something in between."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    text = between.join(f"%({name})s" for name in values)
    return Sentence(text, **values)


def reason_of(error: OSError) -> str:
    """Why a file or a connection cannot be used, as the operating system says it; what happens often, as a sentence."""
    often = {
        errno.ENOENT: Sentence("No such file or directory"),
        errno.EACCES: Sentence("Permission denied"),
        errno.EISDIR: Sentence("Is a directory"),
        errno.ENOSPC: Sentence("No space left on device"),
        errno.ECONNREFUSED: Sentence("Connection refused"),
        errno.ECONNRESET: Sentence("Connection reset by peer"),
        errno.ETIMEDOUT: Sentence("Connection timed out"),
        errno.EHOSTUNREACH: Sentence("No route to host"),
        errno.ENETUNREACH: Sentence("Network is unreachable"),
        socket.EAI_NONAME: Sentence("Name or service not known"),
    }
    no_number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else 0
    return often.get(error.errno or no_number) or error.strerror or str(error)


def N_(text: str) -> str:
    """The text itself: only marks it as one to translate, where it becomes a sentence later."""
    return text


def with_values_changed(line: str, change: Callable[[str], str]) -> str:
    """A line with other texts in it; of a sentence, only its values are changed."""
    return line.changed(change) if isinstance(line, Sentence) else change(line)


def _kept(name: str, value: object) -> Value:
    return value if isinstance(value, str | int | float | date) and name not in _WHICH_ONE else str(value)


def _changed(value: Value, change: Callable[[str], str]) -> Value:
    return with_values_changed(value, change) if isinstance(value, str) else value
