"""Deletes requests, documents and people for good.

Somebody who may run commands on the machine decides about it, so nothing is checked against a reader. The functions
change rows of the session and leave the commit to the caller. What they delete is overwritten in the file of the
database; `forget_pages` does the rest after the commit. Backups that were made before still have everything.

Imports ask `was_erased`, so that they do not bring back what was erased.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Text, cast, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.audit import Actor
from recommender.database import dialects
from recommender.database.account_tables import Account
from recommender.database.attachment_tables import Attachment
from recommender.database.days import current_day
from recommender.database.details_tables import RequestDetails
from recommender.database.documents_tables import DocumentTranslation, DocumentVersion
from recommender.database.erased_table import Erased
from recommender.database.foreign_tables import ANY_SOURCE, ForeignPerson, PersonAddress
from recommender.database.gap_tables import GapItem, GapRow
from recommender.database.handover_tables import Handover
from recommender.database.import_tables import forget_handle, forget_imported, record_key
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.item_tables import Replacement
from recommender.database.request_tables import EarlierText, InternalNote
from recommender.database.risk_tables import TopicAnswer, TopicQuestion, TransferActItem
from recommender.database.sent_tables import OutcomeKey
from recommender.database.storing import insert_or_keep
from recommender.database.tables import (
    Document,
    DocumentAudience,
    Event,
    HelpRequest,
    Person,
    Reply,
    RequestAttempt,
    RequestAudience,
    RequestLink,
)
from recommender.database.words_tables import Pin
from recommender.datatypes import Kind, item_key
from recommender.knowledge import versions
from recommender.knowledge.erased_names import forget_name

PERSON, MAIL, HANDOVER = "person", "mail", "handover"


def erase_request(session: Session, request: HelpRequest, who: Actor) -> None:
    """Delete a request with its replies, its outcomes and everything that mentions its key, so that no import brings it
    back."""
    key = _delete_request(session, request)
    _remember_item(session, key, request.source, request.external_id)
    audit.record(session, who, "request.erased", key)


def remove_request(session: Session, request: HelpRequest, who: Actor) -> None:
    """Delete a request as `erase_request` does, because it was deleted in its source, which may bring it back."""
    audit.record(session, who, "request.removed", _delete_request(session, request))


def _delete_request(session: Session, request: HelpRequest) -> str:
    """Delete a request and what mentions it. Returns its key."""
    key = item_key(Kind.REQUEST, request.id)
    session.execute(update(Document).where(Document.drafted_from_id == request.id).values(drafted_from_id=None))
    links = or_(RequestLink.from_id == request.id, RequestLink.to_id == request.id)
    session.execute(delete(RequestLink).where(links))
    session.execute(delete(Event).where(Event.request_id == request.id))
    sent_on = session.get(Handover, request.id)
    if sent_on is not None:
        remember_ticket(session, sent_on.source, sent_on.external_id)
        _remember(session, HANDOVER, sent_on.key)
    _forget_item(session, key, request.source, request.external_id)
    answers = [record_key("answer", request.external_id or "", reply.external_id or "") for reply in request.replies]
    forget_imported(session, answers, request.source)
    session.delete(request)
    session.flush()
    return key


def remember_ticket(session: Session, source: str | None, external_id: str | None) -> None:
    """Remember that the request of which a ticket was made is deleted, so that the ticket does not become a request."""
    if source and external_id:
        _remember(session, "request", source, external_id)


def erase_document(session: Session, document: Document, who: Actor) -> None:
    """Delete a document with its outcomes and everything that mentions its key. No import brings it back."""
    key = _delete_document(session, document)
    _remember_item(session, key, document.source, document.external_id)
    audit.record(session, who, "document.erased", key)


def remove_document(session: Session, document: Document, who: Actor) -> None:
    """Delete a document as `erase_document` does, because it was deleted in its source, which may bring it back."""
    audit.record(session, who, "document.removed", _delete_document(session, document))


def _delete_document(session: Session, document: Document) -> str:
    """Delete a document and what mentions it. Returns its key."""
    key = item_key(Kind.DOCUMENT, document.id)
    _forget_item(session, key, document.source, document.external_id)
    session.execute(delete(DocumentVersion).where(DocumentVersion.document_id == document.id))
    pair = or_(DocumentTranslation.document_id == document.id, DocumentTranslation.original_id == document.id)
    session.execute(delete(DocumentTranslation).where(pair))
    session.delete(document)
    session.flush()
    return key


def erase_person(session: Session, person: Person, who: Actor, with_requests: bool = False) -> Counter[str]:
    """Delete a person, their account, settings and counts. What they wrote stays without their name, but not what they
    had changed or withdrawn; with `with_requests` the requests they asked are deleted too. Returns how many rows
    changed, by what became of them."""
    done: Counter[str] = Counter()
    if with_requests:
        for request in session.scalars(select(HelpRequest).where(HelpRequest.asked_by_id == person.id)).all():
            erase_request(session, request, who)
            done["requests deleted"] += 1
    for what, column in (
        ("requests without their asker", HelpRequest.asked_by_id),
        ("requests without the colleague they were assigned to", HelpRequest.assigned_to_id),
        ("replies without their author", Reply.author_id),
        ("documents without their owner", Document.owner_id),
        ("documents without the colleague who verified them", Document.verified_by_id),
    ):
        changed = session.execute(update(column.class_).where(column == person.id).values({column: None}))
        done[what] = changed.rowcount  # type: ignore[attr-defined]
    for table in (RequestAudience, DocumentAudience):
        session.execute(delete(table).where(table.token == f"person:{person.id}"))
    versions.forget_person(session, person.id)
    session.execute(delete(EarlierText).where(EarlierText.author_id == person.id))
    session.execute(delete(Account).where(Account.person_id == person.id))
    _remember_person(session, person)
    forget_name(session, person, who)
    subject = f"person:{person.id}"
    session.delete(person)
    session.flush()
    audit.erase_details(session, {subject, *_earlier_subjects(session, subject)})
    audit.record(session, who, "person.erased", subject, {"with requests": with_requests})
    return +done  # without zeros


def _earlier_subjects(session: Session, subject: str) -> set[str]:
    """What the audit log calls the accounts that have become one with this person's."""
    merged = audit.entries(session, action="person.merged", subject=subject)
    return {f"person:{entry.details['person']}" for entry in merged if entry.details}


