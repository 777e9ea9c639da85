"""Writes many new people, and names of people, at once, row for row as `rows.py` writes them one by one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from indexer.loading.audiences import IMPORT
from indexer.loading.bulk import MOST_AT_ONCE
from indexer.loading.identities import address_of, stated_kind
from indexer.loading.many_rows import Row, insert_rows, insert_with_ids
from indexer.loading.merge import Merge
from indexer.loading.people import rights
from indexer.loading.references import TEAMS_LEFT_OUT
from indexer.loading.report import LoadReport
from indexer.loading.stated import PERSON_FIELDS, identity
from indexer.loading.writing import Prepared
from indexer.sources.records import PersonNameRecord, PersonRecord
from recommender import audit
from recommender.database.account_tables import Account
from recommender.database.foreign_tables import ANY_SOURCE, ForeignPerson, PersonAddress, address_digest
from recommender.database.import_tables import ImportConflict, ImportedRecord, digest
from recommender.database.person_kind import guess_kind
from recommender.database.tables import Person, Team, team_members, utc_now
from recommender.knowledge.erasure import MAIL, PERSON, erased_among


def write_people(session: Session, source: str, run: str, prepared: Sequence[Prepared], report: LoadReport) -> int:
    """Write the first records if they are people of whom nothing is known here. Returns how many were written."""
    coming = _leading(prepared, PersonRecord, new=True)
    if not coming:
        return 0
    plain = coming[: _first_known(session, source, coming)]
    if plain:
        _write(session, source, run, plain, report)
    return len(plain)


def write_names(session: Session, source: str, run: str, prepared: Sequence[Prepared], report: LoadReport) -> int:
    """Write the first records if they are the names of people of whom only the user name was known. Returns how many
    were written."""
    coming = _leading(prepared, PersonNameRecord, new=False)
    keys, handles = [each.key for each in coming], [_id(each) for each in coming]
    if not coming:
        return 0
    people = {row.handle: row for row in session.scalars(select(Person).where(Person.handle.in_(handles)))}
    states: dict[str, list[ImportedRecord]] = {}
    for state in session.scalars(select(ImportedRecord).where(ImportedRecord.key.in_(keys))):
        states.setdefault(state.key, []).append(state)
    conflicts = set(session.scalars(select(ImportConflict.key).where(ImportConflict.key.in_(keys))))
    updates: list[Row] = []
    for each in coming:
        handle, said = _id(each), states.get(each.key, [])
        row, record = people.get(handle), each.record
        own = said[0] if len(said) == 1 and said[0].source == source else None
        is_stub = row is not None and row.name == handle and own is not None and own.fields == {"name": digest(handle)}
        if not is_stub or row is None or own is None or each.key in conflicts or each.superseded is not None:
            break
        name = getattr(record, "name", "")
        kind = row.stated_kind or guess_kind(handle, name)
        updates.append({"row": row.id, "to": name, "as": kind, "now": utc_now()})
        own.earlier = [*own.earlier, digest(own.fields)] if own.run == run else []
        own.fields, own.run = dict(each.stated), run
    session.flush()
    table: Any = Person.__table__
    values: dict[str, Any] = {"name": bindparam("to"), "kind": bindparam("as"), "updated_at": bindparam("now")}
    if updates:
        session.connection().execute(update(table).where(table.c.id == bindparam("row")).values(values), updates)
    _count(coming[: len(updates)], report, [[*each.changes] for each in coming])
    return len(updates)


def _leading(prepared: Sequence[Prepared], kind: type[Any], new: bool) -> list[Prepared]:
    coming: list[Prepared] = []
    for each in prepared[:MOST_AT_ONCE]:
        if not isinstance(each.record, kind) or (new and not each.is_new):
            break
        coming.append(each)
    return coming


def _first_known(session: Session, source: str, coming: Sequence[Prepared]) -> int:
    """The place of the first person of whom something is known here; the number of people when there is none."""
    ids, keys = [_id(each) for each in coming], [each.key for each in coming]
    addresses = [address_of(each.record) if isinstance(each.record, PersonRecord) else None for each in coming]
    digests = [None if address is None else address_digest(address) for address in addresses]
    foreign = ForeignPerson.source.in_((source, ANY_SOURCE)) & ForeignPerson.foreign_id.in_(ids)
    known = set(session.scalars(select(Person.handle).where(Person.handle.in_(ids))))
    known |= set(session.scalars(select(ForeignPerson.foreign_id).where(foreign)))
    for table in (ImportedRecord, ImportConflict):
        known |= set(session.scalars(select(table.key).where(table.key.in_(keys))))
    named = [address for address in addresses if address is not None]
    known |= set(session.scalars(select(Account.email).where(Account.email.in_(named))))
    hashed = [each for each in digests if each is not None]
    known |= set(session.scalars(select(PersonAddress.mail_digest).where(PersonAddress.mail_digest.in_(hashed))))
    names: list[tuple[str, ...]] = [name for each in ids for name in ((PERSON, each), (PERSON, source, each))]
    erased = erased_among(session, [*names, *((MAIL, each) for each in hashed)])
    known |= {name[-1] for name in erased}
    for place, each in enumerate(coming):
        if not known.isdisjoint((ids[place], each.key, addresses[place] or "", digests[place] or "")):
            return place
        known |= {digests[place]} - {None}  # type: ignore[arg-type]
    return len(coming)


def _write(session: Session, source: str, run: str, prepared: Sequence[Prepared], report: LoadReport) -> None:
    records = [each.record for each in prepared if isinstance(each.record, PersonRecord)]
    named = sorted({handle for record in records for handle in record.teams})
    teams = {row.handle: row.id for row in session.execute(select(Team.handle, Team.id).where(Team.handle.in_(named)))}
    rows: list[Row] = []
    for record in records:
        kind = stated_kind(record)
        rows.append({
            "handle": record.id, "name": record.name, "role": record.role, "languages": list(record.languages),
            "left_on": record.left_on, "away_until": record.away_until, "stated_kind": kind,
            "kind": kind or guess_kind(record.id, record.name),
        })  # fmt: skip
    ids = insert_with_ids(session, Person.__table__, rows, "handle")
    members: list[Row] = []
    addresses: list[Row] = []
    changes = [list(each.changes) for each in prepared]
    for record, row, told in zip(records, ids, changes, strict=True):
        told += [(TEAMS_LEFT_OUT, handle) for handle in record.teams if handle not in teams]
        mine = [handle for handle in dict.fromkeys(record.teams) if handle in teams]
        members += [{"team_id": teams[handle], "person_id": row} for handle in mine]
        if (address := address_of(record)) is not None:
            addresses.append({"mail_digest": address_digest(address), "person_id": row})
        for action, before, after, widened in rights(("staff", [], None), (record.role, sorted(mine), record.left_on)):
            audit.record_change(session, IMPORT, action, f"person:{row}", before, after, widened)
    insert_rows(session, team_members, members)
    insert_rows(session, PersonAddress.__table__, addresses)
    pairs = zip(prepared, records, strict=True)
    states = [
        {"key": each.key, "source": source, "fields": _fields(each, record), "run": run} for each, record in pairs
    ]
    insert_rows(session, ImportedRecord.__table__, states)
    _count(prepared, report, changes)


def _count(prepared: Sequence[Prepared], report: LoadReport, changes: Sequence[Sequence[tuple[str, str]]]) -> None:
    for each, told in zip(prepared, changes, strict=False):
        merge = Merge(each.stated)
        merge.new = True
        report.count(each.place, identity(each.record), merge, changed=True)
        report.tell_all(each.place, told)


def _fields(prepared: Prepared, record: PersonRecord) -> dict[str, Any]:
    """What is remembered of a person, also what the record leaves out, which a later one may state."""
    merge = Merge(prepared.stated)
    for name in PERSON_FIELDS:
        merge.remember(name, getattr(record, name))
    merge.remember("teams", [])
    return merge.stated


def _id(prepared: Prepared) -> str:
    return identity(prepared.record)[1]
