"""The page of one document, which several views show."""

from flask import render_template
from sqlalchemy import select

from recommender import access
from recommender.access import Reader
from recommender.corpus import headings
from recommender.database.days import current_day
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Heading, Kind, item_key
from recommender.index.narrowing import Among
from recommender.knowledge import documents, outcomes, related, versions
from recommender.search.listing import find_alike
from web import current
from web.caller import may_search
from web.current import session
from web.documents.outline import outlined
from web.formatting import markdown_of_page
from web.replaced import ReplacedPart, replaced_part
from web.sign_in.session import current_reader


def document_page(document: Document, replaced: ReplacedPart | None = None) -> str:
    """The page of a document: its text as safe HTML, when it was verified, how often it was used, its flags, and what
    has replaced it. `replaced` is that last part with what was typed in its form."""
    reader, key = current_reader(), item_key(Kind.DOCUMENT, document.id)
    translations = related.translations(session(), document, reader)
    editable = access.may_edit(document, reader)
    return render_template(
        "documents/show.html",
        item=document,
        text=outlined(markdown_of_page(document.body)),
        editable=editable,
        due_on=documents.due_on(document),
        today=current_day(),
        usage=outcomes.usage(session(), [key], reader)[key],
        flags=outcomes.flags(session(), key) if editable else [],
        source=_source(document) if editable else None,
        shared=access.EVERYONE in access.document_audience(document),
        has_history=len(versions.history(session(), document, reader).versions) > 1,
        answered=related.answered(session(), document, reader),
        translations=translations,
        alike=_alike(document, reader, {each.document.id for each in translations}),
        may_write=bool(reader.serves_teams),
        replaced=replaced or replaced_part(document, reader),
    )


def _alike(document: Document, reader: Reader, translations: set[int]) -> list[Heading]:
    """Published documents about the same matter that the reader may read, the nearest first, without translations;
    none when the reader has searched too often."""
    if not may_search():
        return []
    leave_out = [item_key(Kind.DOCUMENT, number) for number in (document.id, *translations)]
    documents = Among(kind=Kind.DOCUMENT)
    keys = current.recommender().searching(
        document.title, lambda search: find_alike(search, reader, session(), leave_out, documents)
    )
    found = headings(session(), keys, reader)
    return [found[key] for key in keys if key in found]


def _source(document: Document) -> HelpRequest | None:
    """The request that a document was drafted from; None when there is none or this reader may not read it."""
    query = select(HelpRequest).where(HelpRequest.id == document.drafted_from_id, HelpRequest.hidden.is_(False))
    return session().scalar(query.where(access.readable_requests(current_reader())))
