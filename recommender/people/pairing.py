"""Who watches whom: the pairings of the transfer plan, for the choice of colleagues. While a pairing goes on, questions
of its topic go first to the one who knows, and those who handle them see which colleague wants to watch."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.reading import KEYS, TOKENS, one_of, rows
from recommender.database.risk_tables import PAIR, STARTED, TransferAct
from recommender.database.tables import Person


def watchers(session: Session, items: Collection[str], reader: Reader) -> dict[int, str]:
    """The name of the colleague who watches, by the id of the one who knows, for questions to which these items are
    near: where more of them belong to the topic of a pairing than to any other topic that the reader may see."""
    tokens = sorted(reader.tokens)
    pairs = rows(session, _PAIRS, tokens=tokens) if items else []
    if not pairs:
        return {}
    counts: dict[int, int] = {}
    for (topic,) in rows(session, _TOPICS, keys=sorted(items), tokens=tokens):
        counts[topic] = counts.get(topic, 0) + 1
    most = max(counts.values(), default=0)
    return {
        person: name for topic, person, name in pairs if person is not None and most and counts.get(topic, 0) == most
    }


_PAIRS = (
    select(TransferAct.topic_id, TransferAct.person_id, Person.name)
    .join(Person, Person.id == TransferAct.colleague_id)
    .join(TopicRow, TopicRow.id == TransferAct.topic_id)
    .where(
        one_of(TopicRow.audience, TOKENS),
        TransferAct.kind == PAIR,
        TransferAct.state == STARTED,
        TransferAct.person_id.is_not(None),
    )
    .order_by(TransferAct.id)
)
_TOPICS = (
    select(TopicItem.topic_id)
    .join(TopicRow, TopicRow.id == TopicItem.topic_id)
    .where(one_of(TopicItem.item, KEYS), one_of(TopicRow.audience, TOKENS), TopicRow.ended_on.is_(None))
)
