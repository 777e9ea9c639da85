"""JSON Lines: each line is a team, person, request or document. The file may be gzipped. See docs/import-format.md."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from indexer.sources.records import DocumentRecord, Located, PersonRecord, RequestRecord, TeamRecord, first_problem
from recommender.errors import SourceError

_LINE = TypeAdapter[TeamRecord | PersonRecord | RequestRecord | DocumentRecord](
    Annotated[TeamRecord | PersonRecord | RequestRecord | DocumentRecord, Field(discriminator="type")]
)


class JSONLSource:
    """A file of JSON lines. `name` keeps the ids of several files apart."""

    def __init__(self, path: Path, name: str = "jsonl") -> None:
        self.name = name
        self._path = path

    def records(self) -> Iterator[Located]:
        """Every line as a record or a problem. Raises SourceError when the file is missing or cut short."""
        file = self._path.name
        number = 0
        try:
            with self._open() as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield self._read(file, number, line)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(
                f"{self._path} is cut short or damaged after line {number}; the lines before were loaded. "
                "Fetch the file again, then import it again."
            ) from error
        except OSError as error:
            raise SourceError(f"{self._path} cannot be read: {error.strerror or error}. Check the path.") from error

    @contextmanager
    def _open(self) -> Iterator[Iterable[bytes]]:
        with self._path.open("rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked
            else:
                yield file

    @staticmethod
    def _read(file: str, number: int, line: bytes) -> Located:
        try:
            value = json.loads(line.decode("utf-8-sig"))
            return Located(file, number, _LINE.validate_python(value))
        except UnicodeDecodeError:
            return Located(file, number, None, "not UTF-8")
        except json.JSONDecodeError as error:
            return Located(file, number, None, f"not JSON ({error.msg} at column {error.colno})")
        except ValidationError as error:
            return Located(file, number, None, first_problem(error))
        except (ValueError, RecursionError) as error:  # numbers too long and nesting too deep for Python
            return Located(file, number, None, f"not JSON that can be read ({error})")
