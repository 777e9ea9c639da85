"""The suggestion box for pages of other sites: a script, and the JSON that it fetches. It shows only what everyone may
read, works only on the origins that the settings allow, and uses no cookies."""

import logging
from collections.abc import Sequence

from flask import Blueprint, Response, abort, current_app, jsonify, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from recommender.access import ANYONE
from recommender.datatypes import Kind, Suggestion
from recommender.errors import IndexRefused
from recommender.setting_values import PAGE_LANGUAGES
from recommender.settings import Settings
from web import current, measuring
from web.addresses import absolute
from web.caller import search_limit
from web.current import session
from web.formatting import day, item_url
from web.search import results

log = logging.getLogger(__name__)
blueprint = Blueprint("embed", __name__, url_prefix="/embed")
_SHOWN = 3  # suggestions in the box: a judgement
_LONGEST_QUESTION = 2_000  # characters, as in the field of the box


def origins(settings: Settings) -> frozenset[str]:
    """The origins (`https://intranet.example`) whose pages may show the box."""
    return frozenset(origin.strip().rstrip("/") for origin in settings.embed_origins.split(",") if origin.strip())


@blueprint.get("/kollega.js")
def script() -> ResponseReturnValue:
    """The script; 404 when the settings allow no origin."""
    _allowed_origins()
    answer = make_response(current_app.send_static_file("embed.js"))
    # Another site needs this to load a module. The script contains no data.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@blueprint.post("/suggest")
@search_limit
def suggest() -> ResponseReturnValue:
    """{heading, hint, suggestions: [{title, excerpt, facts, notes, url, language}], more: {url, text}} for `q` in the
    language `lang`; a note is {text, link: {title, url, language} or null}. 403 for another origin."""
    origin = request.headers.get("Origin", "")
    if origin not in _allowed_origins():
        abort(403)
    question = request.form.get("q", "").strip()[:_LONGEST_QUESTION]
    language = request.form.get("lang", "en")
    with force_locale(language if language in PAGE_LANGUAGES else "en"):
        answer: Response = jsonify(_suggestions_json(question))
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.vary.add("Origin")
    return answer


def _suggestions_json(question: str) -> dict[str, object]:
    try:
        found = current.recommender().answers(question, ANYONE, session(), _SHOWN, typing=True)
    except IndexRefused as error:
        log.warning("%s", error)
        return _box_json(results.refused(), ())
    if not question:
        return _box_json(("", ""), found.suggestions)
    measuring.counts().count_answer(found, partial=True)
    return _box_json(results.said(found), found.suggestions)


def _box_json(said: tuple[str, str], suggestions: Sequence[Suggestion]) -> dict[str, object]:
    heading, hint = said
    return {
        "heading": heading,
        "hint": hint,
        "suggestions": [_suggestion_json(suggestion) for suggestion in suggestions],
        "more": {"url": absolute(url_for("ask.index")), "text": gettext("Ask in Kollega")},
    }


def _suggestion_json(suggestion: Suggestion) -> dict[str, object]:
    item = suggestion.item
    kind = gettext("Solved request") if item.kind is Kind.REQUEST else gettext("Guide")
    facts = [kind, day(item.at), results.asked(suggestion)]
    return {
        "title": item.title,
        "excerpt": suggestion.excerpt,
        "facts": " · ".join(fact for fact in facts if fact),
        "notes": [_note_json(note) for note in results.notes(suggestion)],
        "url": absolute(item_url(item)),
        "language": item.language,
    }


def _note_json(note: results.Note) -> dict[str, object]:
    item = note.item
    link = {"title": item.title, "url": absolute(item_url(item)), "language": item.language} if item else None
    return {"text": note.text, "link": link}


def _allowed_origins() -> frozenset[str]:
    allowed = origins(current.settings())
    if not allowed:
        abort(404)
    return allowed
