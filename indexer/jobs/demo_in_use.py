"""Who of the demo's people, and which of its teams, have become part of the organisation: they stay when it goes."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from indexer.loading.stated import TEAM_CONTACT
from indexer.sources.records import TeamRecord
from recommender.database import (  # noqa: F401 - so that their tables are known
    chat_tables,
    organisation_tables,
    told_tables,
)
from recommender.database.audit_table import AuditEntry
from recommender.database.handover_tables import TeamDestination
from recommender.database.import_tables import ImportedRecord, record_key
from recommender.database.provisioning_tables import ProvisionedTeam
from recommender.database.tables import Base, DocumentAudience, Person, RequestAudience, Team, team_members
from recommender.first_run.demo import SOURCE

_SAYS_NOTHING = frozenset({
    "team_members", "first_suggestions", "events", "notifications", "outgoing_mail", "topic_knowers", "transfer_acts",
})  # fmt: skip
"""Tables that name people of the demo without anybody having done something: it came with them, or Kollega counted."""


def people_in_use(session: Session, people: Collection[Person]) -> set[int]:
    """The ids of those who have an account, whom another source names too, or whom something names that is left when
    the requests and guides of the demo are gone: they did something here, or somebody named them."""
    ids = {person.id for person in people}
    used = {person.id for person in people if _other_source(session, "person", person.handle)}
    columns: list[ColumnElement[Any]] = [AuditEntry.actor_id.expression]
    for table in Base.metadata.sorted_tables:
        if table.name not in _SAYS_NOTHING:
            columns += [key.parent for key in table.foreign_keys if key.column is Person.__table__.c.id]
    for column in columns:
        used.update(number for number in session.scalars(select(column).where(column.in_(ids))) if number is not None)
    by_token = {f"person:{number}": number for number in ids}
    for audience in (RequestAudience, DocumentAudience):
        tokens = session.scalars(select(audience.token).where(audience.token.in_(by_token)))
        used.update(by_token[token] for token in tokens)
    return used


def team_in_use(session: Session, team: Team, record: TeamRecord, of_demo: Collection[str]) -> bool:
    """True for a team that another source names too, that has a member whom not the demo alone has brought (`of_demo`
    are the user names of those it has), or settings other than those of the demo."""
    members = select(Person.handle).join(team_members, team_members.c.person_id == Person.id)
    joined = any(
        handle not in of_demo or _other_source(session, "person", handle)
        for handle in session.scalars(members.where(team_members.c.team_id == team.id))
    )
    elsewhere = any(session.get(table, team.id) is not None for table in (TeamDestination, ProvisionedTeam))
    return joined or elsewhere or any(_changed(team, record)) or _other_source(session, "team", team.handle)


def _changed(team: Team, record: TeamRecord) -> Iterator[bool]:
    """Whether each setting of a team is another one than the demo wrote."""
    yield team.keep_days is not None
    for name in ("name", "name_fi", "name_sv", *TEAM_CONTACT):
        yield getattr(team, name) != getattr(record, name)
    if "restricted" in record.model_fields_set:
        yield team.restricted != record.restricted


def _other_source(session: Session, kind: str, handle: str) -> bool:
    named = ImportedRecord.key == record_key(kind, handle), ImportedRecord.source != SOURCE
    return bool(session.scalar(select(exists().where(*named))))
