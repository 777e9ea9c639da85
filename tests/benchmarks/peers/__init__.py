"""Kollega measured against what somebody would build or take instead: the same pages, questions and embedding model,
one engine after the other, each in a process of its own. `make peers` prints the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Page:
    """Something to find: its text begins with its title, if it has one."""

    id: str
    text: str
    language: str


class Peer(Protocol):
    """A search engine with the packaged model, in its ordinary use: by vectors and words where it can do both."""

    def index(self, pages: Sequence[Page]) -> None:
        """Make all pages findable."""
        ...

    def ask(self, question: str, depth: int) -> list[str]:
        """The ids of the first `depth` pages, best first."""
        ...
