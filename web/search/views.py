"""The search page: suggestions and colleagues for a question, as a whole page, or only the results while somebody
types."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from werkzeug.datastructures import MultiDict

from recommender.corpus import readable_items
from recommender.database.days import current_day
from recommender.datatypes import Recommendation
from recommender.filters import Filters
from recommender.knowledge import outcomes
from recommender.people import availability
from recommender.search.people_beside import People
from recommender.search.search import SHOWN
from recommender.search.topics import Topics, topics
from web.caller import caller, client_has_left, search_limit, search_limit_unless
from web.current import counting, recommender, session
from web.limits import among_the_first_today, limiter
from web.reading import team_rows
from web.search import shown_first
from web.search.counting import count_later, count_search, take_back
from web.search.door import door, likely_of
from web.search.filters import sent_filters
from web.search.overview import overview_of
from web.search.question import (
    SHOWN_AT_ONCE,
    TypedQuestion,
    people_for,
    recommend,
    suggest_first,
    typed_question,
)
from web.sign_in.session import current_reader

blueprint = Blueprint("ask", __name__)
_MOST_LEFT = 20  # opened items that are counted for one visit: a judgement


@blueprint.get("/")
@search_limit
def index() -> ResponseReturnValue:
    """The page. With `q` it contains the results too, so that it works without JavaScript."""
    return _page(request.args)


def _gets_an_address() -> bool:
    return "lang" not in request.args and typed_question(request.form).may_stand_in_address


@blueprint.post("/")
@search_limit_unless(_gets_an_address)
def search() -> ResponseReturnValue:
    """The page for a question in a form. A short one gets a page with an address, which can be shared and gone back to;
    one that is long or private is answered here, so that it stands in no address."""
    if _gets_an_address():
        return redirect(_address(typed_question(request.form), sent_filters(request.form)), 303)
    return _page(request.form)


@blueprint.post("/suggest")
@search_limit
def suggest() -> ResponseReturnValue:
    """Only the results, which the page inserts while somebody types. A question that nobody waits for any more, because
    the person has typed on meanwhile, is not searched for: 499, which nobody receives.

    With `people=later` the colleagues are left out where answers are shown (`suggest_people`). What is private says at
    once which team can be asked."""
    if client_has_left():
        return "", 499
    question, filters = typed_question(request.form), sent_filters(request.form)
    later = request.form.get("people") == "later" and not question.is_private
    found = None
    if question.text:
        found = suggest_first(question, filters) if later else recommend(question, SHOWN, typing=True, filters=filters)
    return render_template("ask/_results.html", **_shown(question, filters, found), people_later=later)


@blueprint.post("/suggest/people")
@search_limit
def suggest_people() -> ResponseReturnValue:
    """Only the colleagues and teams for a question, which the page inserts beside the answers that it shows when the
    typing rests. `shown` is the note that stands with these answers, to which the first colleague is added."""
    if client_has_left():
        return "", 499
    question = typed_question(request.form)
    people = people_for(question, sent_filters(request.form)) if question.text else People()
    teams = team_rows()
    seen = shown_first.shown_in(request.form.get("shown", ""))
    if people.experts:
        seen = replace(seen, person_id=people.experts[0].person_id)
    return render_template(
        "ask/_people_later.html",
        people=people,
        teams=teams,
        likely=likely_of(people, teams),
        shown_first=shown_first.note(seen),
    )


@blueprint.post("/asked")
@limiter.limit("60 per minute", key_func=caller)
def count_asked() -> ResponseReturnValue:
    """Count the colleague who was shown first, and the topic, for results that were shown while somebody typed and then
    used. The page sends back what it showed, so the question is not searched for again."""
    _count_finished(shown_first.shown_in(request.form.get("first", "")))
    return "", 204


@blueprint.post("/solved")
def solved() -> ResponseReturnValue:
    """Count that an item solved a question, once in 30 days for each person. Neither the question nor who asked is
    stored. 404 when this reader may not read the item."""
    return _said(outcomes.EventKind.SOLVED)


@blueprint.post("/unhelpful")
def unhelpful() -> ResponseReturnValue:
    """Count that an item did not help, as `solved` counts that it did."""
    return _said(outcomes.EventKind.UNHELPFUL)


@blueprint.post("/undo")
def undo() -> ResponseReturnValue:
    """Take back what the same person has said with `solved` or `unhelpful`. 404 for an unknown item or `outcome`."""
    (item,) = _readable(request.form.getlist("item")[:1])
    kind = request.form.get("outcome", "")
    if kind not in (outcomes.EventKind.SOLVED, outcomes.EventKind.UNHELPFUL):
        abort(404)
    take_back(outcomes.EventKind(kind), item)
    return render_template("ask/said.html", said="", item="")


@blueprint.post("/left")
def left() -> ResponseReturnValue:
    """Count that somebody opened items and left without filing a request: a weak sign that they helped, counted
    separately from what people say."""
    count_later(outcomes.EventKind.LEFT, _readable(request.form.getlist("item")[:_MOST_LEFT]))
    return "", 204


def _said(kind: outcomes.EventKind) -> ResponseReturnValue:
    (item,) = _readable(request.form.getlist("item")[:1])
    count_later(kind, [item])
    return render_template("ask/said.html", said=kind, item=item)


def _readable(keys: list[str]) -> list[str]:
    """Those keys whose items the current reader may read; 404 when there are none."""
    readable = list(readable_items(session(), keys, current_reader()))
    if not readable:
        abort(404)
    return readable


def _count_finished(seen: shown_first.Shown) -> None:
    """Count what was shown first for a question that is finished."""
    _count_first(seen.person_id)
    if seen.verdict is not None:
        count_search(seen.verdict, seen.items)


def _count_first(person_id: int | None) -> None:
    """Count that a colleague was suggested first: once for each question, not for each letter that is typed, and at
    most three times a day for one person who asks, so that nobody can use up a colleague's week. Who asked is not
    stored."""
    today = current_day()
    if person_id is not None and among_the_first_today(caller(), f"suggested {person_id}"):
        counting().count(lambda counts: availability.count_first(counts, person_id, today))


def _page(values: MultiDict[str, str]) -> ResponseReturnValue:
    question, filters = typed_question(values), sent_filters(values)
    recommendation = recommend(question, SHOWN, filters=filters) if question.text else None
    changes_language = "lang" in request.args  # then the same question was already counted
    if request.method != "HEAD" and not changes_language:
        _count_finished(shown_first.shown(question, recommendation))
    overview = overview_of(current_reader())
    return render_template(
        "ask/index.html",
        counts=overview[:2],
        choices=overview.choices,
        topics=_topics() if not question.text else None,
        **_shown(question, filters, recommendation),
    )


def _shown(question: TypedQuestion, filters: Filters, recommendation: Recommendation | None) -> dict[str, Any]:
    """What the templates of the results need."""
    teams = team_rows()
    return {
        "question": question,
        "filters": filters,
        "found": recommendation,
        "teams": teams,
        "door": door(question, recommendation, teams),
        "shown_first": shown_first.note(shown_first.shown(question, recommendation)),
        "first": SHOWN_AT_ONCE,
        "address": _address(question, filters),
    }


def _address(question: TypedQuestion, filters: Filters) -> str:
    """The address of the page for this question and these filters; empty for a question that must not stand in an
    address."""
    if not question.may_stand_in_address:
        return ""
    chosen: dict[str, Any] = {
        "team": filters.team,
        "kind": filters.kind,
        "language": filters.language,
        "newest": filters.newest and 1,
    }
    return url_for("ask.index", q=question.title, **{name: value for name, value in chosen.items() if value})


def _topics() -> Topics:
    """What a person may ask about, for the page on which nothing has been asked yet."""
    return topics(session(), current_reader(), recommender().analyzer, str(get_locale()))
