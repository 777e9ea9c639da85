"""Which items have changed since the index was last brought up to date, without reading those that have not: only the
texts of those are read whose stamp is another one (`stamps.py`). Where the stamps are missing, damaged or of another
generation, all items are read and compared by their digests.

An edit by hand in the database that leaves `updated_at` as it was is not seen so. The first run of `kollega watch`
therefore reads everything, and so does `kollega reindex` when it is asked to, or when the stamps show no change.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from sqlalchemy.orm import Session

from indexer.indexing.stamps import Stamps
from recommender.access import EVERYONE
from recommender.corpus import items, load_items
from recommender.database.storing import in_chunks
from recommender.datatypes import Item
from recommender.index.digest import item_digest
from recommender.index.item_numbers import Keys, Numbers, by_kind, number_of
from recommender.index.known import Known

_CHUNK = 500  # items that are read at once: a judgement
_ENOUGH, _ENOUGH_SHARE = 256, 0.5  # of items: see `typical`; judgements


@dataclass(frozen=True)
class Changes:
    """The numbers of all searchable items in order, those of them that everyone may read, the keys of those that are
    new or changed, and of those that are in the index but not searchable any more."""

    numbers: Numbers
    public: Numbers
    changed: list[str]
    gone: list[str]

    @property
    def are_none(self) -> bool:
        """True when the index agrees with what was found."""
        return not self.changed and not self.gone

    @cached_property
    def searchable(self) -> set[str]:
        """The keys of all searchable items."""
        return set(Keys(self.numbers))

    @cached_property
    def typical(self) -> Keys | list[str]:
        """The keys of the items from which is computed what would be from all: those alone that everyone may read, so
        that hidden ones change nothing of it, when these are many, or at least half of all."""
        public, searchable = len(self.public), len(self.numbers)
        are_enough = public >= _ENOUGH or public >= _ENOUGH_SHARE * searchable
        return by_kind(self.public) if are_enough else sorted(Keys(self.numbers))


def find_changes(session: Session, known: Known, passage_tokens: int, stamps: Stamps, held: Stamps) -> Changes:
    """What has changed since an index was made that has the items `known`. `stamps` are those of now (see `stamps_of`),
    `held` those that the index was made from; without `held` every item is compared by its digest."""
    read: Iterator[Item]
    same = np.intersect1d(held.same_in(stamps), known.numbers, assume_unique=True)
    if len(same):
        others = by_kind(np.setdiff1d(stamps.numbers, same, assume_unique=True))
        read = (item for keys in in_chunks(others, _CHUNK) for item in load_items(session, keys).values())
    else:
        read = items(session)
    found: list[int] = []
    public: list[int] = []
    changed: list[str] = []
    for chunk in _batched(read):
        digests = known.digests_of([item.key for item in chunk])
        for item in chunk:
            found.append(number_of(item.key))
            if EVERYONE in item.audience:
                public.append(found[-1])
            if digests.get(item.key) != item_digest(item, passage_tokens):
                changed.append(item.key)
    numbers = _with(same, found)
    gone = Keys(np.setdiff1d(known.numbers, numbers, assume_unique=True))
    return Changes(numbers, _with(held.public_of(same), public), changed, list(gone))


def find_changes_or_compare(
    session: Session, known: Known, passage_tokens: int, stamps: Stamps, held: Stamps
) -> Changes:
    """The same; but where the stamps show no change, every item is compared after all."""
    found = find_changes(session, known, passage_tokens, stamps, held)
    if len(held.numbers) and found.are_none:
        return find_changes(session, known, passage_tokens, stamps, Stamps())
    return found


def _batched(read: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in their order, some at a time."""
    left = iter(read)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _with(numbers: Numbers, others: list[int]) -> Numbers:
    return np.sort(np.concatenate([numbers, np.array(others, np.int64)]))
