"""What an import did."""

from dataclasses import dataclass, field


@dataclass
class LoadReport:
    """How many records were added, updated and left unchanged, and the complaints about the others."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    passed_over: int = 0
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The one line an admin wants."""
        bad = f", {len(self.problems)} could not go in" if self.problems else ""
        over = f", {self.passed_over} links to requests that are not there passed over" if self.passed_over else ""
        return f"{self.added} added, {self.updated} updated, {self.unchanged} unchanged{over}{bad}"
