"""The desk of agents: the queue of their teams, and the actions beside a request."""

from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from recommender import access
from recommender.access import Reader
from recommender.database.tables import OPEN, HelpRequest, Person, Team, utc_now
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict
from recommender.knowledge import handling, notes, outcomes, requests
from recommender.knowledge.waiting import in_queue
from web.current import session
from web.files import attached
from web.input import sent_number
from web.reading import get_item, get_request, team_people, team_rows
from web.requests.page import WrongSame, request_page
from web.requests.queue import mark_seen, queue_page, read_filters
from web.requests.quoting import insertion, quotable, readers_of
from web.search.counting import count_once
from web.sign_in.session import current_agent, current_reader, signed_in

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
_LONGEST_NUMBER = 20  # characters of a typed number that are shown again: a judgement
_SNOOZED = {"tomorrow": 1, "week": 7, "month": 30}  # days


@blueprint.get("/")
def queue() -> ResponseReturnValue:
    """Requests to the reader's teams, by their last activity; 403 for people who are not agents."""
    reader = current_agent()
    filters = read_filters()
    teams = sorted((team for team in team_rows().values() if team.id in reader.serves_teams), key=lambda t: t.handle)
    colleagues = {person.id: person for team in teams for person in team_people(team)}
    return render_template(
        "desk/queue.html",
        page=queue_page(filters, reader),
        filters=filters,
        handled=teams,
        colleagues=sorted(colleagues.values(), key=lambda person: person.name),
        reader=reader,
        done=request.args.get("done", ""),
    )


@blueprint.get("/keys")
def keys() -> ResponseReturnValue:
    """The keyboard shortcuts."""
    return render_template("desk/keys.html")


@blueprint.post("/<int(max=2147483647):request_id>/insert")
def insert(request_id: int) -> ResponseReturnValue:
    """Insert a link, a quote or the answer of an item into the reply that is being written; what was typed is kept."""
    help_request, reader = _handled_request(request_id)
    how, _, key = request.form.get("insert", "").partition(" ")
    typed = request.form.get("body", "").rstrip()
    if how == "canned":
        canned = notes.canned(session(), sent_number("canned"), reader)
        if canned is None:
            abort(404)
        return request_page(help_request, f"{typed}\n\n{canned.body}" if typed else canned.body)
    item = get_item(key, reader)
    text = insertion(item, how, help_request.language)
    if not text:
        abort(404)
    body = f"{typed}\n\n{text}" if typed else text
    if not quotable(item, help_request, readers_of(help_request), reader):
        warning = gettext(
            "Some readers of this request are not allowed to read what you inserted. Check before you send."
        )
        return request_page(help_request, body, warning, hidden_links=[item.title])
    return request_page(help_request, body)


@blueprint.post("/<int(max=2147483647):request_id>/used")
def used(request_id: int) -> ResponseReturnValue:
    """Count that an item was used to answer this request; what was typed is kept."""
    help_request, reader = _handled_request(request_id)
    item = get_item(request.form.get("item", ""), reader)
    outcomes.record(session(), outcomes.EventKind.USED, item.key, request_id=help_request.id)
    session().commit()
    body = request.form.get("body", "")
    return request_page(help_request, body) if body else _back_to(help_request, f"card-{item.key.replace(':', '-')}")


@blueprint.post("/flag")
def flag() -> ResponseReturnValue:
    """Flag an item as wrong or outdated, with a reason; 422 without one. For everybody who has signed in."""
    signed_in()
    item = get_item(request.form.get("item", ""), current_reader())
    note = request.form.get("note", "").strip()
    back = sent_number("request")
    if not note:
        problem = gettext("Say briefly what is wrong.")
        return render_template("desk/flag.html", item=item, back=back, problem=problem), 422
    count_once(outcomes.EventKind.FLAGGED, item.key, note)
    session().commit()
    if back:
        return redirect(url_for("requests.show", request_id=back))
    return render_template("desk/flagged.html", item=item)


@blueprint.post("/<int(max=2147483647):request_id>/settled")
def settle(request_id: int) -> ResponseReturnValue:
    """Mark the flags on the request as settled: somebody has looked at it."""
    help_request, _reader = _handled_request(request_id)
    outcomes.settle_flags(session(), item_key(Kind.REQUEST, help_request.id), sent_number("last_flag"))
    session().commit()
    return _back_to(help_request)


@blueprint.post("/<int(max=2147483647):request_id>/assign")
def assign(request_id: int) -> ResponseReturnValue:
    """Assign the request to a member of the team, or to nobody; 409 when it is no longer with whom it `was`."""
    help_request, reader = _handled_request(request_id)
    handle = request.form.get("person", "")
    person = session().scalar(select(Person).where(Person.handle == handle)) if handle else None
    if handle and person is None:
        abort(404)
    with_now = help_request.assigned_to.handle if help_request.assigned_to else ""
    if request.form.get("was", with_now) != with_now:
        raise Conflict("Somebody else has assigned this request meanwhile.")
    requests.assign(session(), help_request, reader, person)
    session().commit()
    return _back_to(help_request)


