"""Puts mails into threads: by the mails that they name, then by their subjects within some weeks.

Mails may name each other in a circle, or mails that are not there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from indexer.sources.mail.letter import Letter


@dataclass
class Thread:
    """The mails of a thread: the first one, and those that follow it in the order in which they were written."""

    first: Letter
    others: list[Letter]

    @property
    def last_date(self) -> datetime:
        """When its last mail was written."""
        return max(letter.date for letter in (self.first, *self.others))


class _Sets:
    """Sets of ids that belong together."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def of(self, identifier: str) -> str:
        """The id that stands for the set."""
        root = identifier
        while (above := self._parent.get(root, root)) != root:
            root = above
        while (above := self._parent.get(identifier, identifier)) != root:
            self._parent[identifier] = root
            identifier = above
        return root

    def join(self, first: str, second: str) -> None:
        """Put two ids, and all that belong to them, into one set."""
        self._parent[self.of(second)] = self.of(first)


def threads_of(letters: Iterable[Letter], within: timedelta) -> list[Thread]:
    """The threads of these mails, in the order in which they began. Of mails with one id the first one counts.
    `within` is how long after the last mail of a thread a reply with its subject belongs to it."""
    by_id: dict[str, Letter] = {}
    for letter in letters:
        by_id.setdefault(letter.id, letter)
    sets = _Sets()
    for letter in by_id.values():
        for parent in letter.parents:
            sets.join(parent, letter.id)
    groups: dict[str, list[Letter]] = {}
    for letter in by_id.values():
        groups.setdefault(sets.of(letter.id), []).append(letter)
    threads = sorted((_thread(group) for group in groups.values()), key=_began)
    return _joined_by_subject(threads, within)


def _began(thread: Thread) -> tuple[datetime, str]:
    return thread.first.date, thread.first.id


def _thread(letters: Sequence[Letter]) -> Thread:
    """A thread of these mails. The first is the earliest that answers none of the others; the earliest of all when they
    answer each other in a circle."""
    ordered = sorted(letters, key=lambda letter: (letter.date, letter.file, letter.number))
    ids = {letter.id for letter in ordered}
    beginnings = [letter for letter in ordered if not ids.intersection(letter.parents)]
    plain = [letter for letter in beginnings if not letter.answers]
    first = (plain or beginnings or ordered)[0]
    return Thread(first, [letter for letter in ordered if letter is not first])


def _joined_by_subject(threads: Sequence[Thread], within: timedelta) -> list[Thread]:
    """The threads, with those whose first mail is a reply to an unknown one added to the latest with its subject."""
    latest: dict[str, Thread] = {}
    kept: list[Thread] = []
    for thread in threads:
        topic = thread.first.topic
        earlier = latest.get(topic) if thread.first.answers and topic else None
        if earlier is not None and thread.first.date - earlier.last_date <= within:
            earlier.others = sorted(
                [*earlier.others, thread.first, *thread.others], key=lambda letter: (letter.date, letter.number)
            )
            continue
        kept.append(thread)
        if topic:
            latest[topic] = thread
    return kept
