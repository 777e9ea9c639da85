"""Guides that a system lists as a whole each time, because it does not tell which have changed: what is gone there.

The mark of such a source has the ids of the last time beside the mark of its tickets.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.sources.protocol import Mark
from indexer.sources.records import DeletedRecord, Located

_FEW, _SHARE = 10, 0.2
"""How many guides, and which share, may vanish between two reads: more is left to a read from the beginning, after
which an admin is asked."""


@dataclass
class Listed:
    """The ids of the guides that were listed the last time, and of those that are listed now; `tickets` is the mark up
    to which tickets were read."""

    tickets: str | None
    before: list[str]
    now: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, since: str | None) -> "Listed":
        """What a mark has; one without guides is the mark of tickets alone."""
        if not (since and since.startswith("{")):
            return cls(since, [])
        held = json.loads(since)
        return cls(held["tickets"] or None, held["guides"])

    def gone(self) -> Iterator[Located]:
        """The guides that are not listed any more; none when that are many, which proves no deletion."""
        gone = sorted(set(self.before) - set(self.now))
        if self.now and (len(gone) <= _FEW or len(gone) <= _SHARE * len(self.before)):
            for identifier in gone:
                yield Located(f"deleted {identifier}", 0, DeletedRecord(type="document", id=identifier))

    def mark(self, each: Mark | None = None) -> Mark:
        """The mark of the source at a mark of its tickets; without one at that from which they are read."""
        return Mark(json.dumps({"tickets": each.value if each else self.tickets, "guides": self.now}))
