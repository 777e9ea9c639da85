"""How well the documents of a team are kept, for its members: which are verified, used and found, which need a look.

Everything is told as somebody knows it who may read what the whole team may, and nothing else."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS
from recommender.database.days import current_day
from recommender.database.tables import Document, HelpRequest, RequestAttempt, Team
from recommender.datatypes import Heading, Kind, item_key
from recommender.insights.gaps.gap import GapKind, gaps
from recommender.insights.topics.topic import reader_of
from recommender.knowledge import documents, outcomes


class Problem(StrEnum):
    """What may be wrong with a document, the most pressing first."""

    FLAGGED = "flagged"  # somebody said that it is wrong or outdated
    CONTRADICTED = "contradiction"  # a newer answer says something else
    CHANGED = "changed"  # answers have changed since
    DUE = "due"  # its review is due
    NO_OWNER = "no_owner"  # nobody who is here keeps it
    NOT_VERIFIED = "not_verified"
    ONE_LANGUAGE = "one_language"  # asked in another language
    UNSEEN = "unseen"  # no past question finds it


_OF_GAPS = {
    GapKind.CONTRADICTION: Problem.CONTRADICTED,
    GapKind.CHANGED: Problem.CHANGED,
    GapKind.ONE_LANGUAGE: Problem.ONE_LANGUAGE,
    GapKind.UNSEEN: Problem.UNSEEN,
}


@dataclass(frozen=True)
class DocumentHealth:
    """A document with what may be wrong with it, the day it was last verified, how often it helped, and before how many
    requests it was shown and opened."""

    heading: Heading
    problems: tuple[Problem, ...]
    verified_on: date | None
    helped: int
    shown: int
    opened: int


def document_health(session: Session, reader: Reader, team_id: int, today: date | None = None) -> list[DocumentHealth]:
    """The documents of a team for its members, those with the most pressing problems first; none for others."""
    team = session.get(Team, team_id)
    if team is None or team_id not in reader.team_ids:
        return []
    today, of_team = today or current_day(), reader_of(session, f"team:{team.handle}")
    query = select(Document).where(Document.team_id == team_id, SEARCHABLE_DOCUMENTS, readable_documents(of_team))
    rows = session.scalars(query.options(joinedload(Document.owner)).order_by(Document.id)).unique().all()
    keys = [item_key(Kind.DOCUMENT, row.id) for row in rows]
    usage, shown = outcomes.usage(session, keys, of_team), _shown(session, keys, of_team)
    in_gaps = defaultdict[str, set[Problem]](set)
    for gap in gaps(session, reader, team_id):
        if gap.kind in _OF_GAPS:
            said_before = gap.kind is GapKind.CONTRADICTION  # then the older one is to be looked at
            item = gap.items[-1] if said_before else gap.items[0]
            in_gaps[item.key].add(_OF_GAPS[gap.kind])
    found = []
    for row, key in zip(rows, keys, strict=True):
        problems = in_gaps[key] | _own_problems(row, usage[key], today)
        heading = Heading(key, Kind.DOCUMENT, row.title, row.language, team.handle)
        ordered = tuple(sorted(problems, key=_ORDER.index))
        times, opened = shown.get(key, (0, 0))
        found.append(DocumentHealth(heading, ordered, row.verified_on, usage[key].used, times, opened))
    return sorted(found, key=_place)


_ORDER = tuple(Problem)


def _place(health: DocumentHealth) -> tuple[int, int, str, str]:
    first = _ORDER.index(health.problems[0]) if health.problems else len(_ORDER)
    return first, -len(health.problems), health.heading.title.casefold(), health.heading.key


def _own_problems(row: Document, usage: outcomes.Usage, today: date) -> set[Problem]:
    """What the document itself says."""
    due = documents.due_on(row)
    found = {
        Problem.FLAGGED: usage.flags > 0,
        Problem.DUE: row.verified_on is not None and due is not None and due <= today,
        Problem.NO_OWNER: row.owner is None or row.owner.has_left(today),
        Problem.NOT_VERIFIED: row.verified_on is None,
    }
    return {problem for problem, is_there in found.items() if is_there}


def _shown(session: Session, keys: Collection[str], reader: Reader) -> dict[str, tuple[int, int]]:
    """(before how many requests it was shown, before how many of them it was opened) of each document, among the
    requests that the reader may read."""
    rows = session.execute(
        select(RequestAttempt.item, RequestAttempt.opened)
        .join(HelpRequest, HelpRequest.id == RequestAttempt.request_id)
        .where(RequestAttempt.item.in_(keys), HelpRequest.hidden.is_(False), readable_requests(reader))
    ).all()
    shown, opened = Counter(item for item, _ in rows), Counter(item for item, was_opened in rows if was_opened)
    return {item: (count, opened[item]) for item, count in shown.items()}
