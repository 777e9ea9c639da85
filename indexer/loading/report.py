"""The result of an import: counts, problems, and one line for an admin."""

from dataclasses import dataclass, field


@dataclass
class LoadReport:
    """How many records were added, updated and left unchanged; how many links were skipped because a request that they
    name does not exist; and what is wrong with the records that could not be loaded."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped_links: int = 0
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        """All counts in one line, for an admin."""
        bad = f", {len(self.problems)} could not be loaded" if self.problems else ""
        skipped = f", {self.skipped_links} links to unknown requests skipped" if self.skipped_links else ""
        return f"{self.added} added, {self.updated} updated, {self.unchanged} unchanged{skipped}{bad}"
