"""`kollega user`: who may sign in."""

import sys

import click

from indexer.commands.json_output import json_option
from indexer.commands.person_json import list_rows, tell
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
@json_option
@click.pass_obj
def user_add(
    settings: Settings,
    handle: str,
    name: str,
    role: str | None,
    teams: tuple[str, ...],
    email: str,
    no_password: bool,
    as_json: bool,
) -> None:
    """Let the person HANDLE sign in.

    The password is asked for, or read from the first line of standard input.
    """
    from indexer.commands import accounts
    from recommender.organisation.values import Organisation

    password = None if no_password else read_password()
    with database_session(settings) as session:
        language, words = Organisation.read(session, settings).settings.language_of_mail, settings.organisation_words
        said = accounts.add(session, handle, name, role or "", teams, password, email, words, language)
        tell(session, handle, said, as_json)


@user_group.command("role")
@click.argument("handle")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--team", "teams", multiple=True, help="A team's handle; may be given several times; replaces the teams.")
@json_option
@click.pass_obj
def user_role(settings: Settings, handle: str, role: str, teams: tuple[str, ...], as_json: bool) -> None:
    """Make HANDLE staff, agent, lead or admin.

    Staff ask and reply; agents, leads and admins also handle the requests of their teams.
    """
    from indexer.commands import accounts

    with database_session(settings) as session:
        tell(session, handle, accounts.set_role(session, handle, role, teams), as_json)


@user_group.command("kind")
@click.argument("handle")
@click.argument("kind", type=click.Choice(KINDS))
@json_option
@click.pass_obj
def user_kind(settings: Settings, handle: str, kind: str, as_json: bool) -> None:
    """Say whether HANDLE is a person or a service.

    A service is a program, a shared mailbox or a desk; it is never suggested as a colleague. "guess" lets the name
    decide again, as for everybody of whom nothing was said. `kollega user services` lists the services.
    """
    from indexer.commands import accounts

    with database_session(settings) as session:
        tell(session, handle, accounts.set_kind(session, handle, kind), as_json)


@user_group.command("services")
@json_option
@click.pass_obj
def user_services(settings: Settings, as_json: bool) -> None:
    """List the services, which are never suggested: user name, name, and whether this was set or guessed.

    To change one: kollega user kind HANDLE person
    """
    from indexer.commands import accounts

    with database_session(settings) as session:
        rows = accounts.services(session)
        list_rows(rows, ["\t".join(row.values()) for row in rows], as_json)


@user_group.command("disable")
@click.argument("handle")
@click.option("--undo", is_flag=True, help="Let them sign in again.")
@json_option
@click.pass_obj
def user_disable(settings: Settings, handle: str, undo: bool, as_json: bool) -> None:
    """Stop HANDLE from signing in.

    Ends all their sessions and deletes their tokens. They are no longer suggested to anybody.
    """
    from recommender import accounts
    from recommender.membership.people import find

    with database_session(settings) as session:
        person = find(session, handle)
        (accounts.enable if undo else accounts.disable)(session, person)
        said = f"{handle} may sign in again" if undo else f"{handle} may no longer sign in; their tokens are deleted"
        tell(session, handle, said, as_json)


def read_password() -> str:
    """The password: asked for twice at a terminal, otherwise the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    typed = sys.stdin.readline().rstrip("\r\n")
    if not typed.isprintable():  # bytes that are not UTF-8 too: Python reads them as lone surrogates
        raise click.ClickException("The password contains characters that cannot be typed, or is not UTF-8.")
    return typed
