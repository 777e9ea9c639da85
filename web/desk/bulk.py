"""What an agent does to several requests of the queue at once: take, assign, reply and resolve."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender.access import Reader
from recommender.database.tables import OPEN, HelpRequest, Person
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import handling, requests
from recommender.knowledge.waiting import in_queue
from web import once
from web.current import session
from web.requests.queue import PAGE, mark_seen, read_filters
from web.requests.quoting import hidden_links
from web.sign_in.session import current_agent, signed_in

blueprint = Blueprint("bulk", __name__, url_prefix="/desk/queue")
_DIGITS = 9  # of the largest id that is read


@blueprint.post("")
def act() -> ResponseReturnValue:
    """Do the same to all chosen requests, each on its own: what somebody else has changed meanwhile is left out. The
    list is shown again, with how many were changed."""
    reader, person = current_agent(), signed_in()
    if earlier := once.earlier_result():
        return redirect(earlier)
    taken = request.form.get("take", "")
    numbers = [taken] if taken else request.form.getlist("request")[:PAGE]
    ids = [int(number) for number in numbers if number.isascii() and number.isdecimal() and len(number) <= _DIGITS]
    done = 0
    for row_id in dict.fromkeys(ids):
        row = session().scalar(select(HelpRequest).where(HelpRequest.id == row_id, *in_queue(reader)))
        if row is None:
            continue
        if _takes(person, bool(taken)) and handling.private_to(row, person):
            if taken:
                return redirect(url_for("requests.show", request_id=row_id, _anchor="take"))
            continue  # its own page says who can read it then
        try:
            changed = _change(row, reader, person, bool(taken))
            session().commit()
        except (Conflict, NotAllowed):
            session().rollback()
            continue
        if changed:
            done += 1
            mark_seen(reader, row_id)
    return redirect(once.commit_once(url_for("desk.queue", **read_filters().address(done=f"{done}/{len(ids)}"))))


def _change(row: HelpRequest, reader: Reader, person: Person, taken: bool) -> bool:
    """Do to one request what the form says; False when there is nothing to do."""
    act, body = request.form.get("act", ""), request.form.get("body", "").strip()
    if _takes(person, taken):
        if taken and row.assigned_to_id not in (None, person.id):
            raise Conflict("Somebody else has taken this request meanwhile.")
        handling.take(session(), row, reader, person)
        return True
    if act == "assign":
        handle = request.form.get("person", "")
        colleague = session().scalar(select(Person).where(Person.handle == handle)) if handle else None
        if handle and colleague is None:
            return False
        requests.assign(session(), row, reader, colleague)
        return True
    if act == "resolve" and hidden_links(body, row, reader):
        return False  # on the request's own page the agent is asked whether to send it anyway
    if act == "resolve" and body and len(body) <= requests.LONGEST_BODY and row.status == OPEN:
        requests.reply_and_resolve(session(), row, reader, person, body)
        return True
    return False


def _takes(person: Person, taken: bool) -> bool:
    """True when an agent takes requests: with the button of a row, or by assigning the chosen ones to themselves."""
    return taken or (request.form.get("act") == "assign" and request.form.get("person") == person.handle)
