"""While nobody can sign in yet, every page leads to the set-up; and who may open its steps. Where people can, but no
admin, the pages are as usual, and the set-up is open at its address to who has the code."""

from dataclasses import dataclass

from flask import Flask, Response, abort, current_app, redirect, request, session, url_for
from flask_babel import gettext

from recommender import access
from recommender.corpus import is_empty
from recommender.database.tables import Person
from recommender.first_run import code
from web import current
from web.sign_in.session import signed_in

CODE = "set_up_code"
"""The digest of the code that was given in this browser, in its signed cookie."""
_OTHERS = frozenset({"health", "api", "scim", "embed", "hooks", "slack", "teams", "address_bar", "look"})
"""Blueprints beside the set-up that answer as usual: what is no page."""
_IS_SET_UP = "kollega_is_set_up"


@dataclass(frozen=True)
class Step:
    """One step of the set-up: its endpoint, its name, and whether it can be opened now."""

    endpoint: str
    text: str
    open: bool


def attach(app: Flask) -> None:
    """Lead to the set-up from every page while it is needed."""
    app.before_request(_lead)
    app.jinja_env.globals.update(set_up_steps=steps)


def steps() -> list[Step]:
    """The steps, in their order."""
    later = not is_needed()  # there is an admin
    return [
        Step("set_up.organisation", gettext("Organisation"), True),
        Step("set_up.admin", gettext("Admin"), True),
        Step("set_up_teams.show", gettext("Teams"), later),
        Step("set_up_knowledge.show", gettext("Data"), later),
    ]


def is_needed() -> bool:
    """True while no admin can sign in. Once one can, this process does not ask again."""
    if current_app.extensions.get(_IS_SET_UP):
        return False
    needed = code.is_needed(current.session(), current.settings())
    if not needed:
        current_app.extensions[_IS_SET_UP] = True
    return needed


def has_given_code() -> bool:
    """True when the right code was given in this browser, and has not ended since."""
    digest = session.get(CODE)
    return isinstance(digest, str) and code.is_valid(current.session(), digest)


def one_who_sets_up() -> Person | None:
    """Who may change the first steps: an admin, or None for somebody with the code while it is needed. Sends others to
    where they give the code; 401 or 403 once there is an admin."""
    if is_needed():
        if not has_given_code():
            abort(redirect(url_for("set_up.start"), 303))
        return None
    return admin_only()


def admin_only() -> Person:
    """The admin who makes this request; while there is none, leads to the beginning."""
    if is_needed():
        abort(redirect(url_for("set_up.start"), 303))
    person = signed_in()
    if not access.is_admin(person):
        abort(403)
    return person


def _lead() -> Response | None:
    blueprint = request.blueprint or ""
    others = request.endpoint in (None, "static") or blueprint in _OTHERS or blueprint.startswith("set_up")
    if others or not is_needed():
        return None
    if _is_read_by_visitors() or not code.nobody_can_sign_in(current.session(), current.settings()):
        return None
    return redirect(url_for("set_up.start"), 303)  # type: ignore[return-value]


def _is_read_by_visitors() -> bool:
    """True where people need not sign in and there is something to find: they are not kept from it."""
    return current.settings().anonymous_reading and not is_empty(current.session())
