"""`kollega team`: the teams, who may read their new requests, how they are reached, and where their requests go."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.running import database_session
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from recommender.database.tables import Team

_OPTIONS = (
    click.option("--name-fi", help="Its name in Finnish."),
    click.option("--name-sv", help="Its name in Swedish."),
    click.option("--restricted/--shared", default=None, help="Who may read new requests by default."),
    click.option("--keep-days", type=click.IntRange(1, 36_500), help="Days for which solved requests are kept."),
    click.option("--keep-forever", is_flag=True, help="Keep solved requests forever, as without any setting."),
    click.option("--phone", help="Telephone number that people see when they look for help; empty to take it away."),
    click.option("--hours", help='When the team answers, in English, such as "weekdays 8-16".'),
    click.option("--hours-fi", help="The same in Finnish."),
    click.option("--hours-sv", help="The same in Swedish."),
    click.option(
        "--private-matters/--no-private-matters", default=None, help="Whether it is offered private questions."
    ),
    click.option("--send-to", help="Where new requests go on to: here, mailto:ADDRESS, https://WEBHOOK, or a source."),
    click.option(
        "--set", "values", multiple=True, metavar="NAME=VALUE", help="What that system needs, such as project=IT."
    ),
    click.option("--send-again", is_flag=True, help="Send again what could not be sent on."),
    click.option("--json", "as_json", is_flag=True, help="Print the team as JSON."),
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class _TeamGroup(click.Group):
    """Also takes `kollega team HANDLE --OPTION`, as it was called before it had commands of its own."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            return "HANDLE", _make_or_set, args
        return super().resolve_command(ctx, args)


@click.group("team", cls=_TeamGroup)
def team_group() -> None:
    """Manage the teams.

    `kollega team it --name "IT"` makes or renames a team too, and takes the options of `team set`.
    """


@team_group.command("add")
@click.argument("handle")
@click.option("--name", required=True, help="Its name.")
@_with_options
@click.pass_obj
def team_add(settings: Settings, /, handle: str, as_json: bool, **changes: Any) -> None:
    """Make the team HANDLE.

    The handle is its short name in addresses and commands, such as it or hr, and stays the same; the name can be
    changed. It takes the options of `team set` too.
    """
    _change(settings, handle, changes, as_json, makes=True)


@team_group.command("rename")
@click.argument("handle")
@click.argument("name")
@click.option("--name-fi", help="Its name in Finnish; empty to take it away.")
@click.option("--name-sv", help="Its name in Swedish; empty to take it away.")
@click.option("--json", "as_json", is_flag=True, help="Print the team as JSON.")
@click.pass_obj
def team_rename(
    settings: Settings, handle: str, name: str, name_fi: str | None, name_sv: str | None, as_json: bool
) -> None:
    """Give the team HANDLE another NAME. Its handle stays the same."""
    _change(settings, handle, {"name": name, "name_fi": name_fi, "name_sv": name_sv}, as_json)


@team_group.command("set")
@click.argument("handle")
@click.option("--name", help="Its name.")
@_with_options
@click.pass_obj
def team_set(settings: Settings, /, handle: str, as_json: bool, **changes: Any) -> None:
    """Set who may read the new requests of the team HANDLE by default, how long its solved requests are kept, and how
    it is reached.

    With --send-to, new requests go on to where the team works, and come back solved: docs/handover.md.

    --restricted: only the person who asks and the team, unless the person who asks shares the request. --shared:
    everyone. After --keep-days since they were solved, requests are deleted for good (`kollega retention`). With
    --private-matters the team is offered first for questions about health, harassment, pay and family.
    """
    _change(settings, handle, changes, as_json)


@team_group.command("new-ones")
@click.option("--restricted/--shared", required=True, help="Who may read the first requests to a new team.")
@json_option
@click.pass_obj
def team_new_ones(settings: Settings, restricted: bool, as_json: bool) -> None:
    """Say whether a new team is restricted, however it comes: by a page, a command, an import or an identity provider.
    Teams that are there stay as they are."""
    from recommender.organisation.values import set_value
    from recommender.teams.team import NEW_TEAMS_RESTRICTED

    with database_session(settings) as session:
        set_value(session, settings, NEW_TEAMS_RESTRICTED, restricted)
    if as_json:
        echo_json({NEW_TEAMS_RESTRICTED: restricted})
    else:
        click.echo(f"new teams are {'restricted' if restricted else 'shared'} at first")


