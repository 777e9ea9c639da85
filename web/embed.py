"""The suggestion box in another page: a script, and the JSON it asks for. What everyone may read, for the origins that
the settings allow, without cookies."""

from flask import Blueprint, Response, abort, current_app, jsonify, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from recommender.access import ANYONE
from recommender.datatypes import Suggestion, Verdict
from recommender.settings import Settings
from web import current
from web.current import session
from web.formatting import day, item_url
from web.limits import limiter

blueprint = Blueprint("embed", __name__, url_prefix="/embed")
_SHOWN = 3
_LANGUAGES = ("en", "fi")


def origins(settings: Settings) -> frozenset[str]:
    """The origins (`https://intranet.example`) whose pages may hold the box."""
    return frozenset(origin.strip().rstrip("/") for origin in settings.embed_origins.split(",") if origin.strip())


@blueprint.get("/kollega.js")
def script() -> ResponseReturnValue:
    """The script; 404 while no page may hold the box."""
    _allowed()
    answer = make_response(current_app.send_static_file("embed.js"))
    answer.headers["Access-Control-Allow-Origin"] = "*"  # a module of another site needs it; the script holds no data
    return answer


@blueprint.post("/suggest")
@limiter.limit("600 per minute")
def suggest() -> ResponseReturnValue:
    """{heading, suggestions: [{title, excerpt, facts, url}]} for `q` in the language `lang`; 403 for another origin."""
    allowed, origin = _allowed(), request.headers.get("Origin", "")
    if origin not in allowed:
        abort(403)
    question = request.form.get("q", "").strip()[:2_000]
    language = request.form.get("lang", "en")
    with force_locale(language if language in _LANGUAGES else "en"):
        answer: Response = jsonify(_found(question))
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.vary.add("Origin")
    return answer


def _found(question: str) -> dict[str, object]:
    found = current.recommender().recommend(question, ANYONE, session(), _SHOWN)
    headings = {
        Verdict.ANSWER: gettext("This has been answered before"),
        Verdict.MAYBE: gettext("Perhaps one of these helps"),
        Verdict.UNKNOWN: gettext("Nobody has written this down yet"),
    }
    return {
        "heading": headings[found.verdict] if question else "",
        "suggestions": [_row(each) for each in found.suggestions],
        "more": {"url": _outside(url_for("ask.index")), "text": gettext("Ask in Kollega")},
    }


def _row(suggestion: Suggestion) -> dict[str, str]:
    item = suggestion.item
    kind = gettext("Resolved request") if item.kind == "request" else gettext("Document")
    return {
        "title": item.title,
        "excerpt": suggestion.excerpt,
        "facts": f"{kind} · {day(item.at)}",
        "url": _outside(item_url(item)),
        "language": item.language,
    }


def _outside(path: str) -> str:
    """The address of one of our pages for a page of another site."""
    return (current.settings().public_url or request.host_url).rstrip("/") + path


def _allowed() -> frozenset[str]:
    allowed = origins(current.settings())
    if not allowed:
        abort(404)
    return allowed
