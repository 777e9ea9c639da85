"""`kollega erase` and `kollega retention`: delete for good, also from the index."""

from typing import TYPE_CHECKING

import click

from indexer.commands.index import update_index
from indexer.commands.running import database, database_session
from recommender.errors import ErasureError, IndexLocked
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from recommender.database.tables import Document, HelpRequest, Person

_with_backups = click.option(
    "--with-backups", is_flag=True, help="Delete the backups in backups/ and the exports in exports/ too."
)
_MOST_NAMED = 20  # items in which a name was found that are listed: a judgement


@click.command()
@click.argument("subject")
@click.option("--with-requests", is_flag=True, help="With a person: delete the requests they asked, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask whether to go on.")
@_with_backups
@click.pass_obj
def erase(settings: Settings, subject: str, with_requests: bool, dry_run: bool, yes: bool, with_backups: bool) -> None:
    """Delete SUBJECT for good: request:12, document:3 or person:aino.

    It goes from the database, the index, the counts and the details of the audit log, and the next import does not
    bring it back. Of a person everything goes but what they wrote: replies, requests and guides stay without their
    name. Backups still have it: those in backups/ are named, and deleted with `--with-backups`. Those that you keep
    elsewhere are yours to delete; docs/administration.md says more.
    """
    from recommender.database.shared_texts import ask_all_for_rewrite
    from recommender.index.generations import ask_for_rewrite
    from recommender.knowledge import attachments
    from recommender.knowledge.erasure import forget_pages

    with database_session(settings) as session:
        row = _find(session, subject)
        for line in _described(session, row, with_requests):
            click.echo(line)
        if dry_run:
            return
        if not yes:
            click.confirm("Delete it for good?", abort=True)
        ask_for_rewrite(settings.index_dir)
        ask_all_for_rewrite(session)
        _erase(session, row, with_requests)
        session.commit()
        if removed := attachments.clean_up(session, settings):
            click.echo(f"{removed} attached files deleted")
        ask_for_rewrite(settings.index_dir)  # again: a run that began before the commit has read what is erased
        ask_all_for_rewrite(session)
        forget_pages(session)
    click.echo(f"{subject} is erased from the database")
    _settle_backups(settings, with_backups)
    _update_index(settings)


@click.command()
@click.option("--dry-run", is_flag=True, help="Say how many requests would be deleted, and delete nothing.")
@_with_backups
@click.pass_obj
def retention(settings: Settings, dry_run: bool, with_backups: bool) -> None:
    """Delete for good the solved requests that their team has kept long enough, and old entries of the audit log.

    `kollega team set it --keep-days 365` sets how long. `kollega watch` does this once a day.
    """
    from indexer.indexing.retention import erase_what_is_due
    from recommender.database.tables import utc_now
    from recommender.knowledge.retention import due

    with database_session(settings) as session:
        if dry_run:
            click.echo(f"{len(list(due(session, utc_now())))} requests would be deleted")
            return
        erased = erase_what_is_due(settings, session)
    click.echo(f"{erased} requests deleted")
    if erased:
        _settle_backups(settings, with_backups)
        _update_index(settings)


def _find(session: "Session", subject: str) -> "HelpRequest | Document | Person":
    """The row that a subject names. Raises ErasureError when there is none."""
    from sqlalchemy import select

    from recommender.database.tables import Document, HelpRequest, Person

    kind, _, name = subject.partition(":")
    number = int(name) if name.isdecimal() and len(name) < 10 else 0
    row: HelpRequest | Document | Person | None = None
    if kind == "person":
        row = session.scalar(select(Person).where(Person.handle == name))
    elif kind == "request":
        row = session.get(HelpRequest, number)
    elif kind == "document":
        row = session.get(Document, number)
    if row is None:
        raise ErasureError(f"There is no {subject!r}. Name what to delete as request:12, document:3 or person:aino.")
    return row


def _described(session: "Session", row: "HelpRequest | Document | Person", with_requests: bool) -> list[str]:
    """Lines about what would be deleted, for the admin to check."""
    from sqlalchemy import func, select

    from recommender.database.tables import HelpRequest, Person
    from recommender.knowledge.erasure import mentions

    if not isinstance(row, Person):
        return [f"{row.title}"]
    asked = session.scalar(select(func.count()).where(HelpRequest.asked_by_id == row.id)) or 0
    lines = [f"{row.name} ({row.handle}), who asked {asked} requests"]
    lines[0] += ": they are deleted too" if with_requests and asked else ""
    named = list(mentions(session, row))
    if named:
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        lines.append(f"the name stays in texts that contain it: {', '.join(named[:_MOST_NAMED])}{more}")
    return lines


def _erase(session: "Session", row: "HelpRequest | Document | Person", with_requests: bool) -> None:
    from recommender.audit import COMMAND
    from recommender.database.tables import HelpRequest, Person
    from recommender.knowledge import erasure

    if isinstance(row, Person):
        for what, count in sorted(erasure.erase_person(session, row, COMMAND, with_requests).items()):
            click.echo(f"{count} {what}")
    elif isinstance(row, HelpRequest):
        erasure.erase_request(session, row, COMMAND)
    else:
        erasure.erase_document(session, row, COMMAND)


def _settle_backups(settings: Settings, delete: bool) -> None:
    """Name the backups and exports in the home, which were made before and may have what was erased, or delete them."""
    from recommender import audit
    from recommender.jobs import exports

    exported = [path for each in exports.listed(settings) if (path := exports.find(settings, each.name))]
    found = [*sorted(settings.backups_dir.glob("*.zip")), *exported]
    for path in found:
        if delete:
            exports.remove(path)
        click.echo(f"deleted: {path}" if delete else f"still has what was in the database when it was made: {path}")
    if found and not delete:
        click.echo("Delete these files when you do not need them any more, and backups that you keep elsewhere.")
    if found and delete:
        with database_session(settings) as session:
            names = [path.name for path in found]
            audit.record(session, audit.COMMAND, "store.backups_deleted", "store", {"files": names})


def _update_index(settings: Settings) -> None:
    """Write the index anew without what was erased; leave it to the process that is writing the index now."""
    from indexer.indexing.kept import follow
    from recommender.database.index_register import IndexRegister
    from recommender.index.engines import LEFT_IN_MILVUS, is_left_in_milvus
    from recommender.index.generations import live_name

    follow(settings)
    with database(settings) as sessions:
        if is_left_in_milvus(settings, IndexRegister(settings, sessions)):
            click.echo(LEFT_IN_MILVUS, err=True)
    if live_name(settings.index_dir) is None:
        return
    try:
        update_index(settings, full=False)
    except IndexLocked:
        click.echo("Another process is writing the index, and will write it anew without what was erased.")
