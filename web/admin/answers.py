"""Answers that admins look after: pinned, flagged, replaced and hidden ones, with what to do."""

import re
from datetime import date

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender import audit
from recommender.access import reader_of
from recommender.audit import Actor
from recommender.corpus import headings
from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.errors import PinRefused
from recommender.knowledge import curation, pins
from recommender.teams.team import all_teams
from web import current, once
from web.admin.frame import current_admin

blueprint = Blueprint("admin_answers", __name__, url_prefix="/admin/answers")
_FIELDS = ("phrase", "item", "until", "audience", "team")
_ADDRESS = re.compile(r"(?:^|/)(request|document)s/([1-9][0-9]{0,8})(?:[/?#]|$)")


@blueprint.get("/")
def listed() -> ResponseReturnValue:
    """All lists; 403 for people who are not admins."""
    return _page(current_admin(), {}, {})


@blueprint.post("/pins")
def add() -> ResponseReturnValue:
    """Pin an answer; 422 when it cannot be pinned like this."""
    admin = current_admin()
    if earlier := once.earlier_result():
        return redirect(earlier)
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    try:
        until = date.fromisoformat(typed["until"])
    except ValueError:
        return _page(admin, typed, {"until": _what_is_wrong("until")}), 422
    try:
        pins.add(
            current.session(), _by(admin), typed["phrase"], _key(typed["item"]), typed["audience"], until,
            typed["team"], current_day(), reader_of(admin),
        )  # fmt: skip
    except PinRefused as error:
        return _page(admin, typed, {error.field: _what_is_wrong(error.field)}), 422
    return redirect(once.commit_once(url_for("admin_answers.listed", done="added")))


@blueprint.post("/pins/<int:number>/remove")
def remove(number: int) -> ResponseReturnValue:
    """Remove a pin; 404 when there is none."""
    admin = current_admin()
    try:
        pins.remove(current.session(), _by(admin), number)
    except PinRefused:
        abort(404)
    current.session().commit()
    return redirect(url_for("admin_answers.listed", done="removed"))


def _page(admin: Person, typed: dict[str, str], problems: dict[str, str]) -> str:
    session, reader = current.session(), reader_of(admin)
    found = pins.listed(session)
    return render_template(
        "admin/answers.html",
        pins=found,
        titles=headings(session, {pin.item for pin in found}, reader),
        teams={team.handle: team for team in all_teams(session)},
        today=current_day(),
        reported=curation.flagged(session, reader),
        replaced=curation.replaced(session, reader),
        hidden=curation.hidden(session, reader),
        typed=typed,
        problems=problems,
        done=request.args.get("done", "") if request.method == "GET" else "",
    )


def _by(admin: Person) -> Actor:
    return audit.actor(current.session(), admin.id)


def _key(text: str) -> str:
    """The key of an item by its key or by the address of its page."""
    found = _ADDRESS.search(text)
    return f"{found[1]}:{found[2]}" if found else text


def _what_is_wrong(field: str) -> str:
    known: dict[str, str] = {
        "phrase": gettext("Write the words of the question, at most 200 characters."),
        "item": gettext("This is no guide or solved request that you may read. Copy the address of its page."),
        "until": gettext("Choose a day from today on."),
        "audience": gettext("Choose who sees it first."),
    }
    return known.get(field) or str(gettext("Choose who has chosen it."))
