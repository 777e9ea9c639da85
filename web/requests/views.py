"""The pages of requests for askers: send, read, reply, resolve, reopen; and the list of a person's own requests."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from recommender import access
from recommender.corpus import readable_items
from recommender.database.request_tables import WithdrawnRequest
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Person, Reply
from recommender.errors import Conflict
from recommender.knowledge import handling, requests
from web import current, once
from web.caller import may_search, search_limit
from web.current import session
from web.files import attached
from web.inbox.told import mark_news_read
from web.reading import get_request, get_withdrawn, team_rows
from web.requests import drafts
from web.requests.drafts import Draft
from web.requests.page import request_page
from web.requests.queue import mark_seen
from web.requests.quoting import hidden_links
from web.search.counting import request_sent
from web.search.question import SHOWN_AT_ONCE, TypedQuestion, recommend, typed_question
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("requests", __name__, url_prefix="/requests")
_SUGGESTIONS = 5  # suggestions in the form of a new request; they also propose its team: a judgement
_LISTED = 200  # requests in the list of a person's own requests: a judgement


@blueprint.get("/")
def mine() -> ResponseReturnValue:
    """The requests that the signed-in person has sent, and those they have replied to; 401 when nobody has signed
    in."""
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
        .limit(_LISTED)
    )
    if state in (OPEN, RESOLVED):
        query = query.where(HelpRequest.status == state)
    rows = list(session().scalars(query))
    return render_template(
        "requests/mine.html",
        asked=[row for row in rows if row.asked_by_id == person.id],
        answered=[row for row in rows if row.asked_by_id != person.id],
        withdrawn=_withdrawn(person) if not state else [],
        state=state,
        person=person,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@search_limit
def new() -> ResponseReturnValue:
    """The form of a new request, for a question without an answer, with the closest suggestions; stores nothing."""
    signed_in()
    question = typed_question(request.values)
    return _new_page(drafts.begun_draft(question.title, question.text, question.body, request.values))


@blueprint.post("/")
def create() -> ResponseReturnValue:
    """Store a new request. Problems are shown beside the fields; what was typed is kept."""
    person, teams = signed_in(), team_rows()
    draft = drafts.sent_draft(request.form)
    drafts.check(draft, teams)
    if not draft.problems and (earlier := once.earlier_result()):
        return redirect(earlier)
    if problem := attached.receive():
        draft.problems[attached.FILES] = problem
    if draft.problems:
        return _new_page(draft, may_search()), 422
    if (same := drafts.sent_before(draft, person)) is not None:
        if attached.waiting_files():
            return request_page(
                get_request(same.id), problem=gettext("You have already sent this. Add the files in a reply.")
            )
        # the very same form may have been stored since it was looked for
        already = url_for("requests.show", request_id=same.id, filed="already")
        return redirect(once.earlier_result() or already)
    readable = readable_items(session(), draft.attempts, current_reader())
    help_request = requests.file_request(
        session(),
        person,
        draft.title,
        draft.body,
        current.recommender().language_of(f"{draft.title}\n{draft.body}"),
        teams.get(draft.team),
        shared=draft.audience == drafts.EVERYONE,
        anonymous=draft.anonymous,
        attempts=[(key, opened) for key, opened in draft.attempts.items() if key in readable],
        asks=drafts.meant_for(draft),
    )
    attached.attach_to(help_request)
    filed = "private" if draft.made_private else "1"
    page = once.commit_once(url_for("requests.show", request_id=help_request.id, filed=filed))
    request_sent(draft.attempts.items())
    return redirect(page)


@blueprint.get("/<int(max=2147483647):request_id>")
def show(request_id: int) -> ResponseReturnValue:
    """The page of a request: the question, the reply that solved it, then the others; with the panel for its agents."""
    reader = current_reader()
    if (withdrawn := get_withdrawn(request_id)) is not None:
        own = withdrawn.asked_by_id == reader.person_id
        return render_template("requests/withdrawn.html", item=withdrawn, asked_by_me=own)
    help_request = get_request(request_id)
    mark_news_read(help_request)
    if access.may_handle(help_request, reader):
        mark_seen(reader, request_id)
    return request_page(help_request, filed=request.args.get("filed", ""))


@blueprint.post("/<int(max=2147483647):request_id>/replies")
def reply(request_id: int) -> ResponseReturnValue:
    """Add a reply, which may also resolve the request; files need no text. A reply to a resolved request reopens it."""
    help_request, person, reader = get_request(request_id), signed_in(), current_reader()
    body = request.form.get("body", "").strip()
    if earlier := once.earlier_result():
        return redirect(earlier)
    if problem := attached.receive():
        return request_page(help_request, body, problem), 422
    body = body or attached.sentence(help_request.language)
    if not body:
        return request_page(help_request, problem=gettext("Write something first.")), 422
    if len(body) > requests.LONGEST_BODY:
        problem = gettext("Shorten it to at most %(n)d characters.", n=requests.LONGEST_BODY)
        return request_page(help_request, body, problem), 422
    hidden = hidden_links(body, help_request, reader)
    if hidden and not request.form.get("sure"):
        problem = gettext(
            "Some readers of this request are not allowed to read what you link to. Remove the link, or send anyway."
        )
        return request_page(help_request, body, problem, hidden_links=hidden), 422
    if handling.is_old_and_others(help_request, reader) and not request.form.get("again"):
        return request_page(help_request, body, asks_again=True), 422
    try:
        if request.form.get("then") == "resolve":
            added = requests.reply_and_resolve(session(), help_request, reader, person, body)
            page = url_for("requests.show", request_id=help_request.id, solved=added.id)
        else:
            added = requests.reply(session(), help_request, person, body)
            page = url_for("requests.show", request_id=help_request.id, _anchor=f"reply-{added.id}")
        attached.attach_to(added)
        return redirect(once.commit_once(page))
    except Conflict:
        if earlier := once.earlier_result():  # it was this very reply that resolved it, sent at the same moment
            return redirect(earlier)
        problem = gettext("Somebody else has solved this request in the meantime. What you wrote is kept below.")
        return _conflict(request_id, problem, body)


@blueprint.post("/<int(max=2147483647):request_id>/resolve")
def resolve(request_id: int) -> ResponseReturnValue:
    """Resolve a request with one of its replies; 409 when somebody else has resolved it."""
    help_request, reader = get_request(request_id), current_reader()
    signed_in()
    number = request.form.get("reply", "")
    solution = next((reply for reply in help_request.replies if str(reply.id) == number), None)
    if solution is None:
        abort(404)
    try:
        requests.resolve(session(), help_request, reader, solution)
        session().commit()
    except Conflict:
        return _conflict(request_id, gettext("Somebody else has solved this request in the meantime."))
    return redirect(url_for("requests.show", request_id=help_request.id))


@blueprint.post("/<int(max=2147483647):request_id>/reopen")
def reopen(request_id: int) -> ResponseReturnValue:
    """Open a resolved request again."""
    help_request, reader = get_request(request_id), current_reader()
    signed_in()
    may_ask = handling.is_old_and_others(help_request, reader) and requests.may_resolve(help_request, reader)
    if may_ask and not request.form.get("again"):
        return request_page(help_request, asks_again=True), 422
    requests.reopen(session(), help_request, reader)
    session().commit()
    return redirect(url_for("requests.show", request_id=help_request.id))


@blueprint.post("/<int(max=2147483647):request_id>/audience")
def share(request_id: int) -> ResponseReturnValue:
    """Let everyone read a request, or only the asker and the team."""
    help_request = get_request(request_id)
    signed_in()
    requests.share(session(), help_request, current_reader(), request.form.get("audience") == "everyone")
    session().commit()
    return redirect(url_for("requests.show", request_id=help_request.id))


@blueprint.post("/<int(max=2147483647):request_id>/name")
def show_name(request_id: int) -> ResponseReturnValue:
    """Show the agents of the team that the page named, who sent an anonymous request; 409 when another team has it."""
    help_request = get_request(request_id)
    signed_in()
    try:
        requests.show_name(session(), help_request, current_reader(), request.form.get("team", ""))
        session().commit()
    except Conflict:
        problem = gettext(
            "The request was moved in the meantime, so your name was not shown. Check who handles it now."
        )
        return _conflict(request_id, problem)
    return redirect(url_for("requests.show", request_id=help_request.id))


def _withdrawn(person: Person) -> list[HelpRequest]:
    """The requests that a person has withdrawn and can send again, newest first."""
    query = select(HelpRequest).join(WithdrawnRequest, WithdrawnRequest.request_id == HelpRequest.id)
    own = HelpRequest.asked_by_id == person.id, access.readable_requests(current_reader())
    return list(session().scalars(query.where(*own).order_by(WithdrawnRequest.withdrawn_at.desc()).limit(_LISTED)))


def _conflict(request_id: int, problem: str, body: str = "") -> ResponseReturnValue:
    """The page of a request that somebody else has changed, with the reply that is being written, which is not
    stored."""
    session().rollback()
    return request_page(get_request(request_id), body, problem), 409


def _new_page(draft: Draft, with_suggestions: bool = True) -> str:
    question = TypedQuestion(draft.title, draft.body)
    recommendation = recommend(question, _SUGGESTIONS) if question.text and with_suggestions else None
    if recommendation is not None:
        for suggestion in recommendation.suggestions[:SHOWN_AT_ONCE]:
            draft.attempts.setdefault(suggestion.item.key, False)
    teams = team_rows()
    proposed = drafts.proposed_teams(recommendation, teams)
    person = drafts.meant_for(draft)
    if not draft.team and person is not None and len(person.teams) == 1:
        draft.team = person.teams[0].handle
    return render_template(
        "requests/new.html",
        draft=draft,
        found=recommendation,
        teams=teams,
        proposed=proposed,
        chosen=draft.team if draft.team in {*teams, drafts.UNKNOWN} else drafts.sure_team(recommendation, proposed),
        person=person,
        first=SHOWN_AT_ONCE,
    )
