"""Getters for what the current reader may read. They answer the same 404 for what is unknown and what this reader may
not read, so that nobody learns that it exists. Also the teams and their people, which everybody may see."""

from collections.abc import Collection
from dataclasses import dataclass

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from recommender import access
from recommender.access import Reader
from recommender.corpus import is_key, load_items
from recommender.database.attachment_tables import Attachment
from recommender.database.days import current_day
from recommender.database.request_tables import WithdrawnRequest
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, Reply, Team, team_members
from recommender.datatypes import Item
from web.current import session
from web.formatting import team_name
from web.sign_in.session import current_reader

PROFILE_ITEMS = 50  # a judgement: as many as somebody would read
_TEAMS = select(Team)  # built once, since each page asks


@dataclass(frozen=True)
class Profile:
    """A person as others see them: the newest requests that they resolved, and the newest documents that they own, at
    most PROFILE_ITEMS of each."""

    person: Person
    resolved: list[HelpRequest]
    documents: list[Document]
    left: bool
    away: bool


def get_request(request_id: int) -> HelpRequest:
    """A request with its replies and people; 404 when it is unknown, hidden, or this reader may not read it."""
    query = (
        select(HelpRequest)
        .where(HelpRequest.id == request_id, HelpRequest.hidden.is_(False), access.readable_requests(current_reader()))
        .options(
            joinedload(HelpRequest.asked_by),
            joinedload(HelpRequest.assigned_to),
            selectinload(HelpRequest.replies).joinedload(Reply.author),
            selectinload(HelpRequest.audience),
            selectinload(HelpRequest.attempts),
        )
    )
    help_request = session().scalar(query)
    if help_request is None:
        abort(404)
    return help_request


def get_withdrawn(request_id: int) -> HelpRequest | None:
    """A request that its asker has withdrawn, for the asker and those who handle it; else None."""
    reader = current_reader()
    query = select(HelpRequest).join(WithdrawnRequest, WithdrawnRequest.request_id == HelpRequest.id)
    found = session().scalar(query.where(HelpRequest.id == request_id, access.readable_requests(reader)))
    if found is None:
        return None
    asked = reader.person_id is not None and found.asked_by_id == reader.person_id
    return found if asked or access.may_handle(found, reader) else None


def get_document(document_id: int) -> Document:
    """A document with its people; 404 when it is unknown, this reader may not read it, or it is hidden and they may not
    edit it."""
    document = find_document(document_id)
    if document is None:
        abort(404)
    return document


def find_document(document_id: int) -> Document | None:
    """A document as in `get_document`; None where that answers 404."""
    reader = current_reader()
    query = (
        select(Document)
        .where(Document.id == document_id, access.readable_documents(reader))
        .options(joinedload(Document.owner), joinedload(Document.verified_by), selectinload(Document.audience))
    )
    document = session().scalar(query)
    return None if document is None or (document.hidden and not access.may_edit(document, reader)) else document


def get_attachment(attachment_id: int) -> tuple[Attachment, HelpRequest | Document | None]:
    """(an attached file, the request or document that it belongs to). 404 when it is unknown or this reader may not
    read what it belongs to. Before its form is sent it belongs to nothing, and only its uploader gets it."""
    reader = current_reader()  # first: who may read nothing must not learn which files exist
    row = session().get(Attachment, attachment_id)
    if row is None:
        abort(404)
    if row.request_id is not None:
        return row, get_request(row.request_id)
    if row.document_id is not None:
        return row, get_document(row.document_id)
    if reader.person_id is None or row.uploaded_by_id != reader.person_id:
        abort(404)
    return row, None


def get_item(key: str, reader: Reader) -> Item:
    """The item of a key as it is in the database now, also an open request; 404 when it is unknown or this reader may
    not read it."""
    item = find_item(key, reader)
    if item is None:
        abort(404)
    return item


def find_item(key: str, reader: Reader) -> Item | None:
    """The item as in `get_item`; None when it is unknown or this reader may not read it."""
    item = load_items(session(), [key]).get(key) if is_key(key) else None
    return item if item is not None and access.may_read(access.without_open_prefix(item.audience), reader) else None


def get_profile(handle: str) -> Profile:
    """A person by handle, with those of their items that the current reader may read; 404 when there is no such
    person."""
    reader, today = current_reader(), current_day()  # first: who may read nothing must not learn which names exist
    person = session().scalar(select(Person).where(Person.handle == handle))
    if person is None:
        abort(404)
    resolved = (
        select(HelpRequest)
        .where(
            HelpRequest.status == RESOLVED,
            HelpRequest.hidden.is_(False),
            HelpRequest.replies.any((Reply.author_id == person.id) & Reply.accepted),
            HelpRequest.asked_by_id.is_distinct_from(person.id),  # it would reveal an anonymous asker
            access.readable_requests(reader),
        )
        .order_by(HelpRequest.resolved_at.desc().nulls_last())
    )
    documents = (
        select(Document)
        .where(Document.owner_id == person.id, Document.hidden.is_(False), Document.draft.is_(False))
        .where(access.readable_documents(reader))
        .order_by(Document.written_at.desc())
    )
    return Profile(
        person,
        list(session().scalars(resolved.limit(PROFILE_ITEMS))),
        list(session().scalars(documents.limit(PROFILE_ITEMS))),
        left=person.has_left(today),
        away=is_away(person),
    )


def is_away(person: Person) -> bool:
    """True while a person is away, including the last day."""
    return bool(person.away_until and person.away_until >= current_day())


def team_rows() -> dict[str, Team]:
    """All teams, by handle."""
    return {team.handle: team for team in session().scalars(_TEAMS)}


def names_of(tokens: Collection[str]) -> list[str]:
    """The names of the teams and people that audience tokens stand for, in the order of the tokens."""
    teams, names = team_rows(), []
    for token in sorted(tokens):
        kind, _, name = token.partition(":")
        person = session().get(Person, int(name)) if kind == "person" and name.isdecimal() else None
        named = person.name if person else team_name(teams.get(name)) if kind == "team" else ""
        names.append(named or token)
    return names


def team_people(team: Team | None) -> list[Person]:
    """The agents of a team who have not left, by name."""
    if team is None:
        return []
    query = (
        select(Person)
        .join(team_members, team_members.c.person_id == Person.id)
        .where(team_members.c.team_id == team.id, Person.role.in_(access.AGENTS), Person.left_on.is_(None))
    )
    return list(session().scalars(query.order_by(Person.name)))


def led_by(person: Person | None) -> tuple[Team, ...]:
    """The teams whose pages a person may open, by handle: those they lead, all of them for an admin, who sees only
    topics that they may read. Empty for nobody."""
    if person is None:
        return ()
    may_open = [team for team in team_rows().values() if access.leads(person, team.id)]
    return tuple(sorted(may_open, key=lambda team: team.handle))
