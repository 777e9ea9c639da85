"""Pieces of Markdown, for converters of other formats: blocks, lists, tables, quotes, code, links."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_TICKS = re.compile(r"`{3,}")
_SPACES = re.compile(r"[ \t\u00a0]+")
_ADDRESS = re.compile(r"(?:https?|ftp|mailto):", re.IGNORECASE)
_SIGNS = re.compile(r"^(?:[ \t]|>|[-*+] |#{1,6} |\[[x ]\] )+")  # of quotes, lists, headings and tasks
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
_MOST_COLUMNS = 200  # of a table: what is wider comes from a fault, and would be filled up with empty cells


def blocks(parts: Iterable[str]) -> str:
    """Blocks with an empty line between them; empty ones are left out."""
    return "\n\n".join(part for part in (part.strip("\n") for part in parts) if part.strip())


def heading(level: int, text: str) -> str:
    """A heading in one line; empty without text."""
    words = one_line(text)
    return f"{'#' * min(max(level, 1), 6)} {words}" if words else ""


def fenced(code: str, language: str = "") -> str:
    """A block of code. Its fence is longer than any in the code."""
    code = code.replace("\r\n", "\n").strip("\n")
    if not code.strip():
        return ""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in _TICKS.findall(code))])
    return f"{fence}{language if _LANGUAGE.fullmatch(language) else ''}\n{code}\n{fence}"


def code(text: str) -> str:
    """Code in a line; text with a backtick or of several lines stays as it is."""
    return f"`{text}`" if text.strip() and "`" not in text and "\n" not in text else text


def quoted(text: str) -> str:
    """A quote of one or more blocks."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip("\n").split("\n")) if text.strip() else ""


def item(text: str, marker: str = "-") -> str:
    """An item of a list; its further lines are indented as wide as its marker."""
    first, _, rest = text.strip("\n").partition("\n")
    margin = " " * (len(marker) + 1)
    lines = [f"{marker} {first}".rstrip(), *(f"{margin}{line}".rstrip() for line in rest.split("\n") if rest)]
    return "\n".join(lines)


def link(words: str, address: str) -> str:
    """A link; the address alone when the words say the same, the words alone when they lead nowhere outside."""
    words, address = one_line(words), address.strip()
    if not _ADDRESS.match(address) or any(character.isspace() for character in address):
        return words or address
    bare = address.removeprefix("mailto:")
    if not words or words in (address, bare):
        return bare
    target = f"<{address}>" if re.search(r"[()<>]", address) else address
    return f"[{words.replace('[', '(').replace(']', ')')}]({target})"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table, whose first row is its heading. Rows are filled up to the widest; empty rows are left out."""
    cells = [[_cell(cell) for cell in row[:_MOST_COLUMNS]] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(len(row) for row in cells)
    lines = ["| " + " | ".join([*row, *[""] * (width - len(row))]) + " |" for row in cells]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _cell(text: str) -> str:
    """The text of a cell in one line: its lines after semicolons, without the signs of lists, quotes and code."""
    lines = [_bare(line) for line in text.split("\n")]
    joined = "; ".join(line for line in lines if line)
    return one_line(re.sub(r"(?<=[.,:;!?]);(?= )", "", joined)).replace("\\|", "|").replace("|", "\\|")


def _bare(line: str) -> str:
    """A line of a cell without the signs before it; a row of a table in it has commas between its cells."""
    line = _SIGNS.sub("", line).strip()
    if re.match(r"\|(?: ?-{3,} ?\|)+$", line) or _TICKS.match(line):
        return ""
    if line.startswith("| ") and line.endswith(" |"):
        return ", ".join(cell.strip() for cell in line.strip("| ").split(" | ") if cell.strip())
    return line


def one_line(text: str) -> str:
    """The text in one line, with single spaces."""
    return " ".join(text.split())


def single_spaces(text: str) -> str:
    """The text with single spaces, and none at the ends of lines; the lines stay."""
    return "\n".join(_SPACES.sub(" ", line).strip() for line in text.strip().split("\n"))


def day_of(milliseconds: str | int | float) -> str:
    """The day of a Unix time in milliseconds, as 2026-03-02 in UTC; the value itself when it is none."""
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError, TypeError):
        return str(milliseconds)
