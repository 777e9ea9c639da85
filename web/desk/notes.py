"""What agents write for each other: internal notes on a request, and the canned replies of their teams."""

from dataclasses import dataclass, replace

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender import access
from recommender.knowledge import notes
from web import once
from web.current import session
from web.desk.writing import writing
from web.input import sent_number
from web.reading import get_request, team_rows
from web.requests.page import request_page
from web.sign_in.session import current_agent, signed_in

blueprint = Blueprint("notes", __name__, url_prefix="/desk")


@dataclass(frozen=True)
class Typed:
    """What somebody has typed into the form of a new canned reply, or of the one with this `number`, and why it could
    not be saved."""

    title: str = ""
    body: str = ""
    problem: str = ""
    number: int | None = None


@blueprint.post("/<int(max=2147483647):request_id>/notes")
def add(request_id: int) -> ResponseReturnValue:
    """Add an internal note to a request that the agent handles; 422 when nothing was written."""
    reader = current_agent()
    help_request = get_request(request_id)
    if earlier := once.earlier_result():
        return redirect(earlier)
    note = request.form.get("note", "").strip()
    if not note:
        return request_page(help_request, problem=gettext("Write something first.")), 422
    added = notes.add_note(session(), help_request, reader, note)
    return redirect(once.commit_once(url_for("requests.show", request_id=request_id, _anchor=f"note-{added.id}")))


@blueprint.route("/<int(max=2147483647):request_id>/writing", methods=["GET", "POST"])
def writing_now(request_id: int) -> ResponseReturnValue:
    """One sentence for each colleague who is writing a reply to this request; a POST says that the reader is. Only for
    those who handle it, and not for its asker."""
    reader, person = current_agent(), signed_in()
    help_request = get_request(request_id)
    if not access.may_handle(help_request, reader) or help_request.asked_by_id == person.id:
        abort(403)
    if request.method == "POST":
        writing().note(request_id, person)
    names = writing().others(request_id, person.id)
    return {"said": [gettext("%(name)s is writing a reply.", name=name) for name in names]}


@blueprint.get("/canned")
def canned() -> ResponseReturnValue:
    """The canned replies of the agent's teams, and a form for a new one."""
    return _page()


@blueprint.post("/canned")
def add_canned() -> ResponseReturnValue:
    """Add a canned reply to one of the agent's teams; 422 when a field is empty."""
    reader = current_agent()
    if earlier := once.earlier_result():
        return redirect(earlier)
    team = team_rows().get(request.form.get("team", ""))
    title, body = request.form.get("title", "").strip(), request.form.get("body", "").strip()
    if team is None or not title or not body:
        return _page(Typed(title, body, gettext("Choose a team, and give the reply a name and a text."))), 422
    notes.add_canned(session(), team.id, reader, title, body)
    return redirect(once.commit_once(url_for("notes.canned")))


@blueprint.post("/canned/<int(max=2147483647):number>")
def change_canned(number: int) -> ResponseReturnValue:
    """Change a canned reply of one of the agent's teams; 404 for others. 422 when a field is empty, or a colleague has
    changed it meanwhile."""
    reader, typed = current_agent(), Typed(request.form.get("title", "").strip(), request.form.get("body", "").strip())
    found = notes.canned(session(), number, reader)
    if found is None:
        abort(404)
    if not typed.title or not typed.body:
        return _page(replace(typed, number=number, problem=gettext("Give the reply a name and a text."))), 422
    if not notes.change_canned(session(), found, typed.title, typed.body, request.form.get("before", "")):
        problem = gettext("Not saved: somebody else has changed this meanwhile. Look at it above, then save yours.")
        return _page(replace(typed, number=number, problem=problem)), 422
    session().commit()
    return redirect(url_for("notes.canned"))


@blueprint.post("/canned/remove")
def remove_canned() -> ResponseReturnValue:
    """Delete a canned reply of one of the agent's teams; nothing happens to others, nor when it is gone already."""
    found = notes.canned(session(), sent_number("canned"), current_agent())
    if found is not None:
        session().delete(found)
        session().commit()
    return redirect(url_for("notes.canned"))


def _page(typed: Typed | None = None) -> str:
    reader = current_agent()
    teams = {team.id: team for team in team_rows().values() if team.id in reader.serves_teams}
    return render_template(
        "desk/canned.html", canned=notes.canned_of(session(), reader), teams=teams, typed=typed or Typed()
    )
