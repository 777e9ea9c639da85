"""Internal notes beside a request, and the canned replies of a team: what agents write for each other.

A note belongs to the team that handles the request when it is written. Only agents of that team read it, also after the
request was moved: never the asker, other teams, the search, the API, mail, or a document drafted from the request.
A note on a request without a team is read by every agent while no team has it, and by its author.
The functions leave the commit to the caller.
"""

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, may_handle
from recommender.database.request_tables import CannedReply, InternalNote
from recommender.database.tables import HelpRequest, utc_now
from recommender.errors import NotAllowed

LONGEST_NOTE, LONGEST_CANNED, LONGEST_NAME = 10_000, 20_000, 100  # characters; judgements


def notes_of(session: Session, request: HelpRequest, reader: Reader) -> list[InternalNote]:
    """The notes on a request that this reader may read, oldest first; none for those who do not handle it."""
    if not may_handle(request, reader) or reader.person_id == request.asked_by_id:
        return []
    of_own_team = InternalNote.team_id.in_(sorted(reader.serves_teams))
    of_no_team = InternalNote.team_id.is_(None) if request.team_id is None else false()
    own = InternalNote.author_id == reader.person_id
    query = select(InternalNote).where(InternalNote.request_id == request.id, or_(of_own_team, of_no_team, own))
    return list(session.scalars(query.order_by(InternalNote.id)))


def add_note(session: Session, request: HelpRequest, reader: Reader, body: str) -> InternalNote:
    """Add a note. Raises NotAllowed unless the reader handles the request and is not its asker."""
    if not may_handle(request, reader) or reader.person_id == request.asked_by_id:
        raise NotAllowed("Only the agents of the team that handles a request can write notes on it.")
    note = InternalNote(
        request_id=request.id, team_id=request.team_id, author_id=reader.person_id, body=body[:LONGEST_NOTE],
        created_at=utc_now(),
    )  # fmt: skip
    session.add(note)
    session.flush()
    return note


def canned_of(session: Session, reader: Reader) -> list[CannedReply]:
    """The canned replies of the reader's teams, by name."""
    query = select(CannedReply).where(CannedReply.team_id.in_(sorted(reader.serves_teams)))
    return list(session.scalars(query.order_by(CannedReply.title, CannedReply.id)))


def canned(session: Session, number: int, reader: Reader) -> CannedReply | None:
    """A canned reply of one of the reader's teams; None when there is none with this number."""
    found = session.get(CannedReply, number)
    return found if found is not None and found.team_id in reader.serves_teams else None


def change_canned(session: Session, canned: CannedReply, title: str, body: str, before: str) -> bool:
    """Change a canned reply, whose text was `before` when its writer saw it. False when it was changed meanwhile into
    something else; then nothing is changed."""
    wanted = title[:LONGEST_NAME], body[:LONGEST_CANNED]
    if (canned.title, canned.body) != wanted and canned.body.split() != before.split():
        return False
    canned.title, canned.body = wanted
    session.flush()
    return True


def add_canned(session: Session, team_id: int, reader: Reader, title: str, body: str) -> CannedReply:
    """Add a canned reply to a team. Raises NotAllowed unless the reader is one of its agents."""
    if team_id not in reader.serves_teams:
        raise NotAllowed("Only the agents of a team can change its canned replies.")
    added = CannedReply(team_id=team_id, title=title[:LONGEST_NAME], body=body[:LONGEST_CANNED])
    session.add(added)
    session.flush()
    return added
