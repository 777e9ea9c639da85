"""The step of the set-up that says where knowledge can come from, and the demo organisation: loaded and removed by a
job."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from recommender.first_run import demo
from recommender.jobs import asking, kinds, queue
from web import current, once
from web.set_up.gate import admin_only

blueprint = Blueprint("set_up_knowledge", __name__, url_prefix="/setup")


@blueprint.get("/knowledge")
def show() -> ResponseReturnValue:
    """The ways to fill Kollega."""
    admin_only()
    settings, session = current.settings(), current.session()
    jobs = queue.listed(session, kinds=(kinds.DEMO,), states=queue.UNFINISHED, most=1)
    return render_template(
        "set_up/knowledge.html", megabytes=settings.attachment_form_mb, possible=settings.attachment_mb > 0,
        demo=demo.here(session), demo_possible=demo.is_possible(session), demo_job=jobs[0] if jobs else None,
        is_demo=settings.demo,
    )  # fmt: skip


@blueprint.post("/demo")
def load_demo() -> ResponseReturnValue:
    """Say what the demo brings, then have it loaded; back to the step where there is something else."""
    admin = admin_only()
    if not demo.is_possible(current.session()):
        return redirect(url_for("set_up_knowledge.show"), 303)
    if not request.form.get("confirmed"):
        return _confirm(gettext("Load the demo"), url_for("set_up_knowledge.load_demo"), _what_it_brings(), False)
    return _queued({}, admin.id)


@blueprint.post("/demo/remove")
def remove_demo() -> ResponseReturnValue:
    """Say what goes, then have the demo removed; back to the step where it is not here."""
    admin = admin_only()
    found = demo.here(current.session())
    if not found or current.settings().demo:
        return redirect(url_for("set_up_knowledge.show"), 303)
    if not request.form.get("confirmed"):
        return _confirm(gettext("Remove the demo"), url_for("set_up_knowledge.remove_demo"), _what_goes(found), True)
    return _queued({"remove": True}, admin.id)


def _queued(payload: dict[str, bool], admin_id: int) -> ResponseReturnValue:
    if earlier := once.earlier_result():
        return redirect(earlier, 303)
    job = asking.ask(current.session(), current.settings(), kinds.DEMO, payload, admin_id)
    return redirect(once.commit_once(url_for("admin_jobs.show", number=job.id)), 303)


def _confirm(button: str, action: str, lines: list[str], dangerous: bool) -> str:
    return render_template("set_up/demo.html", button=button, action=action, lines=lines, dangerous=dangerous)


def _what_it_brings() -> list[str]:
    lines = [
        gettext(
            "%(requests)d requests, %(guides)d guides, %(people)d people and %(teams)d teams of Tuulento Oy come in. "
            "The company, its people and its answers are invented.",
            requests=demo.REQUESTS, guides=demo.DOCUMENTS, people=demo.PEOPLE, teams=demo.TEAMS,
        ),
        gettext("Your own teams stay as they are. One with the same short name gets the invented requests."),
        gettext("Nobody of them can sign in, and nobody of them is an admin."),
        gettext("Everybody who can sign in here sees the invented answers until you remove them."),
        gettext("You remove all of it again on this page, before you load data of your own or afterwards."),
    ]  # fmt: skip
    return [str(line) for line in lines]


def _what_goes(found: demo.DemoHere) -> list[str]:
    lines = [
        gettext(
            "%(requests)d requests and %(guides)d guides of the demo are deleted, with what hangs on them.",
            requests=found.requests, guides=found.documents,
        ),
        gettext("Its people are deleted, but for those who have an account here or whom something of yours names."),
        gettext("Its teams are deleted, but for those with something or somebody of yours, or new settings."),
        gettext("Everything that did not come with the demo stays."),
    ]  # fmt: skip
    if found.own_replies:
        said = ngettext(
            "%(num)d reply that somebody here wrote to its requests is deleted too.",
            "%(num)d replies that people here wrote to its requests are deleted too.",
            found.own_replies,
        )
        lines.insert(1, said)
    return [str(line) for line in lines]
