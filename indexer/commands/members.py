"""`kollega user`, the part about who belongs here: lists, one person, names, teams, the last day, invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.people import ROLES
from indexer.commands.person_json import tell
from indexer.commands.running import database_session
from indexer.commands.signing_in import user_group as user_group
from recommender.settings import Settings

if TYPE_CHECKING:
    from recommender.membership.listing import Member

STATES = ("here", "no_password", "no_account", "disabled", "left", "services")  # as in membership/listing.py
DAY = click.DateTime(["%Y-%m-%d"])


@user_group.command("list")
@click.option("--search", default="", help="Part of a name, user name or e-mail address.")
@click.option("--role", type=click.Choice(ROLES), help="Only those with this role.")
@click.option("--team", default="", help="Only members of the team with this handle.")
@click.option("--state", type=click.Choice(STATES), help="Only those who are here, have no password yet, ...")
@json_option
@click.pass_obj
def user_list(settings: Settings, search: str, role: str | None, team: str, state: str | None, as_json: bool) -> None:
    """List people: user name, name, role, teams, and how they sign in or why they cannot."""
    from recommender.membership import listing

    with database_session(settings) as session:
        found = listing.load(session, search, role or "", team, state or "", page=None).members
        if as_json:
            return echo_json([listing.as_json(session, member) for member in found])
        for member in found:
            click.echo("\t".join(_columns(session, member)))


@user_group.command("show")
@click.argument("handle")
@json_option
@click.pass_obj
def user_show(settings: Settings, handle: str, as_json: bool) -> None:
    """Show what is known of HANDLE: name, address, role, teams, kind, last day, and how they sign in."""
    from recommender.membership import listing, people

    with database_session(settings) as session:
        shown = listing.as_json(session, listing.one(session, people.find(session, handle)))
    if as_json:
        return echo_json(shown)
    for name, value in shown.items():
        text = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{name.replace('_', ' ')}\t{'' if text is None else text}")


@user_group.command("name")
@click.argument("handle")
@click.argument("name")
@json_option
@click.pass_obj
def user_name(settings: Settings, handle: str, name: str, as_json: bool) -> None:
    """Give HANDLE another NAME. The user name stays."""
    from recommender.membership import people

    with database_session(settings) as session:
        person = people.find(session, handle)
        people.rename(session, person, name)
        tell(session, handle, f"{handle} is called {person.name}", as_json)


@user_group.command("teams")
@click.argument("handle")
@click.option("--join", multiple=True, metavar="TEAM", help="A team to add; may be given several times.")
@click.option("--leave", multiple=True, metavar="TEAM", help="A team to take away; may be given several times.")
@json_option
@click.pass_obj
def user_teams(settings: Settings, handle: str, join: tuple[str, ...], leave: tuple[str, ...], as_json: bool) -> None:
    """Add HANDLE to teams, or take them out of some; the others stay. Without options, show the teams."""
    from recommender.membership import people
    from recommender.teams.team import get_team

    with database_session(settings) as session:
        person = people.find(session, handle)
        if join or leave:
            for team in leave:
                get_team(session, team)
            kept = [team.handle for team in person.teams if team.handle not in leave]
            people.set_teams(session, person, [*kept, *join])
        teams = sorted(team.handle for team in person.teams)
    if as_json:
        return echo_json({"user_name": handle, "teams": teams})
    click.echo(f"{handle} is in {', '.join(teams)}" if teams else f"{handle} is in no team")


@user_group.command("invite")
@click.argument("handle")
@click.option("--language", type=click.Choice(("fi", "sv", "en")), help="Of the mail; KOLLEGA_LANGUAGE by default.")
@click.option("--print", "hand_over", is_flag=True, help="Print the link instead of sending it.")
@json_option
@click.pass_obj
def user_invite(settings: Settings, handle: str, language: str | None, hand_over: bool, as_json: bool) -> None:
    """Send HANDLE a link with which they set their first password.

    The link works once, within seven days. Where no mail server is set, or they have no address, it is printed, once:
    hand it over to them.
    """
    from recommender.membership import invitations, people

    with database_session(settings) as session:
        person, address = people.find(session, handle), invitations.address_of(settings)
        invitation = invitations.invite(
            session, settings, person, language or settings.language, address, hand_over=hand_over
        )
    if as_json:
        return echo_json({"user_name": handle, "email": invitation.email or None, "link": invitation.link or None})
    click.echo(invitation.link or f"a link for {handle} goes to {invitation.email} as soon as `kollega watch` runs")


def _columns(session: Any, member: Member) -> tuple[str, ...]:
    from recommender.accounts import second_factor

    states = {"here": "password", "no_password": "no password", "no_account": "no account", "services": "service"}
    how = states.get(member.state, member.state)
    if member.account and member.account.subject and not member.account.password_hash and member.state == "here":
        how = "OpenID provider"
    factor = ", second factor" if second_factor.is_on(session, member.person.id) else ""
    teams = ",".join(team.handle for team in member.person.teams)
    return member.person.handle, member.person.name, member.person.role, teams, how + factor
