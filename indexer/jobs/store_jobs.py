"""The jobs that write everything into a file: an export, which other programs can read, and a backup."""

import re
from datetime import UTC, datetime
from typing import Any

from indexer.jobs.running import RunningJob
from recommender import audit
from recommender.database.job_tables import Job
from recommender.files.places import store_of
from recommender.sentences.sentence import Sentence

_MADE = re.compile(r"made-\d{8}-\d{6}\.zip")  # the names of backups that jobs make; no other file is removed
_KEPT = 3  # of these: a judgement


def export(job: RunningJob) -> dict[str, Any]:
    """Write everything into a new file in the folder `exports` of the home directory, which only the account of Kollega
    can read, as `kollega export` does."""
    from indexer.loading.attached_files import copy_out, require_new_folder
    from indexer.loading.export import export as write

    folder = job.settings.exports_dir
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"kollega-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl.gz"
    require_new_folder(file)
    job.report(stage="writing")
    with job.sessions(info={"via": "system"}) as session:

        def record(counts: dict[str, int]) -> None:
            with job.sessions.begin() as other:
                audit.record(other, audit.SYSTEM, "store.export", "store", {"job": job.number, **counts})

        counts = write(session, file, lambda done: job.report(done, None, "rows"), record)
        files = copy_out(session, store_of(job.settings), file)
    return {"file": f"exports/{file.name}", "files": files, "rows": sum(counts.values())}


def backup(job: RunningJob) -> dict[str, Any]:
    """Write a backup into a new file in the folder `backups` of the home directory, as `kollega backup` does. Of those
    that jobs have made the last few are kept."""
    from recommender.database.backup import Backup, back_up

    folder = job.settings.backups_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"made-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"

    def record(made: Backup) -> None:
        details = {"revision": made.revision, "made_at": made.made_at, "job": job.number}
        with job.sessions.begin() as session:
            by = session.get_one(Job, job.number).made_by_id
            audit.record(session, audit.actor(session, by), "store.backup", "store", details)

    job.report(stage="writing")
    made = back_up(job.settings, file, record)
    for old in sorted(path for path in folder.iterdir() if _MADE.fullmatch(path.name))[:-_KEPT]:
        old.unlink()
        job.note(Sentence("Removed the older backup %(name)s.", name=old.name))
    return {"file": f"backups/{file.name}", "bytes": file.stat().st_size, "files": len(made.files)}
