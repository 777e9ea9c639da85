"""A page as the REST interface gives it, as records: the person who wrote it, and the document."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from indexer.sources.confluence.comments import Comment, with_comments
from indexer.sources.confluence.readers import UNKNOWN, Level, person, readers
from indexer.sources.records import DeletedRecord, DocumentRecord, Located, PersonRecord, first_problem
from indexer.sources.rest.paging import BEGINNING
from indexer.sources.tickets import file_name, moment, person_id
from indexer.sources.tickets import person as person_record
from indexer.texts.adf import from_adf
from indexer.texts.markdown import one_line
from indexer.texts.storage_format import from_storage_format
from recommender.database.handles import visible
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

Row = Mapping[str, Any]


def at(row: Any, *names: str) -> Any:
    """What lies in a row under these names, one in the other; None when something is missing."""
    for name in names:
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def rows_at(row: Any, *names: str) -> list[Row]:
    """The list of objects that lies there; empty when there is none."""
    found = at(row, *names)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def page_of(value: Any, source: str) -> list[Row]:
    """The rows of an answer. Raises SourceError for one that is none of Confluence."""
    if not isinstance(at(value, "results"), list):
        raise SourceError(
            Sentence(
                "%(source)s: the answer has no pages. Check the address; on Cloud it ends with /wiki.", source=source
            )
        )
    return rows_at(value, "results")


def next_page(value: Any, address: str) -> str | None:
    """What to ask for the next page of an answer, below the address of the wiki; None at the last one."""
    link = at(value, "_links", "next")
    if not isinstance(link, str) or not link:
        return None
    if urlsplit(link).netloc:
        return link  # the client refuses another host
    context = urlsplit(address).path
    return link.removeprefix(context) if context and link.startswith(f"{context}/") else link


def changed_at(row: Row) -> datetime:
    """When a page was changed; the beginning of all times where the answer does not say it."""
    try:
        return moment(at(row, "version", "when") or at(row, "version", "createdAt"))
    except ValueError:
        return BEGINNING


def key_of(someone: Row | None) -> str | None:
    """The id of a person: that of Cloud, else the key or the name on Data Center."""
    for name in ("accountId", "userKey", "username"):
        if value := at(someone, name):
            return str(value)
    return None


def located(
    row: Row,
    source: str,
    zone: str,
    space: Level | None,
    everyone: frozenset[str],
    address: str,
    told: set[PersonRecord],
) -> Iterator[Located]:
    """The records of a page. One that is not current, or has no text any more, is deleted here. `told` are the people
    who were yielded; who wrote the page joins them."""
    if at(row, "type") not in ("page", "blogpost"):
        return
    place, number = f"page {at(row, 'id')}", 1
    body = _markdown(row, address) if at(row, "status") in (None, "current") else ""
    if not body:
        yield Located(place, number, DeletedRecord(type="document", id=str(at(row, "id"))))
        return
    author = at(row, "history", "createdBy") or at(row, "version", "by")
    if (written_by := _person(source, author)) is not None and written_by not in told:
        told.add(written_by)
        yield Located(place, number, written_by)
    try:
        when = at(row, "version", "when") or at(row, "history", "createdDate")
        record = DocumentRecord(
            id=str(at(row, "id")),
            title=one_line(visible(str(at(row, "title") or ""))),
            body=with_comments(body, _comments(row, address)),
            owner=person_id(source, key_of(author)),
            updated_at=moment(when, zone),
            group=at(row, "space", "key"),
            readers_there=readers(space, levels_of(row), everyone),
            attachments=tuple(dict.fromkeys(_files(row))),
            url=_url(row, address),
        )
    except ValidationError as error:
        yield Located(place, number, None, first_problem(error))
    except ValueError as error:
        yield Located(place, number, None, str(error))
    else:
        yield Located(place, number, record)


def levels_of(row: Row) -> Iterator[Level | None]:
    """The restrictions of a page and of each above it. Where the answer leaves one out, it is not known."""
    for each in [row, *rows_at(row, "ancestors")]:
        held = at(each, "restrictions", "read", "restrictions")
        if held is None:
            yield UNKNOWN if at(row, "ancestors") is not None else None
            continue
        groups = {str(name) for group in rows_at(held, "group", "results") if (name := at(group, "name"))}
        people = {_name_of(someone) for someone in rows_at(held, "user", "results")}
        names = frozenset(groups | {person(name) for name in people if name})
        several = any(at(held, kind, "size") not in (None, 0) for kind in ("group", "user"))
        yield names or (UNKNOWN if several else None)


def _name_of(someone: Row) -> str:
    return str(at(someone, "email") or at(someone, "username") or key_of(someone) or "")


def _person(source: str, someone: Any) -> PersonRecord | None:
    name = at(someone, "displayName") or at(someone, "publicName")
    is_app = at(someone, "accountType") == "app"
    try:
        return person_record(source, key_of(someone), name, at(someone, "email"), is_app)
    except ValidationError:
        return None


def _markdown(row: Row, address: str) -> str:
    storage = at(row, "body", "storage", "value")
    if isinstance(storage, str):
        return from_storage_format(storage, site=address)
    document = at(row, "body", "atlas_doc_format", "value")
    try:
        return from_adf(json.loads(document)) if isinstance(document, str) else ""
    except (ValueError, RecursionError):
        return ""


def _comments(row: Row, address: str) -> Iterator[Comment]:
    """The comments that came with a page, but for those on single words."""
    for comment in rows_at(row, "children", "comment", "results"):
        is_shown = at(comment, "status") in (None, "current") and at(comment, "extensions", "location") != "inline"
        if is_shown and (text := _markdown(comment, address)):
            yield Comment(str(at(comment, "version", "when") or at(comment, "version", "createdAt") or ""), text)


def _files(row: Row) -> Iterator[str]:
    for file in rows_at(row, "children", "attachment", "results"):
        if name := file_name(at(file, "title")):
            yield name


def _url(row: Row, address: str) -> str | None:
    path = at(row, "_links", "webui")
    return f"{address}{path}" if address and isinstance(path, str) and path.startswith("/") else None
