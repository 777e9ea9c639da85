"""The job that looks at a file which an admin has uploaded, or loads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexer.jobs.running import RunningJob
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, with_values_changed
from recommender.uploads import upload as uploads
from recommender.uploads.earlier import remember
from recommender.uploads.upload import Upload

_MOST_PROBLEMS = 50  # that are stored: a judgement


def load_file(job: RunningJob) -> dict[str, Any]:
    """Load the file of an upload; with `look`, only note beside it what is understood of it, for the page."""

    upload = _upload_of(job)
    path = job.settings.home / upload.path
    try:
        result = _load_or_look(job, upload, path)
    except SourceError as error:
        raise SourceError(with_values_changed(str(error), _as_uploaded(upload, path))) from error
    problems = [with_values_changed(line, _as_uploaded(upload, path)) for line in result.get("problems", ())]
    return {**result, **({"problems": problems} if problems else {})}


def _load_or_look(job: RunningJob, upload: Upload, path: Path) -> dict[str, Any]:
    from indexer.loading.before_loading import compared, with_confirmed_roles
    from indexer.loading.load import load
    from indexer.loading.uploaded import look, open_source
    from indexer.texts.masking import MaskingRules
    from recommender.organisation.values import Organisation

    with job.sessions() as session:
        zone = Organisation.read(session, job.settings).settings.time_zone
    if job.payload.get("look"):
        job.report(stage="reading")
        found = look(upload, path, zone)
        if upload.choice.get("replaces"):
            source = open_source(upload, path, zone)
            found["replaced"] = compared(source, job.sessions, job.analyzer, MaskingRules(job.settings.masked))
        found["problems"] = [with_values_changed(line, _as_uploaded(upload, path)) for line in found["problems"]]
        uploads.save_look(job.settings, upload.id, found)
        return {"counts": dict(found["counts"]), "problem_count": found["problem_count"]}
    source = with_confirmed_roles(open_source(upload, path, zone), upload)
    job.report(stage="loading")
    report = load(
        source, job.sessions, job.analyzer, lambda done: job.report(done, None, "records"),
        mask=MaskingRules(job.settings.masked),
    )  # fmt: skip
    job.note(report.line())
    if not report.broken_off:
        uploads.remove_content(job.settings, upload.id)
    with job.sessions.begin() as session:
        remember(session, upload, report.counts())
    problems = [*report.problems][:_MOST_PROBLEMS]
    changes = [*report.change_lines()][:_MOST_PROBLEMS]
    return {**report.counts(), "problem_count": report.problems.total, "problems": problems, "changes": changes}


def _as_uploaded(upload: Upload, path: Path) -> Callable[[str], str]:
    """Puts the name of a file as whoever uploaded it knows it in the place of that which it is stored under here."""

    def named(text: str) -> str:
        text = text.replace(str(path), upload.name)
        return upload.name + text.removeprefix(path.name) if text.startswith(path.name) else text

    return named


def _upload_of(job: RunningJob) -> Upload:
    upload = uploads.find(job.settings, str(job.payload.get("upload", "")))
    if upload is None or not (job.settings.home / upload.path).is_file():
        raise SourceError(Sentence("The uploaded file is no longer there. Upload it again."))
    return upload
