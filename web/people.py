"""The page of one person: what they have resolved and written, as far as the reader may read it. One's own page says
what one is suggested for; the settings behind it are `profile.py`'s."""

from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender.access import readable_documents, readable_requests
from recommender.database.tables import Document, HelpRequest, Person, Reply, utc_now
from recommender.knowledge import outcomes
from recommender.people import preferences, profile
from web import current, panel
from web.current import session
from web.sign_in.session import current_person, current_reader, signed_in

blueprint = Blueprint("people", __name__, url_prefix="/people")
_SHOWN = 50
_FIRST = 10


@dataclass(frozen=True)
class Profile:
    """A person as others see them: the newest of what they resolved, and the documents they keep."""

    person: Person
    resolved: list[HelpRequest]
    documents: list[Document]
    left: bool
    away: bool


def get_profile(handle: str) -> Profile:
    """A person by handle; 404 when there is none."""
    person = session().scalar(select(Person).where(Person.handle == handle))
    if person is None:
        abort(404)
    reader = current_reader()
    resolved = (
        select(HelpRequest)
        .where(
            HelpRequest.status == "resolved",
            HelpRequest.hidden.is_(False),
            HelpRequest.replies.any((Reply.author_id == person.id) & Reply.accepted),
            HelpRequest.asked_by_id.is_distinct_from(person.id),  # it would name who asked without a name
            readable_requests(reader),
        )
        .order_by(HelpRequest.resolved_at.desc())
        .limit(_SHOWN)
    )
    documents = (
        select(Document)
        .where(
            Document.owner_id == person.id,
            Document.hidden.is_(False),
            Document.draft.is_(False),
            readable_documents(reader),
        )
        .order_by(Document.written_at.desc())
        .limit(_SHOWN)
    )
    today = utc_now().date()
    return Profile(
        person,
        list(session().scalars(resolved)),
        list(session().scalars(documents)),
        left=bool(person.left_on and person.left_on <= today),
        away=bool(person.away_until and person.away_until >= today),
    )


@blueprint.get("/<handle>")
def show(handle: str) -> ResponseReturnValue:
    """A person's page; for themselves, what they are suggested for and why."""
    person = current_person()
    if person is not None and person.handle == handle:
        return _own_page(person)
    return render_template("people/show.html", profile=get_profile(handle), newest=_SHOWN)


@blueprint.post("/me/topics")
def decline() -> ResponseReturnValue:
    """Say that an item tells nothing of what one knows, or take that back; nobody else sees it. 404 when this reader
    may not read the item."""
    person, reader = signed_in(), current_reader()
    item = panel.get_item(request.form.get("item", ""), reader)
    if item is None:
        abort(404)
    if request.form.get("undo"):
        outcomes.take_back_declined(session(), person.id, item.key)
    elif item.key not in outcomes.declined(session(), person.id):
        outcomes.record(session(), outcomes.EventKind.NOT_MY_TOPIC, item.key, subject_id=person.id)
    session().commit()
    return redirect(url_for("people.show", handle=person.handle))


def _own_page(person: Person) -> str:
    reader, analyzer = current_reader(), current.analyzer()
    found = profile.pieces(session(), person, reader, outcomes.declined(session(), person.id))
    rows = preferences.topics(session(), person)
    return render_template(
        "people/own.html",
        person=person,
        away=bool(person.away_until and person.away_until >= utc_now().date()),
        paused=preferences.load_preferences(session(), person).paused,
        erased=bool(request.args.get("erased")),
        pieces=found,
        topics=profile.topics(found, person, reader, analyzer, current.recommender().index),
        stated=profile.stated(found, rows, analyzer),
        most=profile.PIECES,
        first=_FIRST,
    )
