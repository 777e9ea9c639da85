"""The job that writes everything into a file."""

from datetime import UTC, datetime
from typing import Any

from indexer.jobs.running import RunningJob
from recommender import audit
from recommender.files.places import store_of


def export(job: RunningJob) -> dict[str, Any]:
    """Write everything into a new file in the folder `exports` of the home directory, which only the account of Kollega
    can read, as `kollega export` does."""
    from indexer.loading.attached_files import copy_out, require_new_folder
    from indexer.loading.export import export as write

    folder = job.settings.home / "exports"
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
