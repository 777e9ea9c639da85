"""What each kind of job does: a function of the running job that returns what came of it.

The result is JSON for admins: counts by plain names, "text" with one sentence, and "problems" with sentences. It never
has a title or a text of somebody."""

from collections.abc import Callable, Mapping
from typing import Any

from indexer.jobs import connect_jobs, demo_jobs, file_jobs, index_jobs, learning_jobs, source_jobs, store_jobs
from indexer.jobs.running import RunningJob
from recommender.jobs import kinds

Does = Callable[[RunningJob], dict[str, Any]]
KINDS: Mapping[str, Does] = {
    kinds.REINDEX: index_jobs.reindex,
    kinds.VERIFY: index_jobs.verify,
    kinds.ROLLBACK: index_jobs.roll_back,
    kinds.MODEL: index_jobs.use_model,
    kinds.CALIBRATE: learning_jobs.calibrate,
    kinds.TRAIN: learning_jobs.train,
    kinds.SYNC: source_jobs.sync,
    kinds.LOAD_FILE: file_jobs.load_file,
    kinds.EXPORT: store_jobs.export,
    kinds.BACKUP: store_jobs.backup,
    kinds.DEMO: demo_jobs.demo,
    kinds.CONNECT: connect_jobs.connect,
    kinds.SCHEDULE: connect_jobs.schedule,
}
