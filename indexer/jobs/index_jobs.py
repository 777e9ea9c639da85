"""The jobs that read or write the index. They wait until nobody else writes it, and the search goes on meanwhile."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from indexer.jobs.running import RunningJob
from recommender.errors import IndexDamaged, IndexMismatch
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

if TYPE_CHECKING:
    from indexer.indexing.report import ReindexReport

_MOST_PROBLEMS = 50  # that are stored of a job: a judgement


def reindex(job: RunningJob) -> dict[str, Any]:
    """Bring the index up to date with the database, or build it anew."""
    return _told(_update(job, job.settings, full=bool(job.payload.get("full")), by_times=True))


def use_model(job: RunningJob) -> dict[str, Any]:
    """Build an index with another model beside the one in use, and put it in use."""
    from indexer.indexing.kept import follow
    from indexer.indexing.models import name_of_model, require_free_choice
    from recommender.encoder.load import find_model
    from recommender.index.model_in_use import model_in_use

    name = name_of_model(job.payload["name"])
    require_free_choice(job.settings, name)
    wanted = replace(job.settings, model=name)
    find_model(wanted)  # raises ModelError before anything is begun
    follow(job.settings)
    before = model_in_use(job.settings)
    report = _update(job, wanted, full=False, switch=True)
    return {**_told(report), "model": name, "model_before": before}


def verify(job: RunningJob) -> dict[str, Any]:
    """Check that everything is whole, and with `repair` mend the index. Sentences name files and numbers only."""
    from indexer.indexing.kept import remove_damaged
    from indexer.indexing.verify import verify as problems_of
    from indexer.indexing.verify_agreement import REBUILD, REINDEX

    job.report(stage="checking")
    problems = problems_of(job.settings, job.note)
    if problems and job.payload.get("repair"):
        if job.when_index_is_free(lambda: remove_damaged(job.settings)):
            problems = problems_of(job.settings, job.note)
        for full in (False, True):
            if not any(REINDEX in problem for problem in problems):
                break
            if not full and any(REBUILD in problem for problem in problems):
                continue  # what is damaged cannot be gone on from
            anew, update = Sentence("Building the index anew."), Sentence("Bringing the index up to date.")
            job.note(anew if full else update)
            try:
                _update(job, job.settings, full)
            except (IndexDamaged, IndexMismatch) as error:
                job.note(str(error))
            job.when_index_is_free(lambda: remove_damaged(job.settings))
            problems = problems_of(job.settings, job.note)
    return {"problem_count": len(problems), "problems": problems[:_MOST_PROBLEMS]}


def roll_back(job: RunningJob) -> dict[str, Any]:
    """Put the index before the current one back in use."""
    from indexer.indexing.kept import roll_back as put_back

    return {"generation": job.when_index_is_free(lambda: put_back(job.settings))}


def _update(
    job: RunningJob, settings: Settings, full: bool, switch: bool = False, by_times: bool = False
) -> "ReindexReport":
    from indexer.files.examine import examine
    from indexer.indexing.kept import follow
    from indexer.indexing.reindex import reindex as run
    from recommender.encoder.load import load_encoder
    from recommender.index.model_in_use import with_model_in_use

    job.report(stage="loading the model")
    examine(settings, job.sessions)
    follow(settings)
    encoder = load_encoder(with_model_in_use(settings))
    job.note(Sentence("Model %(name)s, run by %(backend)s.", name=encoder.card.name, backend=encoder.backend))

    def work() -> "ReindexReport":
        progress = job.counting("items", "indexing")
        return run(
            settings, job.sessions, encoder, job.analyzer, full, progress, switch=switch,
            by_times=by_times, or_all=True,
        )  # fmt: skip

    report = job.when_index_is_free(work)
    job.note(report.line())
    return report


def _told(report: "ReindexReport") -> dict[str, Any]:
    """The counts, and which items could not be indexed: without the errors, which may repeat what somebody wrote."""
    items = report.failed_keys
    failed = [Sentence("could not be indexed: %(item)s", item=item) for item in items]
    counts = {name: value for name, value in vars(report).items() if isinstance(value, int | float | str)}
    whole = [Sentence("not indexed whole: %(what)s", what=sentence) for sentence in report.left_out]
    return {
        **counts,
        "problem_count": len(failed),
        "problems": failed[:_MOST_PROBLEMS],
        "notes": whole[:_MOST_PROBLEMS],
    }
