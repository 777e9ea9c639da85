"""Who stands for what is known: the people here who answered a request, and who keep a document while it is verified.

What counts, and why:
- A request counts for those who gave its answer: whose reply solved it or was voted for, else all who replied. Their
  texts stay when they leave, but nobody is left who can explain, mend or complete them.
- A document counts while somebody has verified it, its next review is not due and no flag on it is open. It counts for
  its owner and for who verified it. One that has neither is the team's, and stays whoever leaves.
- Services, people who have left or whose account is disabled, and people who marked an item as not their topic know
  nothing of it. An item that only they stood for does not count any more.
- Who watched a colleague answer (`transfer.py`) stands for those requests too, once that is done.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import ids_of
from recommender.database.account_tables import Account
from recommender.database.days import day_of
from recommender.database.risk_tables import DONE, PAIR, TransferAct, TransferActItem
from recommender.database.tables import Document, Event, Person
from recommender.datatypes import REPLIED, Contribution, Kind, Part, item_key
from recommender.insights.topics.questions import chunks
from recommender.knowledge.documents import due_on
from recommender.knowledge.outcomes import EventKind, who_declined
from recommender.people.evidence import contributions


@dataclass(frozen=True)
class Holders:
    """`parts` has, by item key, what the people here did for each item that counts; `of_team` are the keys of verified
    documents that belong to no person."""

    parts: Mapping[str, tuple[Contribution, ...]] = field(default_factory=dict)
    of_team: frozenset[str] = frozenset()

    def people(self, item: str) -> frozenset[int]:
        """The ids of the people who stand for an item."""
        return frozenset([part.person_id for part in self.parts.get(item, ())])

    def counts(self, item: str) -> bool:
        """True when somebody who is here stands for the item, or the team does."""
        return item in self.of_team or item in self.parts

    def counts_without(self, item: str, person: int) -> bool:
        """True when it still does when this person leaves."""
        return item in self.of_team or not self.people(item) <= {person}


def holders_of(session: Session, items: Collection[str], reader: Reader, now: datetime) -> Holders:
    """Who stands for these items, as far as `reader` may read them."""
    left = gone(session, day_of(now))
    parts: dict[str, tuple[Contribution, ...]] = {}
    of_team: set[str] = set()
    standing, watched = dict[str, bool](), _watched(session)
    for chunk in chunks([key for key in items if key.startswith(Kind.DOCUMENT)]):
        standing |= _verified(session, chunk, day_of(now))
    for key, did in contributions(session, items, reader, who_declined(session, items)).items():
        if key.startswith(Kind.DOCUMENT):
            if key in standing and not standing[key]:
                of_team.add(key)
            did = did if key in standing else ()
        elif key in watched or len(did) > 1:
            did = _answers((*did, *watched.get(key, ())))
        if left and did:
            did = tuple(part for part in did if part.person_id not in left)
        if did:
            parts[key] = did
    return Holders(parts, frozenset(of_team))


def _answers(parts: tuple[Contribution, ...]) -> tuple[Contribution, ...]:
    """The parts of those who gave the answer of a request, else of all who replied, and of those who watched."""
    gave = {part.person_id for part in parts if part.part is Part.ANSWERED}
    return tuple(part for part in parts if not gave or part.part is not Part.REPLIED or part.person_id in gave)


def gone(session: Session, today: date) -> frozenset[int]:
    """The ids of people who have left, or whose account is disabled."""
    query = select(Person.id).outerjoin(Account, Account.person_id == Person.id)
    return frozenset(session.scalars(query.where(or_(Person.left_on <= today, Account.disabled.is_(True)))))


def _verified(session: Session, keys: Collection[str], today: date) -> dict[str, bool]:
    """The documents that are verified, not due for a review and not flagged, by key; whether a person keeps them."""
    flagged = set(
        session.scalars(
            select(Event.item).where(Event.item.in_(keys), Event.kind == EventKind.FLAGGED, Event.settled.is_(False))
        )
    )
    rows = session.scalars(
        select(Document).where(Document.id.in_(ids_of(keys, Kind.DOCUMENT)), Document.verified_on.is_not(None))
    )
    result = {}
    for document in rows:
        key, due = item_key(Kind.DOCUMENT, document.id), due_on(document)
        if key not in flagged and (due is None or due > today):
            result[key] = document.owner_id is not None or document.verified_by_id is not None
    return result


def _watched(session: Session) -> dict[str, list[Contribution]]:
    """What colleagues have learned by watching, by the key of the request."""
    rows = session.execute(
        select(TransferActItem.item, TransferAct.colleague_id, TransferAct.ended_at)
        .join(TransferAct, TransferAct.id == TransferActItem.act_id)
        .where(TransferAct.kind == PAIR, TransferAct.state == DONE)
        .where(TransferAct.colleague_id.is_not(None))
    )
    watched = defaultdict[str, list[Contribution]](list)
    for item, colleague, ended_at in rows:
        if colleague is not None:
            watched[item].append(Contribution(colleague, REPLIED, ended_at or datetime.combine(date.min, time.min)))
    return watched
