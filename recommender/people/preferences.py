"""What a person has chosen about being suggested: when, how often, in which languages, on what, or who instead.

For that person's own pages alone. What follows from it is `availability.py`'s, what speaks for them `known_for.py`'s.
Functions change rows of the session they are given and leave the commit to the caller.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recommender.database.tables import (
    MUTED,
    STATED,
    Event,
    FirstSuggestion,
    Person,
    PersonSettings,
    PersonTopic,
    utc_now,
)
from recommender.knowledge.outcomes import EventKind

LONGEST_TOPIC = 100
MOST_TOPICS = 50
MOST_A_WEEK = 1_000


@dataclass(frozen=True)
class Preferences:
    """What one person has chosen. `capacity` is how many times a week at most they want to be suggested first."""

    away_until: date | None
    paused: bool
    capacity: int | None
    deputy: Person | None
    languages: tuple[str, ...]
    muted: tuple[str, ...]
    stated: tuple[str, ...]


def load_preferences(session: Session, person: Person) -> Preferences:
    """What a person has chosen, topics in the order they were written."""
    chosen = session.get(PersonSettings, person.id)
    rows = topics(session, person)
    return Preferences(
        away_until=person.away_until,
        paused=bool(chosen and chosen.paused),
        capacity=chosen.capacity if chosen else None,
        deputy=session.get(Person, chosen.deputy_id) if chosen and chosen.deputy_id else None,
        languages=tuple(person.languages),
        muted=tuple(row.topic for row in rows if row.kind == MUTED),
        stated=tuple(row.topic for row in rows if row.kind == STATED),
    )


def topics(session: Session, person: Person) -> list[PersonTopic]:
    """The topics a person has written, both kinds, oldest first."""
    return list(session.scalars(select(PersonTopic).where(PersonTopic.person_id == person.id).order_by(PersonTopic.id)))


def save_preferences(session: Session, person: Person, choices: Preferences) -> None:
    """Make these a person's choices. A topic that stays keeps the day it was written on."""
    person.away_until = choices.away_until
    if tuple(person.languages) != choices.languages:
        person.languages = list(choices.languages)
    chosen = _settings_of(session, person)
    chosen.paused, chosen.capacity = choices.paused, choices.capacity
    chosen.deputy_id = choices.deputy.id if choices.deputy else None
    for kind, wanted in ((MUTED, choices.muted), (STATED, choices.stated)):
        kept = {row.topic: row for row in topics(session, person) if row.kind == kind}
        for topic in kept.keys() - set(wanted):
            session.delete(kept[topic])
        session.flush()
        for topic in wanted:
            if topic not in kept:
                session.add(PersonTopic(person_id=person.id, kind=kind, topic=topic, created_on=utc_now().date()))
    session.flush()


def first_on(session: Session, person: Person) -> dict[date, int]:
    """How many times a person was suggested first, by day, as far as that is kept."""
    query = select(FirstSuggestion.day, FirstSuggestion.count).where(FirstSuggestion.person_id == person.id)
    return {day: count for day, count in session.execute(query.order_by(FirstSuggestion.day))}


def erase(session: Session, person: Person) -> None:
    """Delete all that a person's profile holds of their own (settings, topics, declined items, counts) and pause their
    suggestions, until they turn them on again."""
    for table in (PersonSettings, PersonTopic, FirstSuggestion):
        session.execute(delete(table).where(table.person_id == person.id))
    own = delete(Event).where(Event.kind == EventKind.NOT_MY_TOPIC, Event.subject_id == person.id)
    session.execute(own)
    _settings_of(session, person).paused = True
    session.flush()


def _settings_of(session: Session, person: Person) -> PersonSettings:
    found = session.get(PersonSettings, person.id)
    if found is None:
        found = PersonSettings(person_id=person.id, paused=False)
        session.add(found)
        session.flush()
    return found
