"""The tickets behind a local server: in memory, with a clock of their own, so that tests can change them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Person:
    """Somebody who asks (an even id) or an agent (an odd one)."""

    id: int

    @property
    def name(self) -> str:
        return f"{'Agentti' if self.is_agent else 'Kysyjä'} {self.id}"

    @property
    def mail(self) -> str:
        return f"person{self.id}@example.org"

    @property
    def is_agent(self) -> bool:
        return self.id % 2 == 1


@dataclass
class Note:
    """A message in a ticket."""

    id: int
    author: Person
    text: str
    at: datetime
    public: bool = True


@dataclass
class Ticket:
    """A ticket; its `state` is "open", "solved" (with an answer), "unanswered" (over without one) or "merged"."""

    id: int
    title: str
    text: str
    asker: Person
    at: datetime
    changed: datetime
    state: str = "open"
    solved: datetime | None = None
    group: str = "IT"
    private: bool = False
    deleted: bool = False
    merged_into: int | None = None
    notes: list[Note] = field(default_factory=list)


class Desk:
    """Tickets by their ids, and what happens to them. Each act happens `pace` after the one before."""

    def __init__(self, count: int = 0, pace: timedelta = timedelta(seconds=7)) -> None:
        self.tickets: dict[int, Ticket] = {}
        self.deleted: dict[int, datetime] = {}
        self.now, self._pace, self._notes = BEGINNING, pace, 0
        for number in range(1, count + 1):
            self.add(f"Kysymys {number}: tulostin ei toimi", f"Tulostin {number} ei tulosta.\n\nVirhe 0x{number:04x}.")
            if number % 3:
                self.answer(number, f"Käynnistä palvelu {number} uudelleen.")

    def add(self, title: str, text: str) -> Ticket:
        """A new ticket."""
        number, now = len(self.tickets) + len(self.deleted) + 1, self._tick()
        asker = Person(2 * (number % 5 + 1))
        self.tickets[number] = Ticket(number, title, text, asker, now, now)
        return self.tickets[number]

    def note(self, number: int, text: str, public: bool = True, author: int = 1) -> None:
        """A message of somebody."""
        self._notes += 1
        ticket = self.tickets[number]
        ticket.notes.append(Note(self._notes, Person(author), text, self._tick(), public))
        ticket.changed = self.now

    def answer(self, number: int, text: str) -> None:
        """An internal note, an answer of an agent, and thanks."""
        self.note(number, f"Sisäinen huomio {number}", public=False)
        self.note(number, text, author=3)
        ticket = self.tickets[number]
        ticket.state, ticket.solved, ticket.changed = "solved", self.now, self._tick()

    def change(self, number: int, text: str) -> None:
        """Change the question."""
        self.tickets[number].text, self.tickets[number].changed = text, self._tick()

    def touch(self, number: int) -> None:
        """Change something that nobody reads."""
        self.tickets[number].changed = self._tick()

    def hide(self, number: int) -> None:
        """Let fewer people read a ticket."""
        self.tickets[number].private, self.tickets[number].changed = True, self._tick()

    def end(self, number: int, state: str, into: int | None = None) -> None:
        """Close a ticket without an answer, or merge it into another one."""
        ticket = self.tickets[number]
        ticket.state, ticket.merged_into, ticket.solved, ticket.changed = state, into, self._tick(), self._tick()

    def delete(self, number: int) -> None:
        """Delete a ticket."""
        del self.tickets[number]
        self.deleted[number] = self._tick()

    def ascending(self, since: datetime) -> Iterator[Ticket]:
        """The tickets that have changed since a time, oldest change first."""
        changed = [ticket for ticket in list(self.tickets.values()) if ticket.changed >= since]
        yield from sorted(changed, key=lambda ticket: (ticket.changed, ticket.id))

    def _tick(self) -> datetime:
        self.now += self._pace
        return self.now
