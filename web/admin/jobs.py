"""The jobs: what takes long and is done in the background. A list, and a page for each with its progress and its
log."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender.database.job_tables import Job
from recommender.database.tables import Person
from recommender.jobs import asking, kinds, progress, queue
from web import current
from web.admin import job_words
from web.admin.frame import current_admin

blueprint = Blueprint("admin_jobs", __name__, url_prefix="/admin/jobs")
_MOST = 30  # jobs on a page: a judgement


@blueprint.get("/")
def listed() -> ResponseReturnValue:
    """The jobs, the newest first; 403 for people who are not admins."""
    current_admin()
    before = request.args.get("before", type=int)
    found = queue.listed(current.session(), most=_MOST + 1, before=before)
    return render_template(
        "admin/jobs.html",
        jobs=found[:_MOST],
        more=found[_MOST - 1].id if len(found) > _MOST else None,
        words=job_words,
        watched=queue.is_watched(current.session()),
        index_watched=not any(queue.has_no_runner(current.session(), job) for job in found),
        running=any(job.state in queue.UNFINISHED for job in found),
    )


@blueprint.get("/<int(max=2147483647):number>")
def show(number: int) -> ResponseReturnValue:
    """One job; 403 for people who are not admins, 404 for an unknown one."""
    job = _job(number)
    by = current.session().get(Person, job.made_by_id) if job.made_by_id else None
    return render_template(
        "admin/job.html",
        job=job,
        by=by,
        log=progress.lines(current.session(), number),
        words=job_words,
        watched=queue.is_watched(current.session()),
        index_watched=not queue.has_no_runner(current.session(), job),
        is_running=job.state in queue.UNFINISHED,
    )


@blueprint.post("/<int(max=2147483647):number>/cancel")
def cancel(number: int) -> ResponseReturnValue:
    """End the job, or have it end in a moment; nothing when it has ended already."""
    admin = current_admin()
    _job(number)
    asking.cancel(current.session(), number, admin.id)
    current.session().commit()
    return redirect(url_for("admin_jobs.show", number=number))


@blueprint.post("/<int(max=2147483647):number>/retry")
def retry(number: int) -> ResponseReturnValue:
    """Do the job once more; nothing when it has neither failed nor was cancelled."""
    admin = current_admin()
    _job(number)
    asking.retry(current.session(), number, admin.id)
    current.session().commit()
    return redirect(url_for("admin_jobs.show", number=number))


def _job(number: int) -> Job:
    current_admin()
    job = current.session().get(Job, number)
    if job is None or job.kind not in kinds.WORK:
        abort(404)
    return job
