"""Whether every attached file is on disk as it was attached."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.attachment_tables import REFUSED, Attachment
from recommender.datatypes import Kind, item_key
from recommender.files import FileStore
from recommender.sentences.sentence import Sentence, joined

_MOST = 20  # problems that are named: a judgement


def file_problems(session: Session, store: FileStore) -> Iterator[str]:
    """A sentence about each attached file that is missing or has changed, with what to do."""
    known: dict[str, str] = {}
    wrong: list[str] = []
    query = select(Attachment).where(Attachment.state != REFUSED).order_by(Attachment.id)
    for row in session.scalars(query.execution_options(yield_per=500)):
        if row.digest not in known:
            known[row.digest] = _problem(store, row.digest)
        if known[row.digest]:
            values = {"id": row.id, "item": _owner(row), "problem": known[row.digest]}
            wrong.append(Sentence("The file of attachment %(id)s (%(item)s): %(problem)s.", **values))
    take = Sentence("Take it from a backup: kollega restore FILE")
    yield from (joined([sentence, take], " ") for sentence in wrong[:_MOST])
    if more := len(wrong) - len(wrong[:_MOST]):
        yield Sentence("%(num)s more attached files are missing or have changed. Take them from a backup.", num=more)


def _problem(store: FileStore, digest: str) -> str:
    try:
        with store.local(digest) as path, path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return Sentence("it is missing")
    except (OSError, ValueError) as error:
        return Sentence("it cannot be read (%(reason)s)", reason=type(error).__name__)
    return "" if found == digest else Sentence("it has changed")


def _owner(row: Attachment) -> str:
    if row.request_id is not None:
        return item_key(Kind.REQUEST, row.request_id)
    return item_key(Kind.DOCUMENT, row.document_id) if row.document_id is not None else Sentence("not sent yet")
