"""Reads JSON so that nothing in it is lost or made up silently, and long lists piece by piece.

A field that an object has twice is a problem: Python would take the last one, and it may say who may read. A number
that is too large or too exact for a float stays as it is written, so that two ids never become one. `NaN` and
`Infinity`, which are no JSON, are read as missing.
"""

import codecs
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from math import isfinite
from typing import IO, Any

from recommender.sentences.sentence import Sentence

Note = tuple[str, str]
_CHUNK = 1 << 16  # bytes of a list that are read at once: a judgement
_SPACE = re.compile(r"[ \t\r\n]*")
_NO_VALUE = Sentence("numbers that are no number (NaN, Infinity) were read as missing")


class Damaged(Exception):
    """A list cannot be read further than its line `line`, counted from 0."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class ObjectReader:
    """Decodes JSON, and collects what is wrong and what was changed in what it has decoded since `taken`."""

    def __init__(self) -> None:
        self._problems: list[str] = []
        self._notes: list[Note] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=_number, parse_constant=self._constant
        )

    def loads(self, text: str) -> Any:
        """The value that a text is. Raises json.JSONDecodeError, another ValueError or RecursionError."""
        return self._decoder.decode(text)

    def next(self, text: str, place: int) -> tuple[Any, int]:
        """(the value that begins at `place`, where it ends). Raises as `loads`."""
        self.taken()
        return self._decoder.raw_decode(text, place)

    def taken(self) -> tuple[list[str], list[Note]]:
        """(problems, notes) of what was decoded, which are then forgotten."""
        taken = self._problems, self._notes
        self._problems, self._notes = [], []
        return taken

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _value in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            self._problems.append(
                Sentence("%(field)s: this field is there twice. Remove one of them", field=twice[:80])
            )
        return made

    def _constant(self, name: str) -> None:
        self._notes.append((_NO_VALUE, name))


def list_in(beginning: bytes, rest: IO[bytes], longest: int) -> Iterator[tuple[int, Any, list[str], list[Note]]]:
    """(line from 0, value, problems, notes) of each value of a list, whose text is `beginning` and then `rest`. Only
    one value of at most about `longest` characters is in memory at a time.

    Raises Damaged where the list cannot be read further, and UnicodeDecodeError when it is not UTF-8.
    """
    text, reader = _Text(beginning, rest), ObjectReader()
    text.expect("[")
    if text.peek() != "]":
        while True:
            text.peek()
            line, value = text.line, text.value(reader, longest)
            yield line, value, *reader.taken()
            line = text.line
            if text.peek() == "]":
                break
            text.expect(",", line)
    text.expect("]")
    if text.peek():
        raise Damaged(text.line)


class _Text:
    """The text of a list, and the place up to which it has been read; `line` is the line of that place, from 0."""

    def __init__(self, beginning: bytes, rest: IO[bytes]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._rest = rest
        self._text, self._place, self._is_whole = self._decoder.decode(beginning), 0, False
        self.line = 0

    def peek(self) -> str:
        """The next character that is no white space; nothing at the end."""
        while True:
            self._go_to(_SPACE.match(self._text, self._place).end())  # type: ignore[union-attr]
            if self._place < len(self._text) or self._is_whole:
                return self._text[self._place : self._place + 1]
            self._read_on()

    def expect(self, character: str, line: int | None = None) -> None:
        """Go on behind a character. Raises Damaged, with `line`, when another one is next."""
        if self.peek() != character:
            raise Damaged(self.line if line is None else line)
        self._go_to(self._place + 1)

    def value(self, reader: ObjectReader, longest: int) -> Any:
        """The value at this place, which is read on until it is whole. Raises Damaged when it cannot be read."""
        while True:
            try:
                value, end = reader.next(self._text, self._place)
                if end < len(self._text) or self._is_whole:  # else a number may go on
                    self._go_to(end)
                    return value
            except (ValueError, RecursionError) as error:
                too_long = len(self._text) - self._place > longest
                if self._is_whole or too_long or not isinstance(error, json.JSONDecodeError):
                    raise Damaged(self.line) from error
            self._read_on()

    def _go_to(self, place: int) -> None:
        self.line += self._text.count("\n", self._place, place)
        self._place = place

    def _read_on(self) -> None:
        """Read as much again as is left, so that a long value is not decoded too often."""
        left = self._text[self._place :]
        read = self._rest.read(max(_CHUNK, len(left)))
        self._is_whole = not read
        self._text, self._place = left + self._decoder.decode(read, final=not read), 0


def _number(written: str) -> float | str:
    """A number with a point or an exponent; as it is written when a float would be another number."""
    value = float(written)
    return value if isfinite(value) and Decimal(written) == Decimal(repr(value)) else written