def mentions(session: Session, person: Person) -> Iterator[str]:
    """Keys of the items whose texts, or the names or texts of whose files, contain the person's name or user name,
    whoever wrote it."""
    texts = {person.name, person.handle} - {""}
    in_request = [column.icontains(name, autoescape=True) for name in texts for column in _REQUEST_TEXTS]
    in_reply = [Reply.body.icontains(name, autoescape=True) for name in texts]
    in_document = [column.icontains(name, autoescape=True) for name in texts for column in _DOCUMENT_TEXTS]
    beside = [
        exists().where(table.request_id == HelpRequest.id, table.body.icontains(name, autoescape=True))
        for name in texts
        for table in (InternalNote, EarlierText)
    ]
    beside += [exists().where(RequestDetails.request_id == HelpRequest.id, _said_in(name)) for name in texts]
    in_file = or_(*(column.icontains(name, autoescape=True) for name in texts for column in _FILE_TEXTS))
    files = HelpRequest.id.in_(select(Attachment.request_id).where(Attachment.request_id.is_not(None), in_file))
    requests = select(HelpRequest.id).where(or_(*in_request, HelpRequest.replies.any(or_(*in_reply)), *beside, files))
    yield from (item_key(Kind.REQUEST, number) for number in session.scalars(requests.order_by(HelpRequest.id)))
    in_version = [column.icontains(name, autoescape=True) for name in texts for column in _VERSION_TEXTS]
    earlier = select(DocumentVersion.document_id).where(or_(*in_version))
    files = Document.id.in_(select(Attachment.document_id).where(Attachment.document_id.is_not(None), in_file))
    documents = select(Document.id).where(or_(*in_document, Document.id.in_(earlier), files)).order_by(Document.id)
    yield from (item_key(Kind.DOCUMENT, number) for number in session.scalars(documents))


def _said_in(name: str) -> ColumnElement[bool]:
    """A condition on details of a request that name somebody, in JSON as it is stored."""
    written = json.dumps(name)[1:-1]
    columns = (RequestDetails.properties, RequestDetails.attachments)
    return or_(*(cast(column, Text).icontains(written, autoescape=True) for column in columns))


