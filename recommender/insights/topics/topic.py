"""A topic, and which topics a reader may see.

A topic is made for one token of readers (`everyone`, `team:hr`) from the items whose audience has that token, so that
whoever has the token may read all of its items. Items for single people belong to no topic.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE, Reader
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import Team
from recommender.insights.topics.stored import count_there

LEAST_ITEMS = 5
"""A topic with fewer items is not shown, since it would tell of single items; a judgement."""
LANGUAGES = ("fi", "en")
"""The languages in which topics are named."""


@dataclass(frozen=True)
class Topic:
    """A topic with its items. `audience` is the token of those who may see it, `names` has its name by language, and
    `items` the keys of its items."""

    id: int
    audience: str
    names: Mapping[str, str]
    items: tuple[str, ...]
    made_on: date


def topic_tokens(audience: frozenset[str]) -> frozenset[str]:
    """The tokens for whose topics an item with this audience counts: all who may read it, or whole teams."""
    if EVERYONE in audience:
        return frozenset({EVERYONE})
    return frozenset(token for token in audience if token.startswith("team:"))


def reader_of(session: Session, token: str) -> Reader:
    """A reader who may read what everybody with this token may read, and nothing else."""
    handle = token.removeprefix("team:") if token.startswith("team:") else None
    teams = session.scalars(select(Team.id).where(Team.handle == handle)) if handle else ()
    return Reader(None, frozenset(teams), frozenset({EVERYONE, token}))


def visible_topics(session: Session, reader: Reader) -> list[Topic]:
    """The topics that this reader may see, by id, with the items that are still there.

    A topic is left out as soon as one of its items is gone, or may not be read by all who would see the topic, until
    the topics have been computed anew: its name may have come from that item. An erased item takes the names with it.
    """
    return _of_rows(session, reader, TopicRow.ended_on.is_(None))


def ended_topics(session: Session, reader: Reader) -> list[Topic]:
    """The topics that leads have ended and that this reader could see if they had not, by id. Those that ended because
    their items went elsewhere have no items."""
    return _of_rows(session, reader, TopicRow.ended_on.is_not(None) & TopicRow.merged_into_id.is_(None))


def _of_rows(session: Session, reader: Reader, which: ColumnElement[bool]) -> list[Topic]:
    rows = session.scalars(
        select(TopicRow).where(which, TopicRow.audience.in_(sorted(reader.tokens))).order_by(TopicRow.id)
    ).all()
    ids = [row.id for row in rows]
    together = func.aggregate_strings(TopicItem.item, " ")  # one row for each topic, instead of one for each item
    joined = select(TopicItem.topic_id, together).where(TopicItem.topic_id.in_(ids)).group_by(TopicItem.topic_id)
    keys = {topic_id: tuple(sorted(items.split())) for topic_id, items in session.execute(joined)}
    shown = []
    for token in {row.audience for row in rows}:
        of_token = [row for row in rows if row.audience == token]
        there = count_there(session, [row.id for row in of_token], reader_of(session, token))
        shown += [
            Topic(row.id, token, names_of(row), keys[row.id], row.made_on)
            for row in of_token
            if len(keys.get(row.id, ())) >= LEAST_ITEMS and all(names_of(row).values())
            if there[row.id] == len(keys[row.id])
        ]
    return _told_apart(sorted(shown, key=lambda topic: topic.id))


def _told_apart(topics: list[Topic]) -> list[Topic]:
    """The topics, in which those of different teams with the same name also name the team: each team's topics are named
    without those of other teams, which not all of its members may see."""
    counts = {language: Counter(topic.names[language].casefold() for topic in topics) for language in LANGUAGES}
    return [
        replace(
            topic,
            names={
                language: f"{name} ({topic.audience.removeprefix('team:')})"
                if counts[language][name.casefold()] > 1 and topic.audience != EVERYONE
                else name
                for language, name in topic.names.items()
            },
        )
        for topic in topics
    ]


def names_of(row: TopicRow) -> dict[str, str]:
    """The name of a topic by language: the given one, else the computed one."""
    return {"fi": row.given_fi or row.name_fi, "en": row.given_en or row.name_en}
