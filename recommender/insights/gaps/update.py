"""Looks for the gaps of all topics and stores them: `update_gaps`, after `figures.update_figures` (in risk/) has asked
the past questions again.

For the topics of a token everything is read as somebody who may read what everybody with this token may, and nothing
else: what is hidden from them changes nothing.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader, readable_requests
from recommender.corpus import readable_items
from recommender.database.days import day_of
from recommender.database.gap_tables import GapItem, GapRow, TopicAge
from recommender.database.insight_tables import TopicRow
from recommender.database.storing import in_chunks
from recommender.database.tables import HelpRequest, RequestAttempt
from recommender.datatypes import Item, Kind, item_key
from recommender.insights.gaps.changes import changes_of, document_languages, opened_or_used
from recommender.insights.gaps.finding import FoundGap, TopicMaterial, contradictions, find
from recommender.insights.gaps.gap import GapKind
from recommender.insights.gaps.half_life import Ageing, ageing
from recommender.insights.risk.answerability import AskedAgain
from recommender.insights.topics.handling import team_of_most
from recommender.insights.topics.members import Members, MembersOf, keys_of, members_of_topics
from recommender.insights.topics.questions import found_by_topic
from recommender.insights.topics.stored import stored_tokens
from recommender.insights.topics.topic import reader_of

LEAST_SENT = 2
"""Requests of a topic that were sent although something was shown; a judgement."""
_LATELY = timedelta(days=180)
"""Such requests count for this time; a judgement."""
_AT_ONCE = 20
"""Topics whose items are read together; a judgement."""
_NAMED = 5
"""Requests, and shown items, that such a gap names; a judgement."""


@dataclass(frozen=True)
class GapsReport:
    """In how many topics gaps were looked for, how many of each kind were found, and how many seconds it took."""

    topics: int
    found: Mapping[GapKind, int]
    seconds: float

    def line(self) -> str:
        """All counts in one line, for an admin."""
        return f"gaps looked for in {self.topics} topics, found {sum(self.found.values())}, {self.seconds:.1f} s"


@dataclass(frozen=True)
class _Sent:
    """A request that was sent although something was shown: its key, the keys of what was shown that all may read, and
    whether the asker had opened any of it."""

    key: str
    shown: tuple[str, ...]
    opened: bool


def update_gaps(
    sessions: sessionmaker[Session], now: datetime, members_of: MembersOf = members_of_topics
) -> GapsReport:
    """Look for the gaps of all topics and store them instead of those that were found before."""
    started, found, topics = time.monotonic(), Counter[GapKind](), 0
    with sessions() as session:
        audiences = stored_tokens(session)
    for audience in audiences:
        with sessions.begin() as session:
            counted = _update(session, audience, members_of(session, audience), now)
        found.update(counted.found)
        topics += counted.topics
    with sessions.begin() as session:
        ended = select(TopicRow.id).where(TopicRow.ended_on.is_not(None))
        for table in (GapRow, TopicAge):
            session.execute(delete(table).where(table.topic_id.in_(ended)))
    return GapsReport(topics, found, time.monotonic() - started)


def _update(session: Session, audience: str, members: Members, now: datetime) -> GapsReport:
    reader = reader_of(session, audience)
    items = keys_of(members)
    everything = frozenset[str]().union(*items.values())
    asked = _asked(session, audience, items)
    sent = _sent(session, items, reader, now)
    changes, languages = changes_of(session, everything, reader), document_languages(session, reader)
    shown = frozenset(key for requests in sent.values() for request in requests for key in request.shown)
    finds = frozenset(key for questions in asked.values() for each in questions for key in each.found)
    dates = {member.key: member.created_at for of_topic in members.values() for member in of_topic}
    found = Counter[GapKind]()
    for table in (GapRow, TopicAge):
        session.execute(delete(table).where(table.topic_id.in_(list(items))))
    for together in in_chunks(sorted(items), _AT_ONCE):
        pieces = _pieces(session, together, items, asked, reader)
        seen = shown | finds | opened_or_used(session, _documents(pieces), reader)
        rows: list[tuple[GapRow, FoundGap]] = []
        for topic in together:
            named = items[topic] | {key for each in asked[topic] for key in each.found}
            of_topic = {key: pieces[key] for key in sorted(named) if key in pieces}
            material = TopicMaterial(
                items[topic],
                asked[topic],
                of_topic,
                {key: dates.get(key, item.at) for key, item in of_topic.items()},
                {key: languages.get(key, frozenset({of_topic[key].language})) for key in _documents(of_topic)},
                seen,
                [change for key in sorted(named) for change in changes.get(key, ())],
                now,
            )
            given = {key: dates[key] for key in items[topic] if key in dates}
            age, gaps = _judge(material, given, sent[topic])
            team = team_of_most(member.team_id for member in members[topic])
            kept = [gap for gap in gaps if _is_own(gap, items[topic], items)]
            session.add(_age_row(topic, team, age, now))
            rows += [(_row(topic, team, gap), gap) for gap in kept]
        _store(session, rows)
        found.update(gap.kind for _row_, gap in rows)
    return GapsReport(len(items), found, 0.0)


def _judge(
    material: TopicMaterial, given: Mapping[str, datetime], sent: Collection[_Sent]
) -> tuple[Ageing, list[FoundGap]]:
    """How long the answers of a topic stay right, and its gaps."""
    differing = contradictions(material)
    newer = [(each.older.key, each.newer.at) for each in differing]
    age = ageing(given, [*material.changes, *newer], material.now)
    return age, [*find(material, differing, age), *_not_found(sent)]


def _is_own(gap: FoundGap, members: Collection[str], items: Mapping[int, Collection[str]]) -> bool:
    """False for a contradiction that is told in another topic: that of the older answer, if it has one."""
    if gap.kind is not GapKind.CONTRADICTION or gap.items[-1] in members:
        return True
    return not any(gap.items[-1] in others for others in items.values())


def _row(topic: int, team: int | None, gap: FoundGap) -> GapRow:
    return GapRow(topic_id=topic, kind=str(gap.kind), team_id=team, counts=dict(gap.counts), said=dict(gap.said))


def _age_row(topic: int, team: int | None, age: Ageing, now: datetime) -> TopicAge:
    values = {"changes": age.changes, "answers": age.answers, "half_life_days": age.half_life_days}
    return TopicAge(topic_id=topic, team_id=team, computed_on=day_of(now), **values)


def _store(session: Session, rows: Sequence[tuple[GapRow, FoundGap]]) -> None:
    session.add_all(row for row, _gap in rows)
    session.flush()
    for row, gap in rows:
        listed = dict.fromkeys(gap.counted, False) | dict.fromkeys(gap.items, True)
        session.add_all(
            GapItem(gap_id=row.id, item=key, position=position, listed=listed[key])
            for position, key in enumerate(dict.fromkeys([*gap.items, *gap.counted]))
        )
    session.flush()


def _asked(session: Session, audience: str, items: Mapping[int, Collection[str]]) -> dict[int, list[AskedAgain]]:
    """What was found for the past questions of each topic that are still in it."""
    found = found_by_topic(session, audience)
    return {
        topic: [AskedAgain(*each) for each in sorted(found[topic].items()) if each[0] in members]
        for topic, members in items.items()
    }


def _pieces(
    session: Session,
    topics: Sequence[int],
    items: Mapping[int, Collection[str]],
    asked: Mapping[int, Sequence[AskedAgain]],
    reader: Reader,
) -> dict[str, Item]:
    """The items that the rules may name: questions that were asked again, what they found, and documents."""
    wanted = {key for topic in topics for each in asked[topic] for key in (each.question, *each.found)}
    wanted |= {key for topic in topics for key in items[topic] if key.startswith(f"{Kind.DOCUMENT}:")}
    return readable_items(session, wanted, reader)


def _documents(pieces: Mapping[str, Item]) -> list[str]:
    return [key for key, item in pieces.items() if item.kind is Kind.DOCUMENT]


def _sent(
    session: Session, items: Mapping[int, Collection[str]], reader: Reader, now: datetime
) -> dict[int, list[_Sent]]:
    """The requests of the last half year that were sent although something was shown, by topic, newest first. A
    request that is in no topic, such as an open one, is in that of the first item that was shown."""
    topic_of = {item: topic for topic, members in items.items() for item in members}
    rows = session.execute(
        select(RequestAttempt.request_id, RequestAttempt.item, RequestAttempt.opened)
        .join(HelpRequest, HelpRequest.id == RequestAttempt.request_id)
        .where(HelpRequest.created_at >= now - _LATELY, HelpRequest.hidden.is_(False), readable_requests(reader))
        .order_by(HelpRequest.created_at.desc(), RequestAttempt.request_id, RequestAttempt.position)
    ).all()
    shown = defaultdict[int, list[tuple[str, bool]]](list)
    for request, item, opened in rows:
        if item in topic_of:
            shown[request].append((item, opened))
    found = defaultdict[int, list[_Sent]](list)
    for request, items_shown in shown.items():
        key = item_key(Kind.REQUEST, request)
        topic = topic_of.get(key, topic_of[items_shown[0][0]])
        found[topic].append(_Sent(key, tuple(i for i, _ in items_shown), any(opened for _, opened in items_shown)))
    return defaultdict(list, found)


def _not_found(sent: Collection[_Sent]) -> list[FoundGap]:
    """Requests that were sent although something was shown, when there are several."""
    if len(sent) < LEAST_SENT:
        return []
    requests = [each.key for each in sent]
    most_shown = [key for key, _count in Counter(key for each in sent for key in each.shown).most_common(_NAMED)]
    counts = {"requests": len(sent), "opened": sum(each.opened for each in sent), "shown": len(most_shown)}
    named = dict.fromkeys([*requests[:_NAMED], *most_shown])
    return [FoundGap(GapKind.NOT_FOUND, tuple(named), counts, counted=tuple(requests[_NAMED:]))]
