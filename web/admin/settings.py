"""The page with every setting: its value, where that comes from, whether a change needs a restart; and the form for
those that can be changed here."""

from dataclasses import fields
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import func, select

from recommender.access import EVERYONE
from recommender.database.tables import DocumentAudience, RequestAudience
from recommender.errors import OrganisationError
from recommender.organisation import origins
from recommender.organisation.origins import Origin, Origins
from recommender.organisation.values import set_value
from recommender.settings import Settings
from web import current
from web.admin.frame import current_admin

blueprint = Blueprint("admin_settings", __name__, url_prefix="/admin/settings")
_READING = "anonymous_reading"


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """All settings."""
    current_admin()
    return _page({}, {})


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """Store what was changed; 422 with the form and what is wrong. Before visitors may read, it says how much."""
    person, rows = current_admin(), _rows()
    sent = {row.name: request.form[row.name].strip() for row in rows if row.changeable and row.name in request.form}
    here = {row.name: row for row in rows}
    changed = {name: text for name, text in sent.items() if text != _text(here[name].value)}
    if changed.get(_READING) == "1" and "confirmed" not in request.form:
        return _confirm_page(sent)
    database, problems = current.session(), dict[str, str]()
    for name, text in changed.items():
        try:
            set_value(database, current.environment(), name, _value(name, text), person.id)
        except (OrganisationError, ValueError):
            problems[name] = gettext("This value cannot be used.")
    if problems:
        database.rollback()
        return _page(problems, sent), 422
    database.commit()
    return redirect(url_for("admin_settings.show", saved=1), 303)


def _rows() -> list[Origins]:
    return origins.of_all(current.session(), current.environment())


def _value(name: str, text: str) -> Any:
    """A value as its setting has it; None for an empty text, which brings the default back. Raises ValueError."""
    if not text:
        return None
    kind: Any = type(next(setting.default for setting in fields(Settings) if setting.name == name))
    return text == "1" if kind is bool else kind(text)


def _text(value: Any) -> str:
    return {True: "1", False: "0"}[value] if isinstance(value, bool) else str(value)


def _page(problems: dict[str, str], sent: dict[str, str]) -> str:
    names = {
        Origin.ENVIRONMENT: gettext("environment"),
        Origin.DATABASE: gettext("set here"),
        Origin.DEFAULT: gettext("default"),
    }
    return render_template(
        "admin/settings.html", rows=_rows(), names=names, problems=problems, sent=sent, text=_text,
        saved="saved" in request.args, yes_or_no=lambda value: isinstance(value, bool),
    )  # fmt: skip


def _confirm_page(sent: dict[str, str]) -> str:
    count = sum(
        current.session().scalar(select(func.count()).select_from(table).where(table.token == EVERYONE)) or 0
        for table in (RequestAudience, DocumentAudience)
    )
    consequences = [
        gettext("Whoever can open this address can search without signing in."),
        gettext("They can read the %(num)d requests and guides that everyone may read.", num=count),
    ]
    return render_template("admin/settings_confirm.html", consequences=consequences, fields=sent)
