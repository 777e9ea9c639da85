"""The job that reads a source of sources.toml now."""

from typing import TYPE_CHECKING, Any

from indexer.jobs.running import RunningJob
from recommender.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from indexer.syncing.sync import SyncReport

_MOST_LINES = 200  # of what would change that are stored of a dry run: a judgement


def sync(job: RunningJob) -> dict[str, Any]:
    """Read a source from where the last run ended, or from the beginning; a dry run writes nothing."""
    from indexer.loading.dry_run import temporary_copy
    from indexer.sources.configuration import read_sources

    name = job.payload["source"]
    found = {each.name: each for each in read_sources(job.settings.sources_file)}
    if name not in found:
        raise SettingsError(f"{name} is no longer in {job.settings.sources_file}.")
    if not job.payload.get("dry_run"):
        return _read(job, found[name], job.sessions, None)
    job.report(stage="copying the database")
    shown: list[str] = []
    with temporary_copy(job.settings) as sessions:
        result = _read(job, found[name], sessions, shown.append)
    return {**result, "would_change": shown[:_MOST_LINES], "would_change_count": len(shown)}


def _read(job: RunningJob, configured: Any, sessions: Any, show: Any) -> dict[str, Any]:
    from indexer.syncing.sync import sync as run
    from indexer.texts.masking import MaskingRules

    def progress(done: int) -> None:
        job.report(done, None, "records")

    def read() -> "SyncReport":
        job.report(stage="reading")
        return run(
            configured,
            sessions,
            job.analyzer,
            progress,
            full=bool(job.payload.get("full")),
            allow_deletions=bool(job.payload.get("allow_deletions")),
            show=show,
            mask=MaskingRules(job.settings.masked),
        )

    report = job.when_source_is_free(read)
    loaded = report.loaded
    job.note(report.line())
    if loaded.broken_off:
        raise SourceError(loaded.broken_off)
    return {
        **loaded.counts(),
        "deleted": report.deleted,
        "problem_count": loaded.problems.total + len(report.notes),
        "problems": [*report.notes, *loaded.problems],
    }
