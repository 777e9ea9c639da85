"""Rows of cells as a table of Markdown."""

from collections.abc import Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """The rows that have text, the first as the names of the columns; empty when there are none."""
    filled = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows if any(row)]
    if not filled:
        return ""
    width = max(len(row) for row in filled)
    lines = [row + [""] * (width - len(row)) for row in filled]
    lines.insert(1, ["---"] * width)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
