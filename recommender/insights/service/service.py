"""Whom a team serves, what came of it, and how long people waited: for the members of the team.

Only the team's own requests and guides count, which all of its members may read, and the topics that all of them see.
So every member is shown the same, and nothing that somebody may not read changes it. Nothing is counted for a person,
and no figure is made of fewer than five requests or people (None stands for it). What came of answers is told once it
can no longer be found out who read them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.days import day_of
from recommender.database.service_tables import SentAfterwards
from recommender.database.tables import Document, Event, HelpRequest, Team
from recommender.datatypes import Kind, item_key
from recommender.insights.service.asked import Asked, Window, asked_in, window_of
from recommender.insights.service.waits import LEAST, Waits, summarise
from recommender.insights.topics.topic import Topic, reader_of, visible_topics
from recommender.knowledge.outcomes import EventKind
from recommender.knowledge.sent_afterwards import DAYS_KEPT, four_weeks

MOST_TOPICS = 30
"""Topics in the table of a team, those with most requests; a judgement."""


@dataclass(frozen=True)
class Group:
    """Whom a team serves: the people of a team (`handle`), or all others (None). `topics` are (topic, requests)."""

    handle: str | None
    requests: int | None
    topics: tuple[tuple[Topic, int], ...] = ()


@dataclass(frozen=True)
class CameOf:
    """What came of questions. These three are different things and are never added up: an answer that somebody said had
    solved their question; an answer that somebody read and went away; a request that was sent. The first two are told
    without those who sent a request on the same topic within seven days."""

    solved: int | None
    left: int | None
    sent: int | None


@dataclass(frozen=True)
class Marks:
    """How often people said that an answer did not help them, and how many solved requests were opened again. How often
    an answer helped is `CameOf.solved`: any other count of it would tell by subtraction how few sent a request."""

    not_helped: int | None
    reopened: int | None


@dataclass(frozen=True)
class Part:
    """The figures of a topic, of a period, or of all: `topic` or `period` says which."""

    sent: int | None
    came_of: CameOf
    first_answer: Waits
    solution: Waits
    marks: Marks
    topic: Topic | None = None
    period: tuple[date, date] | None = None


@dataclass(frozen=True)
class TeamService:
    """The service of a team in a time. What came of answers is told up to `told_until`. `untimed` is the number of
    requests of which it is not known when they were answered, and `any` says whether anything has happened at all."""

    window: Window
    told_until: date
    whole: Part
    groups: tuple[Group, ...]
    topics: tuple[Part, ...]
    periods: tuple[Part, ...]
    untimed: int | None
    any: bool


def at_least(count: int) -> int | None:
    """The count, or None when it is too small to be shown; also for none, which would tell as much."""
    return count if count >= LEAST else None


def service_of(session: Session, team: Team, now: datetime) -> TeamService:
    """The service of a team as it is `now`."""
    today = day_of(now)
    window = window_of(session, team, today)
    told_until = today - timedelta(days=DAYS_KEPT)
    asked = asked_in(session, team, window, now)
    counting = _Counting(session, team, window, told_until)
    token = f"team:{team.handle}"
    topics = visible_topics(session, reader_of(session, token))
    of_topic = _by_topic(asked, topics)
    parts = [_part(counting, of_topic[topic.id], topic=topic) for topic in topics]
    shown = sorted((part for part in parts if _says_something(part)), key=_by_requests)[:MOST_TOPICS]
    return TeamService(
        window=window,
        told_until=told_until,
        whole=_part(counting, asked),
        groups=tuple(groups_of(asked, topics)),
        topics=tuple(shown),
        periods=tuple(
            _part(counting, [each for each in asked if first <= day_of(each.at) < after], period=(first, after))
            for first, after in window.periods()
        ),
        untimed=at_least(sum(not each.timed for each in asked)),
        any=bool(asked) or counting.any,
    )


def groups_of(asked: Sequence[Asked], topics: Sequence[Topic]) -> list[Group]:
    """Whom the team serves, most requests first, all others last. A group is named when at least five of its people
    have asked, and only while there are five others or none, so that they cannot be found out by subtracting."""
    requests = Counter(each.group for each in asked if each.group)
    people = {group: {each.asker for each in asked if each.group == group} for group in requests}
    named = [group for group, _count in requests.most_common() if group and len(people[group]) >= LEAST]
    named.sort(key=lambda group: (-requests[group], group))
    while named and 0 < len(asked) - sum(requests[group] for group in named) < LEAST:
        named.pop()
    groups = [Group(group, requests[group], tuple(_topics_of(group, asked, topics))) for group in named]
    others = len(asked) - sum(requests[group] for group in named)
    return [*groups, Group(None, at_least(others))] if others else groups


def _topics_of(group: str, asked: Sequence[Asked], topics: Sequence[Topic]) -> Iterable[tuple[Topic, int]]:
    """What the people of a group ask about, most first: topics on which five of them have asked."""
    of_topic = _by_topic([each for each in asked if each.group == group], topics)
    found = [(topic, of_topic[topic.id]) for topic in topics]
    enough = [(topic, len(rows)) for topic, rows in found if len({row.asker for row in rows}) >= LEAST]
    return sorted(enough, key=lambda pair: (-pair[1], pair[0].id))


def _by_topic(asked: Sequence[Asked], topics: Sequence[Topic]) -> dict[int, list[Asked]]:
    """The requests of each topic, by its id."""
    by_key = {each.key: each for each in asked}
    return {topic.id: [by_key[key] for key in topic.items if key in by_key] for topic in topics}


def _by_requests(part: Part) -> tuple[int, int]:
    return -(part.sent or 0), part.topic.id if part.topic else 0


def _says_something(part: Part) -> bool:
    figures = (part.sent, part.came_of.solved, part.came_of.left, part.marks.not_helped)
    return any(figure is not None for figure in figures)


def _part(
    counting: "_Counting",
    asked: Sequence[Asked],
    topic: Topic | None = None,
    period: tuple[date, date] | None = None,
) -> Part:
    timed = [each for each in asked if each.timed]
    untimed = len(asked) - len(timed)
    return Part(
        sent=at_least(len(asked)),
        came_of=CameOf(
            solved=counting.without_sent(EventKind.SOLVED, topic, period),
            left=counting.without_sent(EventKind.LEFT, topic, period),
            sent=at_least(sum(day_of(each.at) <= counting.told_until for each in asked)),
        ),
        first_answer=summarise([each.answer for each in timed], untimed),
        solution=summarise([each.solution for each in timed], untimed),
        marks=Marks(
            not_helped=at_least(counting.events(EventKind.UNHELPFUL, topic, period)),
            reopened=at_least(counting.events(EventKind.REOPENED, topic, period)),
        ),
        topic=topic,
        period=period,
    )


class _Counting:
    """The outcomes of a team's items in a time, up to the day `told_until`."""

    def __init__(self, session: Session, team: Team, window: Window, told_until: date) -> None:
        self.told_until = told_until
        items = frozenset(_items_of(session, team))
        kinds = (EventKind.SOLVED, EventKind.LEFT, EventKind.UNHELPFUL, EventKind.REOPENED)
        days = Event.day.between(window.since, told_until)
        rows = session.execute(select(Event.kind, Event.item, Event.day).where(Event.kind.in_(kinds), days))
        self._events: dict[str, dict[str, list[date]]] = {kind: {} for kind in kinds}
        for kind, item, day in rows:
            if item in items:
                self._events[kind].setdefault(item, []).append(day)
        self.any = any(self._events.values())
        sent = select(SentAfterwards.kind, SentAfterwards.topic_id, SentAfterwards.since, SentAfterwards.times)
        here = SentAfterwards.team_id == team.id, SentAfterwards.since.between(window.since, told_until)
        self._sent = session.execute(sent.where(*here)).all()

    def events(self, kind: EventKind, topic: Topic | None, period: tuple[date, date] | None) -> int:
        """How many outcomes of a kind there were; of a request that was opened again several times only one."""
        of_kind = self._events[kind]
        days = [of_kind[item] for item in (of_kind if topic is None else topic.items) if item in of_kind]
        counts = [sum(period is None or period[0] <= day < period[1] for day in each) for each in days]
        return sum(map(bool, counts)) if kind is EventKind.REOPENED else sum(counts)

    def without_sent(self, kind: EventKind, topic: Topic | None, period: tuple[date, date] | None) -> int | None:
        """The same without those after which a request was sent. None when there are too few, and for a period that
        is not over for long enough or does not consist of whole times of four weeks: the requests are not counted for
        shorter ones."""
        if period is not None and not (all(four_weeks(day) == day for day in period) and period[1] <= self.told_until):
            return None
        sent = sum(
            times
            for of_kind, topic_id, since, times in self._sent
            if of_kind == kind
            and (topic is None or topic_id == topic.id)
            and (period is None or period[0] <= since < period[1])
        )
        return at_least(self.events(kind, topic, period) - sent)


def _items_of(session: Session, team: Team) -> Iterable[str]:
    """The keys of a team's requests and guides, as far as all of its members may read them."""
    requests = select(HelpRequest.id).where(HelpRequest.team_id == team.id, HelpRequest.hidden.is_(False))
    documents = select(Document.id).where(Document.team_id == team.id, Document.hidden.is_(False))
    yield from (item_key(Kind.REQUEST, number) for number in session.scalars(requests))
    yield from (item_key(Kind.DOCUMENT, number) for number in session.scalars(documents))
