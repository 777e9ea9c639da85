"""A request's life as its asker sees it: filed, answered, resolved, reopened; and the list of one's own."""

from dataclasses import dataclass, field

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from recommender import access
from recommender.corpus import readable_items
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Reply, Team
from recommender.datatypes import Kind, Recommendation, item_key
from recommender.errors import Conflict
from recommender.knowledge import outcomes, requests
from web import current, panel
from web.ask import FIRST, Question, asked, recommend, team_rows
from web.current import session
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("requests", __name__, url_prefix="/requests")
_SHOWN = 5
_ATTEMPTS = 20


@dataclass
class Draft:
    """What is in the form of a new request, and what is wrong with it by field."""

    title: str = ""
    body: str = ""
    team: str = ""
    audience: str = ""
    anonymous: bool = False
    attempts: dict[str, bool] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def get_request(request_id: int) -> HelpRequest:
    """A readable request with its replies and people; 404 when it is unknown, hidden or not for this reader."""
    query = (
        select(HelpRequest)
        .where(HelpRequest.id == request_id, HelpRequest.hidden.is_(False), access.readable_requests(current_reader()))
        .options(
            joinedload(HelpRequest.asked_by),
            joinedload(HelpRequest.assigned_to),
            selectinload(HelpRequest.replies).joinedload(Reply.author),
            selectinload(HelpRequest.audience),
            selectinload(HelpRequest.attempts),
        )
    )
    found = session().scalar(query)
    if found is None:
        abort(404)
    return found


