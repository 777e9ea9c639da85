"""The library: all documents that a reader may read, in lists with search and filters."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from recommender.access import Reader
from recommender.database.days import current_day
from recommender.knowledge import library
from recommender.knowledge.library import Filters, Found, State, View
from recommender.search.listing import find_listed
from web import current
from web.caller import search_limit
from web.current import session
from web.input import page_number
from web.reading import team_rows
from web.sign_in.session import current_person, current_reader

blueprint = Blueprint("library", __name__, url_prefix="/documents")
LONGEST_SEARCH = 200  # characters: a judgement


@blueprint.get("/")
@search_limit
def show() -> ResponseReturnValue:
    """A list of documents. Lists of one's own are empty for somebody who has not signed in."""
    reader, filters = current_reader(), _filters()

    def find(words: str, keys: frozenset[str]) -> Found:
        listed = current.recommender().searching(words, lambda search: find_listed(search, reader, session(), keys))
        return Found(listed.keys, listed.related, listed.known, listed.words.are_in)

    return render_template(
        "documents/library.html",
        library=library.load(session(), reader, filters, current_day(), find),
        filters=filters,
        views=_views(reader),
        teams=sorted(team_rows().values(), key=lambda team: team.handle),
        language_codes=library.languages(session(), reader),
        may_write=bool(reader.serves_teams),
    )


def _views(reader: Reader) -> list[View]:
    """The lists to choose from: those of one's own only for somebody who has signed in."""
    if current_person() is None:
        return [View.ALL]
    return [view for view in View if view is not View.TEAM or reader.team_ids]


def _filters() -> Filters:
    """The filters in the query string; values that cannot be used are ignored."""
    args = request.args
    view, state = args.get("view", ""), args.get("state", "")
    return Filters(
        view=View(view) if view in list(View) else View.ALL,
        words=args.get("q", "").strip()[:LONGEST_SEARCH],
        team=args.get("team", "")[:LONGEST_SEARCH],
        language=args.get("language", "")[:LONGEST_SEARCH],
        state=State(state) if state in list(State) else None,
        page=page_number(),
    )
