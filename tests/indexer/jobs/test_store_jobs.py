"""jobs/store_jobs.py: backups that jobs make can be restored, and do not fill the disk."""

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.audit_table import AuditEntry
from recommender.database.backup import restore
from recommender.jobs import kinds, queue
from recommender.settings import Settings
from tests.indexer.jobs.conftest import Do


def test_a_backup_is_made_recorded_and_can_be_restored(
    do: Do, sessions: sessionmaker[Session], settings: Settings
) -> None:
    settings.backups_dir.mkdir()
    old = [settings.backups_dir / f"made-2020010{day}-000000.zip" for day in (1, 2, 3)]
    other = settings.backups_dir / "upgrade-2020.zip"
    for path in (*old, other):
        path.write_bytes(b"old")
    done = do(kinds.BACKUP)
    made = settings.home / done.result["file"]
    assert done.state == queue.DONE and made.stat().st_size == done.result["bytes"] > 0
    assert made.stat().st_mode & 0o077 == 0
    assert sorted(settings.backups_dir.iterdir()) == sorted([*old[1:], made, other])
    with sessions() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "store.backup")).one()
        assert entry.details["job"] == done.id
    target = Settings(home=settings.home / "restored")
    assert restore(target, made).revision == entry.details["revision"]


def test_a_file_that_somebody_else_put_there_stays(do: Do, settings: Settings) -> None:
    settings.backups_dir.mkdir()
    others = [settings.backups_dir / name for name in ("made-by-hand.zip", "made-by-me.zip", "made-2020-copy.zip")]
    others.append(settings.backups_dir / "made-20200101-000000.zip.zip")
    for path in others:
        path.write_bytes(b"mine")
    made = settings.home / do(kinds.BACKUP).result["file"]
    assert sorted(settings.backups_dir.iterdir()) == sorted([*others, made])
