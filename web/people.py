"""The page of one person: what they have resolved and written, as far as the reader may read it. A person's own page
shows what they are suggested for; its settings are in `profile.py`."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender.database.tables import Person
from recommender.knowledge import outcomes
from recommender.people import preferences, profile
from web import current
from web.current import session
from web.reading import PROFILE_ITEMS, get_item, get_profile, is_away
from web.sign_in.session import current_person, current_reader, signed_in

blueprint = Blueprint("people", __name__, url_prefix="/people")
_SHOWN_AT_ONCE = 10  # pieces of evidence before "show more": a judgement


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
    )
