"""The result of an import: counts, problems, what was changed, and one line for an admin."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.merge import DELETED, Merge
from indexer.sources.records import Change
from recommender.database.import_tables import ImportConflict
from recommender.sentences.sentence import Sentence, joined

MOST_LINES = 50
"""Lines that are kept and printed of one kind: a judgement."""
_MOST_VALUES = 20  # values that are named of one kind of change: a judgement


class Lines(list[str]):
    """Lines of one kind for an admin: the first MOST_LINES that are appended, and how many `more` there were, so that
    an import of many bad records neither floods the screen nor the memory. What is added with += is always kept."""

    def __init__(self) -> None:
        super().__init__()
        self.more = 0

    def append(self, line: str) -> None:
        """Keep the line, or count it."""
        if len(self) < MOST_LINES:
            super().append(line)
        else:
            self.more += 1

    @property
    def total(self) -> int:
        """How many lines there were."""
        return len(self) + self.more

    def shown(self, prefix: str, what: str) -> Iterator[str]:
        """The lines, each after the prefix, and one that says how many more there were."""
        yield from (f"{prefix}{line}" for line in self)
        if self.more:
            yield f"{prefix}and {self.more} more {what}"


@dataclass
class Changes:
    """One kind of change that made records usable: how often, where first, and for which values."""

    first: str
    count: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def shown(self) -> str:
        """`3 times, first at file:7: priority (2), impact`."""
        once = Sentence("once, at %(place)s", place=self.first)
        times = Sentence("%(num)s times, first at %(place)s", num=self.count, place=self.first)
        values = [f"{value} ({n})" if n > 1 else value for value, n in self.values.most_common(_MOST_VALUES)]
        named, more = ", ".join(values), len(self.values) - len(values)
        if more:
            named = Sentence("%(values)s and %(num)s more", values=named, num=more)
        return joined([once if self.count == 1 else times, *([named] if named else [])], ": ")


@dataclass
class LoadReport:
    """How many records were added, updated and left unchanged; how many items were removed because their source has
    deleted them; how many links were skipped because a request that they
    name does not exist; what is wrong with the records that could not be loaded; and, by kind, what was changed to make
    records usable. `conflicts` and `not_widened` say where what is here was kept: because it has changed both here and
    in the source, or because more people could have read. `widened` are the people who were here and may do or
    read more now. `show` is called with a line for each record that is added or
    updated. `readers` counts the new requests and documents by who may read them. `broken_off` says why the source
    could not be read to its end; it is the last of the problems. `tells_known` is False when what was changed to make
    records usable is told of new and changed records only."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped_links: int = 0
    problems: Lines = field(default_factory=Lines)
    changes: dict[str, Changes] = field(default_factory=dict)
    conflicts: Lines = field(default_factory=Lines)
    not_widened: Lines = field(default_factory=Lines)
    widened: list[str] = field(default_factory=list)
    show: Callable[[str], None] | None = None
    readers: Counter[str] = field(default_factory=Counter)
    broken_off: str = ""
    tells_known: bool = True

    def count_readers(self, kind: str, tokens: Iterable[str]) -> None:
        """Count a new item of a kind by who may read it, without naming people: an asker may be anonymous."""
        named = {"people" if token.startswith("person:") else token for token in tokens}
        self.readers[f"{kind} for {' and '.join(sorted(named)) or 'nobody'}"] += 1

    def count(self, place: str, item: tuple[str, str], merge: Merge, changed: bool) -> None:
        """Count a record that was written; `item` is its kind and id."""
        self.added += merge.new
        self.updated += changed and not merge.new
        self.unchanged += not changed and not merge.new
        where = f"{place}: {' '.join(item)}"
        if DELETED in merge.kept:
            self.conflicts.append(Sentence("%(where)s: deleted in the source, and changed here", where=where))
        elif merge.kept:
            kept = ", ".join(merge.kept)
            said = Sentence("%(where)s: %(fields)s changed both here and in the source", where=where, fields=kept)
            self.conflicts.append(said)
        if merge.not_widened:
            kept = ", ".join(merge.not_widened)
            said = Sentence("%(where)s: %(fields)s would let more people read", where=where, fields=kept)
            self.not_widened.append(said)
        if self.show is not None and merge.new:
            self.show(Sentence("%(where)s: added", where=where))
        elif self.show is not None and changed:
            taken = Sentence("%(where)s: updated %(fields)s", where=where, fields=", ".join(merge.taken))
            self.show(taken if merge.taken else Sentence("%(where)s: known here already", where=where))

    def count_removed(self, place: str, item: tuple[str, str]) -> None:
        """Count an item that was removed; `item` is its kind and id."""
        self.removed += 1
        if self.show is not None:
            self.show(Sentence("%(where)s: removed", where=f"{place}: {' '.join(item)}"))

    def tell_all(self, place: str, changes: Iterable[Change]) -> None:
        """Count the changes that were made in the record at `place`."""
        for change, value in changes:
            self.tell(change, value, place)

    def tell(self, change: str, value: str, place: str) -> None:
        """Count a change of this kind, which was made for `value` (may be empty) in the record at `place`."""
        changes = self.changes.setdefault(change, Changes(place))
        changes.count += 1
        if value:
            changes.values[value] += 1

    def problem_lines(self) -> Iterator[str]:
        """A line for each record that could not be loaded, for an admin: at most MOST_LINES, and then their number."""
        return self.problems.shown("", "that could not be loaded")

    def change_lines(self) -> Iterator[str]:
        """A line for each kind of change, for an admin."""
        for change, changes in self.changes.items():
            yield Sentence("%(change)s (%(where)s)", change=change, where=changes.shown())

    def conflict_lines(self) -> Iterator[str]:
        """A line for each record of which what is here was kept, for an admin."""
        yield from self.conflicts.shown("kept: ", "conflicts (kollega import conflicts lists them)")
        yield from self.not_widened.shown("not widened: ", "(kollega import conflicts lists them)")
        yield from (f"WIDENED: {line}" for line in self.widened)

    def counts(self) -> dict[str, int]:
        """All counts."""
        counts = {"added": self.added, "updated": self.updated, "unchanged": self.unchanged}
        counts |= {"removed": self.removed} if self.removed else {}
        counts |= {"conflicts": self.conflicts.total, "not_widened": self.not_widened.total}
        return counts | {"skipped_links": self.skipped_links, "problems": self.problems.total}

    def line(self) -> str:
        """All counts in one line, for an admin."""
        counts = {"added": self.added, "updated": self.updated, "unchanged": self.unchanged}
        parts = [Sentence("%(added)s added, %(updated)s updated, %(unchanged)s unchanged", **counts)]
        if self.removed:
            parts.append(Sentence("%(num)s removed", num=self.removed))
        if self.conflicts:
            one = self.conflicts.total == 1
            parts.append(Sentence("1 conflict") if one else Sentence("%(num)s conflicts", num=self.conflicts.total))
        if number := self.not_widened.total:
            one_kept, kept = Sentence("1 audience not widened"), Sentence("%(num)s audiences not widened", num=number)
            parts.append(one_kept if number == 1 else kept)
        if self.skipped_links:
            parts.append(Sentence("%(num)s links to unknown requests skipped", num=self.skipped_links))
        if self.problems:
            parts.append(Sentence("%(num)s could not be loaded", num=self.problems.total))
        return joined(parts, ", ")


def stored_conflicts(session: Session) -> Iterator[str]:
    """A line for each record of which imports kept what is here: day, source, kind, id, fields, place in its file."""
    query = select(ImportConflict).order_by(ImportConflict.at, ImportConflict.source, ImportConflict.external_id)
    for row in session.scalars(query):
        fields = [f"kept: {', '.join(row.kept)}"] if row.kept else []
        fields += [f"not widened: {', '.join(row.not_widened)}"] if row.not_widened else []
        yield "\t".join((f"{row.at:%Y-%m-%d}", row.source, row.kind, row.external_id, "; ".join(fields), row.place))
