"""Finds mails on the disk: in mbox files, .eml files, maildir folders, folders of these, and packed files of them."""

import gzip
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from indexer.sources.archive import LARGEST, Archive, archive
from indexer.sources.mail.letter import LONGEST, Found, head_of
from indexer.sources.mail.mbox import is_mbox, mails_in
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_BEGINNING = 4_000  # bytes by which the form of a file is known
_PIECE = 1 << 16
_MAIL_HEADERS = re.compile(
    rb"(?im)^(?:from|received|return-path|message-id|subject|date|to|mime-version|delivered-to|content-type)[ \t]*:"
)
_FIRST_LINE = re.compile(rb"[\x21-\x39\x3b-\x7e]{1,80}[ \t]?:")
_MONTH = re.compile(r"\d{4}(?:[-_.]?(?:\d{1,2}|[A-Z][a-z]+|q\d))?")
_GZIP = b"\x1f\x8b"
_FOLDERS = frozenset({"cur", "new"})
_LEFT_OUT = frozenset({"tmp", "attachments", "__MACOSX"})
_FLAGS = re.compile(r":2,\w*[TD]")
"""Mails of a maildir that are in the bin, or were never sent."""


@dataclass
class Places:
    """The mails at a place on the disk. `problems` are (file, what is wrong) of files that could not be read, and
    `broken` says why the place could not be read to its end."""

    place: Path
    problems: list[tuple[str, str]] = field(default_factory=list)
    broken: str = ""
    _unpacked: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Places":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._unpacked is not None:
            self._unpacked.cleanup()

    def mails(self) -> Iterator[Found]:
        """All mails, by name of their file and then in its order. Raises SourceError when there is no such place, or it
        is a file of another form."""
        if not self.place.exists():
            raise SourceError(Sentence("%(place)s is not there. Check the path.", place=self.place))
        try:
            if self.place.is_dir():
                yield from self._in_folder(self.place)
            elif (form := _form(self.place)) == "":
                raise SourceError(
                    Sentence(
                        "%(place)s is neither an mbox file nor a mail. Export the mailbox as mbox or as .eml files.",
                        place=self.place,
                    )
                )
            else:
                yield from self._in_file(self.place, self.place.name, form)
        except OSError as error:
            raise SourceError(
                Sentence(
                    "%(place)s cannot be read: %(reason)s. Check the path.",
                    place=self.place, reason=reason_of(error),
                )
            ) from error  # fmt: skip

    def _in_folder(self, folder: Path) -> Iterator[Found]:
        for parent, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
            for name in sorted(files):
                path = Path(parent) / name
                shown = str(path.relative_to(folder))
                if path.is_symlink() or (_FLAGS.search(name) and path.parent.name in _FOLDERS):
                    continue
                try:
                    form = _form(path)
                    if form:
                        yield from self._in_file(path, shown, form)
                    elif path.suffix.lower() in (".msg", ".pst", ".ost"):
                        own = Sentence("%(suffix)s is Outlook's own form. Save it as .eml or mbox", suffix=path.suffix)
                        self.problems.append((shown, own))
                except (OSError, SourceError) as error:
                    self.problems.append((shown, str(error)))

    def _in_file(self, path: Path, shown: str, form: str) -> Iterator[Found]:
        if form == "mbox":
            yield from mails_in(path, shown, self._group(shown))
        elif form == "mail":
            yield _mail(path, shown)
        elif form == "gzip":
            with gzip.open(path) as packed:
                unpacked = self._unpack(packed, shown)
            yield from self._in_unpacked(unpacked, shown)
        else:
            with archive(path, shown) as packed:
                yield from self._in_archive(packed, shown)

    def _in_archive(self, packed: Archive, shown: str) -> Iterator[Found]:
        for name in sorted(packed.names):
            if not _LEFT_OUT.intersection(Path(name).parts):
                with packed.open(name) as file:
                    unpacked = self._unpack(file, f"{shown}/{name}")
                yield from self._in_unpacked(unpacked, f"{shown}/{name}")

    def _group(self, shown: str) -> str | None:
        """What a mailbox is called: its file, or its folder when the file is called by a month, as in archives."""
        file = Path(shown)
        name = file.name.split(".")[0]
        if not _MONTH.fullmatch(name):
            return name or None
        above = file.parent.name.removesuffix(".zip") or (self.place if self.place.is_dir() else self.place.parent).name
        return above or name

    def _in_unpacked(self, path: Path, shown: str) -> Iterator[Found]:
        form = _form(path)
        if form == "mbox":
            yield from mails_in(path, shown, self._group(shown))
        elif form == "mail":
            yield _mail(path, shown)

    def _unpack(self, packed: IO[bytes] | gzip.GzipFile, shown: str) -> Path:
        """A file on the disk with what a packed one has, as far as it can be read."""
        if self._unpacked is None:
            self._unpacked = tempfile.TemporaryDirectory(prefix="kollega-mail-")
        handle, name = tempfile.mkstemp(dir=self._unpacked.name)
        size = 0
        with os.fdopen(handle, "wb") as file:
            try:
                while piece := _some(packed):
                    size += len(piece)
                    if size > LARGEST:
                        raise SourceError(
                            Sentence(
                                "%(name)s unpacks to more than %(mb)s MB. Import it in parts.",
                                name=shown, mb=LARGEST // 1000000,
                            )
                        )  # fmt: skip
                    file.write(piece)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                self.broken = Sentence(
                    "%(name)s is cut short or damaged after %(num)s bytes; the mails before were loaded. Fetch the "
                    "file again, then import it again.",
                    name=shown, num=size,
                )  # fmt: skip
        return Path(name)


def _some(packed: IO[bytes] | gzip.GzipFile) -> bytes:
    """The next bytes, also those right before a place from which on nothing can be unpacked."""
    piece: bytes = packed.read1(_PIECE) if isinstance(packed, gzip.GzipFile) else packed.read(_PIECE)
    return piece


def _mail(path: Path, shown: str) -> Found:
    """The mail that a file is."""
    with path.open("rb") as file:
        head = head_of(file.read(1_000_000))
    status = path.stat()
    received = datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
    return Found(head, lambda: _read(path), shown, 1, path.parent.name or None, received, status.st_size)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST)


def _form(path: Path) -> str:
    """`mbox`, `mail`, `gzip` or `zip`; empty for any other file."""
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    if beginning.startswith(_GZIP):
        return "gzip"
    if beginning.startswith(b"PK\x03\x04"):
        return "zip"
    bare = beginning.lstrip(b"\xef\xbb\xbf\r\n")
    if is_mbox(bare):
        return "mbox"
    in_maildir = path.parent.name in _FOLDERS
    starts = bool(_FIRST_LINE.match(bare) or bare.startswith(b">From "))
    known = len(_MAIL_HEADERS.findall(bare.replace(b"\r", b"")))
    return "mail" if starts and (known >= 2 or in_maildir or (known and path.suffix.lower() == ".eml")) else ""
