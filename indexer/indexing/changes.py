"""Which items have changed since the index was last brought up to date, without reading those that have not.

Each item has a stamp: a digest of the times of the last change of its row and of its replies, readers and files, and of
how many of these there are. Stamps of all items are one query each for requests and documents; the texts are read of
those alone whose stamp is another one. The stamps lie beside the index, in `index/stamps.npz`, for one generation.
Where they are missing, damaged or of another generation, all items are read and compared by their digests.

An edit by hand in the database that leaves `updated_at` as it was is not seen so. The first run of `kollega watch`
therefore reads everything, and so does `kollega reindex` when it is asked to, or when the stamps show no change.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from zipfile import BadZipFile

import numpy as np
from sqlalchemy import String, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from recommender.access import EVERYONE
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS, items, load_items
from recommender.database import dialects
from recommender.database.attachment_tables import Attachment
from recommender.database.details_tables import DocumentDetails, RequestDetails
from recommender.database.storing import in_chunks
from recommender.database.tables import (
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
    Team,
)
from recommender.datatypes import Item, Kind
from recommender.index import generations
from recommender.index.digest import item_digest
from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.settings import Settings

_FILE = "stamps.npz"
_EVEN = 2**64 - 2
_CHUNK = 500  # items that are read at once: a judgement
_ENOUGH, _ENOUGH_SHARE = 256, 0.5  # of items: see `_are_enough`; judgements


Stamp = int
"""A digest that changes with the item; odd when everybody may read the item."""


@dataclass(frozen=True)
class Changes:
    """Keys of all searchable items, of those that are new or changed, and of those from which is computed what would be
    from all: the items that everyone may read, if they are enough."""

    searchable: set[str]
    changed: list[str]
    typical: list[str]

    def are_none_in(self, known: Mapping[str, str]) -> bool:
        """True when an index with the items `known` agrees with what was found."""
        return not self.changed and self.searchable == known.keys()


def find_changes(
    session: Session,
    known: Mapping[str, str],
    passage_tokens: int,
    stamps: Mapping[str, Stamp],
    held: Mapping[str, Stamp],
) -> Changes:
    """What has changed since an index was made that has items with the digests `known`. `stamps` are those of now (see
    `stamps_of`), `held` those that the index was made from; without `held` every item is compared by its digest."""
    searchable: set[str] = set()
    changed: list[str] = []
    public: list[str] = []
    read: Iterator[Item]
    same = [key for key, stamp in held.items() if key in known and stamps.get(key) == stamp]
    if same:
        searchable.update(same)
        public += [key for key in same if held[key] % 2]
        others = [key for key in stamps if key not in searchable]
        read = (item for keys in in_chunks(others, _CHUNK) for item in load_items(session, keys).values())
    else:
        read = items(session)
    for item in read:
        searchable.add(item.key)
        if EVERYONE in item.audience:
            public.append(item.key)
        if known.get(item.key) != item_digest(item, passage_tokens):
            changed.append(item.key)
    return Changes(searchable, changed, public if _are_enough(len(public), len(searchable)) else sorted(searchable))


def find_changes_or_compare(
    session: Session,
    known: Mapping[str, str],
    passage_tokens: int,
    stamps: Mapping[str, Stamp],
    held: Mapping[str, Stamp],
) -> Changes:
    """The same; but where the stamps show no change, every item is compared after all."""
    found = find_changes(session, known, passage_tokens, stamps, held)
    if held and found.are_none_in(known):
        return find_changes(session, known, passage_tokens, stamps, {})
    return found


def _are_enough(public: int, searchable: int) -> bool:
    """True when what is computed from all items can be computed from those alone that everyone may read, so that hidden
    ones change nothing of it: when these are many, or at least half of all."""
    return public >= _ENOUGH or public >= _ENOUGH_SHARE * searchable


def stamps_of(session: Session) -> dict[str, Stamp]:
    """The stamps of all searchable items, by key. Take them before the items are read: what changes meanwhile has
    another stamp the next time."""
    found: dict[str, Stamp] = {}
    for kind, query in ((Kind.REQUEST, _requests(session)), (Kind.DOCUMENT, _documents(session))):
        for identifier, public, *rest in session.execute(query):
            digest = blake2b(repr(rest).encode("utf-8", "surrogatepass"), digest_size=8).digest()
            found[f"{kind}:{identifier}"] = int.from_bytes(digest, "big") & _EVEN | bool(public)
    return found


def _requests(session: Session) -> Any:
    time = dialects.of(session.get_bind()).microseconds
    target = aliased(HelpRequest)
    replies, readers, files = (
        _grouped(session, table, column)
        for table, column in (
            (Reply, Reply.request_id), (RequestAudience, RequestAudience.request_id),
            (Attachment, Attachment.request_id),
        )
    )  # fmt: skip
    everyone = select(RequestAudience.request_id).where(RequestAudience.token == EVERYONE).subquery()
    return (
        select(
            HelpRequest.id, case((HelpRequest.status == RESOLVED, everyone.c.request_id.is_not(None)), else_=False),
            time(HelpRequest.updated_at), HelpRequest.status, HelpRequest.asked_by_id, Team.handle,
            *_counts(replies, readers, files), cast(RequestDetails.attachments, String),
            RequestDetails.merged_into, target.id,
        )
        .select_from(HelpRequest)
        .outerjoin(Team, Team.id == HelpRequest.team_id)
        .outerjoin(everyone, everyone.c.request_id == HelpRequest.id)
        .outerjoin(replies, replies.c.item == HelpRequest.id)
        .outerjoin(readers, readers.c.item == HelpRequest.id)
        .outerjoin(files, files.c.item == HelpRequest.id)
        .outerjoin(RequestDetails, RequestDetails.request_id == HelpRequest.id)
        .outerjoin(target, (target.source == HelpRequest.source) & (target.external_id == RequestDetails.merged_into))
        .where(SEARCHABLE_REQUESTS)
    )  # fmt: skip


def _documents(session: Session) -> Any:
    time = dialects.of(session.get_bind()).microseconds
    readers = _grouped(session, DocumentAudience, DocumentAudience.document_id)
    files = _grouped(session, Attachment, Attachment.document_id)
    everyone = select(DocumentAudience.document_id).where(DocumentAudience.token == EVERYONE).subquery()
    return (
        select(
            Document.id, everyone.c.document_id.is_not(None), time(Document.updated_at), Document.owner_id, Team.handle,
            *_counts(readers, files), cast(DocumentDetails.attachments, String),
        )
        .select_from(Document)
        .outerjoin(Team, Team.id == Document.team_id)
        .outerjoin(everyone, everyone.c.document_id == Document.id)
        .outerjoin(readers, readers.c.item == Document.id)
        .outerjoin(files, files.c.item == Document.id)
        .outerjoin(DocumentDetails, DocumentDetails.document_id == Document.id)
        .where(SEARCHABLE_DOCUMENTS)
    )  # fmt: skip


def _grouped(session: Session, table: Any, column: Any) -> Any:
    """For each item: how many rows of a table it has, and the sum of the times of their last changes."""
    time = dialects.of(session.get_bind()).microseconds(table.updated_at)
    rows = select(column.label("item"), func.count().label("rows"), func.sum(time).label("times"))
    return rows.where(column.is_not(None)).group_by(column).subquery()


def _counts(*groups: Any) -> list[Any]:
    return [column for group in groups for column in (group.c.rows, group.c.times)]


def write_stamps(settings: Settings, generation: str, stamps: Mapping[str, Stamp]) -> None:
    """Note the stamps of the items that a generation was made from, in one step."""
    new = settings.index_dir / f"{_FILE}.new"
    with new.open("wb") as file:
        np.savez(
            file,
            about=np.array(_about(settings, generation)),
            keys=np.array(list(stamps), np.bytes_),
            stamps=np.array(list(stamps.values()), np.uint64),
        )
    os.replace(new, settings.index_dir / _FILE)


def read_stamps(settings: Settings) -> dict[str, Stamp]:
    """The stamps that were noted for the live generation; empty when there are none that can be used."""
    generation = generations.live_name(settings.index_dir)
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
        with (settings.index_dir / _FILE).open("rb") as file, np.load(file) as held:
            if generation is None or str(held["about"]) != _about(settings, generation):
                return {}
            keys, stamps = held["keys"].astype(np.str_).tolist(), held["stamps"].tolist()
        return dict(zip(keys, stamps, strict=True))
    return {}


def _about(settings: Settings, generation: str) -> str:
    return json.dumps([generation, settings.passage_tokens, ANALYSIS_VERSION])
