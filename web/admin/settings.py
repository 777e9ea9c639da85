"""The page with every setting: its value, where that comes from, whether a change needs a restart; and the form for
those that can be changed here."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import ColumnElement, func, select

from recommender.access import EVERYONE
from recommender.database.account_tables import SignInSession
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Base, DocumentAudience, RequestAudience, utc_now
from recommender.errors import OrganisationError
from recommender.organisation import origins
from recommender.organisation.origins import Origin, Origins
from recommender.organisation.values import Organisation, set_value
from recommender.settings import Settings
from web import current
from web.admin.frame import current_admin

blueprint = Blueprint("admin_settings", __name__, url_prefix="/admin/settings")
_READING = "anonymous_reading"
_WAS = "was-"
"""Before the name of a field: what it had when the form was made."""


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """All settings."""
    current_admin()
    return _page({}, {})


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """Store what was changed in the form; 422 with the form and what is wrong, also when somebody else has changed the
    same meanwhile. Before visitors may read, entries are deleted or people have to sign in again, it says how much."""
    person, now = current_admin(), {row.name: row.value for row in _rows() if row.changeable}
    sent = {name: request.form[name].strip() for name in now if name in request.form}
    before = {name: request.form.get(_WAS + name, _text(now[name])).strip() for name in sent}
    edited = {name: text for name, text in sent.items() if text != before[name]}
    changed = {name: text for name, text in edited.items() if text != _text(now[name])}
    database = current.session()
    problems = {
        name: gettext("Somebody else has set this to “%(value)s” meanwhile. Save again to replace it.", value=now[name])
        for name in changed if before[name] != _text(now[name])
    }  # fmt: skip
    for name, text in changed.items() if not problems else ():
        try:
            set_value(database, current.environment(), name, _value(name, text), person.id)
        except (OrganisationError, ValueError):
            problems[name] = gettext("This value cannot be used.")
    if problems:
        database.rollback()
        return _page(problems, edited), 422
    consequences = [] if "confirmed" in request.form else _consequences(now, set(changed))
    if consequences:
        database.rollback()
        kept = {_WAS + name: before[name] for name in edited}
        return render_template("admin/settings_confirm.html", consequences=consequences, fields=edited | kept)
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


def _consequences(before: dict[str, Any], changed: set[str]) -> list[str]:
    """What the changed values do that cannot be taken back, in sentences with numbers. They are in the session."""
    database, said = current.session(), []
    new = Organisation.read(database, current.environment()).settings
    if _READING in changed and new.anonymous_reading:
        tables = (RequestAudience, DocumentAudience)
        read = sum(_count(table, table.token == EVERYONE) for table in tables)
        said.append(gettext("Whoever can open this address can search without signing in."))
        said.append(gettext("They can read the %(num)d requests and guides that everyone may read.", num=read))
    if "audit_days" in changed and new.audit_days and not 0 < before["audit_days"] <= new.audit_days:
        old = _count(AuditEntry, AuditEntry.at < utc_now() - timedelta(days=new.audit_days))
        said.append(gettext("Entries of the audit log that will be deleted for good: %(num)d.", num=old))
    if "session_idle_days" in changed and new.session_idle_days < before["session_idle_days"]:
        last = utc_now() - timedelta(days=new.session_idle_days)
        ended = _count(SignInSession, SignInSession.last_seen_at < last)
        said.append(gettext("Browsers in which people have to sign in again: %(num)d.", num=ended))
    return said


def _count(table: type[Base], chosen: ColumnElement[bool]) -> int:
    return current.session().scalar(select(func.count()).select_from(table).where(chosen)) or 0
