"""Loading a file in the browser: uploading it, what was understood of it, correcting that, and how far loading is. A
job looks at the file and loads it; this process only keeps it."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender import audit
from recommender.database.job_tables import Job
from recommender.database.leading import SHARED_WORK, leader
from recommender.database.tables import Person
from recommender.errors import UploadRefused
from recommender.jobs import asking, queue
from recommender.jobs.kinds import LOAD_FILE
from recommender.monitoring import freshness
from recommender.teams import team as teams
from recommender.uploads import upload as uploads
from recommender.uploads.earlier import earlier_uploads
from recommender.uploads.upload import MOST_ROLES, TABLES, Upload
from web import current
from web.admin.frame import current_admin
from web.admin.import_words import chosen, role_names

blueprint = Blueprint("admin_import", __name__, url_prefix="/admin/import")
FILE = "file"


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The form for a file."""
    current_admin()
    return _form_page("")


@blueprint.post("/")
def upload() -> ResponseReturnValue:
    """Keep the file and have it looked at; 422 with the form and what is wrong."""
    person, settings = current_admin(), current.settings()
    sent = request.files.get(FILE)
    if sent is None or not sent.filename:
        return _form_page(gettext("Choose a file.")), 422
    try:
        kept = uploads.keep(settings, sent.filename, sent.stream, person.id)
    except UploadRefused as error:
        empty = error.reason == "empty"
        texts = gettext("The file is empty. Choose another one."), gettext("Choose a .csv, .xlsx, .jsonl or .zip file.")
        return _form_page(texts[0] if empty else texts[1]), 422
    database = current.session()
    actor = audit.actor(database, person.id)
    audit.record(database, actor, "import.uploaded", f"upload:{kept.id}", {"format": kept.format, "bytes": kept.size})
    _look(kept, person.id)
    database.commit()
    return redirect(url_for("admin_import.one", upload_id=kept.id), 303)


@blueprint.get("/<upload_id>")
def one(upload_id: str) -> ResponseReturnValue:
    """What was understood of the file, or how far loading is."""
    kept = _found(upload_id, current_admin())
    database = current.session()
    loading, looking = (_job(number) for number in (kept.load_job, kept.look_job))
    job = loading or looking
    waits = job is not None and job.state in queue.UNFINISHED
    nobody = waits and leader(database.get_bind().engine, SHARED_WORK) is None
    behind = freshness.lag(database, current.settings().index_dir) if loading and not waits else None
    look = uploads.look_of(current.settings(), kept)
    indexing = loading is not None and loading.state == queue.DONE and (behind is None or behind.waiting > 0)
    if loading is not None and loading.state == queue.DONE and not indexing:
        current.recommender().refresh()  # so that the first question is answered from what was loaded
    return render_template(
        "admin/import_one.html", kept=kept, look=look, loading=loading, looking=looking, waits=waits, nobody=nobody,
        indexing=indexing, roles=role_names(), teams=teams.all_teams(database),
        earlier=earlier_uploads(database, current.settings()), most_roles=MOST_ROLES,
    )  # fmt: skip


@blueprint.post("/<upload_id>/correct")
def correct(upload_id: str) -> ResponseReturnValue:
    """Look at the file again with what the admin has chosen."""
    kept = _found(upload_id, person := current_admin())
    look = uploads.look_of(current.settings(), kept)
    if look is None or _is_at_work(kept):
        return redirect(url_for("admin_import.one", upload_id=kept.id), 303)
    kept = replace(kept, choice=_choice(kept, look))
    _look(kept, person.id)
    current.session().commit()
    return redirect(url_for("admin_import.one", upload_id=kept.id), 303)


@blueprint.post("/<upload_id>/load")
def load(upload_id: str) -> ResponseReturnValue:
    """Have the file loaded as it is understood, for the team that was chosen; never one that is still looked at."""
    kept = _found(upload_id, person := current_admin())
    running, look = _job(kept.load_job), uploads.look_of(current.settings(), kept)
    ended = running is None or running.state in (queue.FAILED, queue.CANCELLED)
    if ended and look is not None and not _is_at_work(kept):
        known = {team.handle for team in teams.all_teams(current.session())}
        team = request.form.get("team", "")
        choice = {**kept.choice, "team": team if team in known else "", "team_only": "team_only" in request.form}
        choice["roles"] = "roles" in request.form and len(look.get("roles", ())) <= MOST_ROLES
        job = _ask(replace(kept, choice=choice), person.id, look=False)
        uploads.save(current.settings(), replace(kept, choice=choice, load_job=job.id))
        current.session().commit()
    return redirect(url_for("admin_import.one", upload_id=kept.id), 303)


@blueprint.post("/<upload_id>/discard")
def discard(upload_id: str) -> ResponseReturnValue:
    """Remove the file without loading it; not while a job reads it."""
    kept = _found(upload_id, person := current_admin())
    if _is_at_work(kept):
        return redirect(url_for("admin_import.one", upload_id=kept.id), 303)
    uploads.discard(current.settings(), kept.id)
    database = current.session()
    audit.record(database, audit.actor(database, person.id), "import.discarded", f"upload:{kept.id}")
    database.commit()
    return redirect(url_for("admin_import.show"), 303)


def _found(upload_id: str, person: Person) -> Upload:
    """The upload of this admin. What others have uploaded may be what only their team reads, until it is loaded."""
    kept = uploads.find(current.settings(), upload_id)
    if kept is None or kept.uploaded_by != person.id:
        abort(404)
    return kept


def _is_at_work(kept: Upload) -> bool:
    """True while a job reads the file."""
    jobs = (_job(number) for number in (kept.load_job, kept.look_job))
    return any(job is not None and job.state in queue.UNFINISHED for job in jobs)


def _look(kept: Upload, person_id: int) -> None:
    uploads.save_look(current.settings(), kept.id, None)
    job = _ask(kept, person_id, look=True)
    uploads.save(current.settings(), replace(kept, look_job=job.id, load_job=0))


def _ask(kept: Upload, person_id: int, look: bool) -> Job:
    payload: dict[str, Any] = {"upload": kept.id, "name": kept.name}
    payload |= {"source": f"look-{kept.id}", "look": True} if look else {"source": kept.source}
    return asking.ask(current.session(), current.settings(), LOAD_FILE, payload, person_id)


def _job(number: int) -> Job | None:
    return current.session().get(Job, number) if number else None


def _choice(kept: Upload, look: dict[str, object]) -> dict[str, object]:
    known = {each.source for each in earlier_uploads(current.session(), current.settings())}
    replaces = request.form.get("replaces", "")
    choice = {**kept.choice, **(chosen(request.form, look) if kept.format in TABLES else {})}
    return {**choice, "replaces": replaces if replaces in known else ""}


def _form_page(problem: str) -> str:
    settings = current.settings()
    return render_template(
        "admin/import.html", problem=problem, megabytes=settings.attachment_form_mb,
        possible=settings.attachment_mb > 0,
    )  # fmt: skip
