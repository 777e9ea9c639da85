"""The result of an import: counts, problems, what was changed, and one line for an admin."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_MOST_VALUES = 20  # values that are named of one kind of change: a judgement


@dataclass
class Changes:
    """One kind of change that made records usable: how often, where first, and for which values."""

    first: str
    count: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def shown(self) -> str:
        """`3 times, first at file:7: priority (2), impact`."""
        times = "once, at" if self.count == 1 else f"{self.count} times, first at"
        values = [f"{value} ({n})" if n > 1 else value for value, n in self.values.most_common(_MOST_VALUES)]
        more = len(self.values) - len(values)
        named = ", ".join(values) + (f" and {more} more" if more else "")
        return f"{times} {self.first}" + (f": {named}" if named else "")


@dataclass
class LoadReport:
    """How many records were added, updated and left unchanged; how many links were skipped because a request that they
    name does not exist; what is wrong with the records that could not be loaded; and, by kind, what was changed to make
    records usable."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped_links: int = 0
    problems: list[str] = field(default_factory=list)
    changes: dict[str, Changes] = field(default_factory=dict)

    def tell(self, change: str, value: str, place: str) -> None:
        """Count a change of this kind, which was made for `value` (may be empty) in the record at `place`."""
        changes = self.changes.setdefault(change, Changes(place))
        changes.count += 1
        if value:
            changes.values[value] += 1

    def change_lines(self) -> Iterator[str]:
        """A line for each kind of change, for an admin."""
        for change, changes in self.changes.items():
            yield f"{change} ({changes.shown()})"

    def line(self) -> str:
        """All counts in one line, for an admin."""
        bad = f", {len(self.problems)} could not be loaded" if self.problems else ""
        skipped = f", {self.skipped_links} links to unknown requests skipped" if self.skipped_links else ""
        return f"{self.added} added, {self.updated} updated, {self.unchanged} unchanged{skipped}{bad}"
