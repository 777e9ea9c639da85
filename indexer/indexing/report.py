"""The result of a run that brings the index up to date: counts, what was left out, and one line for an admin."""

from dataclasses import dataclass, field

from recommender.sentences.sentence import Sentence, joined


@dataclass
class ReindexReport:
    """What a run did: how many items and passages the whole index has, and the work of this run. `left_out` has a
    sentence about each item that was not indexed whole, and `waiting` counts changed items that were not chosen."""

    items: int = 0
    passages: int = 0
    encoded: int = 0
    reused: int = 0
    removed: int = 0
    waiting: int = 0
    seconds: float = 0.0
    generation: str = ""
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def failed_keys(self) -> list[str]:
        """The keys of the items that failed."""
        return [failure.partition(": ")[0] for failure in self.failed]

    def line(self) -> str:
        """All counts in one line, for an admin."""
        values = {name: getattr(self, name) for name in ("items", "passages", "encoded", "reused", "removed")}
        counts = Sentence(
            "items %(items)s, passages %(passages)s, encoded %(encoded)s, reused %(reused)s, removed %(removed)s, "
            "%(seconds)s s",
            **values,
            seconds=f"{self.seconds:.1f}",
        )
        waiting = Sentence("changed items that wait for the next run: %(num)s", num=self.waiting)
        return joined([counts, waiting], "; ") if self.waiting else counts
