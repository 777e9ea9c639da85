"""What a person has set about being suggested: when, how often, in which languages, for which topics, and their deputy.

This is for the person's own pages only. `availability.py` reads it for the choice of people, and `profile.py` finds the
items that people are suggested for. Functions change rows of the session and leave the commit to the caller.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recommender.database.days import current_day
from recommender.database.service_tables import Teaching
from recommender.database.storing import insert_or_keep
from recommender.database.tables import (
    MUTED,
    STATED,
    Event,
    FirstSuggestion,
    Person,
    PersonSettings,
    PersonTopic,
)
from recommender.knowledge.outcomes import EventKind

LONGEST_TOPIC = 100
"""Characters of a topic; a judgement."""
MOST_TOPICS = 50
"""Topics of each kind that a person may write; a judgement."""
MOST_A_WEEK = 1_000
"""The largest capacity that can be set; a judgement."""


@dataclass(frozen=True)
class Preferences:
    """What one person has set. `capacity` is how many times a week at most they want to be suggested first (None: any
    number). `muted` are the topics for which they do not want to be suggested, `stated` those for which they do."""

    away_until: date | None
    paused: bool
    capacity: int | None
    deputy: Person | None
    languages: tuple[str, ...]
    muted: tuple[str, ...]
    stated: tuple[str, ...]


def load_preferences(session: Session, person: Person) -> Preferences:
    """What a person has set, topics in the order they were written."""
    settings = session.get(PersonSettings, person.id)
    rows = topics(session, person)
    return Preferences(
        away_until=person.away_until,
        paused=bool(settings and settings.paused),
        capacity=settings.capacity if settings else None,
        deputy=session.get(Person, settings.deputy_id) if settings and settings.deputy_id else None,
        languages=tuple(person.languages),
        muted=tuple(row.topic for row in rows if row.kind == MUTED),
        stated=tuple(row.topic for row in rows if row.kind == STATED),
    )


def topics(session: Session, person: Person) -> list[PersonTopic]:
    """The topics a person has written, both kinds, oldest first."""
    return list(session.scalars(select(PersonTopic).where(PersonTopic.person_id == person.id).order_by(PersonTopic.id)))


def save_preferences(session: Session, person: Person, preferences: Preferences) -> None:
    """Replace what a person has set. Topics that were there before keep the day on which they were written."""
    person.away_until = preferences.away_until
    if tuple(person.languages) != preferences.languages:
        person.languages = list(preferences.languages)
    settings = _settings_of(session, person)
    settings.paused, settings.capacity = preferences.paused, preferences.capacity
    settings.deputy_id = preferences.deputy.id if preferences.deputy else None
    for kind, wanted in ((MUTED, preferences.muted), (STATED, preferences.stated)):
        rows = {row.topic: row for row in topics(session, person) if row.kind == kind}
        for topic in rows.keys() - set(wanted):
            session.delete(rows[topic])
        session.flush()
        for topic in wanted:
            if topic not in rows:
                key = {"person_id": person.id, "kind": kind, "topic": topic}
                insert_or_keep(session, PersonTopic, key, {"created_on": current_day()})
    session.flush()


def first_on(session: Session, person: Person) -> dict[date, int]:
    """How many times a person was suggested first, by day, for the days whose counts are still stored."""
    query = select(FirstSuggestion.day, FirstSuggestion.count).where(FirstSuggestion.person_id == person.id)
    return {day: count for day, count in session.execute(query.order_by(FirstSuggestion.day))}


def erase(session: Session, person: Person) -> None:
    """Delete all that a person has set (settings, topics, declined items) and the counts of how often they were
    suggested first. They are paused until they change that themselves, and stay left out of the topics of which they
    have asked to be."""
    for table in (PersonSettings, PersonTopic, FirstSuggestion, Teaching):
        session.execute(delete(table).where(table.person_id == person.id))
    session.execute(delete(Event).where(Event.kind == EventKind.NOT_MY_TOPIC, Event.subject_id == person.id))
    _settings_of(session, person).paused = True
    session.flush()


def _settings_of(session: Session, person: Person) -> PersonSettings:
    settings = session.get(PersonSettings, person.id)
    return settings or insert_or_keep(session, PersonSettings, {"person_id": person.id}, {"paused": False})
