"""The desk of those who handle requests: the queue of their teams, and what they do from a request's panel."""

from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from recommender import access
from recommender.access import Reader
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Person, Team
from recommender.datatypes import Item, Kind, item_key
from recommender.knowledge import outcomes, requests
from web import panel
from web.ask import team_rows
from web.current import session
from web.requests import get_request, request_page
from web.sign_in.session import current_agent, current_reader, signed_in

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
PAGE = 50
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Filters:
    """What of the queue is shown: a team's handle, a state, whose, words of the title, and the page from 1."""

    team: str = ""
    state: str = OPEN
    assigned: str = ""
    words: str = ""
    page: int = 1


@blueprint.get("/")
def queue() -> ResponseReturnValue:
    """Requests to the reader's teams, those that have waited longest first; 403 for those who handle none."""
    reader = current_agent()
    filters = _filters()
    where = [
        HelpRequest.hidden.is_(False),
        access.readable_requests(reader),
        _handled(reader),
        *_where(filters, reader),
    ]
    total = session().scalar(select(func.count()).select_from(HelpRequest).where(*where)) or 0
    order = HelpRequest.created_at if filters.state == OPEN else HelpRequest.updated_at.desc()
    query = (
        select(HelpRequest)
        .where(*where)
        .options(
            joinedload(HelpRequest.asked_by), joinedload(HelpRequest.assigned_to), selectinload(HelpRequest.replies)
        )
        .order_by(order, HelpRequest.id)
        .limit(PAGE)
        .offset((filters.page - 1) * PAGE)
    )
    rows = list(session().scalars(query))
    teams = [team for team in team_rows().values() if team.id in reader.serves_teams]
    return render_template(
        "desk/queue.html",
        rows=rows,
        askers={row.id: access.asker(row, reader) for row in rows},
        total=total,
        pages=max(1, -(-total // PAGE)),
        filters=filters,
        handled=sorted(teams, key=lambda team: team.handle),
        reader=reader,
    )


@blueprint.get("/keys")
def keys() -> ResponseReturnValue:
    """The keyboard's keys."""
    return render_template("desk/keys.html")


@blueprint.post("/<int(max=2147483647):request_id>/insert")
def insert(request_id: int) -> ResponseReturnValue:
    """Put a link, a quote or the resolution of an item into the reply being written; what was typed stays."""
    found, reader = _handled_request(request_id)
    how, _, key = request.form.get("insert", "").partition(" ")
    item = panel.get_item(key, reader)
    text = panel.insertion(item, how) if item else ""
    if item is None or not text:
        abort(404)
    body = request.form.get("body", "").rstrip()
    body = f"{body}\n\n{text}" if body else text
    if not panel.quotable(item, found):
        warning = gettext("Not everyone who reads this request may read what you inserted. Check before you send.")
        return request_page(found, body, warning, unseen=[item.title])
    return request_page(found, body)


@blueprint.post("/<int(max=2147483647):request_id>/used")
def used(request_id: int) -> ResponseReturnValue:
    """Count an item as used in answering this request; what was typed stays."""
    found, reader = _handled_request(request_id)
    item = _item(reader)
    outcomes.record(session(), outcomes.EventKind.USED, item.key, request_id=found.id)
    session().commit()
    body = request.form.get("body", "")
    return request_page(found, body) if body else redirect(url_for("requests.show", request_id=found.id))


@blueprint.post("/flag")
def flag() -> ResponseReturnValue:
    """Flag an item as wrong or outdated, with a word why; 422 without one. For everybody who has signed in."""
    signed_in()
    item = _item(current_reader())
    note = request.form.get("note", "").strip()
    back = request.form.get("request", "")
    if not note:
        return render_template(
            "desk/flag.html", item=item, back=back, problem=gettext("Say in a word what is wrong.")
        ), 422
    outcomes.record(session(), outcomes.EventKind.FLAGGED, item.key, note=note)
    session().commit()
    if back.isdecimal() and len(back) < 10:
        return redirect(url_for("requests.show", request_id=int(back)))
    return render_template("desk/flagged.html", item=item)


@blueprint.post("/<int(max=2147483647):request_id>/settled")
def settle(request_id: int) -> ResponseReturnValue:
    """The request has been looked at: its flags are done."""
    found, _reader = _handled_request(request_id)
    outcomes.settle_flags(session(), item_key(Kind.REQUEST, found.id))
    session().commit()
    return redirect(url_for("requests.show", request_id=found.id))


@blueprint.post("/<int(max=2147483647):request_id>/assign")
def assign(request_id: int) -> ResponseReturnValue:
    """Give the request to a member of the team, or to nobody."""
    found, reader = _handled_request(request_id)
    handle = request.form.get("person", "")
    person = session().scalar(select(Person).where(Person.handle == handle)) if handle else None
    if handle and person is None:
        abort(404)
    requests.assign(session(), found, reader, person)
    session().commit()
    return redirect(url_for("requests.show", request_id=found.id))


@blueprint.post("/<int(max=2147483647):request_id>/move")
def move(request_id: int) -> ResponseReturnValue:
    """Hand the request to another team."""
    found, reader = _handled_request(request_id)
    team = session().scalar(select(Team).where(Team.handle == request.form.get("team", "")))
    if team is None:
        abort(404)
    requests.move(session(), found, reader, team)
    session().commit()
    readable = access.may_read(access.request_audience(found), reader)
    return redirect(url_for("requests.show", request_id=found.id) if readable else url_for("desk.queue"))


def _handled_request(request_id: int) -> tuple[HelpRequest, Reader]:
    """(a request the reader handles, the reader); 404 when they may not read it, 403 when they do not handle it."""
    reader = current_agent()
    found = get_request(request_id)
    if not access.may_handle(found, reader):
        abort(403)
    return found, reader


def _item(reader: Reader) -> Item:
    """The item a form names; 404 when it is unknown or not for this reader."""
    item = panel.get_item(request.form.get("item", ""), reader)
    if item is None:
        abort(404)
    return item


def _handled(reader: Reader) -> ColumnElement[bool]:
    return or_(HelpRequest.team_id.in_(sorted(reader.serves_teams)), HelpRequest.team_id.is_(None))


def _filters() -> Filters:
    """The filters of the address; what makes no sense is as if it were not there."""
    args = request.args
    state = args.get("state", OPEN)
    page = args.get("page", "1")
    return Filters(
        team=args.get("team", ""),
        state=state if state in (OPEN, RESOLVED, "all") else OPEN,
        assigned=args.get("assigned", "") if args.get("assigned") in ("me", "nobody") else "",
        words=args.get("words", "").strip()[:LONGEST_SEARCH],
        page=min(int(page), 10_000) if page.isdecimal() and len(page) < 6 and int(page) else 1,
    )


def _where(filters: Filters, reader: Reader) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if filters.team == "none":
        where.append(HelpRequest.team_id.is_(None))
    elif filters.team:
        where.append(HelpRequest.team.has(Team.handle == filters.team))
    if filters.state != "all":
        where.append(HelpRequest.status == filters.state)
    if filters.assigned == "me":
        where.append(HelpRequest.assigned_to_id == reader.person_id)
    elif filters.assigned == "nobody":
        where.append(HelpRequest.assigned_to_id.is_(None))
    for word in filters.words.split():
        where.append(
            or_(HelpRequest.title.icontains(word, autoescape=True), HelpRequest.body.icontains(word, autoescape=True))
        )
    return where
