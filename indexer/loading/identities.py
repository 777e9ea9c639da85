"""Finds out who the person of a source is here: by mail address, then by the id in that source, then by handle.

Nobody is here twice: sources that know a person by the same address name one person. An address that is shared, such as
that of a desk, names nobody. Being the same person gives no role and no rights.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.sources.records import (
    AnswerRecord,
    DocumentRecord,
    PersonRecord,
    QuestionRecord,
    Record,
    RequestRecord,
)
from recommender.database.account_tables import Account
from recommender.database.foreign_tables import ANY_SOURCE, ForeignPerson, PersonAddress, address_digest, person_named
from recommender.database.handles import usable_handle
from recommender.database.person_kind import PERSON, SERVICE, guess_kind
from recommender.database.tables import Person
from recommender.knowledge.erasure import MAIL, was_erased
from recommender.knowledge.erasure import PERSON as ERASED_PERSON


def find_person(session: Session, source: str, record: PersonRecord, is_known: bool) -> Person | None:
    """The person of a record; None when they are not here yet. A source that has named them before (`is_known`) may
    give another address later; where it has not, somebody with the same handle and another address is somebody else."""
    address = address_of(record)
    if address is not None and (known := _person_of(session, address)) is not None:
        return known
    foreign = session.get(ForeignPerson, (source, record.id))
    if foreign is not None:
        return session.get(Person, foreign.person_id)
    person = session.scalar(select(Person).where(Person.handle == record.id).with_for_update(of=Person))
    person = person or person_named(session, record.id)
    if person is None or (address is not None and not is_known and _has_another(session, person)):
        return None
    return person


def free_handle(session: Session, source: str, record: PersonRecord) -> str:
    """The handle of a new person: the id of the record, or one made of it where somebody else has that."""
    wanted, number = record.id, 0
    while person_named(session, wanted) is not None:
        number += 1
        wanted = usable_handle(f"{record.id}-{source}{'' if number == 1 else f'-{number}'}")
    return wanted


def is_erased(session: Session, source: str, record: PersonRecord) -> bool:
    """True when the person of a record was erased here, under whatever name."""
    address = address_of(record)
    names = [(ERASED_PERSON, record.id), (ERASED_PERSON, source, record.id)]
    names += [(MAIL, address_digest(address))] if address is not None else []
    return any(was_erased(session, *name) for name in names)


def remember_person(session: Session, source: str, record: PersonRecord, person: Person) -> None:
    """Remember by which id and address a source knows a person, so that they are found again."""
    if record.id != person.handle:
        session.merge(ForeignPerson(source=source, foreign_id=record.id, person_id=person.id))
    address = address_of(record)
    if address is not None and session.get(PersonAddress, address_digest(address)) is None:
        session.add(PersonAddress(mail_digest=address_digest(address), person_id=person.id))


def address_of(record: PersonRecord) -> str | None:
    """The mail address by which the person of a record can be known: one that is theirs alone."""
    address = (record.email or "").strip().lower()
    return address if "@" in address and guess_kind(address, "") == PERSON else None


def stated_kind(record: PersonRecord) -> str | None:
    """SERVICE for a record whose address is that of a desk or program, when it does not say what it is."""
    if record.kind is None and record.email and guess_kind(record.email.strip(), record.name) == SERVICE:
        return SERVICE
    return record.kind


def handles_here(session: Session, source: str, named: Collection[str]) -> dict[str, str]:
    """The handles here of those people whom a source knows by other ids, by these ids."""
    of_source = ForeignPerson.source.in_((source, ANY_SOURCE))
    if not named or session.scalar(select(ForeignPerson.foreign_id).where(of_source).limit(1)) is None:
        return {}
    query = select(ForeignPerson.foreign_id, Person.handle).join(Person, Person.id == ForeignPerson.person_id)
    query = query.where(of_source, ForeignPerson.foreign_id.in_(sorted(named)))
    query = query.order_by(ForeignPerson.source)  # what the source itself says comes last, and counts
    return {foreign: handle for foreign, handle in session.execute(query)}


def with_handles(record: Record, here: Mapping[str, str]) -> Record:
    """The record, which names people by their handles here."""
    if not here:
        return record
    match record:
        case QuestionRecord() if record.asked_by and record.asked_by in here:
            return record.model_copy(update={"asked_by": here[record.asked_by]})
        case AnswerRecord() if record.reply.author and record.reply.author in here:
            reply = record.reply.model_copy(update={"author": here[record.reply.author]})
            return record.model_copy(update={"reply": reply})
        case RequestRecord():
            replies = tuple(
                reply.model_copy(update={"author": here[reply.author]})
                if reply.author and reply.author in here
                else reply
                for reply in record.replies
            )
            asker = here.get(record.asked_by or "", record.asked_by)
            return record.model_copy(
                update={"asked_by": asker, "replies": replies, **_audience(record, record.audience, here)}
            )
        case DocumentRecord():
            owner = here.get(record.owner or "", record.owner)
            return record.model_copy(update={"owner": owner, **_audience(record, record.audience, here)})
    return record


def _audience(
    record: RequestRecord | DocumentRecord, audience: Collection[str] | None, here: Mapping[str, str]
) -> dict[str, object]:
    """The audience with the handles here. One that rules have made names people as they are here already."""
    if not audience or record.readers_there is not None:
        return {}
    names = [(token, token.removeprefix("person:")) for token in audience]
    tokens = (f"person:{here[name]}" if name != token and name in here else token for token, name in names)
    return {"audience": tuple(tokens)}


def _person_of(session: Session, address: str) -> Person | None:
    known = session.get(PersonAddress, address_digest(address))
    account = select(Account.person_id).where(Account.email == address)
    identifier = known.person_id if known is not None else session.scalar(account)
    return None if identifier is None else session.get(Person, identifier)


def _has_another(session: Session, person: Person) -> bool:
    """True when a person is known by an address, which is not that of the record that has found them by handle only."""
    known = select(PersonAddress.mail_digest).where(PersonAddress.person_id == person.id).limit(1)
    account = select(Account.email).where(Account.person_id == person.id, Account.email.is_not(None))
    return session.scalar(known) is not None or session.scalar(account) is not None
