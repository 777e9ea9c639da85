"""Leads from an item to the one that stands for it: from a merged request to its target, from a replaced item to what
replaces it.

A person has said so (`knowledge/`, or a reply such as "merged into #14"), so nothing is estimated here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import merge_target, readable_items
from recommender.datatypes import Item
from recommender.index import SearchIndex
from recommender.index.narrowing import Among
from recommender.search.features import RERANKED
from recommender.search.fusion import Candidate
from recommender.search.replies import merged_into

_LONGEST_CHAIN = 4
"""Items that are followed one after the other; a judgement."""
Ranked = list[tuple[Item, Candidate]]


@dataclass(frozen=True)
class Redirected:
    """The items with their candidates, best first, and the key of the replacing item for each replaced one."""

    ranked: Ranked
    replaced: dict[str, str] = field(default_factory=dict)


def lead_on(
    ranked: Sequence[tuple[Item, Candidate]],
    candidates: Sequence[Candidate],
    index: SearchIndex,
    reader: Reader,
    session: Session,
    leave_out: Collection[str] = (),
    among: Among | None = None,
) -> Redirected:
    """The first items, in which a merged request gives its place to its target, and what replaces an item stands before
    it. Only targets that the reader may read are taken, only those that are in the index, none of `leave_out`, and only
    those of `among` if that is given. `candidates` are all of the question's."""
    by_key = {candidate.item: candidate for candidate in candidates}
    result = Redirected([])
    taken: set[str] = set()

    def take(item: Item, candidate: Candidate) -> None:
        if item.key not in taken:
            taken.add(item.key)
            result.ranked.append((item, candidate))

    for item, candidate in ranked[:RERANKED]:
        merged, target = bool(item.merged_into or merged_into(item.answer)), item
        for _step in range(_LONGEST_CHAIN):
            following = _next(target, reader, session)
            if following is None or following.key in leave_out or (among is not None and not among.has(following)):
                break
            target = following
        standing = _candidate(target, candidate, by_key, index)
        if target is not item and standing is not None:
            take(target, standing)
            if merged and not item.replaced_by:
                continue
            result.replaced[item.key] = target.key
        take(item, candidate)
    result.ranked.extend((item, candidate) for item, candidate in ranked[RERANKED:] if item.key not in taken)
    return result


def _next(item: Item, reader: Reader, session: Session) -> Item | None:
    """The item that stands for this one; None when there is none that the reader may read."""
    key = item.replaced_by or item.merged_into
    if key is None and (number := merged_into(item.answer)):
        key = merge_target(session, item.key, number)
    return readable_items(session, [key], reader).get(key) if key else None


def _candidate(target: Item, origin: Candidate, by_key: dict[str, Candidate], index: SearchIndex) -> Candidate | None:
    """The target's own candidate, or the origin's scores with a passage of the target if those are better; None when
    the target is not in the index."""
    own = by_key.get(target.key)
    if own is not None and own.score >= origin.score:
        return own
    try:
        first = index.passage_ids(target.key)[0]
    except (KeyError, IndexError):
        return None
    near = origin.near and origin.near._replace(passage_id=first)
    return origin._replace(item=target.key, near=near)
