"""How well the verdicts fit the organisation's own past questions, and what decides them."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_percent, gettext

from recommender.jobs import asking
from recommender.jobs.kinds import CALIBRATE, TRAIN
from recommender.monitoring.quality import Report
from web import current
from web.admin.frame import current_admin
from web.insights.drawing import Picture, Row, Shown, bars

blueprint = Blueprint("admin_quality", __name__, url_prefix="/admin/quality")


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """What is in use, and what the newest calibration has found; 403 for people who are not admins."""
    current_admin()
    snapshot = current.recommender().snapshot
    report = Report.read(current.settings().index_dir)
    return render_template(
        "admin/quality.html",
        report=report,
        picture=_picture(report) if report else None,
        fitted=snapshot.answer_model.fitted,
        trained=snapshot.ranker.trained,
        values=current.settings(),
    )


@blueprint.post("/calibrate")
def calibrate() -> ResponseReturnValue:
    """Have `kollega watch` calibrate anew; what is in use goes on until that is better."""
    return _queued(CALIBRATE)


@blueprint.post("/train")
def train() -> ResponseReturnValue:
    """Have `kollega watch` learn the order of colleagues anew; what is in use goes on until that is better."""
    return _queued(TRAIN)


def _queued(kind: str) -> ResponseReturnValue:
    admin = current_admin()
    job = asking.ask(current.session(), current.settings(), kind, {}, admin.id)
    current.session().commit()
    return redirect(url_for("admin_jobs.show", number=job.id))


def _picture(report: Report) -> Picture:
    rows = [
        Row(
            f"{_percent(each.low)}-{_percent(each.high)} ({each.questions})",
            (Shown(each.expected, _percent(each.expected)), Shown(each.answered, _percent(each.answered))),
        )
        for each in report.bins
    ]
    return bars(
        "reliability",
        gettext("Expected and found answers"),
        gettext("For past questions, grouped by how probable an answer was: how often one was expected, and how often "
                "there was one. The closer the two bars of a group, the better."),
        gettext("Probability (questions)"),
        (gettext("Expected"), gettext("Had an answer")),
        rows,
    )  # fmt: skip


def _percent(value: float) -> str:
    return str(format_percent(value))
