"""`kollega user` and `kollega team`: who may sign in, and who may read a team's new requests."""

import sys
from typing import Any

import click

from indexer.commands.running import database_session
from recommender.settings import Settings

ROLES = ("staff", "agent", "lead", "admin")  # as in recommender/accounts.py, which would load the database
KINDS = ("person", "service", "guess")


@click.group("user")
def user_group() -> None:
    """Manage who may sign in, their roles and their API tokens."""


@user_group.command("add")
@click.argument("handle")
@click.option("--name", default="", help="Full name; the user name by default.")
@click.option("--role", type=click.Choice(ROLES), help="What they may do; staff by default.")
@click.option("--team", "teams", multiple=True, help="A team's handle; may be given several times.")
@click.option("--email", default="", help="Where links to a new password are sent.")
@click.option("--no-password", is_flag=True, help="For people who sign in through an identity provider or a proxy.")
@click.pass_obj
def user_add(
    settings: Settings,
    handle: str,
    name: str,
    role: str | None,
    teams: tuple[str, ...],
    email: str,
    no_password: bool,
) -> None:
    """Let the person HANDLE sign in.

    The password is asked for, or read from the first line of standard input.
    """
    from indexer.commands import accounts

    password = None if no_password else read_password()
    with database_session(settings) as session:
        click.echo(accounts.add(session, handle, name, role or "", teams, password, email, settings.organisation_words))


@user_group.command("role")
@click.argument("handle")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--team", "teams", multiple=True, help="A team's handle; may be given several times; replaces the teams.")
@click.pass_obj
def user_role(settings: Settings, handle: str, role: str, teams: tuple[str, ...]) -> None:
    """Make HANDLE staff, agent, lead or admin.

    Staff ask and reply; agents, leads and admins also handle the requests of their teams.
    """
    from indexer.commands import accounts

    with database_session(settings) as session:
        click.echo(accounts.set_role(session, handle, role, teams))


@user_group.command("kind")
@click.argument("handle")
@click.argument("kind", type=click.Choice(KINDS))
@click.pass_obj
def user_kind(settings: Settings, handle: str, kind: str) -> None:
    """Say whether HANDLE is a person or a service.

    A service is a program, a shared mailbox or a desk; it is never suggested as a colleague. "guess" lets the name
    decide again, as for everybody of whom nothing was said. `kollega user services` lists the services.
    """
    from indexer.commands import accounts

    with database_session(settings) as session:
        click.echo(accounts.set_kind(session, handle, kind))


@user_group.command("services")
@click.pass_obj
def user_services(settings: Settings) -> None:
    """List the services, which are never suggested: user name, name, and whether this was set or guessed.

    To change one: kollega user kind HANDLE person
    """
    from indexer.commands import accounts

    with database_session(settings) as session:
        for line in accounts.services(session):
            click.echo(line)


@user_group.command("disable")
@click.argument("handle")
@click.option("--undo", is_flag=True, help="Let them sign in again.")
@click.pass_obj
def user_disable(settings: Settings, handle: str, undo: bool) -> None:
    """Stop HANDLE from signing in.

    Ends all their sessions and deletes their tokens. They are no longer suggested to anybody.
    """
    from recommender import accounts
    from recommender.membership.people import find

    with database_session(settings) as session:
        person = find(session, handle)
        (accounts.enable if undo else accounts.disable)(session, person)
    click.echo(f"{handle} may sign in again" if undo else f"{handle} may no longer sign in; their tokens are deleted")


@click.command()
@click.argument("handle")
@click.option("--name", help="Its name; makes the team when there is none.")
@click.option("--name-fi", help="Its name in Finnish.")
@click.option("--restricted/--shared", default=None, help="Who may read new requests by default.")
@click.option("--keep-days", type=click.IntRange(1, 36_500), help="Days for which solved requests are kept.")
@click.option("--keep-forever", is_flag=True, help="Keep solved requests forever, as without any setting.")
@click.option("--phone", help="Telephone number that people see when they look for help; empty to take it away.")
@click.option("--hours", help='When the team answers, in English, such as "weekdays 8-16".')
@click.option("--hours-fi", help="The same in Finnish.")
@click.option("--private-matters/--no-private-matters", default=None, help="Whether it is offered private questions.")
@click.option("--send-to", help="Where new requests go on to: here, mailto:ADDRESS, https://WEBHOOK, or a source.")
@click.option(
    "--set", "values", multiple=True, metavar="NAME=VALUE", help="What that system needs, such as project=IT."
)
@click.option("--send-again", is_flag=True, help="Send again what could not be sent on.")
@click.pass_obj
def team(settings: Settings, /, handle: str, **changes: Any) -> None:
    """Make the team HANDLE (with --name), or set who may read its new requests by default, how long its solved
    requests are kept, and how it is reached.

    With --send-to, new requests go on to where the team works, and come back solved: docs/handover.md.

    --restricted: only the person who asks and the team, unless the person who asks shares the request. --shared:
    everyone. After --keep-days since they were solved, requests are deleted for good (`kollega retention`). With
    --private-matters the team is offered first for questions about health, harassment, pay and family.
    """
    values = changes.pop("values")
    given = {name: value for name, value in changes.items() if value is not None and value is not False}
    if values and not changes["send_to"]:
        raise click.UsageError("--set belongs to --send-to. Say where requests go on to.")
    given |= {name: False for name in ("restricted", "private_matters") if changes[name] is False}
    if not given:
        raise click.UsageError("Say what to set: --name, --restricted, --keep-days, --phone, or another option.")
    if "keep_days" in given and "keep_forever" in given:
        raise click.UsageError("Give either --keep-days or --keep-forever.")
    with database_session(settings) as session:
        for line in _set_team(session, handle, given):
            click.echo(line)
        if changes["send_to"]:
            from indexer.commands.destinations import set_destination

            click.echo(set_destination(settings, session, handle, changes["send_to"], values))
        if changes["send_again"]:
            from indexer.commands.destinations import send_again

            click.echo(send_again(session, handle))


def _set_team(session: Any, handle: str, given: dict[str, Any]) -> list[str]:
    """Make the changes to a team; returns a sentence about each."""
    from indexer.commands import accounts

    lines = []
    if names := {str(name): str(given[name]) for name in ("name", "name_fi") if name in given}:
        lines.append(accounts.call(session, handle, names))
    if "restricted" in given:
        lines.append(accounts.restrict(session, handle, given["restricted"]))
    if "keep_days" in given or "keep_forever" in given:
        lines.append(accounts.keep(session, handle, given.get("keep_days")))
    contact = {str(name): str(given[name]) for name in ("phone", "hours", "hours_fi") if name in given}
    if contact:
        lines.append(accounts.contact(session, handle, contact))
    if "private_matters" in given:
        lines.append(accounts.handle_private_matters(session, handle, given["private_matters"]))
    return lines


def read_password() -> str:
    """The password: asked for twice at a terminal, otherwise the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    typed = sys.stdin.readline().rstrip("\r\n")
    if not typed.isprintable():  # bytes that are not UTF-8 too: Python reads them as lone surrogates
        raise click.ClickException("The password contains characters that cannot be typed, or is not UTF-8.")
    return typed
