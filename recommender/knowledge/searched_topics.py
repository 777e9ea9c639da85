"""How many people have searched for something about a topic in a week, and whether an answer was found. Neither the
words nor who searched is stored.

What is published of a week cannot tell of one person:

1. Only topics of what everybody may read are counted, and only people who have signed in.
2. A person counts once for each topic, week and verdict. They are told apart by a hash (HMAC-SHA256) that is keyed with
   a key of the week, which is destroyed when the week has ended, and with the key of the installation.
3. Nothing of a week is shown before it has ended. Then each figure is rounded down (`rounded`), stored once, and what
   it was made from is deleted. So nobody can compare two looks at a figure, or a total with its parts: there are no
   totals.
4. `rounded` takes away 1 to 5 people by chance before it rounds down to a multiple of 5. A figure is shown from 6
   people on at the earliest: whoever is one of them sees it only when there are 5 others. One person more or less
   leaves it as it is in at least 4 of 5 cases, and where it differs, at least 5 other people stand behind it in both.
5. In an organisation of fewer than 20 people nothing is published.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from recommender.access import ANYONE, EVERYONE
from recommender.corpus import headings
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.person_kind import PERSON
from recommender.database.search_count_tables import SearchCount, SearchKey, SearchMark
from recommender.database.storing import changes_a_row, insert_or_keep, inserting
from recommender.database.tables import Person
from recommender.datatypes import Verdict
from recommender.knowledge.keyed_digest import keyed_digest

STEP = 5
"""Figures are multiples of this number of people."""
LEAST_SHOWN = STEP
"""The smallest figure: at least so many different people."""
LEAST_PEOPLE = 20
"""People in an organisation whose searches are counted: in a smaller one, a figure would be of half of them. A
judgement."""
READ = 3
"""Of so many of the first items of a search, the topic is looked for; a judgement."""
WEEKS_KEPT = 53
"""Weeks after which a figure is deleted; a judgement."""


@dataclass(frozen=True)
class SearchedWeek:
    """That at least `people` different people searched for something about a topic in the week from the Monday `week`
    on, with this verdict. `topic_id` is None for what no topic is about."""

    topic_id: int | None
    week: date
    verdict: Verdict
    people: int


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def rounded(people: int, taken: int) -> int:
    """The figure that is published for this number of people: a multiple of 5 that is smaller than it, 0 when nothing
    is. `taken`, 1 to 5, is drawn by chance."""
    return max(0, (people - taken) // STEP * STEP)


def count(session: Session, items: Sequence[str], verdict: Verdict, who: str, secret: str, today: date) -> bool:
    """Count that a person's finished question had these items first, or nearest; whether it was counted now. The topic
    is that of the first of them that has one. Nothing is counted when there are no topics, or when the first item may
    not be read by everybody.

    `who` identifies the person and is not stored; `secret` is the key of the installation, which is not in the
    database.
    """
    publish_ended(session, today)
    first = list(items[:READ])
    if first and first[0] not in headings(session, first[:1], ANYONE):
        return False
    topic = _topic_of(session, first)
    if topic is None and session.scalar(select(TopicRow.id).where(*_OF_EVERYONE).limit(1)) is None:
        return False
    week = monday(today)
    digest = keyed_digest(_key(session, week), secret, topic, verdict, who)
    new = inserting(session, SearchMark).values(digest=digest, week=week, topic_id=topic, verdict=str(verdict))
    return changes_a_row(session, new.on_conflict_do_nothing())


def publish_ended(session: Session, today: date, draw: Callable[[], int] | None = None) -> None:
    """Publish the figures of the weeks that have ended, and delete the keys and marks of these weeks. `draw` gives 1 to
    5 by chance; a test may fix it. Old figures are deleted."""
    draw, present = draw or _drawn, monday(today)
    ended = select(SearchKey.week).where(SearchKey.week < present).order_by(SearchKey.week)
    for week in session.scalars(ended).all():
        taken = session.execute(delete(SearchKey).where(SearchKey.week == week))
        if cast("CursorResult[object]", taken).rowcount == 1:  # else another process publishes this week
            _publish(session, week, draw)
            session.execute(delete(SearchCount).where(SearchCount.week < present - timedelta(weeks=WEEKS_KEPT)))


def searched(session: Session, topic_ids: Sequence[int], since: date) -> list[SearchedWeek]:
    """What has been published about these topics, and about what no topic is about, since a day: by week, newest
    first. Whether a reader may see a topic is decided by the caller."""
    query = select(SearchCount).where(
        SearchCount.week >= since, SearchCount.topic_id.in_(topic_ids) | SearchCount.topic_id.is_(None)
    )
    rows = session.scalars(
        query.order_by(SearchCount.week.desc(), SearchCount.topic_id.nulls_first(), SearchCount.verdict)
    )
    return [SearchedWeek(row.topic_id, row.week, Verdict(row.verdict), row.people) for row in rows]


_OF_EVERYONE = (TopicRow.audience == EVERYONE, TopicRow.ended_on.is_(None))


def _key(session: Session, week: date) -> str:
    """The key of a week, which is made when there is none."""
    known = session.scalar(select(SearchKey.key).where(SearchKey.week == week))
    return known or insert_or_keep(session, SearchKey, {"week": week}, {"key": secrets.token_hex(32)}).key


def _topic_of(session: Session, items: Sequence[str]) -> int | None:
    """The topic of the first of these items that has one."""
    query = select(TopicItem.item, TopicItem.topic_id).join(TopicRow, TopicRow.id == TopicItem.topic_id)
    topics = {item: topic for item, topic in session.execute(query.where(TopicItem.item.in_(items), *_OF_EVERYONE))}
    return next((topics[item] for item in items if item in topics), None)


def _publish(session: Session, week: date, draw: Callable[[], int]) -> None:
    """Store the rounded figures of a week that has ended, and delete its marks."""
    here = select(func.count()).select_from(Person).where(Person.kind == PERSON, Person.left_on.is_(None))
    if (session.scalar(here) or 0) >= LEAST_PEOPLE:
        figures = select(SearchMark.topic_id, SearchMark.verdict, func.count()).where(SearchMark.week == week)
        for topic, verdict, number in session.execute(figures.group_by(SearchMark.topic_id, SearchMark.verdict)).all():
            if shown := rounded(number, draw()):
                session.add(SearchCount(topic_id=topic, week=week, verdict=verdict, people=shown))
    session.execute(delete(SearchMark).where(SearchMark.week == week))
    session.flush()


def _drawn() -> int:
    return 1 + secrets.randbelow(STEP)
