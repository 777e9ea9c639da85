"""Files that an admin has uploaded: what is understood of one, and the source that reads it."""

import errno
from collections import Counter
from collections.abc import Mapping as Names
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from indexer.loading.before_loading import role_given
from indexer.sources import csv, excel, jsonl
from indexer.sources.archive import Archive, archive
from indexer.sources.documents.folder import PRIVATE, DocumentsSource
from indexer.sources.documents.walking import Patterns
from indexer.sources.mapping import MappedSource
from indexer.sources.protocol import Options, Source
from indexer.sources.records import (
    DocumentRecord,
    Located,
    PersonRecord,
    RequestRecord,
    TeamRecord,
    first_problem,
)
from indexer.sources.tables.columns import Columns
from indexer.sources.tables.guess import Guess, guess
from indexer.sources.tables.mapping import ColumnsOf, Mapping, StatusWords, toml_of
from indexer.sources.tables.rows import Row, Table
from indexer.sources.tables.table_source import TableOptions
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of
from recommender.uploads.upload import CSV, DOCUMENTS, EXCEL, MOST_ROLES, TABLES, Upload

MOST_ROWS, MOST_PROBLEMS = 5, 20
"""Rows and problems that are shown: judgements."""
_LONGEST_CELL = 120
_MAPPING = "mapping.toml"
_UNPACKED = "files"
_OF_THE_NAME = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
_RECORDS = {
    RequestRecord: "requests", DocumentRecord: "documents", PersonRecord: "people", TeamRecord: "teams"
}  # fmt: skip


def look(upload: Upload, path: Path, zone: str) -> dict[str, Any]:
    """What is understood of a file, for the page: `counts` of records by kind, `problems` of what cannot be loaded and
    their number, `changes`, and who would become a lead or an admin (`roles`); of a table also its `columns` with their
    roles and reasons, its first `rows`, its `kind`, `dates`, `status` words, and `warnings`. Nothing is written to the
    database. Raises SourceError."""
    shown: dict[str, Any] = {}
    mapping: Mapping | None = None
    if upload.format in TABLES:
        table = _table(upload.format, path)
        guessed = guess(table)
        mapping = chosen_mapping(upload.choice, guessed.mapping)
        shown = _table_shown(table, guessed, mapping)
    source = open_source(upload, path, zone, mapping)
    counts, problems, number, changes = Counter[str](), list[str](), 0, Counter[str]()
    roles: list[dict[str, str]] = []
    try:
        for found in source.read():
            if not isinstance(found, Located):
                continue
            changes.update(change for change, _value in found.changes)
            if found.record is None:
                number += 1
                problems += [found.complaint(found.problem)] if len(problems) < MOST_PROBLEMS else []
            else:
                counts[_RECORDS.get(type(found.record), "others")] += 1
                roles += role_given(found.record)
    except SourceError as error:
        number += 1
        problems.append(str(error))
    most = changes.most_common(MOST_PROBLEMS)
    told = [Sentence("%(change)s (%(where)s)", change=change, where=times) for change, times in most]
    shown |= {"problems": problems, "problem_count": number, "changes": told}
    return {**shown, "counts": counts, "roles": roles[: MOST_ROLES + 1]}


def open_source(upload: Upload, path: Path, zone: str, mapping: Mapping | None = None) -> Source:
    """The source that reads a file, with what an admin has chosen. The mapping of a table is guessed unless it is
    given, for which the table is read once more. Raises SourceError."""
    given: dict[str, Any] = {"place": str(path), "timezone": zone}
    if upload.choice.get("team"):
        given["team"] = upload.choice["team"]
    try:
        options = Options(**given)
        if upload.format in TABLES:
            mapping = mapping or chosen_mapping(upload.choice, guess(_table(upload.format, path)).mapping)
            file = path.with_name(_MAPPING)
            file.write_text(toml_of(mapping, "Of an uploaded file.", {}), encoding="utf-8")
            options = TableOptions(**given, mapping=file)
            kind = csv if upload.format == CSV else excel
            return MappedSource(kind.open_source(upload.source, options), options)
    except ValidationError as error:
        raise SourceError(Sentence("%(file)s: %(reason)s.", file=upload.name, reason=first_problem(error))) from error
    if upload.format == DOCUMENTS:
        private = PRIVATE if upload.choice.get("team_only") else None
        folder = _unpacked(path, upload.name)
        source = DocumentsSource(upload.source, folder, Patterns((), ()), ZoneInfo(zone), "", False, private)
        return MappedSource(source, options)
    return MappedSource(jsonl.open_source(upload.source, options), options)


def chosen_mapping(choice: Names[str, Any], guessed: Mapping) -> Mapping:
    """The mapping that was guessed, with what an admin has chosen instead. Raises ValidationError for a choice that
    cannot be used."""
    changes: dict[str, Any] = {}
    if "columns" in choice:
        changes["columns"] = ColumnsOf.model_validate(choice["columns"])
    if choice.get("status"):
        changes["status"] = StatusWords.model_validate(choice["status"])
    changes |= {name: choice[name] for name in ("kind", "dates") if choice.get(name)}
    return Mapping.model_validate({**guessed.model_dump(), **changes})


def _table(kind: str, path: Path) -> Table:
    if kind == EXCEL:
        return excel.open_table(path)
    return csv.open_table(path)


def _table_shown(table: Table, guessed: Guess, mapping: Mapping) -> dict[str, Any]:
    columns = Columns(table, mapping, table.name)
    rows = [row.cells for row in islice((r for r in columns.rows(table) if isinstance(r, Row) and r.cells), MOST_ROWS)]
    roles = {place: role for role, places in columns.places.items() for place in places}
    shown = [
        {
            "name": heading or number + 1,
            "role": roles.get(number, ""),
            "reason": guessed.reasons.get(roles.get(number, ""), ""),
            "example": next((row[number][:_LONGEST_CELL] for row in rows if row[number].strip()), ""),
        }
        for number, heading in enumerate(columns.headings)
    ]
    return {
        "kind": mapping.kind,
        "dates": mapping.dates,
        "status": {word: state for state, words in mapping.status.model_dump().items() for word in words},
        "columns": shown,
        "rows": [[cell[:_LONGEST_CELL] for cell in row] for row in rows],
        "count": guessed.rows,
        "notes": table.notes,
        "warnings": guessed.warnings,
    }


def _unpacked(path: Path, name: str) -> Path:
    """The files of a ZIP file in a folder beside it, written once."""
    folder = path.with_name(_UNPACKED)
    if folder.is_dir():
        return folder
    new = path.with_name(f"{_UNPACKED}.new")
    with archive(path, name) as packed:
        _write_all(packed, new)
    new.rename(folder)
    return folder


def _write_all(packed: Archive, folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in packed.names:
        target = folder.joinpath(*Path(name).parts)
        if folder.resolve() not in target.resolve().parents:
            raise SourceError(
                Sentence("The ZIP file names a file outside of it: %(name)s. It was not unpacked.", name=name[:200])
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(name) as source, target.open("wb") as file:
                while part := source.read(1 << 20):
                    file.write(part)
        except OSError as error:
            if error.errno in _OF_THE_NAME:
                raise SourceError(
                    Sentence(
                        "The ZIP file has a file that cannot be unpacked because of its name: %(name)s. It is too "
                        "long, or a folder has the same name. Rename it, and pack the files again.",
                        name=name[:200],
                    )
                ) from error
            raise SourceError(
                Sentence(
                    "The ZIP file cannot be unpacked: %(reason)s. Tell whoever runs Kollega.", reason=reason_of(error)
                )
            ) from error
