"""The search page: a question in, suggestions and colleagues out; whole, or only the results while someone types."""

import logging
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import MultiDict

from recommender.access import readable_documents, readable_requests
from recommender.corpus import readable_items
from recommender.database.tables import Document, HelpRequest, Team, utc_now
from recommender.datatypes import Recommendation
from recommender.knowledge import outcomes
from recommender.people import availability
from recommender.recommender import SHOWN
from web import current
from web.current import session
from web.limits import limiter
from web.sign_in.session import current_reader

log = logging.getLogger(__name__)

blueprint = Blueprint("ask", __name__)
FIRST = 3
_LEFT = 20


@dataclass(frozen=True)
class Question:
    """What was typed: a line, and optionally more about it."""

    title: str
    body: str

    @property
    def text(self) -> str:
        """Both together, as the recommender reads them."""
        return f"{self.title}\n{self.body}".strip()


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The page; with `q` its results are on it too, so that it works without JavaScript."""
    return _page(asked(request.args))


@blueprint.post("/")
def search() -> ResponseReturnValue:
    """The same from a form, for questions too long or too private for an address."""
    return _page(asked(request.form))


@blueprint.post("/suggest")
def suggest() -> ResponseReturnValue:
    """Only the results, for the page to put in place while someone types."""
    question = asked(request.form)
    found = recommend(question, SHOWN) if question.text else None
    return render_template("ask/_results.html", found=found, teams=team_rows(), first=FIRST)


@blueprint.post("/asked")
@limiter.limit("60 per minute")
def count_asked() -> ResponseReturnValue:
    """Count the colleague shown first for a question that somebody acted on while its results came as they typed."""
    question = asked(request.form)
    if question.text:
        _count_first(recommend(question, SHOWN))
    return "", 204


@blueprint.post("/solved")
def solved() -> ResponseReturnValue:
    """Count that an item solved a question, without whose or which; 404 when this reader may not read it."""
    _count(outcomes.EventKind.SOLVED, request.form.getlist("item")[:1])
    return render_template("ask/solved.html")


@blueprint.post("/left")
def left() -> ResponseReturnValue:
    """Count that somebody opened items and left without filing a request: a sign, kept apart from what people say."""
    _count(outcomes.EventKind.LEFT, request.form.getlist("item")[:_LEFT])
    return "", 204


def _count(kind: outcomes.EventKind, keys: list[str]) -> None:
    readable = readable_items(session(), keys, current_reader())
    if not readable:
        abort(404)
    for key in readable:
        outcomes.record(session(), kind, key)
    session().commit()


def asked(values: MultiDict[str, str]) -> Question:
    """The question in a form or a query string."""
    return Question(values.get("q", "").strip(), values.get("body", "").strip())


def recommend(question: Question, top_k: int) -> Recommendation:
    """What the recommender says to the current reader, from the newest live generation."""
    return current.recommender().recommend(question.text, current_reader(), session(), top_k)


def team_rows() -> dict[str, Team]:
    """Teams by handle, to show their names."""
    return {team.handle: team for team in session().scalars(select(Team))}


def _count_first(found: Recommendation) -> None:
    """Count that the first colleague was suggested, once a question: not for each letter typed, not for who asks."""
    if not found.experts:
        return
    try:
        availability.count_first(session(), found.experts[0].person_id, utc_now().date())
        session().commit()
    except OperationalError:  # the database is being written elsewhere: one that is not counted is no trouble
        session().rollback()
        log.warning("A first suggestion could not be counted", exc_info=True)


def _page(question: Question) -> ResponseReturnValue:
    found = recommend(question, SHOWN) if question.text else None
    if found is not None and request.method != "HEAD" and "lang" not in request.args:  # else it was counted before
        _count_first(found)
    reader = current_reader()
    requests = select(func.count()).where(HelpRequest.status == "resolved", HelpRequest.hidden.is_(False))
    documents = select(func.count()).where(Document.hidden.is_(False), Document.draft.is_(False))
    counts = (
        session().scalar(requests.where(readable_requests(reader))),
        session().scalar(documents.where(readable_documents(reader))),
    )
    return render_template(
        "ask/index.html", question=question, found=found, teams=team_rows(), counts=counts, first=FIRST
    )
