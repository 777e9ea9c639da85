"""Stamps of items, which say without their texts which of them were changed.

The stamp of an item is a digest of the times of the last change of its row and of its replies, readers and files, and
of how many of these there are. To read them of all items takes a second for 100,000. So items are in blocks by their
ids, of which the database sums up what stamps are made of; only the stamps of those blocks are read that have another
sum than before. Stamps and sums lie beside the index, in `index/stamps.npz`, for one generation.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from sqlalchemy import Integer, String, case, cast, func, literal_column, select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS
from recommender.database import dialects
from recommender.database.attachment_tables import Attachment
from recommender.database.details_tables import MERGED_INTO, DocumentDetails, RequestDetails, is_merged_into
from recommender.database.tables import (
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
    Team,
)
from recommender.datatypes import Kind
from recommender.index import generations
from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.settings import Settings

_FILE, _VERSION = "stamps.npz", 2
_EVEN = 2**64 - 2
_BLOCK = 512  # ids that are summed up together: a judgement
_OTHER = 0  # in place of the sum of a block, which is read again then
_FEW = 20  # blocks that are read one by one; of more, all are read: a judgement

Stamp = int
"""A digest that changes with the item; odd when everybody may read the item."""
Bounds = tuple[int, int]
"""The first and the last id of items."""


@dataclass(frozen=True)
class Stamps:
    """The stamps of all searchable items, by key, and the sum of each block of them, by its name: equal sums mean equal
    stamps."""

    of_items: dict[str, Stamp] = field(default_factory=dict)
    of_blocks: dict[str, int] = field(default_factory=dict)

    def without(self, keys: Iterable[str]) -> "Stamps":
        """Those of the other items: the next run takes these for changed."""
        gone = set(keys)
        if not gone:
            return self
        return Stamps(
            {key: stamp for key, stamp in self.of_items.items() if key not in gone},
            self.of_blocks | {_block_of(key): _OTHER for key in gone},
        )


def _block_of(key: str) -> str:
    kind, _, identifier = key.partition(":")
    return f"{kind}:{int(identifier) // _BLOCK}"


def stamps_of(session: Session, held: Stamps | None = None) -> Stamps:
    """The stamps of now; of blocks with the same sum as in `held`, those are taken. Take them before the items are
    read: what changes meanwhile has another stamp the next time."""
    sums = _sums(session)
    before = held.of_blocks if held else {}
    changed = {name for name in sums.keys() | before.keys() if sums.get(name) != before.get(name)}
    if held is None or not before or len(changed) > _FEW:
        return Stamps(dict(_stamps(session, Kind.REQUEST)) | dict(_stamps(session, Kind.DOCUMENT)), sums)
    found = dict(held.of_items)
    for name in changed:
        kind, _, number = name.partition(":")
        first = int(number) * _BLOCK
        for identifier in range(first, first + _BLOCK):
            found.pop(f"{kind}:{identifier}", None)
        found.update(_stamps(session, Kind(kind), (first, first + _BLOCK - 1)))
    return Stamps(found, sums)


def _stamps(session: Session, kind: Kind, bounds: Bounds | None = None) -> Iterator[tuple[str, Stamp]]:
    """(key, stamp) of the items of a kind, with `bounds` of those with such ids."""
    query = _requests(session, bounds) if kind is Kind.REQUEST else _documents(session, bounds)
    for identifier, public, *rest in session.execute(query):
        yield f"{kind}:{identifier}", _digest(rest) & _EVEN | bool(public)


def _digest(values: object) -> int:
    return int.from_bytes(blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _sums(session: Session) -> dict[str, int]:
    """The sum of each block: of everything that stamps are made of, and of the handles of all teams."""
    teams = [tuple(row) for row in session.execute(select(Team.id, Team.handle).order_by(Team.id))]
    parts: dict[str, list[Any]] = {}
    for number, (kind, query) in enumerate(_summed(session)):
        for block, *values in session.execute(query):
            parts.setdefault(f"{kind}:{block}", [teams]).append((number, *values))
    return {name: _digest(values) for name, values in parts.items()}


def _summed(session: Session) -> Iterator[tuple[Kind, Any]]:
    """(kind, a query for the blocks of this kind and what is summed up of them)."""
    time = dialects.of(session.get_bind()).microseconds

    def summed(kind: Kind, column: Any, *values: Any) -> tuple[Kind, Any]:
        block = (column // literal_column(str(_BLOCK), Integer)).label("block")
        return kind, select(block, func.count(), *values).where(column.is_not(None)).group_by(block)

    def number(condition: Any) -> Any:
        return func.sum(cast(condition, Integer))

    yield summed(
        Kind.REQUEST, HelpRequest.id, func.sum(time(HelpRequest.updated_at)), number(HelpRequest.hidden),
        number(HelpRequest.status == RESOLVED), func.sum(HelpRequest.asked_by_id), func.sum(HelpRequest.team_id),
    )  # fmt: skip
    yield summed(
        Kind.DOCUMENT, Document.id, func.sum(time(Document.updated_at)), number(Document.hidden),
        number(Document.draft), func.sum(Document.owner_id), func.sum(Document.team_id),
    )  # fmt: skip
    for kind, table, column in (
        (Kind.REQUEST, Reply, Reply.request_id), (Kind.REQUEST, RequestAudience, RequestAudience.request_id),
        (Kind.REQUEST, Attachment, Attachment.request_id), (Kind.DOCUMENT, Attachment, Attachment.document_id),
        (Kind.DOCUMENT, DocumentAudience, DocumentAudience.document_id),
    ):  # fmt: skip
        yield summed(kind, column, func.sum(time(table.updated_at)))
    names = cast(RequestDetails.attachments, String) + func.coalesce(RequestDetails.merged_into, "")
    yield summed(Kind.REQUEST, RequestDetails.request_id, func.aggregate_strings(names, ","))
    names = cast(DocumentDetails.attachments, String)
    yield summed(Kind.DOCUMENT, DocumentDetails.document_id, func.aggregate_strings(names, ","))
    kind, merged = summed(Kind.REQUEST, RequestDetails.request_id, func.sum(MERGED_INTO.id))
    yield (
        kind,
        merged.select_from(RequestDetails)
        .join(HelpRequest, HelpRequest.id == RequestDetails.request_id)
        .join(MERGED_INTO, is_merged_into()),
    )


def _requests(session: Session, bounds: Bounds | None) -> Any:
    time = dialects.of(session.get_bind()).microseconds
    replies, readers, files = (
        _grouped(session, table, column, bounds)
        for table, column in (
            (Reply, Reply.request_id), (RequestAudience, RequestAudience.request_id),
            (Attachment, Attachment.request_id),
        )
    )  # fmt: skip
    everyone = _public(RequestAudience.request_id, RequestAudience.token, bounds)
    return (
        select(
            HelpRequest.id, case((HelpRequest.status == RESOLVED, everyone.c.request_id.is_not(None)), else_=False),
            time(HelpRequest.updated_at), HelpRequest.status, HelpRequest.asked_by_id, Team.handle,
            *_counts(replies, readers, files), cast(RequestDetails.attachments, String),
            RequestDetails.merged_into, MERGED_INTO.id,
        )
        .select_from(HelpRequest)
        .outerjoin(Team, Team.id == HelpRequest.team_id)
        .outerjoin(everyone, everyone.c.request_id == HelpRequest.id)
        .outerjoin(replies, replies.c.item == HelpRequest.id)
        .outerjoin(readers, readers.c.item == HelpRequest.id)
        .outerjoin(files, files.c.item == HelpRequest.id)
        .outerjoin(RequestDetails, RequestDetails.request_id == HelpRequest.id)
        .outerjoin(MERGED_INTO, is_merged_into())
        .where(SEARCHABLE_REQUESTS, _within(HelpRequest.id, bounds))
    )  # fmt: skip


def _documents(session: Session, bounds: Bounds | None) -> Any:
    time = dialects.of(session.get_bind()).microseconds
    readers = _grouped(session, DocumentAudience, DocumentAudience.document_id, bounds)
    files = _grouped(session, Attachment, Attachment.document_id, bounds)
    everyone = _public(DocumentAudience.document_id, DocumentAudience.token, bounds)
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
        .where(SEARCHABLE_DOCUMENTS, _within(Document.id, bounds))
    )  # fmt: skip


def _within(column: Any, bounds: Bounds | None) -> Any:
    return column.is_not(None) if bounds is None else column.between(*bounds)


def _public(column: Any, token: Any, bounds: Bounds | None) -> Any:
    return select(column).where(token == EVERYONE, _within(column, bounds)).subquery()


def _grouped(session: Session, table: Any, column: Any, bounds: Bounds | None) -> Any:
    """For each item: how many rows of a table it has, and the sum of the times of their last changes."""
    time = dialects.of(session.get_bind()).microseconds(table.updated_at)
    rows = select(column.label("item"), func.count().label("rows"), func.sum(time).label("times"))
    return rows.where(_within(column, bounds)).group_by(column).subquery()


def _counts(*groups: Any) -> list[Any]:
    return [column for group in groups for column in (group.c.rows, group.c.times)]


def write_stamps(settings: Settings, generation: str, stamps: Stamps) -> None:
    """Note the stamps of the items that a generation was made from, in one step."""
    new = settings.index_dir / f"{_FILE}.new"
    with new.open("wb") as file:
        np.savez(
            file,
            about=np.array(_about(settings, generation)),
            keys=np.array(list(stamps.of_items), np.bytes_),
            stamps=np.array(list(stamps.of_items.values()), np.uint64),
            blocks=np.array(list(stamps.of_blocks), np.bytes_),
            sums=np.array(list(stamps.of_blocks.values()), np.uint64),
        )
    os.replace(new, settings.index_dir / _FILE)


def read_stamps(settings: Settings) -> Stamps:
    """The stamps that were noted for the live generation; none when there are none that can be used."""
    generation = generations.live_name(settings.index_dir)
    try:
        with (settings.index_dir / _FILE).open("rb") as file, np.load(file) as held:
            if generation is None or str(held["about"]) != _about(settings, generation):
                return Stamps()
            return Stamps(_pairs(held["keys"], held["stamps"]), _pairs(held["blocks"], held["sums"]))
    except Exception:  # reading a damaged file may raise errors of many kinds
        return Stamps()


def _pairs(names: Any, values: Any) -> dict[str, int]:
    return dict(zip(names.astype(np.str_).tolist(), values.tolist(), strict=True))


def _about(settings: Settings, generation: str) -> str:
    return json.dumps([_VERSION, generation, settings.passage_tokens, ANALYSIS_VERSION])
