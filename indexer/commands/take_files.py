"""`kollega take-files`: makes the bucket of attached files this installation's."""

import click

from indexer.commands.running import database_session
from recommender.settings import Settings


@click.command("take-files")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_obj
def take_files(settings: Settings, /, yes: bool) -> None:
    """Make the bucket of KOLLEGA_FILES this installation's, after a backup was restored in place of another one.

    Only one installation adds and removes files in a bucket or prefix; the others say that it belongs to another one.
    Whoever had it before may not remove anything there any more. Files that this database does not know are deleted
    within an hour: their number is shown first.
    """
    from recommender import audit
    from recommender.errors import KollegaError
    from recommender.files.places import store_of
    from recommender.knowledge import file_store

    store = store_of(settings)
    if not store.shared:
        raise KollegaError("The attached files are in the home directory: there is nothing to take. See KOLLEGA_FILES.")
    with database_session(settings) as session:
        found = set(store.names())
        known = file_store.needed(session, found)
        click.echo(f"files in {store.where}: {len(found)}; this database knows {len(known)} of them")
        if len(found) > len(known):
            click.echo(f"The other {len(found) - len(known)} will be deleted by `kollega watch`.")
        if not yes:
            click.confirm("Make them the files of this installation?", abort=True)
        audit.record(session, audit.COMMAND, "files.taken", "store", {"files": len(found), "known": len(known)})
        with file_store.locked(session, store):
            file_store.take_over(session, store)
    click.echo("They are the files of this installation now.")
