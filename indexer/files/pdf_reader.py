"""The process that reads one PDF: `python -m indexer.files.pdf_reader FILE CHARACTERS` writes its text page by page."""

import logging
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MEMORY = 1_000_000_000  # bytes of address space beyond what is used at the start: a judgement
_CPU_SECONDS = 30  # a judgement
_PAGES = 300  # a judgement: what is beyond is not searchable


def main(path: str, characters: int) -> None:
    """Write the text of the first pages to standard output, until it has this many characters. What was read before a
    limit was met has been written."""
    from pypdf import PdfReader

    logging.disable()  # pypdf reports each oddity of a file
    _limit()
    written = 0
    with open(path, "rb") as file:
        reader = PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            return
        for page in reader.pages[:_PAGES]:
            text = " ".join(page.extract_text().replace("\n", " \n").split(" ")).strip()
            if text:
                sys.stdout.buffer.write(f"{text[: characters - written]}\n\n".encode("utf-8", "replace"))
                sys.stdout.buffer.flush()
                written += len(text) + 2
            if written >= characters:
                return


def lines_of(path: Path) -> Iterator[list[tuple[str, float]]] | None:
    """(text, size of its largest letters in points) of each line of each page; None when the file has a password."""
    from pypdf import PdfReader

    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        return None
    return (_lines(page) for page in reader.pages[:_PAGES])


def _lines(page: Any) -> list[tuple[str, float]]:
    lines: list[tuple[str, float]] = []
    text, largest = "", 0.0

    def visit(part: str, outer: Any, matrix: Any, _font: Any, size: float) -> None:
        nonlocal text, largest
        scale = abs(matrix[3] or matrix[1]) * abs(outer[3] or outer[1]) or 1.0
        for place, words in enumerate(part.split("\n")):
            if place:
                lines.append((text, largest))
                text, largest = "", 0.0
            text += words
            if words.strip():
                largest = max(largest, round(size * scale, 1))

    page.extract_text(visitor_text=visit)
    return [*lines, (text, largest)]


def _limit() -> None:
    """Limit the processor time and memory of this process, and let it write no file."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
