"""The sources of sources.toml: how each is doing, and jobs that read one now, try it out, or read it from the
beginning."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender.jobs import asking, kinds, queue
from recommender.monitoring.source_states import SourceSeen, items_here, read_sources_seen
from web import current, once
from web.admin import job_words, source_words
from web.admin.frame import current_admin

blueprint = Blueprint("admin_sources", __name__, url_prefix="/admin/sources")
_CHOICES: dict[str, dict[str, Any]] = {"read": {}, "try": {"dry_run": True}, "full": {"full": True}}


@blueprint.get("/")
def listed() -> ResponseReturnValue:
    """All sources; 403 for people who are not admins."""
    current_admin()
    settings = current.settings()
    found = read_sources_seen(current.session(), settings)
    return render_template(
        "admin/sources.html", found=found, file=settings.sources_file, words=source_words, job_words=job_words,
        watched=queue.is_watched(current.session()), running=any(source.job for source in found.sources),
    )  # fmt: skip


@blueprint.get("/<name>")
def show(name: str) -> ResponseReturnValue:
    """One source; 403 for people who are not admins, 404 for an unknown one."""
    source = source_of(name)
    lane = kinds.lane_of(kinds.SYNC, {"source": name}, current.settings())
    return render_template(
        "admin/source.html",
        source=source,
        file=current.settings().sources_file,
        here=items_here(current.session(), name),
        jobs=queue.listed(current.session(), kinds=(kinds.SYNC,), lane=lane, most=5),
        words=source_words,
        job_words=job_words,
        watched=queue.is_watched(current.session()),
    )


@blueprint.post("/<name>/<any(read, try, full):what>")
def ask(name: str, what: str) -> ResponseReturnValue:
    """Queue a job that reads the source; from the beginning only after saying what that means."""
    source, admin = source_of(name), current_admin()
    if what == "full" and not request.form.get("confirmed"):
        lines = source_words.of_reading_whole(source, items_here(current.session(), name))
        return render_template("admin/source_confirm.html", source=source, lines=lines)
    if earlier := once.earlier_result():
        return redirect(earlier)
    payload = {"source": name, **_CHOICES[what]}
    job = asking.ask(current.session(), current.settings(), kinds.SYNC, payload, admin.id)
    return redirect(once.commit_once(url_for("admin_jobs.show", number=job.id)))


def source_of(name: str) -> SourceSeen:
    """The source of this name, for an admin; 404 for an unknown one."""
    current_admin()
    found = read_sources_seen(current.session(), current.settings()).sources
    source = next((each for each in found if each.name == name), None)
    if source is None:
        abort(404)
    return source
