"""The page of one request, which several views show: what the reader may see, with the reply they are writing."""

from dataclasses import dataclass
from typing import Any

from flask import render_template, request

from recommender import access
from recommender.access import Reader
from recommender.corpus import readable_items
from recommender.database.tables import HelpRequest, Reply
from recommender.datatypes import Item, Kind, item_key
from recommender.knowledge import handling, notes, outcomes, requests, rewriting
from recommender.outbox import handover
from web.caller import may_search
from web.current import session
from web.reading import team_people, team_rows
from web.replaced import ReplacedPart, replaced_part
from web.requests import panel
from web.requests.queue import Filters, next_in_queue, queue_rows
from web.sign_in.session import current_person, current_reader

_BESIDE = 30  # requests of the queue that are listed beside one: a judgement


@dataclass(frozen=True)
class Changed:
    """A new text of the reader's own reply, or of their request when `reply_id` is None, which could not be stored."""

    body: str
    title: str = ""
    reply_id: int | None = None


@dataclass(frozen=True)
class WrongSame:
    """The number that an agent has typed for "the same as", and why the request cannot be marked so or closed."""

    number: str
    problem: str


def request_page(
    help_request: HelpRequest,
    body: str = "",
    problem: str = "",
    filed: str = "",
    hidden_links: list[str] | None = None,
    replaced: ReplacedPart | None = None,
    asks_again: bool = False,
    changed: Changed | None = None,
    wrong_same: WrongSame | None = None,
) -> str:
    """The page of a request, with the panel for those who handle it, unless they search too often or have just
    resolved it. `body` is the reply being written, `problem` what is wrong with it, `hidden_links` the titles of linked
    items that some readers may not read. `filed` says how it came to be that the asker has just sent it ("1", "private"
    when their choice was changed to that, "already" when they had sent it before). `replaced` is the part about its
    replacement with what was typed in its form. With `asks_again` the page asks whether to open somebody else's old
    request again. `changed` and `wrong_same` are what was typed in other forms of the page and could not be stored."""
    reader = current_reader()
    handles = access.may_handle(help_request, reader)
    undoable = _undoable(help_request, reader)
    attempts = _attempts(help_request) if access.knows_asker(help_request, reader) else []
    resolves = requests.may_resolve(help_request, reader)
    return render_template(
        "requests/show.html",
        item=help_request,
        asker=access.asker(help_request, reader),
        author=lambda reply: access.author(reply, reader),
        asked_by_me=reader.person_id is not None and help_request.asked_by_id == reader.person_id,
        may_resolve=resolves,
        may_handle=handles,
        panel=panel.make_panel(help_request, reader) if handles and not undoable and may_search() else None,
        attempts=attempts if resolves else [],
        shown_before={item.key: opened for item, opened in attempts} if handles else {},
        body=body,
        problem=problem,
        asks_again=asks_again,
        changed=changed,
        wrong_same=wrong_same,
        filed=filed,
        unseen=hidden_links or [],
        undoable=undoable,
        **_beside(help_request, reader, handles),
        replaced=replaced or replaced_part(help_request, reader),
    )


def _beside(help_request: HelpRequest, reader: Reader, handles: bool) -> dict[str, Any]:
    """What stands beside the request and its replies: who reads it, what agents who handle it see, and what the authors
    of texts do."""
    key, person = item_key(Kind.REQUEST, help_request.id), current_person()
    following = next_in_queue(help_request, reader) if handles and "solved" in request.args else None
    sent_on = handover.of_request(session(), help_request.id) if _knows_progress(help_request, reader) else None
    return {
        "sent_on": sent_on,
        "undone_replies": handover.undone_replies(session(), help_request.id) if sent_on else [],
        "shared": access.EVERYONE in access.request_audience(help_request),
        "shared_further": requests.is_shared_further(help_request),
        "queue": queue_rows(Filters(), reader, _BESIDE) if handles else [],
        "private_to": handling.private_to(help_request, person) if handles and person else None,
        "notes": notes.notes_of(session(), help_request, reader),
        "may_note": handles and help_request.asked_by_id != reader.person_id,
        "canned": notes.canned_of(session(), reader) if handles else [],
        "history": rewriting.history_of(session(), help_request, reader),
        "may_rewrite": rewriting.may_rewrite(help_request, reader),
        "may_rewrite_reply": lambda reply: rewriting.may_rewrite_reply(reply, reader),
        "same": handling.same_as(session(), help_request, reader),
        "snoozed_until": handling.snoozed_until(session(), help_request) if handles else None,
        "next_request": following,
        "next_asker": access.asker(following, reader) if following else None,
        "agents": team_people(help_request.team) if handles else [],
        "flags": outcomes.flags(session(), key) if handles else [],
        "usage": outcomes.usage(session(), [key], reader)[key],
        "teams": team_rows(),
    }


def _knows_progress(help_request: HelpRequest, reader: Reader) -> bool:
    """True for the asker and for those who handle the request: they see where it was sent on to."""
    return requests.may_resolve(help_request, reader)


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
