"""What each source of tickets is made of: a system that knows its own fields, read over the network or from files.

A new system is a module with a subclass of `System`, a class with `read` that asks its interface, and `open_source`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from indexer.sources.exported import Exported, exported
from indexer.sources.protocol import Abilities, Mark, WholeSource
from indexer.sources.records import Located, PersonRecord, Record, first_problem
from indexer.sources.rest.address import is_address
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.paging import Fetch, Row, changed_rows, from_mark, mark_of
from indexer.sources.tickets import moment, person, person_id
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_NOT_DOCUMENTED = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What goes wrong when an answer has another form than its system documents."""
_MARKED = 10  # tickets after which there is a mark: each may take a request of its own
FROM_API = Abilities(lists_all=True, since=True, audiences=True, people=True)
FROM_FILES = Abilities(lists_all=True, audiences=True, people=True)


class System:
    """The fields of one system, and what its tickets refer to: people, groups, states, messages of their own.

    Subclasses write `look`, `items` and `record`. `name` is the name of the source, and `zone` of times without one.
    """

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        self.name, self.zone, self.site = name, zone, site.rstrip("/")
        self.groups: dict[str, str] = {}
        self.messages: dict[str, dict[str, Row]] = defaultdict(dict)
        self._asked_for: set[str] = set()
        self.names: dict[str, str] = {}
        self._people: dict[str, PersonRecord] = {}
        self._new: list[str] = []

    def look(self, found: Exported) -> Iterator[str]:
        """Remember what tickets refer to: people, groups, messages. Yields what is wrong."""
        raise NotImplementedError

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """(a name that no other one has, ticket or article) of what a file has."""
        raise NotImplementedError

    def record(self, row: Row) -> Record | None:
        """The record of a ticket or article; None when it is left out."""
        raise NotImplementedError

    def messages_of(self, *tickets: str) -> list[Row]:
        """The messages that are kept for a ticket under any of its names."""
        found: dict[str, Row] = {}
        for ticket in tickets:
            self._asked_for.add(ticket)
            found |= self.messages.get(ticket, {})
        return list(found.values())

    def forget_messages(self) -> None:
        """Forget the messages of the tickets whose records were made, so that memory does not grow."""
        for ticket in self._asked_for:
            self.messages.pop(ticket, None)
        self._asked_for.clear()

    def left_over(self) -> list[str]:
        """The names of tickets for which there are messages, but that were not there themselves."""
        return sorted(self.messages.keys() - self._asked_for)

    def id_of(self, row: Row) -> str:
        """The id of a ticket."""
        return text_of(row, "id")

    def name_of(self, row: Row) -> str:
        """What a ticket is called in messages."""
        return f"ticket {self.id_of(row)}"

    def changed_at(self, row: Row) -> datetime:
        """When a ticket was changed."""
        return moment(row["updated_at"], self.zone)

    def knows_something(self) -> bool:
        """True once a person, a group or a message was remembered."""
        return bool(self._people or self.groups or self.messages)

    def add_person(self, foreign: Any, name: Any, email: Any = None, is_service: bool = False) -> str | None:
        """Remember a person; their handle, or None when there is nobody."""
        made = person(self.name, foreign, name, email, is_service)
        if made is None:
            return person_id(self.name, foreign)
        known = self._people.get(made.id)
        if known is None or (known != made and (made.email or not known.email)):
            self._people[made.id], self.names[str(foreign)] = made, made.name
            self._new.append(made.id)
        return made.id

    def new_people(self, file: str) -> Iterator[Located]:
        """The people who were remembered since the last call."""
        for identifier in dict.fromkeys(self._new):
            yield Located(file, 0, self._people[identifier])
        self._new.clear()

    def located(self, file: str, line: int, row: Row) -> Iterator[Located]:
        """The record of a ticket behind the people in it, or what is wrong with it."""
        try:
            record = self.record(row)
        except ValidationError as error:
            found: Located | None = Located(file, line, None, first_problem(error))
        except _NOT_DOCUMENTED as error:
            found = Located(file, line, None, _problem(error))
        else:
            found = Located(file, line, record) if record is not None else None
        yield from self.new_people(file)
        if found is not None:
            yield found


class ApiSource:
    """A source that asks the interface of a system. Subclasses write `changes`."""

    abilities = FROM_API

    def __init__(self, client: RestClient, system: System) -> None:
        self.name, self._client = system.name, client

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """What has changed since a mark, and marks."""
        raise NotImplementedError

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """What has changed since a mark. Raises SourceError when it cannot be read further."""
        with self._client:
            try:
                yield from self.changes(since)
            except _NOT_DOCUMENTED as error:
                raise SourceError(
                    Sentence(
                        "%(source)s: %(address)s answers in another form than the system documents: %(reason)s. Check"
                        " the address and the kind of the source; what was read before stays.",
                        source=self.name, address=self._client.address, reason=_problem(error),
                    )
                ) from error  # fmt: skip


