"""Who watches whom: the pairings of the transfer plan, for the choice of colleagues. While a pairing goes on, questions
of its topic go first to the one who knows, and those who handle them see which colleague wants to watch."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import PAIR, STARTED, TransferAct
from recommender.database.tables import Person


def watchers(session: Session, items: Collection[str], reader: Reader) -> dict[int, str]:
    """The name of the colleague who watches, by the id of the one who knows, for questions to which these items are
    near: where more of them belong to the topic of a pairing than to any other topic that the reader may see."""
    pairs = session.execute(_PAIRS.where(TopicRow.audience.in_(sorted(reader.tokens)))).all() if items else []
    if not pairs:
        return {}
    counts: dict[int, int] = {}
    rows = session.execute(
        select(TopicItem.topic_id)
        .join(TopicRow, TopicRow.id == TopicItem.topic_id)
        .where(TopicItem.item.in_(sorted(items)), TopicRow.audience.in_(sorted(reader.tokens)))
        .where(TopicRow.ended_on.is_(None))
    )
    for (topic,) in rows:
        counts[topic] = counts.get(topic, 0) + 1
    most = max(counts.values(), default=0)
    return {
        person: name for topic, person, name in pairs if person is not None and most and counts.get(topic, 0) == most
    }


_PAIRS = (
    select(TransferAct.topic_id, TransferAct.person_id, Person.name)
    .join(Person, Person.id == TransferAct.colleague_id)
    .join(TopicRow, TopicRow.id == TransferAct.topic_id)
    .where(TransferAct.kind == PAIR, TransferAct.state == STARTED, TransferAct.person_id.is_not(None))
    .order_by(TransferAct.id)
)
