"""The page of one request, which several views show: what the reader may see, with the reply they are writing."""

from flask import render_template, request

from recommender import access
from recommender.access import Reader
from recommender.corpus import readable_items
from recommender.database.tables import HelpRequest, Reply
from recommender.datatypes import Item, Kind, item_key
from recommender.knowledge import handling, outcomes, requests
from web import panel
from web.caller import may_search
from web.current import session
from web.queue_list import next_in_queue
from web.reading import team_people, team_rows
from web.replaced import ReplacedPart, replaced_part
from web.sign_in.session import current_reader


def request_page(
    help_request: HelpRequest,
    body: str = "",
    problem: str = "",
    filed: str = "",
    hidden_links: list[str] | None = None,
    replaced: ReplacedPart | None = None,
) -> str:
    """The page of a request, with the panel for those who handle it, unless they search too often. `body` is the reply
    being written, `problem` what is wrong with it, `hidden_links` the titles of linked items that some readers may not
    read; `filed` says how it came to be that the asker has just sent it ("1", "private" when their choice was changed
    to that, "already" when they had sent it before), and the page says what happens next. `replaced` is the part about
    its replacement with what was typed in its form."""
    reader = current_reader()
    key = item_key(Kind.REQUEST, help_request.id)
    handles = access.may_handle(help_request, reader)
    resolves = requests.may_resolve(help_request, reader)
    return render_template(
        "requests/show.html",
        item=help_request,
        asker=access.asker(help_request, reader),
        author=lambda reply: access.author(reply, reader),
        asked_by_me=reader.person_id is not None and help_request.asked_by_id == reader.person_id,
        may_resolve=resolves,
        may_handle=handles,
        shared=access.EVERYONE in access.request_audience(help_request),
        shared_further=requests.is_shared_further(help_request),
        panel=panel.make_panel(help_request, reader) if handles and may_search() else None,
        usage=outcomes.usage(session(), [key], reader)[key],
        flags=outcomes.flags(session(), key) if handles else [],
        attempts=_attempts(help_request) if resolves and access.knows_asker(help_request, reader) else [],
        teams=team_rows(),
        agents=team_people(help_request.team) if handles else [],
        body=body,
        problem=problem,
        filed=filed,
        unseen=hidden_links or [],
        undoable=_undoable(help_request, reader),
        next_request=next_in_queue(help_request, reader) if handles and "solved" in request.args else None,
        replaced=replaced or replaced_part(help_request, reader),
    )


def _undoable(help_request: HelpRequest, reader: Reader) -> Reply | None:
    """The reply with which the reader has just resolved the request, which the address names; else None."""
    named = request.args.get("solved", "")
    replies = [reply for reply in help_request.replies if str(reply.id) == named]
    return replies[0] if replies and handling.may_undo(help_request, replies[0], reader) else None


def _attempts(help_request: HelpRequest) -> list[tuple[Item, bool]]:
    """(item, opened) of the suggestions that the asker saw before, as far as this reader may read them now. What
    somebody was shown depends on who they are, so only those who may know the asker may see it."""
    items = readable_items(session(), [attempt.item for attempt in help_request.attempts], current_reader())
    return [(items[attempt.item], attempt.opened) for attempt in help_request.attempts if attempt.item in items]
