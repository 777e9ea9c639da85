"""`kollega user merge`: two accounts of one person become one."""

from typing import TYPE_CHECKING

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.leaving import user_group as user_group
from indexer.commands.running import database_session
from recommender.settings import Settings

if TYPE_CHECKING:
    from recommender.membership.merging import Preview


@user_group.command("merge")
@click.argument("kept")
@click.argument("gone")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--yes", is_flag=True, help="Do not ask whether to go on.")
@json_option
@click.pass_obj
def user_merge(settings: Settings, kept: str, gone: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make one person of KEPT and GONE, whose user name then means KEPT: for sources and for signing in.

    KEPT has afterwards what the two had: requests, replies, guides, teams, the higher role. All sessions and tokens of
    both end. It cannot be undone. Keep the one that an import knows, so that it goes on saying who works here.
    """
    from recommender.membership import merging, people

    with database_session(settings) as session:
        one, other = people.find(session, kept), people.find(session, gone)
        seen = merging.preview(session, one, other, None, settings.session_idle_days)
        if as_json:
            echo_json({"kept": one.handle, "gone": other.handle, "dry_run": dry_run, **vars(seen)})
        else:
            for line in _sentences(one.handle, other.handle, seen):
                click.echo(line)
        if dry_run:
            return
        if not (yes or as_json):
            click.confirm("Make one of them? It cannot be undone.", abort=True)
        names = one.handle, other.handle
        merging.merge(session, one, other)
    if not as_json:
        click.echo(f"{names[1]} is {names[0]} now")


def _sentences(kept: str, gone: str, seen: "Preview") -> list[str]:
    lines = [
        f"{seen.requests} requests, {seen.assigned} assigned requests, {seen.replies} replies and {seen.documents} "
        f"guides of {gone} become those of {kept}",
        f"{kept} is {seen.role} then" + (f", and also in {', '.join(seen.new_teams)}" if seen.new_teams else ""),
        f"{seen.sessions} sessions and {seen.tokens} tokens of both end",
    ]
    if seen.takes_password:
        lines.append(f"{kept} signs in with the password of {gone}")
    if seen.ends_second_factor:
        lines.append(f"the second factor of {gone} ends; {kept} can set it up anew")
    if seen.ends_password:
        lines.append(f"the password of {gone} ends; send {kept} a link to a new one: kollega user invite {kept}")
    if seen.loses_link:
        lines.append(f"{gone} is no longer linked to the OpenID provider; {kept} stays linked")
    return lines
