"""Pins: an item that admins have chosen to be shown first for a phrase, until a day, to an audience.

A pin lets nobody read more: it is only applied for readers who may read its item at that moment, and for everybody else
the answer is as if there were no pin. The functions change rows of the session and leave the commit to the caller.
"""

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import ANY_AGENT, EVERYONE, Reader
from recommender.audit import Actor
from recommender.corpus import is_key, load_items, readable_items
from recommender.database.days import current_day
from recommender.database.reading import TOKENS, one_of, rows
from recommender.database.tables import RESOLVED, HelpRequest, Team
from recommender.database.words_tables import LONGEST_PHRASE, Pin
from recommender.datatypes import Item, Kind
from recommender.errors import PinRefused
from recommender.language.analyzer import Analyzer
from recommender.language.words import LANGUAGES, is_telling

MOST = 500
"""Pins that there may be at once, since every question is compared with all of them: a judgement."""


def add(
    session: Session, actor: Actor, phrase: str, item: str, audience: str, until: date, team: str, today: date,
    reader: Reader | None = None,
) -> Pin:  # fmt: skip
    """Show an item first for a phrase. `audience` is `everyone`, `agents` or `team:HANDLE`; `team` is the handle of the
    team that has chosen it, empty for the organisation. With a `reader`, the item has to be one that they may read.
    Raises PinRefused, which says what to write instead."""
    words = " ".join(phrase.split())
    if not words or len(words) > LONGEST_PHRASE:
        raise PinRefused(f"Write the words of the question, at most {LONGEST_PHRASE} characters.", "phrase")
    if not is_key(item) or item not in _known(session, item, reader) or not _is_answer(session, item):
        raise PinRefused(f"{item!r} is no guide or solved request that can be found. Write it as document:4.", "item")
    if until < today:
        raise PinRefused("Choose an end that lies ahead.", "until")
    kind, _, handle = audience.partition(":")
    if audience not in (EVERYONE, ANY_AGENT) and (kind != "team" or _team(session, handle) is None):
        raise PinRefused("The audience is everyone, agents, or team: with the handle of a team.", "audience")
    chosen_by = _team(session, team) if team else None
    if team and chosen_by is None:
        raise PinRefused(f"There is no team {team!r}.", "team")
    if len(listed(session)) >= MOST:
        raise PinRefused(f"There are {MOST} pins already. Remove one first.", "phrase")
    pin = Pin(
        phrase=words, item=item, audience=audience, until=until, team_id=chosen_by.id if chosen_by else None,
        made_by_id=actor.person_id,
    )  # fmt: skip
    session.add(pin)
    session.flush()
    details = {"item": item, "audience": audience, "until": until.isoformat()}
    audit.record(session, actor, "pin.added", f"pin:{pin.id}", details)
    return pin


def remove(session: Session, actor: Actor, number: int) -> None:
    """Show the item no more before others. Raises PinRefused when there is no such pin."""
    pin = session.get(Pin, number)
    if pin is None:
        raise PinRefused(f"There is no pin {number}. See: kollega pin list", "number")
    audit.record(session, actor, "pin.removed", f"pin:{number}", {"item": pin.item})
    session.delete(pin)
    session.flush()


def listed(session: Session) -> list[Pin]:
    """All pins, the one that ends first before others; also those that have ended."""
    return list(session.scalars(select(Pin).order_by(Pin.until, Pin.id)))


def matching(
    session: Session, words: Collection[str], reader: Reader, analyzer: Analyzer, leave_out: Collection[str] = ()
) -> list[tuple[Item, str | None, date]]:
    """The items that are shown first for a question with these terms, as `search/pinned.py` takes them (item, handle of
    the team that has chosen it or None, last day), the newest pin first. Items that were deleted, hidden, restricted or
    opened again, and those of `leave_out`, are not among them."""
    in_force = rows(session, _IN_FORCE, today=current_day(), tokens=sorted(reader.tokens))
    terms = frozenset(words)
    fitting = [pin for pin in in_force if _fits(analyzer, pin.phrase, terms)]
    if not fitting:
        return []
    items = readable_items(session, {pin.item for pin in fitting} - set(leave_out), reader)
    newest: dict[str, Any] = {}
    for pin in fitting:
        newest.setdefault(pin.item, pin)
    return [(items[key], pin.team, pin.until) for key, pin in newest.items() if key in items]


_IN_FORCE = (
    select(Pin.phrase, Pin.item, Pin.until, Team.handle.label("team"))
    .outerjoin(Team, Team.id == Pin.team_id)
    .where(Pin.until >= bindparam("today"), one_of(Pin.audience, TOKENS))
    .order_by(Pin.id.desc())
)


def _fits(analyzer: Analyzer, phrase: str, terms: frozenset[str]) -> bool:
    """True when all telling words of the phrase are in the question, in any form, as one of the languages reads it."""
    return any(reading <= terms for reading in _readings(analyzer, phrase))


@lru_cache(maxsize=2 * MOST)
def _readings(analyzer: Analyzer, phrase: str) -> tuple[frozenset[str], ...]:
    readings = []
    for language in LANGUAGES:
        words = analyzer.query_terms(phrase, (language,)).words
        telling = frozenset(word for word in words if is_telling(word)) or frozenset(words)
        readings += [telling] if telling else []
    return tuple(readings)


def _known(session: Session, key: str, reader: Reader | None) -> Collection[str]:
    return load_items(session, [key]) if reader is None else readable_items(session, [key], reader)


def _is_answer(session: Session, key: str) -> bool:
    """True for documents and solved requests."""
    kind, _, number = key.partition(":")
    row = session.get(HelpRequest, int(number)) if kind == Kind.REQUEST else None
    return kind == Kind.DOCUMENT or (row is not None and row.status == RESOLVED)


def _team(session: Session, handle: str) -> Team | None:
    return session.scalar(select(Team).where(Team.handle == handle))