@blueprint.post("/<int(max=2147483647):request_id>/take")
def take(request_id: int) -> ResponseReturnValue:
    """Assign the request to the agent who sends this; 409 when somebody else has taken it meanwhile. 422 when others
    could no longer read it afterwards and the page has not said so before."""
    help_request, reader = _handled_request(request_id)
    person = signed_in()
    if help_request.assigned_to_id not in (None, person.id):
        raise Conflict("Somebody else has taken this request meanwhile.")
    if handling.private_to(help_request, person) and not request.form.get("private"):
        return request_page(help_request), 422
    handling.take(session(), help_request, reader, person)
    session().commit()
    mark_seen(reader, request_id)
    return _back_to(help_request)


@blueprint.post("/<int(max=2147483647):request_id>/undo")
def undo(request_id: int) -> ResponseReturnValue:
    """Take back the reply with which the agent has just resolved the request; its text and files are in the form again.
    409 when that is too long ago."""
    help_request, reader = _handled_request(request_id)
    number = sent_number("reply")
    reply = next((reply for reply in help_request.replies if reply.id == number), None)
    if reply is None:
        abort(404)
    body, files = handling.undo_solution(session(), help_request, reader, reply)
    session().commit()
    mark_seen(reader, request_id)
    attached.show_again(files)
    return request_page(get_request(request_id), body)


@blueprint.post("/<int(max=2147483647):request_id>/move")
def move(request_id: int) -> ResponseReturnValue:
    """Hand the request to another team; 409 when it is no longer with the team that it `was` with."""
    help_request, reader = _handled_request(request_id)
    team = session().scalar(select(Team).where(Team.handle == request.form.get("team", "")))
    if team is None:
        abort(404)
    team_now = help_request.team.handle if help_request.team else ""
    if request.form.get("was", team_now) != team_now:
        raise Conflict("Somebody else has moved this request meanwhile.")
    requests.move(session(), help_request, reader, team)
    session().commit()
    readable = access.may_read(access.request_audience(help_request), reader)
    return _back_to(help_request) if readable else redirect(url_for("desk.queue"))


@blueprint.post("/<int(max=2147483647):request_id>/snooze")
def snooze(request_id: int) -> ResponseReturnValue:
    """Leave the request out of the queue until tomorrow, next week or in a month; anything else brings it back."""
    help_request, reader = _handled_request(request_id)
    days = _SNOOZED.get(request.form.get("until", ""))
    handling.snooze(session(), help_request, reader, utc_now() + timedelta(days=days) if days else None)
    session().commit()
    return redirect(url_for("desk.queue")) if days else _back_to(help_request)


@blueprint.post("/<int(max=2147483647):request_id>/same")
def same(request_id: int) -> ResponseReturnValue:
    """Mark the request as the same as the one with this number; with `close` also resolve it with a link there, unless
    some of its readers may not read that one: 422 then, and for a number that the agent does not handle."""
    help_request, reader = _handled_request(request_id)
    other = session().scalar(select(HelpRequest).where(HelpRequest.id == sent_number("number"), *in_queue(reader)))
    if other is None or other.id == help_request.id:
        typed = request.form.get("number", "").strip()[:_LONGEST_NUMBER]
        problem = gettext("None of the requests that you handle has this number. Check it on the page of the request.")
        return request_page(help_request, wrong_same=WrongSame(typed, problem)), 422
    closes = request.form.get("act") == "close" and help_request.status == OPEN
    covered = access.covers(access.request_audience(other), help_request, readers_of(help_request), reader)
    if closes and covered:
        handling.merge(session(), help_request, reader, signed_in(), other)
    else:
        handling.mark_same(session(), help_request, reader, other)
    session().commit()
    if closes and not covered:
        problem = gettext("Some readers of this request are not allowed to read the other one, so this one stays open.")
        return request_page(get_request(request_id), wrong_same=WrongSame(str(other.id), problem)), 422
    return _back_to(help_request)


def _handled_request(request_id: int) -> tuple[HelpRequest, Reader]:
    """(a request that the reader handles, the reader); 404 when they may not read it, 403 when they do not handle
    it."""
    reader = current_agent()
    help_request = get_request(request_id)
    if not access.may_handle(help_request, reader):
        abort(403)
    return help_request, reader


def _back_to(help_request: HelpRequest, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("requests.show", request_id=help_request.id, _anchor=anchor))
