"""`kollega backup`, `restore`, `copy-store`, `upgrade` and `export`: what keeps the store safe, or takes it
elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.running import (
    UNFINISHED,
    database_session,
    progress_bars,
    running_count,
    stop_when_terminated,
)
from recommender.settings import Settings

if TYPE_CHECKING:
    from recommender.database.backup import Backup

_FILE = click.Path(path_type=Path)
_STORE = "store"  # the subject of these acts in the audit log


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    """Write a backup to the new FILE, also while the server runs.

    It is a zip file with the database, the attached files, secret_key, synonyms.txt and their checksums, and it is
    checked before the command ends. It holds everything that is restricted; only the account that runs the command can
    read it. The index is not in it: it can be built again.
    """
    from recommender.database.backup import back_up
    from recommender.database.engine import newest_revision

    stop_when_terminated(UNFINISHED)

    def record(made: "Backup") -> None:
        if made.revision == newest_revision():  # an older database is backed up too, but has another log or none
            _record(settings, "store.backup", {"revision": made.revision, "made_at": made.made_at})

    made = back_up(settings, file, record)
    click.echo(f"backup of {_size(made.files['kollega.db'][0])} of database in {file} ({_named(made)})")


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def restore(settings: Settings, file: Path) -> None:
    """Put the backup FILE into an empty home directory (KOLLEGA_HOME).

    Everything in it is checked first. A home that has a database, a key, synonyms or an index is left as it is. With
    KOLLEGA_DATABASE the rows go into that database, which must be empty; it does not matter whether the backup was made
    on SQLite or on PostgreSQL. Run `kollega reindex` afterwards.
    """
    from recommender.database.backup import restore as put_back
    from recommender.database.engine import newest_revision

    stop_when_terminated(UNFINISHED)
    restored = put_back(settings, file)
    click.echo(f"restored into {settings.home}: {_named(restored)}, of {restored.made_at}")
    if restored.revision == newest_revision():
        _record(settings, "store.restore", {"revision": restored.revision, "made_at": restored.made_at})
        click.echo("Now run: kollega reindex")
    else:
        click.echo("It is of an older version. Now run: kollega upgrade, then: kollega reindex")


@click.command("copy-store")
@click.argument("from_place", metavar="FROM")
@click.argument("to_place", metavar="TO")
@click.pass_obj
def copy_store(settings: Settings, from_place: str, to_place: str) -> None:
    """Copy the whole store FROM one database TO another one that is empty: from SQLite to PostgreSQL, or back.

    FROM and TO are each an address like those of KOLLEGA_DATABASE, or a SQLite file or the home directory of one. Stop
    Kollega first: what is written to FROM afterwards is not in TO. Every row is compared before the copy is kept. If
    anything fails, or the command is stopped, TO has no row of it, and the same command can be run again. FROM is not
    changed. Passwords are best left out of the addresses: PostgreSQL takes them from PGPASSWORD or ~/.pgpass too.

    Files are not copied: the home directory, with the attached files, the key and the index, goes on being used.
    """
    from recommender.database.copying import at
    from recommender.database.copying import copy_store as copy
    from recommender.database.engine import newest_revision

    stop_when_terminated(UNFINISHED)
    target = at(settings, to_place)
    with progress_bars() as progress:
        copied = copy(at(settings, from_place), target, progress)
    rows = sum(copied.rows.values())
    click.echo(f"copied {rows} rows of {len(copied.rows)} tables (version {copied.revision}), and found them equal")
    if copied.revision == newest_revision():
        _record(target, "store.copy", {"rows": rows})
    click.echo("Now set KOLLEGA_DATABASE to the new database, and start Kollega.")


@click.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def export(settings: Settings, file: Path) -> None:
    """Write everything into the new FILE as JSON lines, in the format of `kollega import jsonl`.

    `kollega import jsonl FILE` in an empty home makes the same store of it. Attached files are copied into a folder
    beside it, FILE.files, which has to stay beside it. Passwords, sessions, tokens and the audit log are not written.
    The file holds everything that is restricted; only the account that runs the command can read it. A name that ends
    with .gz makes a compressed file.
    """
    from indexer.loading.attached_files import copy_out, folder_beside, require_new_folder
    from indexer.loading.export import export as write
    from recommender.files.places import store_of

    def record(counts: dict[str, int]) -> None:
        _record(settings, "store.export", _without_header(counts))

    stop_when_terminated(UNFINISHED)
    with database_session(settings) as session, running_count("exporting") as progress:
        require_new_folder(file)
        counts = write(session, file, progress, record)
        files = copy_out(session, store_of(settings), file)  # in the same transaction: of the same moment
    attached = f"; {files} attached files into {folder_beside(file)}" if files else ""
    click.echo(f"exported into {file}: {_counted(_without_header(counts))}{attached}")


def import_store(settings: Settings, file: Path) -> None:
    """Load an export into an empty store, and print one line of counts."""
    from indexer.loading.attached_files import copy_in
    from indexer.loading.whole_store import load_store
    from recommender import audit
    from recommender.files.places import store_of

    with database_session(settings) as session, running_count("importing") as progress:
        counts = load_store(session, file, progress)
        missing = copy_in(session, store_of(settings), file)
        written = _without_header(counts)
        audit.record(session, audit.COMMAND, "store.import", _STORE, written)
    click.echo(f"imported the whole store: {_counted(written)}")
    if missing:
        click.echo(
            f"{len(missing)} attached files were missing when it was exported; kollega verify names them", err=True
        )
    click.echo("Nobody can sign in yet: give people passwords with kollega user add. Then run: kollega reindex")


def _without_header(counts: dict[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if kind != "export"}


def _counted(counts: dict[str, int]) -> str:
    names = {"row": "other rows", "person": "people"}
    return ", ".join(f"{count} {names.get(kind, kind + 's')}" for kind, count in counts.items()) or "nothing"


@click.command()
@click.option("--no-backup", is_flag=True, help="Make no backup first.")
@click.pass_obj
def upgrade(settings: Settings, no_backup: bool) -> None:
    """Bring the database up to date after a new version of Kollega was installed. Stop the server first.

    Makes a backup in backups/ in the home directory before, without the attached files, which stay where they are; the
    last three are kept. If anything fails, the database
    stays as it was.
    """
    stop_when_terminated(UNFINISHED)
    upgrade_store(settings, with_backup=not no_backup)


def upgrade_store(settings: Settings, with_backup: bool = True, quiet: bool = False) -> None:
    """Upgrade the database and say what was done; with `quiet` nothing is said when nothing was to be done."""
    from recommender.database.upgrade import upgrade as run

    done = run(settings, with_backup)
    if done.before == done.after:
        if not quiet:
            click.echo(f"up to date (version {done.after} of the database)")
        return
    if done.before is None:
        if not quiet:
            click.echo(f"made a new database (version {done.after})")
        return
    made = {"backup": done.backup.name} if done.backup else {}
    _record(settings, "store.upgrade", {"before": done.before, "after": done.after, **made})
    for table, (before, after) in done.fewer.items():
        click.echo(f"{table} had {before} rows and has {after}", err=True)
    kept = f"; a backup is {done.backup}" if done.backup else ""
    click.echo(f"upgraded the database from version {done.before} to {done.after}{kept}")


def _record(settings: Settings, action: str, details: dict[str, Any]) -> None:
    from recommender import audit

    with database_session(settings) as session:
        audit.record(session, audit.COMMAND, action, _STORE, details)


def _named(made: "Backup") -> str:
    """What is in a backup."""
    attached = [name for name in made.files if "/" in name]
    counted = [f"{len(attached)} attached files"] if attached else []
    return ", ".join([*sorted(made.files.keys() - set(attached)), *counted])


def _size(length: int) -> str:
    return f"{length / 1_000_000:.1f} MB"
