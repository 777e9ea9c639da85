"""What the other side gets of a request: title, text, who asks, what was tried, and the answers shown before; and of
a reply."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.corpus import load_items
from recommender.database.account_tables import Account
from recommender.database.handover_tables import Handover, HandoverReply
from recommender.database.tables import HelpRequest
from recommender.settings import Settings

_WORDS = {
    "en": ("Asked by", "name hidden", "Answers that Kollega showed before", "opened", "not opened", "In Kollega"),
    "fi": (
        "Kysyjä", "nimi piilotettu", "Vastaukset, jotka Kollega näytti ennen lähettämistä", "avattu", "ei avattu",
        "Kollegassa",
    ),
}  # fmt: skip
_WROTE = {"en": ("Written in Kollega by", "the person who asks"), "fi": ("Kollegassa kirjoitti", "kysyjä")}


@dataclass(frozen=True)
class Question:
    """A request for the other side. `asker` and `email` are empty when the asker's name is hidden, or not known;
    `key` is the same at each attempt. `text` is Markdown."""

    key: str
    title: str
    text: str
    asker: str
    email: str
    url: str
    language: str


@dataclass(frozen=True)
class Comment:
    """A reply to a request, for the other side. `key` is the same at each attempt, and `request_key` that of the
    request. `text` is Markdown and ends with the `url` of the reply, by which it is known there."""

    key: str
    request_key: str
    title: str
    text: str
    author: str
    url: str
    language: str


def comment_of(settings: Settings, row: HandoverReply) -> Comment:
    """The comment of a reply. The name of an anonymous asker stays hidden."""
    reply, request = row.reply, row.handover.request
    wrote, asks = _WROTE.get(request.language, _WROTE["en"])
    words = _WORDS.get(request.language, _WORDS["en"])
    is_asker = reply.author_id is not None and reply.author_id == request.asked_by_id
    hidden = is_asker and request.anonymous
    author = reply.author.name if reply.author is not None and not hidden else ""
    name = f"{asks} ({words[1]})" if hidden else f"{author} ({asks})" if is_asker else author
    url = f"{settings.public_url.rstrip('/')}/requests/{request.id}#reply-{reply.id}"
    text = f"{reply.body}\n\n{f'{wrote}: {name}' if name else words[5]}\n{url}"
    key = row.handover.key
    return Comment(f"{key}-r{reply.id}", key, request.title, text, author, url, request.language)


def question_of(session: Session, settings: Settings, row: Handover) -> Question:
    """The question of a request. The answers that were shown are named as far as the whole team may read them."""
    request = row.request
    asked_by, hidden, shown_before, opened, not_opened, here = _WORDS.get(request.language, _WORDS["en"])
    site = settings.public_url.rstrip("/")
    url = f"{site}/requests/{request.id}"
    account = session.get(Account, request.asked_by_id) if request.asked_by_id and not request.anonymous else None
    asker = request.asked_by.name if request.asked_by and not request.anonymous else ""
    parts = [request.body] if request.body.strip() else []
    lines = [
        f"- {title}: {site}/{kind}s/{number} ({opened if was_opened else not_opened})"
        for kind, number, title, was_opened in _shown(session, request)
    ]
    if lines:
        parts.append(f"{shown_before}:\n" + "\n".join(lines))
    parts.append(f"{asked_by}: {asker or hidden}\n{here}: {url}")
    email = account.email or "" if account else ""
    return Question(row.key, request.title, "\n\n".join(parts), asker, email, url, request.language)


def _shown(session: Session, request: HelpRequest) -> list[tuple[str, str, str, bool]]:
    """(kind, number, title, opened) of what the asker was shown, of which everybody in the team may read it. Of an
    anonymous asker nothing: what somebody was shown depends on who they are."""
    if request.anonymous or request.team is None:
        return []
    items = load_items(session, [attempt.item for attempt in request.attempts])
    readers = {EVERYONE, f"team:{request.team.handle}"}
    shown = []
    for attempt in request.attempts:
        item = items.get(attempt.item)
        if item is not None and item.audience & readers:
            kind, _colon, number = attempt.item.partition(":")
            shown.append((kind, number, item.title, attempt.opened))
    return shown
