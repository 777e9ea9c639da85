"""Counts what suggestions led to, once for each person, without storing who it was."""

from collections.abc import Iterable, Sequence

from flask import current_app
from sqlalchemy.orm import Session

from recommender.database.days import current_day
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Kind, Verdict
from recommender.knowledge import outcomes, searched_topics, sent_afterwards
from recommender.notifications import telling
from web.caller import caller
from web.current import counting, session
from web.sign_in.session import current_person


def count_once(kind: outcomes.EventKind, item: str, note: str | None = None) -> None:
    """Count an outcome of an item, unless the person who makes this request has caused the same in the last 30 days.
    People who have not signed in are told apart by their address. The commit is left to the caller."""
    is_news = outcomes.record_once(session(), kind, item, caller(), _secret(), note)
    if is_news and kind is outcomes.EventKind.FLAGGED:
        tell_flag(item)


def tell_flag(item: str) -> None:
    """Tell who maintains an item that the person who makes this request has flagged it."""
    kind, _, number = item.partition(":")
    row: HelpRequest | Document | None = (
        session().get(HelpRequest, int(number)) if kind == Kind.REQUEST else session().get(Document, int(number))
    )
    person = current_person()
    if row is not None:
        telling.tell_flag(session(), row, person.id if person else None)


def count_later(kind: outcomes.EventKind, items: Sequence[str]) -> None:
    """The same for several items, but nobody waits until the database can be written."""
    who, secret = caller(), _secret()

    def write(counts: Session) -> None:
        for item in items:
            if outcomes.record_once(counts, kind, item, who, secret):
                sent_afterwards.note(counts, kind, item, who, secret)
            if kind is outcomes.EventKind.UNHELPFUL:  # it no longer counts that it solved something
                sent_afterwards.take_back(counts, outcomes.EventKind.SOLVED, item, who, secret)

    counting().count(write)


def count_search(verdict: Verdict, items: Sequence[str]) -> None:
    """Count a finished question by the topic of these items, for the person who has signed in: people who have not
    could not be told apart from each other. Nobody waits for it."""
    if current_person() is None:
        return
    who, secret = caller(), _secret()

    def write(counts: Session) -> None:
        searched_topics.count(counts, items, verdict, who, secret, current_day())

    counting().count_later(write)


def take_back(kind: outcomes.EventKind, item: str) -> None:
    """Take back what the person who makes this request has caused with `count_once` or `count_later`."""
    who, secret = caller(), _secret()

    def write(counts: Session) -> None:
        if outcomes.take_back(counts, kind, item, who, secret):
            sent_afterwards.take_back(counts, kind, item, who, secret)

    counting().count(write)


def take_back_at_once(kind: outcomes.EventKind, item: str) -> bool:
    """The same in the session of this request; whether there was something to take back. The commit is left to the
    caller."""
    return outcomes.take_back(session(), kind, item, caller(), _secret())


def request_sent(attempts: Iterable[tuple[str, bool]]) -> None:
    """Note that the person who makes this request has sent a question to a team, after these suggestions: (item key,
    opened). Nobody waits for it."""
    shown, who, secret = list(attempts), caller(), _secret()
    counting().count(lambda counts: sent_afterwards.request_sent(counts, shown, who, secret))


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])