@blueprint.get("/")
def mine() -> ResponseReturnValue:
    """What the signed-in person has asked, and what they have replied to; 401 when nobody has signed in."""
    person, state = signed_in(), request.args.get("state", "")
    query = (
        select(HelpRequest)
        .where(
            HelpRequest.hidden.is_(False),
            access.readable_requests(current_reader()),
            or_(HelpRequest.asked_by_id == person.id, HelpRequest.replies.any(Reply.author_id == person.id)),
        )
        .options(selectinload(HelpRequest.replies))
        .order_by(HelpRequest.status != OPEN, HelpRequest.updated_at.desc(), HelpRequest.id.desc())
        .limit(200)
    )
    if state in (OPEN, RESOLVED):
        query = query.where(HelpRequest.status == state)
    rows = list(session().scalars(query))
    return render_template(
        "requests/mine.html",
        asked=[row for row in rows if row.asked_by_id == person.id],
        answered=[row for row in rows if row.asked_by_id != person.id],
        state=state,
        person=person,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """The form for a question that nothing answered, with a last look at what comes closest; stores nothing."""
    signed_in()
    question = asked(request.values)
    draft = Draft(question.title, question.body)
    if "\n" in question.title or len(question.title) > requests.LONGEST_TITLE:
        draft = Draft(question.title.split("\n")[0][:200], question.text)
    draft.attempts = dict.fromkeys(request.form.getlist("opened")[:_ATTEMPTS], True)
    return _new_page(draft)


@blueprint.post("/")
def create() -> ResponseReturnValue:
    """File it. What is wrong is said beside the field, and what was typed stays."""
    person = signed_in()
    form = request.form
    opened = form.getlist("opened")[:_ATTEMPTS]
    draft = Draft(
        title=form.get("title", "").strip(),
        body=form.get("body", "").strip(),
        team=form.get("team", ""),
        audience=form.get("audience", ""),
        anonymous=bool(form.get("anonymous")),
        attempts=dict.fromkeys(form.getlist("shown")[:_ATTEMPTS], False) | dict.fromkeys(opened, True),
    )
    teams = team_rows()
    if not draft.title:
        draft.problems["title"] = gettext("Say in one line what you need.")
    elif len(draft.title) > requests.LONGEST_TITLE:
        draft.problems["title"] = gettext("Shorten the title to %(n)d characters.", n=requests.LONGEST_TITLE)
    if len(draft.body) > requests.LONGEST_BODY:
        draft.problems["body"] = gettext("Keep the most important part: at most %(n)d characters.", n=100_000)
    if draft.team not in teams and draft.team != "unknown":
        draft.problems["team"] = gettext("Choose the team, or say that you do not know.")
    chosen, offered = teams.get(draft.team), teams.get(form.get("offered_for", ""))
    private = chosen is not None and chosen.restricted and not (offered is not None and offered.restricted)
    if draft.audience not in ("everyone", "team"):
        draft.problems["audience"] = gettext("Choose who may read it.")
    elif private and draft.audience == "everyone":
        draft.problems["audience"] = gettext("Requests to this team are private unless you share them. Choose again.")
        draft.audience = ""
    if draft.problems:
        return _new_page(draft), 422
    readable = readable_items(session(), draft.attempts, current_reader())
    filed = requests.file_request(
        session(),
        person,
        draft.title,
        draft.body,
        current.recommender().language_of(f"{draft.title}\n{draft.body}"),
        teams.get(draft.team),
        shared=draft.audience == "everyone",
        anonymous=draft.anonymous,
        attempts=[(key, opened) for key, opened in draft.attempts.items() if key in readable],
    )
    session().commit()
    return redirect(url_for("requests.show", request_id=filed.id, filed=1))


@blueprint.get("/<int(max=2147483647):request_id>")
def show(request_id: int) -> ResponseReturnValue:
    """Question, the reply that solved it first, then the rest; for those who handle it, with the panel beside it."""
    return request_page(get_request(request_id), filed=bool(request.args.get("filed")))


@blueprint.post("/<int(max=2147483647):request_id>/replies")
def reply(request_id: int) -> ResponseReturnValue:
    """Add a reply, perhaps as the one that solves it. A reply to a resolved request reopens it."""
    found, person = get_request(request_id), signed_in()
    body = request.form.get("body", "").strip()
    if not body:
        return request_page(found, problem=gettext("Write something first.")), 422
    if len(body) > requests.LONGEST_BODY:
        text = gettext("Keep the most important part: at most %(n)d characters.", n=requests.LONGEST_BODY)
        return request_page(found, body, text), 422
    reader = current_reader()
    solves = request.form.get("then") == "resolve"
    unseen = panel.hidden_links(body, found, reader)
    if unseen and not request.form.get("sure"):
        text = gettext("Not everyone who reads this request may read what you link to. Take it out, or send anyway.")
        return request_page(found, body, text, unseen=unseen), 422
    try:
        if solves and found.status == RESOLVED:
            raise Conflict(gettext("Somebody else has resolved this request meanwhile."))
        made = requests.reply(session(), found, person, body)
        if solves:
            requests.resolve(session(), found, reader, made)
        session().commit()
    except Conflict as conflict:
        session().rollback()
        text = gettext("Somebody else has resolved this request meanwhile. What you wrote is kept below.")
        return request_page(get_request(request_id), body, text or str(conflict)), 409
    return redirect(url_for("requests.show", request_id=found.id, _anchor=f"reply-{made.id}"))


@blueprint.post("/<int(max=2147483647):request_id>/resolve")
def resolve(request_id: int) -> ResponseReturnValue:
    """Mark the reply that solved it; 409 when somebody else was first."""
    found, reader = get_request(request_id), current_reader()
    signed_in()
    number = request.form.get("reply", "")
    solution = next((each for each in found.replies if str(each.id) == number), None)
    if solution is None:
        abort(404)
    try:
        requests.resolve(session(), found, reader, solution)
        session().commit()
    except Conflict:
        session().rollback()
        text = gettext("Somebody else has resolved this request meanwhile.")
        return request_page(get_request(request_id), problem=text), 409
    return redirect(url_for("requests.show", request_id=found.id))


@blueprint.post("/<int(max=2147483647):request_id>/reopen")
def reopen(request_id: int) -> ResponseReturnValue:
    """Open it again: it did not help after all."""
    found = get_request(request_id)
    signed_in()
    requests.reopen(session(), found, current_reader())
    session().commit()
    return redirect(url_for("requests.show", request_id=found.id))


@blueprint.post("/<int(max=2147483647):request_id>/audience")
def share(request_id: int) -> ResponseReturnValue:
    """Let everyone read it, or only those in it."""
    found = get_request(request_id)
    signed_in()
    requests.share(session(), found, current_reader(), request.form.get("audience") == "everyone")
    session().commit()
    return redirect(url_for("requests.show", request_id=found.id))


def request_page(
    found: HelpRequest,
    body: str = "",
    problem: str = "",
    filed: bool = False,
    unseen: list[str] | None = None,
) -> str:
    """The page of a request as this reader may see it, with what they were writing."""
    reader = current_reader()
    person_id = reader.person_id
    key = item_key(Kind.REQUEST, found.id)
    handles = access.may_handle(found, reader)
    return render_template(
        "requests/show.html",
        item=found,
        asker=access.asker(found, reader),
        author=lambda each: access.author(each, reader),
        asked_by_me=person_id is not None and found.asked_by_id == person_id,
        may_resolve=requests.may_resolve(found, reader),
        may_handle=handles,
        shared=access.EVERYONE in access.request_audience(found),
        panel=panel.beside(found, reader) if handles else None,
        usage=outcomes.usage(session(), [key])[key],
        flags=outcomes.flags(session(), key) if handles else [],
        attempts=_attempts(found) if requests.may_resolve(found, reader) else [],
        teams=team_rows(),
        agents=panel.team_people(found.team) if handles else [],
        body=body,
        problem=problem,
        filed=filed,
        unseen=unseen or [],
    )


def _new_page(draft: Draft) -> str:
    question = Question(draft.title, draft.body)
    found = recommend(question, _SHOWN) if question.text else None
    if found is not None:
        for suggestion in found.suggestions[:FIRST]:
            draft.attempts.setdefault(suggestion.item.key, False)
    proposed = _proposed(found)
    return render_template(
        "requests/new.html", draft=draft, found=found, teams=team_rows(), proposed=proposed, first=FIRST
    )


def _proposed(found: Recommendation | None) -> Team | None:
    """The team where similar requests went."""
    if found is None:
        return None
    handles = [suggestion.item.team for suggestion in found.suggestions]
    handles = handles or [piece.item.team for expert in found.experts for piece in expert.evidence]
    return requests.likely_team(session(), [handle for handle in handles if handle])


def _attempts(found: HelpRequest) -> list[tuple[object, bool]]:
    """What was shown to the asker and whether they opened it, as far as this reader may read it now."""
    items = readable_items(session(), [row.item for row in found.attempts], current_reader())
    return [(items[row.item], row.opened) for row in found.attempts if row.item in items]
