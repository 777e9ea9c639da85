"""The directory of people, and the page of one person: what they have resolved and written, as far as the reader may
read it. A person's own page shows what they are suggested for; its settings are in `profile.py`."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.insights.risk import wishes
from recommender.knowledge import outcomes
from recommender.people import directory, preferences, profile
from recommender.search.search import SHOWN
from web import current
from web.caller import search_limit
from web.current import session
from web.input import page_number
from web.reading import PROFILE_ITEMS, get_item, get_profile, is_away, team_rows
from web.sign_in.session import current_person, current_reader, signed_in

blueprint = Blueprint("people", __name__, url_prefix="/people")
_LONGEST_SEARCH = 200  # characters: a judgement
_SHOWN_AT_ONCE = 10  # pieces of evidence before "show more": a judgement


@blueprint.get("/")
@search_limit
def listed() -> ResponseReturnValue:
    """The people who work here, with search by name, team and topic; 401 when nobody has signed in. For a topic these
    are the colleagues who would be suggested for it to this reader, by name: nobody is ranked."""
    signed_in()
    words, team = (request.args.get(name, "").strip()[:_LONGEST_SEARCH] for name in ("q", "team"))
    found = current.recommender().recommend(words, current_reader(), session(), SHOWN) if words else None
    return render_template(
        "people/directory.html",
        directory=directory.load(session(), words, team, page_number(), current_day()),
        helping=sorted(found.experts, key=lambda expert: expert.name) if found else [],
        words=words,
        team=team,
        page=page_number(),
        teams=sorted(team_rows().values(), key=lambda row: row.handle),
        is_away=is_away,
    )


@blueprint.get("/<handle>")
def show(handle: str) -> ResponseReturnValue:
    """A person's page; for themselves, what they are suggested for and why."""
    person = current_person()
    if person is not None and person.handle == handle:
        return _own_page(person)
    return render_template("people/show.html", profile=get_profile(handle), newest=PROFILE_ITEMS)


@blueprint.post("/me/topics")
def decline() -> ResponseReturnValue:
    """Mark an item as not the person's topic, or undo that. Nobody else sees it. 404 when this reader may not read the
    item."""
    person = signed_in()
    item = get_item(request.form.get("item", ""), current_reader())
    if request.form.get("undo"):
        outcomes.take_back_declined(session(), person.id, item.key)
    elif item.key not in outcomes.declined(session(), person.id):
        outcomes.record(session(), outcomes.EventKind.NOT_MY_TOPIC, item.key, subject_id=person.id)
    session().commit()
    anchor = f"item-{item.key.replace(':', '-')}"  # so that the page does not jump to its top
    return redirect(url_for("people.show", handle=person.handle, _anchor=anchor))


def _own_page(person: Person) -> str:
    reader, analyzer = current_reader(), current.analyzer()
    pieces = profile.pieces(session(), person, reader, outcomes.declined(session(), person.id))
    rows = preferences.topics(session(), person)
    own = wishes.own_topics(session(), reader)
    hanging = wishes.hanging_on(session(), reader, own)
    return render_template(
        "people/own.html",
        person=person,
        away=is_away(person),
        paused=preferences.load_preferences(session(), person).paused,
        erased=bool(request.args.get("erased")),
        pieces=pieces,
        topics=profile.topics(pieces, person, reader, analyzer, current.recommender().index),
        stated=profile.stated(pieces, rows, analyzer),
        most=profile.PIECES,
        first=_SHOWN_AT_ONCE,
        hanging=hanging,
        colleagues={each.topic.id: wishes.colleagues_for(session(), reader, each.topic) for each in hanging},
        taught=wishes.taught(session(), reader, own),
    )
