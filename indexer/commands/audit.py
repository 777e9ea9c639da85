"""`kollega audit`: shows the audit log."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from indexer.commands.running import database_session
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from recommender.database.audit_table import AuditEntry

_PERSON = re.compile(r"\bperson:(\d+)\b")
_LONGEST_NUMBER = 19  # digits of an id
_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command()
@click.option("--since", type=_DAY, help="From this day or time (UTC) on.")
@click.option("--until", type=_DAY, help="Up to the end of this day, or to this time (UTC).")
@click.option(
    "--by", "handle", default="", help="Only what the person with this user name did; of an erased one, the number."
)
@click.option("--action", default="", help="Only this action, such as request.audience, or all that begin with it.")
@click.option("--subject", default="", help="Only what was done to this: request:12, document:3, team:hr, person:aino.")
@click.option("--widened", is_flag=True, help="Only changes after which more people could read something.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with ids instead of user names.")
@click.pass_obj
def audit(
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    handle: str,
    action: str,
    subject: str,
    widened: bool,
    as_json: bool,
) -> None:
    """Show who did what to what, and when, oldest first. Times are UTC.

    The log has every change of who may read something, of teams, roles and the state of guides, every sign-in, and
    what admins do. It never has searches. Entries are kept for KOLLEGA_AUDIT_DAYS.
    """
    from recommender import audit as log

    if until is not None and until.time() == datetime.min.time():
        until += timedelta(days=1)
    with database_session(settings) as session:
        actor_id = _person_id(session, handle) if handle else None
        chosen = log.Chosen(since, until, action, _by_id(session, subject), actor_id, widened)
        wanted = log.chosen_entries(session, chosen)
        nothing = True
        for line in map(_as_json, wanted) if as_json else _as_text(session, wanted):
            click.echo(line)
            nothing = False
    if nothing:
        click.echo("No entry of the audit log fits.", err=True)


def _as_json(entry: "AuditEntry") -> str:
    values = {
        "id": entry.id,
        "at": entry.at.replace(tzinfo=UTC).isoformat(),
        "by": None if entry.actor_id is None else f"person:{entry.actor_id}",
        "via": entry.via,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
        "digest": entry.digest,
    }
    return json.dumps(values, ensure_ascii=False)


def _as_text(session: "Session", entries: "Iterator[AuditEntry]") -> Iterator[str]:
    """A line for each entry: time, who, through what, action, subject, details; separated by tabs."""
    from sqlalchemy import select

    from recommender.audit import in_words
    from recommender.database.tables import Person

    handles = {number: handle for number, handle in session.execute(select(Person.id, Person.handle))}

    def named(text: str) -> str:
        return _PERSON.sub(lambda found: f"person:{handles.get(int(found[1]), f'{found[1]} (erased)')}", text)

    for entry in entries:
        account = (entry.details or {}).get("account")
        who = f"{account} (account)" if account else "-"
        if entry.actor_id is not None:
            who = handles.get(entry.actor_id, f"{entry.actor_id} (erased)")
        details = in_words(entry.details)
        columns = (f"{entry.at:%Y-%m-%d %H:%M:%S}", who, entry.via, entry.action, named(entry.subject), named(details))
        yield "\t".join(columns).rstrip()


def _by_id(session: "Session", subject: str) -> str:
    """The subject as the log has it: a person by id."""
    kind, _, name = subject.partition(":")
    return f"person:{_person_id(session, name)}" if kind == "person" else subject


def _person_id(session: "Session", name: str) -> int:
    """The id of the person with this user name; a number may be the id of somebody who was erased."""
    from sqlalchemy import select

    from recommender.database.tables import Person
    from recommender.membership.people import find

    known = session.scalar(select(Person.id).where(Person.handle == name))
    is_number = known is None and name.isdecimal() and len(name) < _LONGEST_NUMBER
    if is_number and session.get(Person, int(name)) is None:
        return int(name)
    return find(session, name).id
