"""Opens ZIP files that others made: exports, and the files of Word, Excel and PowerPoint.

One that unpacks to far more than it is (a bomb), that has names leading out of it, or that is damaged is refused, and
no file in it is ever written to the disk.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

MOST_FILES = 100_000  # in one ZIP file: a judgement
LARGEST = 4_000_000_000  # bytes that all files of one may unpack to: a judgement
_RATIO, _SMALL = 200, 50_000_000
"""How many times larger than packed the files may be together, unless they are at most `_SMALL` bytes: judgements. Text
packs to about a tenth, a log to a fiftieth."""


@contextmanager
def archive(place: Path | IO[bytes], name: str = "") -> Iterator["Archive"]:
    """An open ZIP file. Raises SourceError, here and while it is read, when it cannot or should not be unpacked."""
    name = name or (str(place) if isinstance(place, Path) else Sentence("a ZIP file in it"))
    try:
        with zipfile.ZipFile(place) as packed:
            yield Archive(packed, name)
    except NotImplementedError as error:
        raise SourceError(
            Sentence("%(name)s is packed in a way that cannot be read. Pack it again as a usual ZIP file.", name=name)
        ) from error
    except RuntimeError as error:  # what zipfile raises for a file with a password
        raise SourceError(
            Sentence("%(name)s has a password. Save it without one, then import it again.", name=name)
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise SourceError(
            Sentence("%(name)s is cut short or damaged. Fetch the file again, then import it again.", name=name)
        ) from error
    except OSError as error:
        raise SourceError(
            Sentence("%(name)s cannot be read: %(reason)s. Check the path.", name=name, reason=reason_of(error))
        ) from error


class Archive:
    """The files of a ZIP file by their names in it. `names` has those that are files with a safe name."""

    def __init__(self, packed: zipfile.ZipFile, name: str) -> None:
        self._packed, self._name = packed, name
        entries = packed.infolist()
        if len(entries) > MOST_FILES:
            raise SourceError(
                Sentence(
                    "%(name)s has more than %(num)s files. Import parts of it one by one.", name=name, num=MOST_FILES
                )
            )
        self._budget = max(_SMALL, _RATIO * sum(entry.compress_size for entry in entries))
        self._budget = min(self._budget, LARGEST)
        if sum(entry.file_size for entry in entries) > self._budget:
            raise self._bomb()
        self.names = tuple(entry.filename for entry in entries if not entry.is_dir() and _is_safe(entry.filename))
        self.unsafe = tuple(entry.filename for entry in entries if not _is_safe(entry.filename))

    def size(self, name: str) -> int:
        """The size in bytes that the ZIP file says a file has."""
        return self._packed.getinfo(name).file_size

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file to read. What it unpacks to is counted, whatever the ZIP file says. Raises SourceError."""
        with self._packed.open(name) as file:
            yield io.BufferedReader(_Counted(file, self))

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """The content of a file. Raises SourceError, also when it is larger than `most` bytes."""
        with self.open(name) as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise SourceError(
                Sentence(
                    "%(name)s: %(file)s is larger than %(mb)s MB, and was not read.",
                    name=self._name,
                    file=name[:200],
                    mb=most // 1_000_000,
                )
            )
        return content

    def check(self) -> None:
        """Unpack everything once without keeping it, for a library that unpacks by itself. Raises SourceError."""
        for name in self.names:
            with self.open(name) as file:
                while file.read(1 << 20):
                    pass

    def count(self, unpacked: int) -> None:
        """Note that so many bytes were unpacked. Raises SourceError when it is a bomb."""
        self._budget -= unpacked
        if self._budget < 0:
            raise self._bomb()

    def _bomb(self) -> SourceError:
        return SourceError(
            Sentence(
                "%(name)s would unpack to far more than it is, and was not read. If it can be trusted, "
                "unpack it and pack it again, or import what is in it.",
                name=self._name,
            )
        )


class _Counted(io.RawIOBase):
    """A file of an archive whose unpacked bytes are counted."""

    def __init__(self, file: IO[bytes], counter: Archive) -> None:
        self._file, self._counter = file, counter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        content = self._file.read(len(buffer))
        self._counter.count(len(content))
        buffer[: len(content)] = content
        return len(content)


def _is_safe(name: str) -> bool:
    """True for a name that stays within the folder that it would be unpacked to."""
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        not path.is_absolute() and ".." not in path.parts and ":" not in (path.parts or ("",))[0] and "\0" not in name
    )
