"""What is missing in what an organisation has written down about a topic, for the lead and the members of the team that
handles it. `update.py` finds the gaps and stores them; here they are read again as somebody who may see them.

Gaps name no people: who asked, searched or answered is not part of any of them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE, Reader, readable_requests
from recommender.corpus import headings, ids_of
from recommender.database.days import current_day
from recommender.database.gap_tables import GapItem, GapRow, TopicAge
from recommender.database.tables import HelpRequest
from recommender.datatypes import Heading, Kind, Verdict, item_key
from recommender.insights.gaps.half_life import Ageing
from recommender.insights.topics.topic import Topic, reader_of, visible_topics
from recommender.knowledge import searched_topics
from recommender.knowledge.searched_topics import SearchedWeek

WEEKS = 8
"""Weeks of which searches are shown; a judgement."""


class GapKind(StrEnum):
    """The kinds of gaps, the most pressing first."""

    CONTRADICTION = "contradiction"  # two answers to the same question say different things
    CHANGED = "changed"  # answers have changed since a document was last verified
    NOT_FOUND = "not_found"  # asked a team, although something was shown
    REPEATED = "repeated"  # asked again and again, and no verified document answers
    ONE_LANGUAGE = "one_language"  # asked in a language in which no document answers
    UNSEEN = "unseen"  # a document that none of the past questions finds


ORDER = tuple(GapKind)


@dataclass(frozen=True)
class Gap:
    """A gap of a topic with the items that it was found in, its numbers by name, and what the items say.

    | kind | items | counts | said |
    |---|---|---|---|
    | contradiction | the newer item, the older one | | unit; newer, older: what they say; both sentences |
    | changed | the document, then the answers that changed | changes; or days (its age) and half_life_days | |
    | not_found | the newest requests, then what was shown most | requests, opened (of them after reading), shown | |
    | repeated | the requests, then a document | requests, unverified (1: the document answers, unverified) | |
    | one_language | the document, then the requests | requests | language: in which was asked |
    | unseen | the document | questions: how many were asked again | |
    """

    kind: GapKind
    topic: Topic
    items: tuple[Heading, ...]
    counts: Mapping[str, int]
    said: Mapping[str, str]

    @property
    def requests(self) -> tuple[Heading, ...]:
        """The requests among the items."""
        return tuple(item for item in self.items if item.kind is Kind.REQUEST)

    @property
    def documents(self) -> tuple[Heading, ...]:
        """The documents among the items."""
        return tuple(item for item in self.items if item.kind is Kind.DOCUMENT)


def gaps(session: Session, reader: Reader, team_id: int) -> list[Gap]:
    """The gaps of the topics that a team handles, the most pressing first, for its members; none for others. A gap is
    left out when one of its items is gone or may not be read by everybody who sees the topic."""
    if team_id not in reader.team_ids:
        return []
    return _gaps(session, visible_topics(session, reader), frozenset({team_id}))


def gaps_of(session: Session, reader: Reader, topics: Collection[Topic]) -> list[Gap]:
    """The gaps of topics that the reader may see, as `gaps` tells them: of those that the reader's teams handle."""
    return _gaps(session, topics, reader.team_ids)


def _gaps(session: Session, seen: Collection[Topic], teams: Collection[int]) -> list[Gap]:
    topics = {topic.id: topic for topic in seen}
    of_teams = select(GapRow).where(GapRow.team_id.in_(sorted(teams))).order_by(GapRow.id)
    rows = [row for row in session.scalars(of_teams) if row.topic_id in topics]
    items = defaultdict[int, list[GapItem]](list)
    of_gaps = select(GapItem).where(GapItem.gap_id.in_([row.id for row in rows]))
    for line in session.scalars(of_gaps.order_by(GapItem.gap_id, GapItem.position)):
        items[line.gap_id].append(line)
    found = []
    for token in sorted({topics[row.topic_id].audience for row in rows}):
        of_token = [row for row in rows if topics[row.topic_id].audience == token]
        present = readable_headings(session, {i.item for row in of_token for i in items[row.id]}, token)
        found += [
            Gap(
                GapKind(row.kind),
                topics[row.topic_id],
                tuple(present[line.item] for line in items[row.id] if line.listed),
                row.counts,
                row.said,
            )
            for row in of_token
            if all(line.item in present for line in items[row.id])
        ]
    return sorted(found, key=lambda gap: ORDER.index(gap.kind))


def searched(session: Session, topics: Sequence[Topic], today: date) -> dict[int, list[SearchedWeek]]:
    """The weeks, newest first, in which enough people searched for something about these topics to say so, by topic;
    only topics of everyone have such counts."""
    ids = [topic.id for topic in topics if topic.audience == EVERYONE]
    since = searched_topics.monday(today) - timedelta(weeks=WEEKS)
    weeks = defaultdict[int, list[SearchedWeek]](list)
    for week in searched_topics.searched(session, ids, since):
        if week.topic_id is not None:
            weeks[week.topic_id].append(week)
    return dict(weeks)


def without_topic(session: Session, today: date) -> list[SearchedWeek]:
    """The weeks in which enough people searched for something that no topic is about and found no answer."""
    since = searched_topics.monday(today) - timedelta(weeks=WEEKS)
    return [week for week in searched_topics.searched(session, [], since) if week.verdict is not Verdict.ANSWER]


def ages(session: Session, topics: Sequence[Topic]) -> dict[int, Ageing]:
    """How long the answers of these topics stay right, by topic."""
    rows = session.scalars(select(TopicAge).where(TopicAge.topic_id.in_([topic.id for topic in topics])))
    return {row.topic_id: Ageing(row.answers, row.changes, row.half_life_days) for row in rows}


def team_topics(session: Session, reader: Reader, team_id: int) -> list[Topic]:
    """The topics for which gaps of this team were looked for, that a member of it may see."""
    if team_id not in reader.team_ids:
        return []
    handled = set(session.scalars(select(TopicAge.topic_id).where(TopicAge.team_id == team_id)))
    return [topic for topic in visible_topics(session, reader) if topic.id in handled]


def readable_headings(session: Session, keys: set[str], token: str) -> dict[str, Heading]:
    """The headings of the items of `keys` that are there and that everybody with this token may read, by key; also of
    open requests."""
    reader = reader_of(session, token)
    found = headings(session, keys, reader)
    missing = ids_of(keys - found.keys(), Kind.REQUEST)
    query = select(HelpRequest).where(
        HelpRequest.id.in_(missing), HelpRequest.hidden.is_(False), readable_requests(reader)
    )
    for row in session.scalars(query) if missing else ():
        key, team = item_key(Kind.REQUEST, row.id), row.team.handle if row.team else None
        found[key] = Heading(key, Kind.REQUEST, row.title, row.language, team)
    return found


def computed_on(session: Session) -> date | None:
    """The last day on which gaps were looked for; None when they never were."""
    return session.scalar(select(TopicAge.computed_on).order_by(TopicAge.computed_on.desc()).limit(1))


def is_old(day: date | None) -> bool:
    """True when gaps were not looked for in the last week."""
    return day is None or current_day() - day > timedelta(days=7)