def changed_tickets(
    system: System,
    fetch: Fetch,
    since: str | None,
    complete: Callable[[Row], None],
    step: timedelta = timedelta(seconds=1),
    lag: timedelta = timedelta(minutes=5),
) -> Iterator[Located | Mark]:
    """The tickets that have changed since a mark, oldest change first, and marks between them.

    `complete` fetches what a list leaves out. `step` is the precision of the times that can be asked for, and `lag` how
    late a change may become visible.
    """
    for page in changed_rows(fetch, system.id_of, system.changed_at, from_mark(since), step):
        for number, row in enumerate(page.rows, 1):
            complete(row)
            yield from system.located(system.name_of(row), 0, row)
            system.forget_messages()
            if number % _MARKED == 0 or number == len(page.rows):
                yield Mark(mark_of(system.changed_at(row), page.now, lag))


class ExportSource(WholeSource):
    """A file or folder that was exported from a system, or saved answers of its interface."""

    abilities = FROM_FILES

    def __init__(self, place: Path, system: System, values: Callable[[Path], Iterator[Exported]] = exported) -> None:
        self.name, self._place, self._system, self._values = system.name, place, system, values

    def records(self) -> Iterator[Located]:
        """People, then tickets and articles. Of one that is there more than once the fullest is taken."""
        fullest: dict[str, int] = {}
        knows_something = False
        with suppress(SourceError):  # what is before the place where a file breaks off is read below, until there
            for found in self._values(self._place):
                for problem in self._look(found):
                    yield Located(found.file, found.line, None, problem)
                for key, row in self._items(found):
                    fullest[key] = max(fullest.get(key, 0), len(row))
                knows_something = knows_something or bool(found.problem) or found.value in ([], {}, None)
        if not (fullest or knows_something or self._system.knows_something()):
            problem = Sentence(
                "there is nothing in it that this kind of source knows. Export it as the page of the source says"
            )
            yield Located(self._place.name, 0, None, problem)
        yield from self._system.new_people(self._place.name)
        for found in self._values(self._place):
            for key, row in self._items(found):
                if len(row) == fullest.get(key):
                    del fullest[key]
                    yield from self._system.located(found.file, found.line, row)
        for ticket in self._system.left_over():
            problem = Sentence(
                "messages of %(ticket)s were left out, because that ticket is not among the files. Export it too",
                ticket=ticket,
            )
            yield Located(self._place.name, 0, None, problem)

    def _look(self, found: Exported) -> Iterator[str]:
        """Let the system look at a value; what is wrong with it."""
        if found.problem:
            yield found.problem
            return
        try:
            yield from self._system.look(found)
        except _NOT_DOCUMENTED as error:
            yield _problem(error)

    def _items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        if not found.problem:
            with suppress(*_NOT_DOCUMENTED):  # it was told when it was looked at
                yield from self._system.items(found)


def place_of(place: str) -> Path | None:
    """The path of a place; None for an address. Raises SourceError when there is no such file or folder."""
    if is_address(place):
        return None
    path = Path(place).expanduser()
    if not path.exists():
        raise SourceError(
            Sentence(
                "%(place)s does not exist. Give the file or folder of an export, or an address with https://.",
                place=place,
            )
        )
    return path


def rows_in(found: Exported, *names: str) -> list[Row]:
    """The objects that an answer has in lists or objects of these names, or else itself when it is one."""
    value = found.value
    if not isinstance(value, dict):
        return []
    for name in names:
        if name in value:
            held = value[name]
            several = held if isinstance(held, list) else [held]
            return [row for row in several if isinstance(row, dict)]
    return []


def listed(value: Any) -> list[Row]:
    """The objects of an answer that is a list. Raises ValueError when it is none: nothing must look like no tickets."""
    if not isinstance(value, list):
        raise ValueError(Sentence("a list was expected"))
    return [row for row in value if isinstance(row, dict)]


def text_of(value: Any, *names: str) -> str:
    """The text at a path of names in an object; empty when there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _problem(error: Exception) -> str:
    if isinstance(error, KeyError):
        return Sentence("the field %(name)s is missing", name=error.args[0])
    other = Sentence("a field is not what the system documents (%(reason)s)", reason=error)
    return str(error) if type(error) is ValueError else other
