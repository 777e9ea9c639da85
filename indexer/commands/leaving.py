"""`kollega user left`: somebody leaves, and what hung on them goes to somebody else."""

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.members import DAY
from indexer.commands.members import user_group as user_group
from indexer.commands.person_json import tell
from indexer.commands.running import database_session
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from recommender.database.tables import Person
    from recommender.membership.leaving import Handed, Hanging, Plan

QUEUE, TEAM = "queue", "team"


@user_group.command("left")
@click.argument("handle")
@click.argument("day", type=DAY, required=False)
@click.option("--requests-to", metavar="HANDLE", help='Who gets their open requests: a colleague, or "queue".')
@click.option("--documents-to", metavar="HANDLE", help='Who owns their guides: a colleague, or "team" for nobody.')
@click.option("--end-access", is_flag=True, help="Disable the account now, whatever the day.")
@click.option("--undo", is_flag=True, help="They work here after all: take back the last time this was done.")
@click.option("--dry-run", is_flag=True, help="Only say what hangs on them and what would be handed over.")
@click.option("--yes", is_flag=True, help="Do not ask whether to go on.")
@json_option
@click.pass_obj
def user_left(
    settings: Settings, /, handle: str, day: datetime | None, dry_run: bool, yes: bool, as_json: bool, undo: bool,
    **chosen: Any,
) -> None:  # fmt: skip
    """Say that HANDLE does not work here any more from DAY on (YYYY-MM-DD; today by default).

    From that day on they cannot sign in, and are suggested to nobody. A colleague gets only what they may read anyway:
    other requests go back to the queue, other guides to their team.
    """
    from recommender.database.days import current_day
    from recommender.membership import leaving, people

    if undo and (day or any(chosen.values())):
        raise click.UsageError("--undo goes with no other choice.")
    with database_session(settings) as session:
        person = people.find(session, handle)
        if undo:
            return tell(session, handle, _undone(session, person), as_json)
        plan = _plan(session, day.date() if day else current_day(), **chosen)
        found = leaving.hanging(session, person, None, settings.session_idle_days)
        handed = leaving.preview(session, person, plan, None)
        if as_json:
            echo_json(_json(person, plan, found, handed, dry_run))
        else:
            for line in _sentences(found, handed):
                click.echo(line)
        if dry_run:
            return
        if not (yes or as_json) and (plan.hand_requests or plan.hand_documents or plan.end_access):
            click.confirm("Go on?", abort=True)
        leaving.leave(session, person, plan)
    if not as_json:
        click.echo(f"{handle} does not work here from {plan.left_on} on")


def _plan(session: "Session", day: date, requests_to: str | None, documents_to: str | None, end_access: bool) -> "Plan":
    from recommender.membership import people
    from recommender.membership.leaving import Plan

    takes = people.find(session, requests_to) if requests_to and requests_to != QUEUE else None
    owns = people.find(session, documents_to) if documents_to and documents_to != TEAM else None
    return Plan(day, bool(requests_to), takes, bool(documents_to), owns, end_access)


def _undone(session: "Session", person: "Person") -> str:
    from recommender.membership import leaving, people

    if not leaving.may_undo(session, person):
        people.set_left(session, person, None)
        return f"{person.handle} works here"
    requests, documents = leaving.undo(session, person)
    return f"{person.handle} works here; {requests} requests and {documents} guides are theirs again"


def _sentences(found: "Hanging", handed: "Handed") -> list[str]:
    names = ", ".join(topic.names["en"] for topic in found.topics)
    return [
        f"{found.requests} open requests: {handed.requests} to the colleague, {handed.to_queue} back to the queue, "
        f"{found.requests - handed.requests - handed.to_queue} stay",
        f"{found.documents} guides, {found.due} of them due for a review: {handed.documents} to the colleague, "
        f"{handed.to_team} to their team, {found.documents - handed.documents - handed.to_team} stay",
        f"{found.sessions} sessions, {found.tokens} tokens",
        *([f"topics that hang on them: {names}"] if names else []),
        *([f"sources that know them: {', '.join(found.sources)}"] if found.sources else []),
    ]


def _json(person: "Person", plan: "Plan", found: "Hanging", handed: "Handed", dry_run: bool) -> dict[str, Any]:
    hanging = {name: value for name, value in vars(found).items() if name != "topics"}
    return {
        "user_name": person.handle,
        "left_on": str(plan.left_on),
        "hanging": {**hanging, "topics": [dict(topic.names) for topic in found.topics]},
        "handed": asdict(handed),
        "ends_access": plan.end_access,
        "dry_run": dry_run,
    }
