"""Which column of a table is what: by the words of its heading, as far as its cells agree."""

import re
from collections import Counter
from dataclasses import dataclass, field

from indexer.sources.tables.dates import read_time_of
from indexer.sources.tables.words import heading_words, is_yes, plain_heading, state_of

Roles = dict[str, tuple[tuple[int, ...], str]]
"""{role: (places of its columns, why)}."""

_TIMES = frozenset({"created", "resolved", "updated", "verified"})
_SEVERAL = frozenset({"tags", "comments", "notes", "attachments", "properties", "name"})
"""Roles that take every column with one of their headings."""
_REPEATED = frozenset({"body", "answer", "readers"})
"""Roles that take all columns of one heading."""
_ORDER = (
    "comments", "notes", "title", "body", "answer", "status", "outcome", "created", "resolved", "updated", "verified",
    "id", "asker", "asker_email", "asker_id", "agent", "agent_email", "agent_id", "group", "owner", "owner_email",
    "duplicate_of", "readers", "private", "public", "tags", "language", "url", "attachments", "name", "email",
    "properties",
)  # fmt: skip
_KEPT_TEXTS = 50  # of a column: a judgement


@dataclass
class ColumnSample:
    """A column with what its first cells are like."""

    number: int
    heading: str
    texts: list[str] = field(default_factory=list)
    seen: int = 0
    filled: int = 0
    times: int = 0
    mails: int = 0
    letters: int = 0
    addresses: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def see(self, cell: str) -> None:
        """Take a cell into account."""
        self.seen += 1
        if not cell:
            return
        self.filled += 1
        self.letters += len(cell)
        self.mails += "@" in cell
        self.addresses += cell.startswith(("http://", "https://"))
        self.times += read_time_of(cell, "day-first") is not None or read_time_of(cell, "month-first") is not None
        if len(self.values) < 1000:
            self.values[cell[:80]] += 1
        if len(self.texts) < _KEPT_TEXTS:
            self.texts.append(cell)

    def share(self, count: int) -> float:
        """The share of the filled cells."""
        return count / self.filled if self.filled else 0.0

    def are_names(self) -> bool:
        """True when most cells are names of people without anything that tells who is meant."""
        named = sum(1 for text in self.texts if " " in text and "@" not in text)
        return bool(self.texts) and 2 * named > len(self.texts)


def assign_roles(columns: list[ColumnSample]) -> Roles:
    """The role of each column whose heading names one and whose cells agree."""
    roles: Roles = {}
    taken: set[int] = set()
    for role in _ORDER:
        ranked = sorted(
            (rank, column.number) for column in columns
            if column.number not in taken and (rank := _rank(role, column)) is not None
        )  # fmt: skip
        if not ranked:
            continue
        first = columns[ranked[0][1]]
        if role == "name" and ranked[0][0] < heading_words()["name"].index("first name"):
            places = [first.number]  # the whole name; else given and family name are joined
        elif role in _SEVERAL:
            places = sorted(number for _rank_, number in ranked)
        elif role in _REPEATED:
            places = [number for _rank_, number in sorted(ranked) if columns[number].heading == first.heading]
        else:
            places = [first.number]
        roles[role] = (tuple(places), _why(role, first))
        taken |= set(places)
    return roles


def _rank(role: str, column: ColumnSample) -> int | None:
    """How sure the heading names the role, lower is surer; None when it does not, or the cells speak against it."""
    heading = plain_heading(re.sub(r"(?i)^custom field \((.*)\)$", r"\1", column.heading))
    heading = heading.removesuffix(" value")  # as tables that were flattened have beside " link"
    words = heading_words()[role]
    if heading not in words or not _agrees(role, column):
        return None
    return words.index(heading)


def _agrees(role: str, column: ColumnSample) -> bool:
    if not column.filled:
        return (role == "title" and not column.seen) or role not in (
            "title",
            "created",
            "id",
            "properties",
            "outcome",
            "name",
            "tags",
        )
    if role in _TIMES:
        return column.share(column.times) >= 0.8
    if role.endswith("email"):
        return column.share(column.mails) >= 0.8
    if role == "url":
        return column.share(column.addresses) >= 0.8
    if role == "id":
        return column.values.most_common(1)[0][1] <= 1 + column.filled // 10 and column.letters / column.filled <= 80
    if role in ("private", "public"):
        return all(is_yes(value) is not None for value in column.values)
    if role in ("outcome", "status"):
        return _are_states(column)
    if role in ("answer", "title", "body"):
        few = 20 * len(column.values) < column.filled and column.letters / column.filled <= 40
        return column.share(column.times) < 0.5 and not (role == "answer" and (few or _all_known(column)))
    if role in ("group", "asker", "agent", "owner", "language", "tags"):
        return column.share(column.times) < 0.5 and column.letters / column.filled <= 120
    return True


def _are_states(column: ColumnSample) -> bool:
    short = column.letters / column.filled <= 40 and column.share(column.times) < 0.5
    return short and (_all_known(column) or len(column.values) <= max(3, min(40, column.filled // 3)))


def _all_known(column: ColumnSample) -> bool:
    known = sum(count for value, count in column.values.items() if state_of(value))
    return 2 * known >= sum(column.values.values())


def _why(role: str, column: ColumnSample) -> str:
    if role in _TIMES and column.filled:
        return f"its heading, and {column.times} of {column.filled} cells looked at are times"
    if role.endswith("email") and column.filled:
        return f"its heading, and {column.mails} of {column.filled} cells looked at are mail addresses"
    if role == "id":
        return f"its heading, and {len(column.values)} of {column.filled} cells looked at differ"
    return "its heading"
