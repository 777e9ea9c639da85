"""What has changed between two texts, line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MOST_LINES = 5_000  # of a text that is compared, so that it takes a bounded time: a judgement
_CONTEXT = 2  # lines around a change that are shown: a judgement


class Change(StrEnum):
    """What became of lines."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    SKIPPED = "skipped"  # the same, and not shown


@dataclass(frozen=True)
class Lines:
    """Lines in a row that share what became of them. Skipped lines are counted by `count` and not listed."""

    change: Change
    lines: tuple[str, ...]
    count: int


def compare(old: str, new: str) -> list[Lines] | None:
    """How the lines of `old` became those of `new`, in order; empty when they are the same, None when a text has too
    many lines."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    if max(len(before), len(after)) > MOST_LINES:
        return None
    changes: list[Lines] = []
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
        start = group[0][1]
        _add(changes, Change.SKIPPED, (), start - _read(changes))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                _add(changes, Change.SAME, before[old_from:old_to])
            else:
                _add(changes, Change.REMOVED, before[old_from:old_to])
                _add(changes, Change.ADDED, after[new_from:new_to])
    _add(changes, Change.SKIPPED, (), len(before) - _read(changes))
    return changes


def _add(changes: list[Lines], change: Change, lines: Sequence[str], count: int | None = None) -> None:
    number = len(lines) if count is None else count
    if number:
        changes.append(Lines(change, tuple(lines), number))


def _read(changes: Sequence[Lines]) -> int:
    """How many lines of the old text the changes cover."""
    return sum(part.count for part in changes if part.change is not Change.ADDED)
