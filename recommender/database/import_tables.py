"""The tables that say what was last imported, so that an import knows what has changed in its source and what here."""

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from sqlalchemy import JSON, String, Text, cast, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from recommender.database.tables import Base, utc_now

UNLISTED = "?"
"""Stands before the digest of a user name that nobody here has had since the source named it."""
_PLAIN = frozenset({type(None), bool, int, float})
_WORDS = {None: "null", True: "true", False: "false"}
_SHORT = 64  # characters of a text whose digest is kept: a judgement
ERASED = "erased"
"""Stands in place of the digest of a user name whose person was erased here."""


class ImportedRecord(Base):
    """What a source last said about an item: a digest of each field, and of each field of its replies.

    `key` is a digest of the item's kind and id, and `forget_imported` deletes the row when the item is erased. `run` is
    the import that wrote the row, and `earlier` are digests of what the same import said before, for a file that has an
    id several times.
    """

    __tablename__ = "imported_records"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - half the size: there is no second index

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    fields: Mapped[dict[str, Any]]
    run: Mapped[str] = mapped_column(String(16))
    earlier: Mapped[list[str]] = mapped_column(JSON, default=list)


class ImportConflict(Base):
    """The fields of an item that were changed both here and in its source, of which what is here was kept; and the
    fields (`not_widened`) that would have let more people read. `place` is the file and line of the record."""

    __tablename__ = "import_conflicts"

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(200))
    kept: Mapped[list[str]] = mapped_column(JSON, default=list)
    not_widened: Mapped[list[str]] = mapped_column(JSON, default=list)
    place: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=utc_now)


def digest(value: Any) -> str:
    """12 characters that stand for a value of texts, numbers, times, lists and dictionaries."""
    kind = type(value)
    if kind in _PLAIN or (kind is str and len(value) <= _SHORT) or (kind is tuple and not value):
        return _digest_of_short(value)
    return _digest_of(value)


def _digest_of(value: Any) -> str:
    hashed = hashlib.blake2b(_as_json(value).encode("utf-8", "surrogatepass"), digest_size=9)
    return base64.urlsafe_b64encode(hashed.digest()).decode()


def _as_json(value: Any) -> str:
    """What `_encode` writes, in less time for what most records have."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is list or kind is tuple:
        return f"[{','.join(map(_as_json, value))}]"
    if kind is datetime:
        return f'"{value.isoformat()}"'
    if value is None or kind is bool:
        return _WORDS[value]
    return _encode(value) if value or kind is not dict else "{}"


@lru_cache(maxsize=16_384, typed=True)
def _digest_of_short(value: str | float | tuple[()] | None) -> str:
    """The digest of what many records have in common, such as a user name or a language."""
    return _digest_of(value)


def record_key(kind: str, *identifiers: str) -> str:
    """The key of an item: of a request by its id in its source, of an answer by the ids of its request and its own."""
    return digest([kind, *identifiers])


def forget_imported(session: Session, keys: Iterable[str], source: str | None = None) -> None:
    """Delete what a source (all sources, when None) has said about the items with these keys."""
    tables: tuple[type[ImportedRecord | ImportConflict], ...] = (ImportedRecord, ImportConflict)
    for table in tables:
        forgotten = delete(table).where(table.key.in_(sorted(keys)))
        session.execute(forgotten if source is None else forgotten.where(table.source == source))


def forget_handle(session: Session, handle: str) -> None:
    """Replace the digest of a user name by ERASED wherever a source named this person as asker, author or owner, so
    that neither the name can be guessed nor a later person with the same user name be taken for this one."""
    names = {digest(handle), UNLISTED + digest(handle)}
    mentioned = cast(ImportedRecord.fields, Text).contains(digest(handle), autoescape=True)
    for row in session.scalars(select(ImportedRecord).where(mentioned)):
        row.fields = _without(row.fields, names)


def _without(fields: dict[str, Any], names: set[str]) -> dict[str, Any]:
    parts = {field: _without(part, names) for field, part in fields.items() if isinstance(part, dict)}
    erased = {field: ERASED for field in ("asked_by", "author", "owner") if fields.get(field) in names}
    return fields | parts | erased


def _as_text(value: Any) -> str:
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    raise TypeError(f"{value!r} has no digest")


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_as_text).encode
