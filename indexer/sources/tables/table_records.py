"""Makes records of the rows of a table, as its mapping says."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from pydantic import ValidationError

from indexer.sources.records import Change, DocumentRecord, Located, PersonRecord, Record, first_problem
from indexer.sources.tables.dates import DateOrder
from indexer.sources.tables.row_reader import TIMES, RowReader, person_columns
from indexer.sources.tables.rows import Fault, Row
from indexer.sources.tables.table_requests import request_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_PEOPLE = ("asker", "agent", "owner")


def records_of(reader: RowReader) -> Iterator[Located]:
    """People first, then the requests, documents or people of the rows. Raises SourceError when times could be read in
    two ways."""
    _look_through(reader)
    for person in reader.people.records():
        yield Located(reader.table.name, reader.columns.line, person)
    last: Located | None = None
    for row in reader.columns.rows(reader.table):
        if isinstance(row, Row) and not row.cells:  # what was skipped at the end is told with the last row
            last = replace(last, changes=(*last.changes, *row.changes)) if last is not None else None
            continue
        if last is not None:
            yield last
        if isinstance(row, Fault):
            last = Located(reader.table.name, row.line, None, row.problem)
        else:
            last = _located(reader, row)
    if last is not None:
        yield last


def _look_through(reader: RowReader) -> None:
    """Read the table once: who is in it, and which of day, month and year comes first in its times."""
    places = reader.columns.places
    seeks_people = reader.mapping.kind == "request" or "owner" in places or "owner_email" in places
    seeks_order = reader.mapping.dates is None and any(role in places for role in TIMES)
    if not seeks_people and not seeks_order:
        return
    people = [role for role in _PEOPLE if seeks_people and not places.keys().isdisjoint(person_columns(role))]
    order = DateOrder()
    for row in reader.columns.rows(reader.table):
        if isinstance(row, Fault) or not row.cells:
            continue
        if seeks_order:
            order.see(text for role in TIMES for text in reader.columns.several(row.cells, role))
        for role in people:
            reader.person(row.cells, role)
    if seeks_order:
        found, why = order.found()
        if found is None:
            raise SourceError(
                Sentence(
                    '%(name)s: %(why)s. Write dates = "day-first" or dates = "month-first" into the mapping.',
                    name=reader.table.name,
                    why=why,
                )
            )
        reader.order = found


def _located(reader: RowReader, row: Row) -> Located:
    changes = list(row.changes)
    try:
        record = _MAKERS[reader.mapping.kind](reader, row, changes)
        return Located(reader.table.name, row.line, record, changes=tuple(changes))
    except ValidationError as error:
        return Located(reader.table.name, row.line, None, first_problem(error))
    except ValueError as error:
        return Located(reader.table.name, row.line, None, str(error))


def _document_of(reader: RowReader, row: Row, changes: list[Change]) -> DocumentRecord:
    cells, one = row.cells, reader.columns.one
    body = "\n\n".join(filter(None, (reader.text(cells, "body"), reader.text(cells, "answer"))))
    title = reader.title(cells, body)
    times = [reader.time(one(cells, role), changes) for role in ("updated", "created")]
    verified = reader.time(one(cells, "verified"), changes)
    return DocumentRecord(
        id=reader.identifier(cells, title),
        title=title,
        body=body,
        owner=reader.person(cells, "owner"),
        language=reader.language(cells),
        updated_at=reader.or_file_time(times[0] or times[1], changes),
        verified_on=verified.date() if verified else None,
        url=one(cells, "url") or None,
        group=one(cells, "group") or None,
        readers_there=reader.readers(cells),
        attachments=reader.listed(cells, "attachments"),
    )


def _person_of(reader: RowReader, row: Row, changes: list[Change]) -> PersonRecord:
    cells, one = row.cells, reader.columns.one
    name = " ".join(reader.columns.several(cells, "name"))
    email = one(cells, "email")
    if not name and not email:
        raise ValueError(Sentence("there is no name and no mail address. Fill one of them in, or remove the row"))
    handle = reader.people.handle(name, email, one(cells, "id"))
    return PersonRecord(id=handle or name, name=name or email, email=email or None)


_MAKERS: dict[str, Callable[[RowReader, Row, list[Change]], Record]] = {
    "request": request_of,
    "document": _document_of,
    "person": _person_of,
}
