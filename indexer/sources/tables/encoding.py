"""Finds the encoding of a text file: by its byte order mark, else UTF-8 when it is that, else that of Windows or of old
Macs. What is neither is refused with a hint, never guessed."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20  # bytes read at once
_SAMPLE = 200_000  # bytes beside ASCII that are looked at to tell Windows from Mac: a judgement
_MOST_LETTERS = 0.35  # share of bytes beside ASCII; above, the text is in another script: a judgement
_FEW_BROKEN = 0.02  # share of the characters beside ASCII that may be broken in UTF-8: a judgement
_LETTERS = "äöåÄÖÅéÉèàüÜßñçøæØÆáíóúêîôûõ"
_WINDOWS, _MAC = "windows-1252", "mac_roman"
_RATIO, _SMALL = 300, 2_000_000_000  # a packed file that unpacks to more is a bomb: judgements
MIXED = "utf-8-or-windows-1252"
"""Name of the encoding of a file that is UTF-8 but for some bytes, which are read as Windows-1252."""


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode(_WINDOWS, "replace"), error.end


codecs.register_error("as-windows-1252", _as_windows)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file to read, unpacked when it was packed with gzip. Raises SourceError, also while it is read."""
    try:
        with path.open("rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                size = path.stat().st_size
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield cast("IO[bytes]", _Limited(unpacked, max(_SMALL, _RATIO * size), path))
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            Sentence(
                "%(file)s is cut short or damaged; the rows before were loaded. Fetch the file again, "
                "then import it again.",
                file=path,
            )
        ) from error
    except OSError as error:
        raise SourceError(
            Sentence("%(file)s cannot be read: %(reason)s. Check the path.", file=path, reason=reason_of(error))
        ) from error


class _Limited:
    """A file of which only so many bytes can be read."""

    def __init__(self, file: gzip.GzipFile, most: int, path: Path) -> None:
        self._file, self._left, self._path = file, most, path
        self.readable, self.seekable, self.writable = file.readable, lambda: False, file.writable
        self.closed, self.flush = False, lambda: None

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise SourceError(
                Sentence("%(file)s unpacks to far more than it is, and was not read further.", file=self._path)
            )
        return content

    read1 = read


def encoding_of(path: Path) -> str:
    """The name of the encoding of a file. Raises SourceError when it cannot be told, or when the file is no text."""
    with opened(path) as file:
        first = file.read(_CHUNK)
        for mark, name in _MARKS:
            if first.startswith(mark):
                return name
        if found := _without_mark(first):
            return found
        if b"\0" in first:
            raise SourceError(
                Sentence("%(file)s is no text file. Save it as CSV, or import it as `excel` or `documents`.", file=path)
            )
        if _is_utf8(first, file):
            return "utf-8"
    with opened(path) as file:
        return _by_its_bytes(path, file.read(_CHUNK), file)


def _without_mark(first: bytes) -> str:
    """UTF-16 that does not say so: every second byte is a zero in texts of our scripts."""
    sample = first[: 4096 - 4096 % 2]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if len(sample) >= 4 and max(even, odd) > 0.3 * len(sample) and min(even, odd) < 0.05 * len(sample):
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def _is_utf8(first: bytes, file: IO[bytes]) -> bool:
    decoder, chunk = codecs.getincrementaldecoder("utf-8")(), first
    try:
        while chunk:
            decoder.decode(chunk)
            chunk = file.read(_CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_its_bytes(path: Path, first: bytes, file: IO[bytes]) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    beside, broken, size, sample = 0, 0, 0, bytearray()
    chunk = first
    while True:
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            beside += sum(map(len, _BESIDE_ASCII.findall(text)))
            broken += sum(map(len, _BROKEN.findall(text)))
            if len(sample) < _SAMPLE:
                sample += b" ".join(_WORDS.findall(chunk))[:_SAMPLE]
        size += len(chunk)
        if not chunk:
            break
        chunk = file.read(_CHUNK)
    if broken <= _FEW_BROKEN * beside:
        return MIXED
    if beside > _MOST_LETTERS * size:
        raise SourceError(
            Sentence(
                "%(file)s is not UTF-8, and its encoding cannot be told from its characters. Write it "
                'into the mapping, such as encoding = "shift_jis", or save the file as UTF-8.',
                file=path,
            )
        )
    return _MAC if _is_mac(bytes(sample)) else _WINDOWS


_BESIDE_ASCII = re.compile("[^\x00-\x7f]+")
_BROKEN = re.compile("[\udc80-\udcff]+")
_WORDS = re.compile(rb"[A-Za-z]*[\x80-\xff]+[A-Za-z\x80-\xff]*")


def _is_mac(words: bytes) -> bool:
    """True when words with letters beside ASCII read clearly better as Mac Roman than as Windows-1252."""
    scores = []
    for name in (_WINDOWS, _MAC):
        text = words.decode(name, "replace")
        scores.append(sum(1 for before, letter in zip(" " + text, text, strict=False) if _fits(before, letter)))
    return scores[1] > 2 * scores[0]


def _fits(before: str, letter: str) -> bool:
    """True for a letter that our languages have, unless it is a capital one within a word."""
    return letter in _LETTERS and not (letter.isupper() and before.islower())
