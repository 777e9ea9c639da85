"""Which items have changed since the index was last brought up to date, without reading those that have not: only the
texts of those are read whose stamp is another one (`stamps.py`). Where the stamps are missing, damaged or of another
generation, all items are read and compared by their digests.

An edit by hand in the database that leaves `updated_at` as it was is not seen so. The first run of `kollega watch`
therefore reads everything, and so does `kollega reindex` when it is asked to, or when the stamps show no change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from indexer.indexing.stamps import Stamp
from recommender.access import EVERYONE
from recommender.corpus import items, load_items
from recommender.database.storing import in_chunks
from recommender.datatypes import Item
from recommender.index.digest import item_digest

_CHUNK = 500  # items that are read at once: a judgement
_ENOUGH, _ENOUGH_SHARE = 256, 0.5  # of items: see `_are_enough`; judgements


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
