"""Makes the web application. All parts are made here and passed to where they are used."""

from datetime import datetime, timedelta

from flask import Flask, Response, current_app, g, request
from flask_babel import Babel, force_locale, gettext
from flask_wtf.csrf import CSRFProtect

from recommender.accounts.secret_key import load_secret_key
from recommender.database.days import use_zone
from recommender.database.outages import report_outages
from recommender.recommender import Recommender
from recommender.setting_values import PAGE_LANGUAGES
from recommender.settings import Settings
from web import (
    api,
    current,
    errors,
    formatting,
    health,
    hooks,
    input,
    limits,
    measuring,
    once,
    replacing,
    request_log,
    static_files,
)
from web.admin import frame as admin
from web.admin import pages as admin_pages
from web.chat import linking, slack, teams
from web.desk import bulk, notes
from web.desk import views as desk
from web.documents import history, library
from web.documents import views as documents
from web.files import attached, uploads
from web.files import views as attachments
from web.inbox import told
from web.inbox import views as inbox
from web.insights import about, gap_words, own, service_words, topic_changes, wording
from web.insights import gaps as insight_gaps
from web.insights import teams as insight_teams
from web.insights import views as insights
from web.look import views as look
from web.people import profile, security
from web.people import views as people
from web.requests import rewriting
from web.requests import views as requests
from web.scim import views as scim
from web.search import address_bar, cards, door, embed, results
from web.search import views as ask
from web.set_up import gate, knowledge
from web.set_up import teams as set_up_teams
from web.set_up import views as set_up
from web.sign_in import forgotten, oidc, pages, second_factor
from web.sign_in import session as sign_in
from web.starting.compiled_templates import load_templates
from web.starting.opening import Opening, begin

# These modules add their operations to the API's blueprint. The OpenAPI document lists them in this order.
# isort: off
import web.api.search
import web.api.requests
import web.api.documents
import web.api.attachments
import web.api.items
import web.api.people
import web.api.inbox
import web.api.insights  # noqa: F401
# isort: on

_VIEWS = (
    ask, requests, documents, attachments, replacing, desk, people, profile, security, inbox, api, pages,
    second_factor, forgotten, oidc, embed, health, library, history, bulk, notes, rewriting,
    hooks, address_bar, linking, slack, teams, insights, insight_teams, insight_gaps, own, about,
    topic_changes, scim, set_up, set_up_teams, knowledge, look, *admin_pages.PAGES,
)  # fmt: skip
LARGEST_BODY = 1_000_000  # bytes of a form or call: a judgement
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_YEAR = 365 * 24 * 3600  # seconds
_NO_DEVICES = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


def create_app(settings: Settings, recommender: Recommender | None = None, opening: Opening | None = None) -> Flask:
    """The web application on the settings' database. What answers questions is this recommender, or that of `opening`,
    or else one that is opened now; then the application is ready for the first visitor. Raises SettingsError when the
    secret key cannot be used or a setting needs a package that is not installed."""
    opening = opening or begin(settings, recommender)
    try:
        app = _made(settings, opening)
        if recommender is None:
            warm_up(app)
        current.answer_with(app, opening.recommender.result())
        health.attach(app, settings, opening.recommender.result(), opening.sessions)
    except BaseException:
        opening.close()
        raise
    return app


def _made(settings: Settings, opening: Opening) -> Flask:
    """The application without what answers questions, which may still be opened."""
    app, engine = Flask(__name__), opening.sessions.kw["bind"]
    _configure(app, settings, opening.settings.session_days)
    current.attach(app, settings, opening.sessions)
    request_log.attach(app)  # before all others: it runs first and last
    report_outages(engine)
    measuring.attach(app, engine)
    Babel(app, locale_selector=_language, timezone_selector=_time_zone)
    app.before_request(lambda: use_zone(current.settings().zone))
    static_files.attach(app)
    input.attach(app)
    uploads.attach(app)  # before the form is read, which the check of its CSRF token does
    csrf = CSRFProtect(app)
    sign_in.attach(app, settings)
    oidc.attach(app, settings)
    teams.attach(settings)
    limits.attach(app, engine)
    errors.attach(app)
    formatting.attach(app)
    for part in (door, results, cards, once, told, attached, wording, gap_words, service_words, admin):
        part.attach(app)
    gate.attach(app)
    for view in _VIEWS:
        app.register_blueprint(view.blueprint)
    for calls in (api, scim):  # they accept bearer tokens only, which no browser sends by itself
        csrf.exempt(calls.blueprint)
    # these only count, and change nothing else
    for reading_view in (ask.search, ask.suggest, ask.suggest_people, embed.suggest):
        csrf.exempt(reading_view)
    for signed in (slack, teams, hooks):  # other systems make these calls, signed with a secret
        csrf.exempt(signed.blueprint)
    csrf.exempt(inbox.stop_mail)  # mail programs send it; its link is signed, and does nothing else
    api.attach(app)
    app.before_request(_remember_language)
    app.after_request(_add_headers)
    return app


def warm_up(app: Flask) -> None:
    """Load what the first visitors would otherwise wait for: the compiled templates, and how each language writes dates
    and texts."""
    with app.test_request_context():
        load_templates(app, current.environment().models_dir)
        for language in PAGE_LANGUAGES:
            with force_locale(language):
                gettext("Queue")
                formatting.day(datetime(2026, 1, 1))


def _configure(app: Flask, settings: Settings, session_days: float) -> None:
    app.config.update(
        SECRET_KEY=load_secret_key(settings.home, settings.secret_key),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may be open for days
        WTF_CSRF_SSL_STRICT=False,  # SameSite and the CSRF token are enough; a proxy may remove the Referer
        PERMANENT_SESSION_LIFETIME=timedelta(days=session_days),
        SESSION_REFRESH_EACH_REQUEST=False,  # otherwise a slow answer could restore a session that has just ended
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        BABEL_DEFAULT_LOCALE=settings.language,
    )


def _language() -> str:
    """The language chosen on the page, else that of the cookie, else the browser's, else that of the settings; one of
    those that the organisation has."""
    offered = current.organisation().languages
    chosen = request.args.get("lang") or request.cookies.get("lang")
    if chosen in offered:
        return chosen
    return request.accept_languages.best_match(offered) or _default_language(offered)


def _time_zone() -> str:
    return current.settings().time_zone


def _default_language(offered: tuple[str, ...]) -> str:
    language = current.settings().language
    return language if language in offered else offered[0]


def _remember_language() -> None:
    chosen = request.args.get("lang")
    g.chosen_language = chosen if chosen in PAGE_LANGUAGES else None


def _add_headers(response: Response) -> Response:
    """Add the cookie of a language that was just chosen, the security headers, and the rules for caching."""
    if g.get("chosen_language"):
        response.set_cookie("lang", g.chosen_language, max_age=_YEAR, samesite="Lax", httponly=True)
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)  # an attached file has a stricter one
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = _NO_DEVICES
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"  # the embedded script is fetched with CORS instead
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Accept-Language")
        response.vary.add("Cookie")
    return response