@click.command("HANDLE")
@click.argument("handle")
@click.option("--name", help="Its name; makes the team when there is none.")
@_with_options
@click.pass_obj
def _make_or_set(settings: Settings, /, handle: str, as_json: bool, **changes: Any) -> None:
    """Make the team HANDLE (with --name), or set something of it."""
    if not any(changes.values()) and all(changes[name] is None for name in ("restricted", "private_matters")):
        raise click.UsageError(
            f"Say what to set: --name, --restricted, --keep-days, --phone, or another option. To see the team: "
            f"kollega team show {handle}. All commands: kollega team --help"
        )
    _change(settings, handle, changes, as_json, makes=changes["name"] is not None, may_exist=True)


@team_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def team_list(settings: Settings, as_json: bool) -> None:
    """List the teams: handle, name, members, open and solved requests, guides, who reads new requests."""
    import json

    from recommender.teams import summary, team

    with database_session(settings) as session:
        found = summary.summaries(session, team.all_teams(session))
    for row in found:
        counts = f"{row.members}\t{row.open_requests}\t{row.solved_requests}\t{row.documents}"
        line = f"{row.handle}\t{row.name}\t{counts}\t{'restricted' if row.restricted else 'shared'}"
        click.echo(json.dumps(row.as_json(), ensure_ascii=False) if as_json else line)
    if not found:
        click.echo('There is no team yet. Make one with: kollega team add it --name "IT"', err=True)


@team_group.command("show")
@click.argument("handle")
@json_option
@click.pass_obj
def team_show(settings: Settings, handle: str, as_json: bool) -> None:
    """Show what is set for the team HANDLE, its members, and how much belongs to it."""
    from indexer.commands.team_sentences import shown
    from recommender.teams.team import get_team

    with database_session(settings) as session:
        team = get_team(session, handle)
        if as_json:
            _print_json(session, team)
            return
        for line in shown(session, team):
            click.echo(line)


@team_group.command("remove")
@click.argument("handle")
@click.option("--merge-into", metavar="HANDLE", help="The team that gets what belongs to this one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was moved as JSON; needs --yes.")
@click.pass_obj
def team_remove(settings: Settings, handle: str, merge_into: str | None, yes: bool, as_json: bool) -> None:
    """Remove the team HANDLE, to which nothing belongs any more.

    With --merge-into its requests, guides and members move to another team first. What would happen is shown, in
    numbers, before anything is done.
    """
    import json

    from indexer.commands import team_sentences
    from recommender import audit
    from recommender.teams import removing, team

    if as_json and not yes:
        raise click.UsageError("--json needs --yes, since nothing can be asked then.")
    with database_session(settings) as session:
        row = team.get_team(session, handle)
        into = team.get_team(session, merge_into) if merge_into else None
        if not yes:
            for line in team_sentences.of_removing(session, row, into):
                click.echo(line)
            click.confirm("Go on?", abort=True)
        belongings = removing.belongings(session, row)
        if into is None:
            removing.remove(session, row, audit.COMMAND)
        else:
            removing.merge(session, row, into, audit.COMMAND)
    done = {"removed": handle, "merged_into": merge_into, "moved": belongings.as_json() if merge_into else {}}
    sentence = f"{handle} was removed" + (f"; what belonged to it is with {merge_into} now" if merge_into else "")
    click.echo(json.dumps(done) if as_json else sentence)


def _change(
    settings: Settings,
    handle: str,
    changes: dict[str, Any],
    as_json: bool,
    makes: bool = False,
    may_exist: bool = False,
) -> None:
    """Make a team or change it, and print a sentence about each change, or the team as JSON."""
    from indexer.commands.team_sentences import changed

    values = changes.pop("values", ())
    if values and not changes["send_to"]:
        raise click.UsageError("--set belongs to --send-to. Say where requests go on to.")
    given = {name: value for name, value in changes.items() if value is not None and value is not False}
    given |= {name: False for name in ("restricted", "private_matters") if changes.get(name) is False}
    if not given:
        raise click.UsageError("Say what to set: --name, --restricted, --keep-days, --phone, or another option.")
    if "keep_days" in given and "keep_forever" in given:
        raise click.UsageError("Give either --keep-days or --keep-forever.")
    with database_session(settings) as session:
        lines = list(changed(settings, session, handle, given, values, makes, may_exist))
        if as_json:
            from recommender.teams.team import get_team

            _print_json(session, get_team(session, handle))
            return
    for line in lines:
        click.echo(line)


def _print_json(session: "Session", team: "Team") -> None:
    import json

    from recommender.teams.summary import summary_of

    people = sorted(person.handle for person in team.members)
    click.echo(json.dumps(summary_of(session, team).as_json() | {"people": people}, ensure_ascii=False))
