"""Splits mbox files into mails, without reading them into memory.

A line that begins with "From " separates two mails only after an empty line, with a date on it and headers below it:
many archives do not mark such lines in texts.
"""

import mmap
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from indexer.sources.mail.letter import LONGEST, Found, head_of, read_date

_SEPARATOR = re.compile(rb"From [^\n]{0,300}?\b\d{1,2}:\d{2}(?::\d{2})?\b[^\n]{0,40}\b(?:19|20)\d\d\b[^\n]{0,40}\r?\n")
_SEPARATOR_ISO = re.compile(rb"From [^\n]{0,300}?\b(?:19|20)\d\d\b[^\n]{0,40}\d{1,2}:\d{2}[^\n]{0,40}\r?\n")
_HEADER = re.compile(rb"(?:>?[\x21-\x39\x3b-\x7e]{1,80}[ \t]?:|>?From )")
_QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")
_DATE_IN_SEPARATOR = re.compile(
    rb"(?:\w{3},? )?\w{3} +\d{1,2} +\d{1,2}:\d{2}(?::\d{2})? .{0,12}?\d{4}|\d{1,2} \w{3} \d{4} \S+"
)


def is_mbox(beginning: bytes) -> bool:
    """True when these first bytes of a file, a thousand at least, are those of an mbox file."""
    beginning = beginning.lstrip(b"\xef\xbb\xbf\r\n")
    return bool(_separator(beginning, 0))


def mails_in(path: Path, file: str, group: str | None) -> Iterator[Found]:
    """The mails of an mbox file; `file` is what it is called in messages. Raises OSError."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        received = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
        starts = _starts(data)
        start, number = next(starts, None), 0
        while start is not None:
            number += 1
            end = next(starts, None)
            first_line = data.find(b"\n", start) + 1
            stop = len(data) if end is None else end
            head = head_of(data[first_line : min(stop, first_line + 1_000_000)])
            date = _separator_date(data[start:first_line]) or received
            read = _Reader(path, first_line, stop)
            yield Found(head, read, file, number, group, date, stop - first_line)
            start = end


class _Reader:
    """Reads the bytes of one mail of a file."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self._path, self._start, self._stop = path, start, stop

    def __call__(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._start)
            raw = file.read(min(self._stop - self._start, LONGEST))
        return _QUOTED_FROM.sub(rb"\1", raw)


def _starts(data: mmap.mmap) -> Iterator[int]:
    """Where the separators of a file begin."""
    place = 0
    while data[place : place + 1] in (b"\r", b"\n"):
        place += 1
    if data[place : place + 3] == b"\xef\xbb\xbf":
        place += 3
    if data[place : place + 5] == b"From ":
        yield place
    while (found := data.find(b"\nFrom ", place)) >= 0:
        place = found + 1
        after_empty_line = data[found - 1 : found] == b"\n" or data[max(found - 2, 0) : found] == b"\n\r"
        if after_empty_line and _separator(data[place : place + 2_000], 0):
            yield place


def _separator(data: bytes, start: int) -> bool:
    line = _SEPARATOR.match(data, start) or _SEPARATOR_ISO.match(data, start)
    return line is not None and _HEADER.match(data, line.end()) is not None


def _separator_date(line: bytes) -> datetime | None:
    found = _DATE_IN_SEPARATOR.search(line)
    return read_date(found[0].decode("ascii", "replace"), UTC) if found else None
