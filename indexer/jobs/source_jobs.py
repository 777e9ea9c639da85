"""The job that reads a source of sources.toml now."""

from typing import TYPE_CHECKING, Any

from indexer.jobs.running import RunningJob
from recommender.errors import SettingsError, SourceError
from recommender.sentences.sentence import Sentence

if TYPE_CHECKING:
    from indexer.sources.configuration import ConfiguredSource
    from indexer.syncing.sync import SyncReport

_MOST_LINES = 200  # of what would change that are stored of a dry run: a judgement


def sync(job: RunningJob) -> dict[str, Any]:
    """Read a source from where the last run ended, or from the beginning; a dry run writes nothing."""
    name = job.payload["source"]
    if job.payload.get("dry_run"):
        return try_out(job, name)
    return _read(job, _configured(job, name), job.sessions, None)


def try_out(job: RunningJob, name: str) -> dict[str, Any]:
    """Read a source into a copy of the database, and tell what would change."""
    from indexer.loading.dry_run import temporary_copy

    configured = _configured(job, name)
    job.report(stage="copying the database")
    shown: list[str] = []
    with temporary_copy(job.settings) as sessions:
        result = _read(job, configured, sessions, shown.append)
    return {**result, "would_change": shown[:_MOST_LINES], "would_change_count": len(shown)}


def _configured(job: RunningJob, name: str) -> "ConfiguredSource":
    from indexer.sources.configuration import read_sources

    found = {each.name: each for each in read_sources(job.settings.sources_file)}
    if name not in found:
        raise SettingsError(Sentence("%(name)s is no longer in %(file)s.", name=name, file=job.settings.sources_file))
    return found[name]


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
        "changes": [*loaded.change_lines()][:_MOST_LINES],
        "problem_count": loaded.problems.total + len(report.notes),
        "problems": [*report.notes, *loaded.problems],
    }
