"""JSON Lines: each line is a team, person, request or document. The file may be gzipped. See docs/import-format.md.

A file that is one JSON list of such objects is read too, and so is a list on a line.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, cast

from pydantic import Field, TypeAdapter, ValidationError

from indexer.sources.json_text import Damaged, ObjectReader, list_in
from indexer.sources.protocol import Options, WholeSource
from indexer.sources.records import (
    Change,
    DocumentRecord,
    Located,
    PersonRecord,
    RequestRecord,
    TeamRecord,
    first_problem,
)
from indexer.sources.repair import repaired
from recommender.errors import SourceError
from recommender.sentences.sentence import N_, Sentence, reason_of

_LINE = TypeAdapter[TeamRecord | PersonRecord | RequestRecord | DocumentRecord](
    Annotated[TeamRecord | PersonRecord | RequestRecord | DocumentRecord, Field(discriminator="type")]
)
EXPORT = "export"
"""Type of the first line of a file that has a whole store, which is loaded in another way."""
LONGEST_LINE = 20_000_000  # bytes of a line, and of an object in a list: a judgement


OPTIONS = Options


def open_source(name: str, options: Options) -> "JSONLSource":
    """The file at `options.place`. What the other options say is applied to all sources alike."""
    return JSONLSource(Path(options.place), name)


_WHOLE_STORE = N_(
    "%(file)s has a whole store, as `kollega export` writes it; nothing was loaded. Save it as a file, then import "
    "that file into an empty home."
)
_SEVERAL_LINES = N_(
    "%(file)s has an object over several lines, from line %(number)s on; what is before was loaded. Write one object a "
    "line, or all as one list, then import it again."
)
_CUT_SHORT = N_(
    "%(file)s is cut short or damaged after line %(number)s; the lines before were loaded. Fetch the file again, then "
    "import it again."
)
_UNREADABLE = N_("%(file)s cannot be read: %(reason)s. Check the path.")
_NOT_UTF8 = N_("%(file)s is a JSON list that is not UTF-8. Save it as UTF-8.")
_DAMAGED_LIST = N_(
    "%(file)s is one JSON list that cannot be read further than line %(line)s; the records before were loaded. Fetch "
    "the file again, or write one object a line, then import it again."
)


class JSONLSource(WholeSource):
    """A file of JSON lines, or of one JSON list. `name` keeps the ids of several files apart."""

    def __init__(self, path: Path, name: str = "jsonl") -> None:
        self.name = name
        self._path = path

    def records(self) -> Iterator[Located]:
        """Every object as a record or a problem. Raises SourceError when the file is missing or cut short."""
        file = self._path.name
        number = 0
        try:
            with self._open() as lines:
                while line := lines.readline(LONGEST_LINE + 1):
                    number += 1
                    if number == 1 and _is_export(line):
                        raise self._broken_off(_WHOLE_STORE)
                    if _begins_a_list(line):
                        yield from self._read_list(number, line, lines)
                        return
                    if len(line) > LONGEST_LINE:
                        _skip_line(lines)
                        too_long = Sentence("longer than %(mb)s MB. Shorten it", mb=LONGEST_LINE // 1_000_000)
                        yield Located(file, number, None, too_long)
                        continue
                    if line.strip() == b"{":
                        raise self._broken_off(_SEVERAL_LINES, number=number)
                    if line.strip():
                        yield from _read_line(file, number, line)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._broken_off(_CUT_SHORT, number=number) from error
        except OSError as error:
            raise self._broken_off(_UNREADABLE, reason=reason_of(error)) from error

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with self._path.open("rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            else:
                yield file

    def _read_list(self, line: int, beginning: bytes, rest: IO[bytes]) -> Iterator[Located]:
        """The objects of a list that begins on this line, each with the line on which it begins. Raises SourceError
        where the list cannot be read further."""
        try:
            for number, value, problems, notes in list_in(beginning, rest, LONGEST_LINE):
                yield located(self._path.name, line + number, value, problems, notes)
        except UnicodeDecodeError as error:
            raise self._broken_off(_NOT_UTF8) from error
        except Damaged as error:
            raise self._broken_off(_DAMAGED_LIST, line=line + error.line) from error

    def _broken_off(self, why: str, **values: object) -> SourceError:
        return SourceError(Sentence(why, file=self._path, **values))


def _is_export(line: bytes) -> bool:
    """True for the first line of a whole store."""
    try:
        return len(line) < 1_000_000 and bool(json.loads(line).get("type") == EXPORT)
    except (ValueError, RecursionError, AttributeError):
        return False


def _begins_a_list(line: bytes) -> bool:
    """True for the first line of a list that ends on a later line, or is longer than a line may be."""
    text = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not text.startswith(b"["):
        return False
    if len(line) > LONGEST_LINE:
        return True
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(error.doc)
    except (ValueError, RecursionError):  # the bytes are not UTF-8, or Python cannot read it
        return False
    return False


def _skip_line(lines: IO[bytes]) -> None:
    """Read on to the end of a line without keeping it."""
    while (part := lines.readline(1 << 20)) and not part.endswith(b"\n"):
        pass


def _read_line(file: str, number: int, line: bytes) -> Iterator[Located]:
    """The object of a line; or the objects, when the line is a list of them."""
    reader = ObjectReader()
    try:
        value = reader.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        yield Located(file, number, None, Sentence("not UTF-8. Save the file as UTF-8"))
    except json.JSONDecodeError as error:
        yield Located(
            file,
            number,
            None,
            Sentence("not JSON (%(msg)s at column %(column)s). Correct this line", msg=error.msg, column=error.colno),
        )
    except (ValueError, RecursionError) as error:  # numbers too long and nesting too deep for Python
        yield Located(
            file, number, None, Sentence("not JSON that can be read (%(reason)s). Correct this line", reason=error)
        )
    else:
        problems, notes = reader.taken()
        several = isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)
        for entry in value if several else [value]:
            yield located(file, number, entry, problems, notes)


def located(file: str, number: int, value: Any, problems: list[str], notes: list[Change]) -> Located:
    """The record of an object that was read from JSON, or the first problem why it is none; `notes` say what was
    changed in reading it."""
    if problems:
        return Located(file, number, None, problems[0])
    try:
        if not isinstance(value, dict):
            return Located(file, number, None, Sentence("not an object in braces, with its type and fields"))
        made, changes = repaired(value)
        return Located(file, number, _LINE.validate_python(made), changes=(*notes, *changes))
    except ValidationError as error:
        return Located(file, number, None, first_problem(error))
    except (ValueError, RecursionError) as error:
        return Located(file, number, None, str(error))
