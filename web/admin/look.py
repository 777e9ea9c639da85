"""The page on which an admin sets the organisation's name, logo, colours and its text of the first page."""

import base64
import hashlib

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.errors import OrganisationError
from recommender.knowledge.file_types import kind_of
from recommender.organisation import colour
from recommender.organisation.values import (
    LOGO,
    LOGO_CONTENT,
    LOGO_TYPES,
    LONGEST_NAME,
    LONGEST_TEXT,
    is_colour,
    set_value,
)
from web import current
from web.admin.frame import current_admin

blueprint = Blueprint("admin_look", __name__, url_prefix="/admin/look")
LARGEST_LOGO = 200_000
"""Bytes of a logo: a judgement."""


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The form."""
    current_admin()
    return _page({}, {})


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """Store the look; 422 with the form and what is wrong, and then nothing is stored."""
    person = current_admin()
    texts = {code: request.form.get(f"text-{code}", "").strip() for code in current.organisation().languages}
    sent = {name: request.form.get(name, "").strip() for name in ("name", "accent", "accent_dark")}
    problems = _colour_problems(sent)
    if not sent["name"] or len(sent["name"]) > LONGEST_NAME:
        problems["name"] = gettext("Write the name of the organisation, at most %(n)d characters.", n=LONGEST_NAME)
    for code, text in texts.items():
        if len(text) > LONGEST_TEXT:
            problems[f"text-{code}"] = gettext("Write at most %(n)d characters.", n=LONGEST_TEXT)
    values: dict[str, object] = {
        "name": sent["name"],
        "accent": sent["accent"] or None,
        "accent_dark": sent["accent_dark"] or None,
        "empty_page": {code: text for code, text in texts.items() if text} or None,
    }
    values |= _logo(problems)
    database = current.session()
    if not problems:
        try:
            for key, value in values.items():
                set_value(database, current.environment(), key, value, person.id)
        except OrganisationError as error:
            problems["name"] = str(error)
    if problems:
        database.rollback()
        return _page(problems, {**sent, **{f"text-{code}": text for code, text in texts.items()}}), 422
    database.commit()
    return redirect(url_for("admin_look.show", saved=1), 303)


def _colour_problems(sent: dict[str, str]) -> dict[str, str]:
    problems: dict[str, str] = {}
    for name, papers in (("accent", colour.LIGHT_PAPERS), ("accent_dark", colour.DARK_PAPERS)):
        sent[name] = value = sent[name].lower()
        if value and not is_colour(value):
            problems[name] = gettext("Write a colour like #0f6b66.")
        elif value and not colour.passes(value, papers):
            other = colour.nearest(value, papers)
            problems[name] = gettext("This colour cannot be read well. The nearest that can: %(colour)s", colour=other)
    if sent["accent_dark"] and not sent["accent"]:
        problems.setdefault("accent", gettext("Choose the colour for light screens too."))
    return problems


def _logo(problems: dict[str, str]) -> dict[str, object]:
    """The logo that was sent, or none when it is to be removed; nothing when it stays."""
    if "remove_logo" in request.form:
        return {LOGO: None, LOGO_CONTENT: None}
    file = request.files.get("logo")
    content = file.stream.read(LARGEST_LOGO + 1) if file is not None and file.filename else b""
    if not content:
        return {}
    kind = kind_of(content, LOGO_TYPES)
    if len(content) > LARGEST_LOGO:
        problems["logo"] = gettext("The picture is larger than %(n)d kB. Choose a smaller one.", n=LARGEST_LOGO // 1000)
    elif kind is None:
        problems["logo"] = gettext("Choose a PNG, JPEG or WebP picture.")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return {LOGO: {"type": kind or "", "digest": digest}, LOGO_CONTENT: base64.b64encode(content).decode("ascii")}


def _page(problems: dict[str, str], sent: dict[str, str]) -> str:
    chosen = current.organisation()
    there = {"name": chosen.name, "accent": chosen.accent, "accent_dark": chosen.accent_dark}
    there |= {f"text-{code}": chosen.empty_page.get(code, "") for code in chosen.languages}
    return render_template(
        "admin/look.html", problems=problems, form={**there, **sent}, saved="saved" in request.args,
        longest=LONGEST_TEXT, kilobytes=LARGEST_LOGO // 1000,
    )  # fmt: skip
