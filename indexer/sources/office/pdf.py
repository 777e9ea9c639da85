"""PDF files as Markdown: headings by the size of letters, paragraphs joined, and what stands on every page left out."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from indexer.files.pdf_reader import lines_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

Line = tuple[str, float]
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st",
              0x00AD: "-", 0x2010: "-", 0x2011: "-", 0x00A0: " ", 0xF0B7: "•", 0xF0A7: "•", 0x0000: ""}  # fmt: skip
_BULLET = re.compile(r"^\s*(?:[•◦▪●○■–]|o(?= ))\s*")
_ITEM = re.compile(r"^(?:- |\d{1,3}[.)] )")
_EDGE = 3  # lines at the top and bottom of a page that may stand on every page
_OFTEN = 0.6  # share of the pages on which they then stand: a judgement
_LARGER = 1.15  # how much larger than the text a heading is: a judgement
_LONGEST_HEADING, _LEVELS = 150, 3
_FULL = 0.75  # share of the usual width from which on a line is one that goes on: a judgement


def markdown_of(path: Path) -> dict[str, str]:
    """The text of a PDF file. Raises SourceError when it has none, or a password."""
    found = lines_of(path)
    if found is None:
        raise SourceError(
            Sentence("%(name)s has a password. Save it without one, then import it again.", name=path.name)
        )
    pages = [[(_clean(text), size) for text, size in page] for page in found]
    pages = _without_furniture([[line for line in page if line[0]] for page in pages])
    lines = [line for page in pages for line in page]
    if not lines:
        raise SourceError(
            Sentence(
                "%(name)s has no text: its pages may be pictures. Have their text recognised (OCR), then "
                "import it again.",
                name=path.name,
            )
        )
    return {"text": _paragraphs(lines, _heading_sizes(lines))}


def _clean(text: str) -> str:
    return " ".join(text.translate(_LIGATURES).split())


def _without_furniture(pages: list[list[Line]]) -> list[list[Line]]:
    """Without lines that most pages have at their top or bottom but for numbers, and numbers of pages."""
    if len(pages) < 3:
        return pages
    usual = _usual_size([line for page in pages for line in page])
    edges = Counter(key for page in pages for key in {_key(text) for text, _size in page[:_EDGE] + page[-_EDGE:]})
    often = {key for key, count in edges.items() if count >= _OFTEN * len(pages) and count > 2}

    def inner(page: list[Line]) -> list[Line]:
        for _place in range(_EDGE):
            if page and _key(page[0][0]) in often and page[0][1] < _LARGER * usual:
                page = page[1:]
        return page

    return [inner(inner(page)[::-1])[::-1] for page in pages]


def _usual_size(lines: Sequence[Line]) -> float:
    """The size of most letters."""
    letters: Counter[float] = Counter()
    for text, size in lines:
        letters[size] += len(text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _key(line: str) -> str:
    return re.sub(r"\d+", "0", line.casefold())


def _heading_sizes(lines: Sequence[Line]) -> list[float]:
    """The sizes of letters that headings have, the largest first; none when the whole text has one size."""
    usual = _usual_size(lines)
    larger = sorted(
        {size for text, size in lines if size >= _LARGER * usual and any(c.isalpha() for c in text)}, reverse=True
    )
    return larger[:_LEVELS]


def _paragraphs(lines: Sequence[Line], sizes: list[float]) -> str:
    widths = sorted(len(text) for text, size in lines if size not in sizes) or [0]
    width = widths[int(0.9 * (len(widths) - 1))]
    blocks: list[str] = []
    last_size, last_width = 0.0, 0
    for text, size in lines:
        bullet = _BULLET.match(text)
        text = f"- {text[bullet.end() :]}" if bullet else re.sub(r"^(#+ )", r"\\\1", text)
        is_heading = size in sizes and len(text) <= _LONGEST_HEADING and not bullet
        goes_on = bool(blocks) and last_size == size and not _ITEM.match(text)
        if is_heading and goes_on and blocks[-1].startswith("#") and len(blocks[-1]) + len(text) <= _LONGEST_HEADING:
            blocks[-1] = _joined(blocks[-1], text)
        elif is_heading:
            blocks.append(f"{'#' * (sizes.index(size) + 1)} {text}")
        elif goes_on and not blocks[-1].startswith("#") and last_width >= _FULL * width:
            blocks[-1] = _joined(blocks[-1], text)
        else:
            blocks.append(text)
        last_size, last_width = size, len(text)
    return _spaced(blocks)


def _joined(before: str, text: str) -> str:
    """Two lines as one. A hyphen at the end of a line goes, unless it belongs to the word: before a capital letter or a
    number, and between two vowels that are the same, as in Finnish `linja-auto`."""
    if before.endswith("-") and len(before) > 1 and before[-2].isalpha() and text[:1].islower():
        return before + text if before[-2] == text[0] and text[0] in "aeiouyäö" else before[:-1] + text
    return f"{before} {text}" if not before.endswith("-") else before + text


def _spaced(blocks: list[str]) -> str:
    """The blocks with an empty line between paragraphs, and none between items of a list and lines such as an address
    has them."""
    parts: list[str] = []
    for before, block in zip(["", *blocks], blocks, strict=False):
        items = _ITEM.match(block) and _ITEM.match(before)
        short = not (before.startswith("#") or block.startswith("#") or before.endswith((".", ":", "?", "!")))
        parts += ["" if not before else "\n" if items or (short and not _ITEM.match(block)) else "\n\n", block]
    return "".join(parts)
