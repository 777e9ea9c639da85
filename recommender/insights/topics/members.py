"""The items of topics with what the insights need of each, read by one statement for each kind of item: of very many
items that takes a fraction of the time of reading them by their keys, and it is needed at several places."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from sys import intern
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import RESOLVED, Document, HelpRequest
from recommender.datatypes import Kind, item_key
from recommender.insights.topics.stored import id_in_topic
from recommender.insights.topics.topic import reader_of


class Member(NamedTuple):
    """An item of a topic: its key, the id of the team that handles it, its language, when the request was asked or the
    document was written, and when it was last changed."""

    key: str
    team_id: int | None
    language: str
    created_at: datetime
    changed_at: datetime


Members = dict[int, list[Member]]
"""The items of topics, by topic."""
MembersOf = Callable[[Session, str], Members]
"""Gives the items of the topics of an audience, as `members_of_topics` does."""


def members_of_topics(session: Session, audience: str) -> Members:
    """The items of each topic of an audience, by topic, that are there, answered, and that all of it may read."""
    reader = reader_of(session, audience)
    present = TopicRow.audience == audience, TopicRow.ended_on.is_(None)
    of_topics = select(TopicItem.topic_id).join(TopicRow, TopicRow.id == TopicItem.topic_id).where(*present)
    members: Members = {topic: [] for topic in sorted(session.scalars(of_topics.distinct()))}
    of_requests = SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader)
    of_documents = SEARCHABLE_DOCUMENTS, readable_documents(reader)
    for kind, table, created_at, there in (
        (Kind.REQUEST, HelpRequest, HelpRequest.created_at, of_requests),
        (Kind.DOCUMENT, Document, Document.written_at, of_documents),
    ):
        query = select(TopicItem.topic_id, table.id, table.team_id, table.language, created_at, table.updated_at)
        query = query.join(TopicRow, TopicRow.id == TopicItem.topic_id).join(table, table.id == id_in_topic(kind))
        for topic, number, team, language, at, changed_at in session.execute(query.where(*present, *there)):
            of_topic = members.setdefault(topic, [])  # a topic that was stored since the first statement
            of_topic.append(Member(item_key(kind, number), team, intern(language), at, changed_at))
    return members


def read_once() -> MembersOf:
    """What gives the items of the topics of an audience as they were when it was asked for them first, for what is
    computed one after the other."""
    read: dict[str, Members] = {}

    def members_of(session: Session, audience: str) -> Members:
        if audience not in read:
            read[audience] = members_of_topics(session, audience)
        return read[audience]

    return members_of


def keys_of(members: Mapping[int, Iterable[Member]]) -> dict[int, frozenset[str]]:
    """The keys of the items of each topic."""
    return {topic: frozenset([member.key for member in of_topic]) for topic, of_topic in members.items()}


def requests_among(members: Collection[Member]) -> Sequence[Member]:
    """Those that are requests."""
    return [member for member in members if member.key.startswith(Kind.REQUEST)]
