"""The search index: what is in use, what it lacks, and the jobs that change it. Each first says in numbers what will
happen."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.jobs import asking, kinds, queue
from recommender.monitoring import index_state
from recommender.monitoring.freshness import lag
from web import current, once
from web.admin import index_words, job_words
from web.admin.frame import current_admin

blueprint = Blueprint("admin_index", __name__, url_prefix="/admin/index")
_COUNTED_AT_ONCE = 20_000  # items up to which a page counts what the index lacks without being asked: a judgement
_CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "update": (kinds.REINDEX, {}),
    "full": (kinds.REINDEX, {"full": True}),
    "check": (kinds.VERIFY, {}),
    "repair": (kinds.VERIFY, {"repair": True}),
    "rollback": (kinds.ROLLBACK, {}),
}


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The index in use; 403 for people who are not admins."""
    current_admin()
    return _page()


@blueprint.post("/<any(update, full, check, repair, rollback):what>")
def ask(what: str) -> ResponseReturnValue:
    """Say what would happen, then queue the job."""
    current_admin()
    kind, payload = _CHOICES[what]
    state = index_state.read_state(current.settings())
    if what == "rollback" and state.previous is None:
        return redirect(url_for("admin_index.show"))
    if not request.form.get("confirmed"):
        difference = _difference() if what in ("update", "full") and _is_small(state) else None
        return _confirm(what, index_words.button(what), index_words.consequences(what, state, difference, _rate()))
    return _queued(kind, payload)


@blueprint.post("/model")
def use_model() -> ResponseReturnValue:
    """Say what another model means, then queue the job; 422 when none or the one in use is chosen. Whether there is
    such a model is found out by the job, because that may take long."""
    current_admin()
    settings, name = current.settings(), (request.form.get("other") or request.form.get("name") or "").strip()
    state = index_state.read_state(settings)
    if settings.model:
        abort(409, gettext("KOLLEGA_MODEL sets the model. Unset it first."))
    if not name or name == state.model:
        return _page({"other": gettext("Choose a model that is not in use.")}, name), 422
    if not request.form.get("confirmed"):
        kept = next((each.index for each in index_state.kept_models(settings) if each.name == name), None)
        lines = index_words.of_another_model(name, state, kept, _rate())
        return _confirm("model", gettext("Put this model in use"), lines, name=name)
    return _queued(kinds.MODEL, {"name": name})


def _queued(kind: str, payload: dict[str, Any]) -> ResponseReturnValue:
    if earlier := once.earlier_result():
        return redirect(earlier)
    admin = current_admin()
    job = asking.ask(current.session(), current.settings(), kind, payload, admin.id)
    return redirect(once.commit_once(url_for("admin_jobs.show", number=job.id)))


def _page(problems: dict[str, str] | None = None, typed: str = "") -> str:
    settings, session = current.settings(), current.session()
    state = index_state.read_state(settings)
    jobs = queue.listed(session, kinds=kinds.ON_THE_INDEX, most=5)
    running = any(job.state in queue.UNFINISHED for job in jobs)
    asked = bool(request.args.get("count")) or (_is_small(state) and not running)
    return render_template(
        "admin/index.html",
        state=state,
        difference=_difference() if asked and "X-Followed" not in request.headers else None,
        lag=lag(session, settings.index_dir),
        models=index_state.kept_models(settings),
        fixed_model=bool(settings.model),
        not_indexed=index_words.not_indexed(jobs),
        jobs=jobs,
        running=running,
        words=job_words,
        watched=queue.is_watched(session),
        index_watched=queue.is_index_watched(session, settings),
        problems=problems or {},
        typed=typed,
    )


def _confirm(what: str, button: str, lines: list[str], **fields: str) -> str:
    return render_template(
        "admin/index_confirm.html",
        action=url_for("admin_index.use_model") if what == "model" else url_for("admin_index.ask", what=what),
        lines=lines,
        button=button,
        fields=fields,
        dangerous=what in ("rollback", "full", "model"),
    )


def _is_small(state: index_state.IndexState) -> bool:
    """True when comparing all items takes a moment only."""
    return state.live is None or state.live.items <= _COUNTED_AT_ONCE


def _difference() -> index_state.Difference:
    return index_state.difference(current.session(), current.settings())


def _rate() -> float | None:
    return index_state.passages_a_second(current.session())