def was_erased(session: Session, kind: str, *name: str) -> bool:
    """True when the request or document with this source and external id, or the person with this handle, this source
    and id there, this digest of a mail address, or the request that was sent on with this key, has been erased here.
    `kind` is "request", "document", PERSON, MAIL or HANDOVER."""
    return session.get(Erased, _digest(kind, *name)) is not None


def erased_among(session: Session, names: Sequence[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Those of the names, each as in `was_erased`, that have been erased here."""
    if not names or session.scalar(select(Erased.digest).limit(1)) is None:
        return set()
    digests = {_digest(*name): name for name in names}
    return {digests[found] for found in session.scalars(select(Erased.digest).where(Erased.digest.in_(digests)))}


def forget(session: Session, kind: str, *name: str) -> None:
    """Let imports bring in again what was erased under this name (as in `was_erased`)."""
    session.execute(delete(Erased).where(Erased.digest == _digest(kind, *name)))


def forget_pages(session: Session) -> None:
    """Remove what the database keeps of the rows from before the erasure, as SQLite does in its write-ahead log. Call
    it after the commit; it waits for others who are reading."""
    dialects.of(session.get_bind()).forget_pages(session)


_REQUEST_TEXTS = (HelpRequest.title, HelpRequest.body, HelpRequest.resolution)
_DOCUMENT_TEXTS = (Document.title, Document.body)
_FILE_TEXTS = (Attachment.name, Attachment.text)
_VERSION_TEXTS = (DocumentVersion.title, DocumentVersion.body)


def _forget_item(session: Session, key: str, source: str, external_id: str | None) -> None:
    """Delete what mentions an item by its key, the names of its topics, and what was imported of it."""
    session.execute(delete(Event).where(Event.item == key))
    session.execute(delete(OutcomeKey).where(OutcomeKey.item == key))
    session.execute(delete(RequestAttempt).where(RequestAttempt.item == key))
    session.execute(delete(Replacement).where(or_(Replacement.item == key, Replacement.by == key)))
    session.execute(delete(Pin).where(Pin.item == key))
    topics = select(TopicItem.topic_id).where(TopicItem.item == key)
    named = or_(TopicRow.name_fi != "", TopicRow.name_en != "")
    session.execute(update(TopicRow).where(TopicRow.id.in_(topics), named).values(name_fi="", name_en=""))
    session.execute(delete(TopicItem).where(TopicItem.item == key))
    session.execute(delete(GapRow).where(GapRow.id.in_(select(GapItem.gap_id).where(GapItem.item == key))))
    for column in (TopicQuestion.question, TopicAnswer.question, TopicAnswer.item, TransferActItem.item):
        session.execute(delete(column.class_).where(column == key))
    audit.erase_details(session, {key})
    if external_id is not None:
        forget_imported(session, [record_key(key.partition(":")[0], external_id)], source)


def _remember_person(session: Session, person: Person) -> None:
    """Remember that a person was erased, under every name and address by which sources know them."""
    _remember(session, PERSON, person.handle)
    forget_handle(session, person.handle)
    for known in session.scalars(select(ForeignPerson).where(ForeignPerson.person_id == person.id)):
        _remember(session, PERSON, *([known.source] if known.source != ANY_SOURCE else []), known.foreign_id)
        forget_handle(session, known.foreign_id)
    for address in session.scalars(select(PersonAddress).where(PersonAddress.person_id == person.id)):
        session.merge(Erased(digest=_digest(MAIL, address.mail_digest), erased_on=current_day()))
    for table in (ForeignPerson, PersonAddress):
        session.execute(delete(table).where(table.person_id == person.id))


def _remember_item(session: Session, key: str, source: str, external_id: str | None) -> None:
    if external_id is not None:
        _remember(session, key.partition(":")[0], source, external_id)


def _remember(session: Session, kind: str, *name: str) -> None:
    """Remember that something was erased, and forget what was imported of it."""
    insert_or_keep(session, Erased, {"digest": _digest(kind, *name)}, {"erased_on": current_day()})
    forget_imported(session, [record_key(kind, name[-1])], name[0] if len(name) > 1 else None)


def _digest(kind: str, *name: str) -> str:
    return hashlib.sha256("\0".join((kind, *name)).encode("utf-8", "surrogatepass")).hexdigest()
