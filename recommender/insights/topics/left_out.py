"""People who want their part in a topic to be shown to nobody else.

What a lead then sees of the topic is computed as if that person had no part in it: their name, their share and what
would be lost without them are in none of its figures, and no act names them. A topic of which nobody else has a part is
left out altogether. The page does not say that somebody has asked for it: a lead may read who answered the topic's
requests, so whoever is missing from those who are named would be known at once, however many they are. So there is no
number of people from which on saying it would not identify them.
"""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recommender.database.days import current_day
from recommender.database.insight_tables import TopicRow
from recommender.database.service_tables import LeftOut
from recommender.database.storing import insert_or_keep


def left_out(session: Session, topics: Collection[int]) -> dict[int, frozenset[int]]:
    """The ids of the people who are left out of each of these topics, for topics with such people. What was said of a
    topic holds for the one that it was merged into."""
    found: dict[int, set[int]] = {}
    rows = session.execute(select(LeftOut.topic_id, LeftOut.person_id)).all()
    heirs = _heirs(session) if rows else {}
    for topic, person in rows:
        seen: set[int] = set()
        while topic not in topics and topic in heirs and topic not in seen:
            seen.add(topic)
            topic = heirs[topic]
        if topic in topics:
            found.setdefault(topic, set()).add(person)
    return {topic: frozenset(people) for topic, people in found.items()}


def leave_out(session: Session, person_id: int, topic_id: int) -> None:
    """Leave this person out of a topic. The caller commits."""
    key = {"topic_id": topic_id, "person_id": person_id}
    insert_or_keep(session, LeftOut, key, {"since": current_day()})


def take_in_again(session: Session, person_id: int, topic_id: int) -> None:
    """Show this person's part in a topic again, also what they had said of a topic that was merged into it. The caller
    commits."""
    said = session.scalars(select(LeftOut.topic_id).where(LeftOut.person_id == person_id)).all()
    heirs = _heirs(session)
    for topic in said:
        last, seen = topic, {topic}
        while last != topic_id and last in heirs and heirs[last] not in seen:
            last = heirs[last]
            seen.add(last)
        if last == topic_id:
            session.execute(delete(LeftOut).where(LeftOut.topic_id == topic, LeftOut.person_id == person_id))


def copy_to(session: Session, topic_id: int, new_topic_id: int) -> None:
    """Leave out of another topic whoever is left out of the topic from which items come. The caller commits."""
    for person_id in sorted(left_out(session, {topic_id}).get(topic_id, ())):
        leave_out(session, person_id, new_topic_id)


def _heirs(session: Session) -> dict[int, int]:
    """The topic into which each topic that has ended was merged."""
    query = select(TopicRow.id, TopicRow.merged_into_id).where(TopicRow.merged_into_id.is_not(None))
    return {topic: heir for topic, heir in session.execute(query) if heir is not None}
