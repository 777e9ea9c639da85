"""Writes the records of teams and people."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import select

from indexer.loading.audiences import IMPORT, merge_restricted
from indexer.loading.identities import find_person, free_handle, is_erased, remember_person, stated_kind
from indexer.loading.references import DeletedHere
from indexer.loading.stated import PERSON_FIELDS, TEAM_CONTACT
from indexer.loading.writing import Writing, note
from indexer.sources.records import PersonNameRecord, PersonRecord, TeamRecord
from recommender import audit
from recommender.access import AGENTS
from recommender.accounts import last_admin
from recommender.database.import_tables import ImportedRecord, record_key
from recommender.database.tables import Person, Team
from recommender.errors import AccountError
from recommender.sentences.sentence import Sentence
from recommender.teams.team import new_ones_are_restricted

NO_RIGHTS = Sentence("roles and teams of people who are known here by another user name were left out")
OTHER_HANDLE = Sentence("people got another user name, because somebody with another mail address has theirs")
ONLY_ADMIN = Sentence("the only admin who may sign in stays one: make somebody else an admin first")
_EDITED_HERE = ("name", "role", "kind")
"""Fields of a person that could be changed here before Kollega remembered what was imported."""


def put_team(writing: Writing, record: TeamRecord) -> Team:
    """Write a team. Raises DeletedHere."""
    row = writing.session.scalar(select(Team).where(Team.handle == record.id).with_for_update())
    merge = writing.merge
    if row is None:
        writing.must_be_new("team", record.id)
        is_said = "restricted" in record.model_fields_set
        restricted = record.restricted if is_said else new_ones_are_restricted(writing.session)
        row = Team(handle=record.id, name=record.name, name_fi=record.name_fi, restricted=restricted)
        row.name_sv = record.name_sv
        writing.session.add(row)
        merge.remember("restricted", record.restricted)
        _put_contact(writing, row, record)
        return row
    restricted = row.restricted
    writing.set(row, "name", record.name, editable=False)
    writing.set(row, "name_fi", record.name_fi, editable=False)
    if "name_sv" in record.model_fields_set:
        writing.set(row, "name_sv", record.name_sv, editable=False)
    merge_restricted(row, record.restricted, merge)
    audit.record_change(writing.session, IMPORT, "team.restricted", f"team:{row.handle}", restricted, row.restricted)
    _put_contact(writing, row, record)
    return row


def _put_contact(writing: Writing, row: Team, record: TeamRecord) -> None:
    """Set how a team is reached, as far as the record says it. What nobody has set here counts as untouched."""
    for name in TEAM_CONTACT:
        if name in record.model_fields_set:
            before = getattr(row, name)
            writing.set(row, name, getattr(record, name), editable=bool(before))
            audit.record_change(
                writing.session, IMPORT, f"team.{name}", f"team:{row.handle}", before, getattr(row, name)
            )


def put_person(writing: Writing, record: PersonRecord, source: str) -> Person:
    """Write a person. Raises DeletedHere."""
    with writing.session.no_autoflush:
        row = find_person(writing.session, source, record, is_known=not writing.merge.is_first)
        if row is None or row.handle == record.id:
            row = _put_own(writing, record, source, row)
        else:
            _put_known(writing, record, row)
    if row.id is None:
        writing.session.flush()
    remember_person(writing.session, source, record, row)
    return row


def _put_known(writing: Writing, record: PersonRecord, row: Person) -> None:
    """What a source says of somebody whom it knows by another id: a better name, as long as nobody else has given one,
    and nothing that gives rights."""
    if record.teams or record.role != "staff":
        writing.changes.append((NO_RIGHTS, row.handle))
    others = select(ImportedRecord.key).where(ImportedRecord.key == record_key("person", row.handle))
    untouched = row.name == row.handle or writing.merge.is_untouched("name", row.name)
    if untouched and writing.session.scalar(others) is None:
        writing.set(row, "name", record.name, editable=False)


def _put_own(writing: Writing, record: PersonRecord, source: str, row: Person | None) -> Person:
    """What a source says of somebody who has their handle from it."""
    teams, merge = writing.references.teams_if_listed(record.teams, writing.changes), writing.merge
    if row is None:
        handle = free_handle(writing.session, source, record)
        if (merge.was_imported if handle == record.id else not merge.is_first) or is_erased(
            writing.session, source, record
        ):
            raise DeletedHere
        if handle != record.id:
            writing.changes.append((OTHER_HANDLE, handle))
        merge.new = True
        row = Person(handle=handle, name=record.name, role="staff", languages=[], stated_kind=stated_kind(record))
        writing.session.add(row)
        for name in PERSON_FIELDS:  # also what the record leaves out, which a later one may state
            merge.remember(name, getattr(record, name))
        merge.remember("teams", [])
    elif merge.is_first:
        merge.set_here = _set_here(writing, row)
    handles = sorted(team.handle for team in row.teams)
    before = row.role, handles, row.left_on
    staying = _fields_that_stay(writing, record, row)
    for name in PERSON_FIELDS:
        if name in staying:
            note(merge, name, kept=merge.differs(name, getattr(row, name)))
            continue
        value = list(record.languages) if name == "languages" else getattr(record, name)
        editable = name in _EDITED_HERE and not (name == "name" and row.name == row.handle)
        if name != "kind" or not merge.new:
            writing.set(row, name, value, "stated_kind" if name == "kind" else "", editable)
    if merge.takes("teams", handles):
        row.teams = list(dict.fromkeys(teams))
    _audit_rights(writing, row, before)
    return row


def _fields_that_stay(writing: Writing, record: PersonRecord, row: Person) -> Collection[str]:
    """The role and last day of the only admin, where a source would take the role away or set a day."""
    loses = record.role != last_admin.ADMIN and writing.merge.has_changed("role")
    leaves = record.left_on is not None and writing.merge.has_changed("left_on")
    if row.id is None or row.role != last_admin.ADMIN or not (loses or leaves):
        return ()
    try:
        last_admin.require_another(writing.session, row)
    except AccountError:
        writing.changes.append((ONLY_ADMIN, row.handle))
        return "role", "left_on"
    return ()


def put_name(writing: Writing, record: PersonNameRecord) -> Person | None:
    """Write the display name of a person; None when nobody has this handle."""
    row = writing.session.scalar(select(Person).where(Person.handle == record.id).with_for_update(of=Person))
    if row is None:
        return None
    is_stub = row.name == record.id  # until now only the handle was known
    writing.set(row, "name", record.name, editable=not is_stub)
    writing.merge.new = is_stub and row.name != record.id
    return row


Rights = tuple[str, list[str], date | None]
"""The role, the handles of the teams, and the last day of a person."""


def rights(before: Rights, now: Rights) -> list[tuple[str, Any, Any, bool]]:
    """What the audit log says about rights: (action, before, after, whether they are more)."""
    more = now[0] in AGENTS and before[0] not in AGENTS
    longer = before[2] is not None and (now[2] is None or now[2] > before[2])
    days = [day.isoformat() if day else None for day in (before[2], now[2])]
    return [
        ("person.role", before[0], now[0], more),
        ("person.teams", before[1], now[1], bool({*now[1]} - {*before[1]})),
        ("person.left_on", days[0], days[1], longer),
    ]


def _audit_rights(writing: Writing, row: Person, before: Rights) -> None:
    """Record a role, teams and a last day that give or take rights, once the person has an id."""
    now = row.role, sorted(team.handle for team in row.teams), row.left_on
    writing.audited += [(action, row, was, then, more) for action, was, then, more in rights(before, now)]


def _set_here(writing: Writing, row: Person) -> frozenset[str]:
    """The fields of a person that the audit log says were set here, by whatever source they came before."""
    entries = audit.entries(writing.session, action="person", subject=f"person:{row.id}")
    return frozenset(entry.action.removeprefix("person.") for entry in entries if entry.via != IMPORT.via)
