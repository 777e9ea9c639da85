"""Whether the database is whole: its file, its references, and what the tables cannot enforce."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import ANY_AGENT, EVERYONE
from recommender.corpus import is_key
from recommender.database import dialects
from recommender.database.item_tables import Replacement
from recommender.database.tables import (
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    RequestAudience,
    Team,
)
from recommender.datatypes import Kind, item_key
from recommender.sentences.sentence import Sentence

_MOST = 20  # problems of one kind that are named: a judgement


def database_problems(session: Session) -> Iterator[str]:
    """A sentence about each problem, with what to do."""
    yield from dialects.of(session.get_bind()).problems(session, _MOST)
    yield from _audiences(session)
    yield from _replacements(session)


def _audiences(session: Session) -> Iterator[str]:
    """Reader tokens of teams and people that do not exist: nobody has them, so fewer people than intended may read."""
    known = {EVERYONE, ANY_AGENT}
    known |= {f"team:{handle}" for handle in session.scalars(select(Team.handle))}
    known |= {f"person:{number}" for number in session.scalars(select(Person.id))}
    for kind, table, column in (
        (Kind.REQUEST, RequestAudience, RequestAudience.request_id),
        (Kind.DOCUMENT, DocumentAudience, DocumentAudience.document_id),
    ):
        unknown = select(column, table.token).where(table.token.not_in(known)).order_by(column).limit(_MOST)
        for identifier, token in session.execute(unknown):
            yield Sentence(
                "%(item)s may be read by %(token)s, which does not exist. Choose its readers anew.",
                item=item_key(kind, identifier),
                token=token,
            )


def _replacements(session: Session) -> Iterator[str]:
    """Marks whose items have never existed; items that were deleted are allowed."""
    newest = {
        Kind.REQUEST: session.scalar(select(HelpRequest.id).order_by(HelpRequest.id.desc()).limit(1)) or 0,
        Kind.DOCUMENT: session.scalar(select(Document.id).order_by(Document.id.desc()).limit(1)) or 0,
    }
    for row in session.execute(select(Replacement.item, Replacement.by)):
        for key in row:
            kind, _, number = key.partition(":")
            if not is_key(key) or int(number) > newest[Kind(kind)]:
                yield Sentence(
                    "The mark that %(item)s is replaced by %(by)s names no item. Take the mark off.",
                    item=row.item,
                    by=row.by,
                )
                break
