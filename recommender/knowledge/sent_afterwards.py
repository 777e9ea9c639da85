"""Counts how often somebody whom an answer had helped, or who had read it and gone away, sent a request on the same
topic within seven days all the same.

For that a mark says that somebody was there. It is made of the person and the topic with a key of the day
(HMAC-SHA256), and the key is destroyed after seven days. What is counted then names neither the person nor the answer,
and no day. Nothing else links what somebody read to them. People who have not signed in send no requests, so there is
no mark of them.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.corpus import ids_of
from recommender.database.days import day_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.service_tables import ReadingKey, ReadingMark, SentAfterwards
from recommender.database.storing import insert_or_keep, inserting
from recommender.database.tables import Document, HelpRequest, Team, utc_now
from recommender.datatypes import Kind
from recommender.knowledge.keyed_digest import keyed_digest
from recommender.knowledge.outcomes import EventKind

DAYS_KEPT = 7
"""Days for which it can be told that somebody who read an answer has sent a request, with the day itself."""
FOUR_WEEKS = 28
KINDS = (EventKind.SOLVED, EventKind.LEFT)


def note(session: Session, kind: EventKind, item: str, who: str, secret: str) -> None:
    """Note that this person has caused an outcome of an item, until its key is destroyed. Only for KINDS, for people
    who have signed in (`person:5`) and items of a team. `secret` is the key of the installation."""
    team = _team_of(session, item) if kind in KINDS and who.startswith("person:") else None
    if team is None:
        return
    today = day_of(utc_now())
    topics = _topics_of(session, [item], {EVERYONE, f"team:{team.handle}"})
    digest = keyed_digest(_key_of(session, today), secret, kind, who, _subject(item, topics))
    values = {"kind": str(kind), "team_id": team.id, "topic_id": topics[0] if topics else None, "sent": False}
    mark = inserting(session, ReadingMark).values(digest=digest, day=today, times=1, **values)
    again = {"times": ReadingMark.times + 1}
    session.execute(mark.on_conflict_do_update(index_elements=[ReadingMark.digest], set_=again))


def take_back(session: Session, kind: EventKind, item: str, who: str, secret: str) -> None:
    """Forget what `note` has noted, as far as it can still be told whose it was."""
    team = _team_of(session, item)
    topics = _topics_of(session, [item], {EVERYONE, f"team:{team.handle}"}) if team else []
    for digest in _digests(session, secret, (kind,), who, [_subject(item, topics)]):
        mark = session.get(ReadingMark, digest)
        if mark is not None:
            mark.times -= 1
            if mark.times == 0:
                session.delete(mark)
            session.flush()
            return


def request_sent(session: Session, attempts: Iterable[tuple[str, bool]], who: str, secret: str) -> None:
    """Note that this person has sent a request. `attempts` are (item key, opened) of the suggestions that they had seen
    before, in their order. The request is taken to be on the topics of those they opened, and of the first one."""
    attempts = list(attempts)
    items = [item for place, (item, opened) in enumerate(attempts) if opened or place == 0]
    subjects = {_subject(item, []) for item in items} | {_subject("", [topic]) for topic in _topics_of(session, items)}
    digests = list(_digests(session, secret, KINDS, who, subjects))
    session.execute(update(ReadingMark).where(ReadingMark.digest.in_(digests)).values(sent=True))


def forget_who(session: Session, today: date) -> None:
    """Destroy the keys that are seven days old, and the marks that were made with them; count those after which a
    request was sent."""
    oldest = today - timedelta(days=DAYS_KEPT)
    session.execute(delete(ReadingKey).where(ReadingKey.day <= oldest))
    columns = (ReadingMark.team_id, ReadingMark.topic_id, ReadingMark.kind, ReadingMark.day, ReadingMark.times)
    old = delete(ReadingMark).where(ReadingMark.day <= oldest).returning(*columns, ReadingMark.sent)
    counted: Counter[tuple[int, int | None, str, date]] = Counter()
    for team_id, topic_id, kind, day, times, sent in session.execute(old).all():
        if sent:
            counted[team_id, topic_id, kind, four_weeks(day)] += times
    for (team_id, topic_id, kind, since), times in counted.items():
        same = (
            SentAfterwards.team_id == team_id,
            SentAfterwards.topic_id.is_not_distinct_from(topic_id),
            SentAfterwards.kind == kind,
            SentAfterwards.since == since,
        )
        row = session.scalars(select(SentAfterwards).where(*same).limit(1)).first()
        if row is None:
            row = SentAfterwards(team_id=team_id, topic_id=topic_id, kind=kind, since=since, times=0)
            session.add(row)
        row.times += times
    session.flush()


def four_weeks(day: date) -> date:
    """The Monday on which the four weeks begin to which a day belongs. They are the same for everybody."""
    return date.fromordinal((day.toordinal() - 1) // FOUR_WEEKS * FOUR_WEEKS + 1)  # day 1 was a Monday


def _subject(item: str, topics: list[int]) -> str:
    """What a mark is about: the topic of the item, else the item itself."""
    return f"topic:{topics[0]}" if topics else item


def _topics_of(session: Session, items: Collection[str], tokens: Collection[str] | None = None) -> list[int]:
    """Ids of the topics of these items; with `tokens` only of topics for these. Those for everybody come first."""
    query = (
        select(TopicRow.id)
        .join(TopicItem, TopicItem.topic_id == TopicRow.id)
        .where(TopicItem.item.in_(items), TopicRow.ended_on.is_(None))
        .order_by(TopicRow.audience != EVERYONE, TopicRow.id)
    )
    if tokens is not None:
        query = query.where(TopicRow.audience.in_(sorted(tokens)))
    return list(session.scalars(query))


def _team_of(session: Session, item: str) -> Team | None:
    """The team of an item, or None."""
    request = next((session.get(HelpRequest, number) for number in ids_of([item], Kind.REQUEST)), None)
    document = next((session.get(Document, number) for number in ids_of([item], Kind.DOCUMENT)), None)
    row = request or document
    return row.team if row is not None else None


def _key_of(session: Session, today: date) -> str:
    """The key of today, which is made when there is none."""
    forget_who(session, today)
    return insert_or_keep(session, ReadingKey, {"day": today}, {"key": secrets.token_hex(32)}).key


def _digests(
    session: Session, secret: str, kinds: Collection[EventKind], who: str, subjects: Collection[str]
) -> Iterator[str]:
    """The digests of all marks that this person may have left on these subjects, the newest first."""
    forget_who(session, day_of(utc_now()))
    for key in session.scalars(select(ReadingKey.key).order_by(ReadingKey.day.desc())).all():
        yield from (keyed_digest(key, secret, kind, who, subject) for kind in kinds for subject in sorted(subjects))
