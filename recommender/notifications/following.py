"""Following somebody else's request, and having the same problem ("me too"). How many have it is for the team that
handles it; who they are is for nobody. Functions leave the commit to the caller."""

from collections.abc import Collection

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from recommender.database.storing import insert_or_update
from recommender.database.tables import HelpRequest, Person
from recommender.database.told_tables import RequestFollow


def following(session: Session, request: HelpRequest, person: Person) -> tuple[bool, bool]:
    """(whether the person follows the request, whether they have the same problem)."""
    row = session.get(RequestFollow, (person.id, request.id))
    return (row.follows, row.me_too) if row else (False, False)


def follow(session: Session, request: HelpRequest, person: Person, *, follows: bool, me_too: bool) -> None:
    """Store whether a person who may read the request follows it and has the same problem. Does nothing for its
    asker."""
    if request.asked_by_id == person.id:
        return
    if follows or me_too:
        key = {"person_id": person.id, "request_id": request.id}
        insert_or_update(session, RequestFollow, key, {"follows": follows, "me_too": me_too})
    else:
        mine = RequestFollow.person_id == person.id, RequestFollow.request_id == request.id
        session.execute(delete(RequestFollow).where(*mine))


def follow_instead(session: Session, request: HelpRequest, other: HelpRequest) -> None:
    """Let who follows a request, or has its problem, follow the one that it was merged into. Its asker has the problem
    of that one now, and is told when it is solved. That everybody may read the other one was checked by the caller."""
    rows = session.scalars(select(RequestFollow).where(RequestFollow.request_id == request.id)).all()
    moved = {row.person_id: (row.follows, row.me_too) for row in rows}
    if request.asked_by_id is not None:
        moved[request.asked_by_id] = (False, True)
    for number, (follows, me_too) in moved.items():
        person = session.get_one(Person, number)
        already = following(session, other, person)
        follow(session, other, person, follows=follows or already[0], me_too=me_too or already[1])


def have_it_too(session: Session, request_ids: Collection[int]) -> dict[int, int]:
    """How many people have said that they have the same problem, by the id of the request; only for the agents who
    handle these requests."""
    query = select(RequestFollow.request_id, func.count()).where(
        RequestFollow.request_id.in_(sorted(request_ids)), RequestFollow.me_too
    )
    return {number: count for number, count in session.execute(query.group_by(RequestFollow.request_id))}
