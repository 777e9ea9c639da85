"""What the writers of all kinds of records need: the prepared record, and what is done to rows, audiences and the audit
log."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from indexer.loading.merge import Merge, Stated
from indexer.loading.references import DeletedHere, References
from indexer.sources.records import Change, Record
from recommender.database.import_tables import ImportedRecord
from recommender.database.tables import Person
from recommender.knowledge.erasure import was_erased


@dataclass(slots=True)
class Prepared:
    """A record with what it states, and the language of its text where that had to be found and the text is new.
    `restricted` is True when the source says that the record's team is restricted. `superseded` is the digest of an
    earlier record with the same id in the same import. `is_new` is True when the source has said nothing about it."""

    place: str
    record: Record
    key: str
    stated: Stated
    language: str | None
    restricted: bool
    changes: tuple[Change, ...]
    superseded: str | None = None
    is_new: bool = False


@dataclass
class Writing:
    """One record that is being written: its comparison, and the session and references that it is written through.
    `changes` are what was left out of it, `removed` says that its item was deleted, and `is_written` that what changed
    is in the database already. `audited` are the changes of a person's rights, as (action, person, before, after,
    whether they widen), which are recorded once the person has an id."""

    session: Session
    references: References
    prepared: Prepared
    merge: Merge
    states: dict[str, ImportedRecord]
    changes: list[Change] = field(default_factory=list)
    audited: list[tuple[str, Person, Any, Any, bool]] = field(default_factory=list)
    removed: bool = False
    is_written: bool = False

    def must_be_new(self, kind: str, *name: str) -> None:
        """Note that the item is not in the database. Raises DeletedHere when it was deleted here since it was imported,
        which an import does not undo."""
        if self.merge.was_imported or was_erased(self.session, kind, *name):
            raise DeletedHere
        self.merge.new = True

    def set(self, row: Any, field_: str, value: Any, name: str = "", editable: bool = True) -> None:
        """Set a column to what the record states, unless it stays; `name` is that of the column, if it is another."""
        column = name or field_
        if self.merge.takes(field_, getattr(row, column), editable):
            update(row, **{column: value})


def update(row: Any, **values: Any) -> None:
    """Set only the values that differ, so that SQLAlchemy sees an unchanged row as unchanged."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def replace_audience(row: Any, table: type[Any], tokens: Iterable[str]) -> None:
    """Make `tokens` the audience of a row. Entries that it has already are not written again."""
    wanted = set(tokens)
    if {entry.token for entry in row.audience} != wanted:
        staying = [entry for entry in row.audience if entry.token in wanted]
        row.audience = staying + [table(token=token) for token in sorted(wanted - {entry.token for entry in staying})]


def note(merge: Merge, field: str, taken: bool = False, kept: bool = False) -> None:
    """Note a field once, however many of its parts were taken or kept."""
    if taken and field not in merge.taken:
        merge.taken.append(field)
    if kept and field not in merge.kept:
        merge.kept.append(field)
