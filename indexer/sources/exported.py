"""Reads what was exported or saved of a system: a file, or a folder of files, of JSON, JSON Lines or CSV tables.

A list is given entry by entry, so that a large one needs little memory. A file that cannot be read is a problem, and
the others are read.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from indexer.sources.json_text import Damaged, list_in
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

LONGEST_ENTRY, LARGEST_OBJECT = (
    20_000_000,
    200_000_000,
)  # bytes of an entry of a list, and of one JSON object: judgements
_READ = frozenset({"", ".json", ".jsonl", ".ndjson", ".csv"})
_PACKED = (b"PK", b"\x1f\x8b")  # ZIP and gzip
_TRUE_OR_FALSE = {"TRUE": True, "true": True, "FALSE": False, "false": False, "": None}


@dataclass(frozen=True)
class Exported:
    """A value in a file: its path below the place, its line (from 1), or why it cannot be read. `table` is True for a
    row of a CSV table, whose empty cells are None."""

    file: str
    line: int
    value: Any
    problem: str = ""
    table: bool = False


def exported(place: Path) -> Iterator[Exported]:
    """The values in a file, or in all files of a folder in the order of their names.

    Raises SourceError when there is no such file, or nothing in it that can be read.
    """
    files = sorted(path for path in place.rglob("*") if _is_read(path, place)) if place.is_dir() else [place]
    if not files:
        raise SourceError(
            Sentence("%(place)s has no JSON files. Give the file or folder that was exported.", place=place)
        )
    for path in files:
        name = path.relative_to(place).as_posix() if place.is_dir() else path.name
        try:
            with path.open("rb") as file:
                if file.peek(2)[:2] in _PACKED:
                    yield Exported(name, 1, None, Sentence("a packed file. Unpack it, and give the folder"))
                else:
                    yield from _values(name, path, file)
        except OSError as error:
            raise SourceError(
                Sentence("%(file)s cannot be read: %(reason)s. Check the path.", file=path, reason=reason_of(error))
            ) from error


def _is_read(path: Path, place: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
    return path.is_file() and not hidden and path.suffix.lower() in _READ


def _values(name: str, path: Path, file: IO[bytes]) -> Iterator[Exported]:
    if path.suffix.lower() == ".csv":
        yield from _rows(name, file)
        return
    first = file.readline(LONGEST_ENTRY + 1)
    while first and not first.strip(b"\xef\xbb\xbf \t\r\n"):
        first = file.readline(LONGEST_ENTRY + 1)
    if first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        yield from _entries(name, first, file)
        return
    value, problem = _json(first)
    after = file.read(1) if not problem else b""
    if problem or not after:
        yield from _object(name, first + after, file)
        return
    yield Exported(name, 1, value)
    yield from _lines(name, after, file)


def _entries(name: str, first: bytes, file: IO[bytes]) -> Iterator[Exported]:
    """The entries of a list."""
    try:
        for line, value, _twice, _notes in list_in(
            first, file, LONGEST_ENTRY
        ):  # of a field given twice the last counts
            yield Exported(name, line + 1, value)
    except Damaged as error:
        yield Exported(
            name, error.line + 1, None, Sentence("the list cannot be read further than here. Export it again")
        )
    except UnicodeDecodeError:
        yield Exported(name, 1, None, Sentence("the file is not UTF-8. Export it again"))


def _object(name: str, beginning: bytes, file: IO[bytes]) -> Iterator[Exported]:
    """The one value of a file."""
    text = beginning + file.read(LARGEST_OBJECT)
    if file.read(1):
        yield Exported(
            name, 1, None, Sentence("larger than %(mb)s MB. Export it in parts", mb=LARGEST_OBJECT // 1_000_000)
        )
        return
    value, problem = _json(text)
    yield Exported(name, 1, value, problem)


def _lines(name: str, after: bytes, file: IO[bytes]) -> Iterator[Exported]:
    """The values of the lines behind the first one."""
    number = 1
    while line := file.readline(LONGEST_ENTRY + 1):
        number, line, after = number + 1, after + line, b""
        if len(line) > LONGEST_ENTRY:
            yield Exported(
                name, number, None, Sentence("longer than %(mb)s MB. Shorten it", mb=LONGEST_ENTRY // 1_000_000)
            )
            while not line.endswith(b"\n") and (line := file.readline(LONGEST_ENTRY)):
                pass
        elif line.strip():
            value, problem = _json(line)
            yield Exported(name, number, value, problem)


def _json(text: bytes) -> tuple[Any, str]:
    """(the value, nothing) or (None, what is wrong)."""
    try:
        return json.loads(text.decode("utf-8-sig"), parse_constant=lambda _name: None), ""
    except UnicodeDecodeError:
        return None, Sentence("not UTF-8. Export it again")
    except json.JSONDecodeError as error:
        return None, Sentence(
            "not JSON (%(msg)s at line %(line)s, column %(column)s). Export it again",
            msg=error.msg, line=error.lineno, column=error.colno,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        return None, Sentence("not JSON that can be read (%(reason)s)", reason=error)


def _rows(name: str, file: IO[bytes]) -> Iterator[Exported]:
    """The rows of a table whose headings are names of fields."""
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="") as text:
        rows = csv.DictReader(text)
        try:
            for row in rows:
                cells = {key: _cell(value) for key, value in row.items() if isinstance(key, str)}
                yield Exported(name, rows.line_num, cells, table=True)
        except csv.Error as error:
            yield Exported(
                name,
                rows.line_num,
                None,
                Sentence("the table cannot be read further (%(reason)s). Export it again", reason=error),
            )


def _cell(value: Any) -> Any:
    return _TRUE_OR_FALSE.get(value, value) if isinstance(value, str) else value
