"""The first page of the admin area: what should be looked at, and the way to everything else."""

import logging
from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.first_run import checklist, demo
from web import current
from web.admin import source_words
from web.admin.frame import Attention, current_admin

log = logging.getLogger(__name__)
blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """What should be looked at; 403 for people who are not admins."""
    current_admin()
    return render_template("admin/home.html", attention=attention(), tasks=tasks())


@dataclass(frozen=True)
class ShownTask:
    """Something to be done once: what, whether it is done, and the address where it is done. With a `button` that
    address takes a form which has a job do it. `how` names settings that are needed."""

    text: str
    done: bool
    address: str
    how: str = ""
    button: str = ""


def tasks() -> list[ShownTask]:
    """What is to be done until the installation is in good use; empty once all is."""
    found = checklist.tasks(current.session(), current.settings())
    if all(task.done for task in found):
        return []
    words = {
        checklist.TEAMS: (gettext("Make the teams"), "set_up_teams.show", ""),
        checklist.DATA: (gettext("Load the first data"), "set_up_knowledge.show", ""),
        checklist.PEOPLE: (gettext("Invite people"), "admin_people.listed", ""),
        checklist.MAIL: (
            gettext("Let Kollega send mail"), "admin_settings.show", "KOLLEGA_MAIL_SERVER, KOLLEGA_MAIL_FROM"
        ),
        checklist.BACKUP: (gettext("Make a backup"), "admin_system.backup", ""),
        checklist.CALIBRATED: (
            gettext("Let it learn from your own history, once there are a few hundred solved requests"),
            "admin_quality.calibrate", "",
        ),
    }  # fmt: skip
    buttons = {checklist.BACKUP: gettext("Make a backup now"), checklist.CALIBRATED: gettext("Calibrate now")}
    shown = []
    for task in found:
        text, endpoint, how = words[task.name]
        shown.append(ShownTask(text, task.done, url_for(endpoint), how, buttons.get(task.name, "")))
    return shown


def attention() -> list[Attention]:
    """What an admin should look at. Each section that knows of such things adds them here. One that fails does not take
    the page with it, because from here the admin gets to everything else."""
    told = []
    if demo.here(current.session()) and not current.settings().demo:
        said = gettext("The demo is loaded: invented answers are found beside everything else.")
        told.append(Attention(said, url_for("set_up_knowledge.show") + "#demo"))
    try:
        return told + source_words.attention()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        log.exception("What is to be said about sources could not be found out")
        return [
            *told,
            Attention(gettext("The state of the sources could not be read."), url_for("admin_sources.listed")),
        ]
