"""`kollega user import`: a list of people from a CSV file."""

from dataclasses import asdict
from pathlib import Path

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.merging import user_group as user_group
from indexer.commands.running import database_session
from recommender.settings import Settings


@user_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
@click.pass_context
def user_import(ctx: click.Context, file: Path, dry_run: bool, as_json: bool) -> None:
    """Add and change the people in FILE, a CSV file as Excel writes it, in English or Finnish.

    The first line names the columns: user name or e-mail, name (or first and last name), role, teams, last day. Empty
    cells change nothing, and nobody is removed. Lines that cannot be used are refused, and the exit status is then 1.
    """
    from recommender.membership import people_file
    from recommender.membership.people_preview import preview
    from recommender.organisation.values import Organisation

    settings: Settings = ctx.obj
    with database_session(settings) as session:
        tell, text = (
            Organisation.read(session, settings).settings.language_of_mail,
            people_file.decoded(file.read_bytes()),
        )
        found = preview(session, text) if dry_run else people_file.import_people(session, text, tell=tell)
    if as_json:
        echo_json({"dry_run": dry_run, "unused": found.unused, "rows": [asdict(row) for row in found.rows]})
    else:
        for row in found.rows:
            if row.what != people_file.SAME:
                said = row.problem or ", ".join(row.fields)
                click.echo("\t".join((f"line {row.line}", row.what, row.handle, row.name, said)).rstrip())
        if found.unused:
            click.echo(f"columns that are not used: {', '.join(found.unused)}")
        sums = ", ".join(f"{found.count(what)} {what}" for what in people_file.COUNTED)
        click.echo(f"{sums}; nothing was stored" if dry_run else sums)
    if found.count(people_file.REFUSED):
        ctx.exit(1)
