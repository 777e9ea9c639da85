"""The first steps of the set-up: the code, the organisation, the first admin."""

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext, ngettext

from recommender.accounts import name_key, sessions
from recommender.errors import AccountError, OrganisationError, SetUpRefused, UnusablePassword
from recommender.first_run import admin as first_admin
from recommender.first_run import code
from recommender.organisation.values import LONGEST_NAME, in_environment, set_value
from recommender.setting_values import PAGE_LANGUAGES, zone_of
from web import current
from web.client_address import from_trusted_proxy
from web.limits import limiter
from web.set_up.forms import AdminForm, OrganisationForm, time_zones
from web.set_up.gate import CODE, has_given_code, is_needed, one_who_sets_up
from web.sign_in import attempts
from web.sign_in.session import begin
from web.sign_in.unusable_password import what_is_wrong

blueprint = Blueprint("set_up", __name__, url_prefix="/setup")
_SETTINGS = ("language", "time_zone")


@blueprint.get("")
def start() -> ResponseReturnValue:
    """The page that asks for the code; what comes next once it was given."""
    if not is_needed():
        return redirect(url_for("ask.index"))
    if has_given_code():
        return redirect(url_for("set_up.organisation"))
    return render_template("set_up/code.html", problem="")


@blueprint.post("")
@limiter.limit("30 per minute")
def give_code() -> ResponseReturnValue:
    """Check the code; 422 with the form and what is wrong."""
    if not is_needed():
        return redirect(url_for("ask.index"))
    if seconds := attempts.seconds_to_wait_for_set_up():
        problem = ngettext(
            "Too many wrong codes. Wait %(num)d minute.", "Too many wrong codes. Wait %(num)d minutes.",
            -(-seconds // 60),
        )  # fmt: skip
        return render_template("set_up/code.html", problem=problem), 429
    try:
        session[CODE] = code.check(current.session(), request.form.get("code", ""))
    except SetUpRefused as error:
        attempts.set_up_code_failed()
        current.session().commit()  # a wrong one counts
        return render_template("set_up/code.html", problem=_what_is_wrong(error.reason)), 422
    return redirect(url_for("set_up.organisation"), 303)


@blueprint.get("/organisation")
def organisation() -> ResponseReturnValue:
    """The form about the organisation."""
    one_who_sets_up()
    return _organisation_page(OrganisationForm.of(current.organisation(), str(get_locale())))


@blueprint.post("/organisation")
def save_organisation() -> ResponseReturnValue:
    """Store the organisation's name, languages and time zone; 422 with the form and what is wrong."""
    person = one_who_sets_up()
    form = OrganisationForm.sent(request.form)
    if not form.name or len(form.name) > LONGEST_NAME:
        form.problems["name"] = gettext("Write the name of the organisation, at most %(n)d characters.", n=LONGEST_NAME)
    if not form.languages:
        form.problems["languages"] = gettext("Choose at least one language.")
    elif form.language not in form.languages:
        form.problems["language"] = gettext("Choose one of the languages of the pages.")
    if zone_of(form.time_zone) is None:
        form.problems["time_zone"] = gettext("Choose a time zone from the list.")
    if form.problems:
        return _organisation_page(form), 422
    database, environment = current.session(), current.environment()
    for key, value in form.values().items():
        if key in _SETTINGS and in_environment(environment, key):
            continue
        try:
            set_value(database, environment, key, value, person.id if person else None)
        except OrganisationError as error:
            form.problems[key] = str(error)
    if form.problems:
        database.rollback()
        return _organisation_page(form), 422
    database.commit()
    return redirect(url_for("set_up.admin"), 303)


@blueprint.get("/admin")
def admin() -> ResponseReturnValue:
    """The form for the first admin; once there is one, who that is."""
    person = one_who_sets_up()
    handle = request.headers.get(current.settings().proxy_header, "") if _proxied() else ""
    return _admin_page(AdminForm(handle=handle), person)


@blueprint.post("/admin")
@limiter.limit("30 per minute")
def make_admin() -> ResponseReturnValue:
    """Make the first admin, end the code, and sign them in; 422 with the form and what is wrong."""
    if (person := one_who_sets_up()) is not None:
        return redirect(url_for("set_up_teams.show"), 303)
    database, settings, form = current.session(), current.settings(), AdminForm.sent(request.form)
    if form.password != form.again:
        form.problems["again"] = gettext("The two passwords are not the same.")
        return _admin_page(form, None), 422
    words = (*settings.organisation_words, *current.organisation().name.split())
    try:
        code.use_up(database, session[CODE])
        person = first_admin.make(database, form.new(), words, password_needed=not _elsewhere())
        code.end(database, settings)
        database.commit()
    except SetUpRefused as error:
        database.rollback()
        form.problems["name"] = _what_is_wrong(error.reason)
    except UnusablePassword as error:
        database.rollback()
        form.problems["password"] = what_is_wrong(error)
    except AccountError as error:
        database.rollback()
        form.add_problem(error)
    if form.problems or person is None:
        return _admin_page(form, None), 422
    if _proxied():
        return redirect(url_for("set_up_teams.show"), 303)
    begin(person, sessions.PASSWORD)
    answer = redirect(url_for("set_up_teams.show"), 303)
    return attempts.remember_browser(answer, name_key(None, person.handle))  # type: ignore[arg-type]


def _organisation_page(form: OrganisationForm) -> str:
    environment = current.environment()
    fixed = {key for key in _SETTINGS if in_environment(environment, key)}
    return render_template(
        "set_up/organisation.html", form=form, offered=PAGE_LANGUAGES, zones=time_zones(), fixed=fixed
    )


def _admin_page(form: AdminForm, person: object) -> str:
    return render_template(
        "set_up/admin.html", form=form, person=person, elsewhere=_elsewhere(), proxied=_proxied(),
        claim=current.settings().oidc_claim,
    )  # fmt: skip


def _proxied() -> bool:
    return bool(current.settings().proxy_header) and from_trusted_proxy()


def _elsewhere() -> bool:
    """True where people sign in at a proxy or an OpenID provider, so that an admin needs no password here."""
    settings = current.settings()
    return bool(settings.proxy_header or settings.oidc_issuer)


def _what_is_wrong(reason: str) -> str:
    if reason == "wrong":
        return str(gettext("This is not the right code. Kollega prints the right one when it starts; copy the newest."))
    return str(gettext("There is no code at the moment. Start Kollega again: it prints one."))
