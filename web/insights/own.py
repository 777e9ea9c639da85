"""What a person says about the topics that hang on them: they are teaching one to a colleague, or are to be left out of
it. Only they see the page with these forms (people/own.html)."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender.database.tables import Person
from recommender.insights.risk import wishes
from recommender.insights.topics import left_out
from recommender.insights.topics.topic import Topic
from web.current import session
from web.input import sent_number
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("own_topics", __name__, url_prefix="/people/me")


@blueprint.post("/teaching")
def teach() -> ResponseReturnValue:
    """Say that the person is teaching a topic to a colleague; with `undo`, the number of what they said, take it back.
    404 for a topic that does not hang on them and for an unknown colleague."""
    signed_in()
    if request.form.get("undo"):
        wishes.take_back(session(), current_reader(), sent_number("undo"))
        return _done()
    topic = _own_topic()
    colleague = session().scalar(select(Person).where(Person.handle == request.form.get("colleague", "")))
    if colleague is None:
        abort(404)
    wishes.teach(session(), current_reader(), topic, colleague)
    return _done()


@blueprint.post("/left-out")
def leave_out() -> ResponseReturnValue:
    """Leave the person out of what leads see of a topic; with `undo`, take that back. 404 for a topic that does not
    hang on them."""
    person, topic = signed_in(), _own_topic()
    if request.form.get("undo"):
        left_out.take_in_again(session(), person.id, topic.id)
    else:
        left_out.leave_out(session(), person.id, topic.id)
    return _done()


def _own_topic() -> Topic:
    """The topic that the form is about, of those that hang on the person; 404 for others."""
    number, reader = sent_number("topic"), current_reader()
    hanging = (each.topic for each in wishes.hanging_on(session(), reader, wishes.own_topics(session(), reader)))
    found = next((topic for topic in hanging if topic.id == number), None)
    if found is None:
        abort(404)
    return found


def _done() -> ResponseReturnValue:
    session().commit()
    return redirect(url_for("people.show", handle=signed_in().handle, _anchor="hangs-on-you"))
