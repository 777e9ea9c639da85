"""Whether the collections of a generation agree with each other; counted anew from the rows of its items."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from recommender.index.milvus import counts
from recommender.index.milvus.index import MilvusIndex

_TOGETHER = 500  # terms that are looked up together: a judgement
_SAMPLE = 200  # passages that are searched for themselves: a judgement


def problems(index: MilvusIndex) -> Iterator[str]:
    """A sentence about each thing that does not agree: the number of items of each group, the counts of terms, the
    passages of items, and whether passages find themselves."""
    name = index.manifest.generation
    items, terms = Counter[int](), Counter[tuple[int, int, int]]()
    passages: list[int] = []
    for row in index.all_items(("group", "terms", "first", "roles")):
        items[row["group"]] += 1
        passages += range(row["first"], row["first"] + len(row["roles"]))
        terms.update(
            (number, row["group"], place) for number, all_of in counts.places(row["terms"]).items() for place in all_of
        )
    for group, given in enumerate(index.contents.groups):
        if items[group] != given.items:
            yield f"Milvus has {items[group]} items for {', '.join(given.audience)}, {name} {given.items}."
    wrong = sum((terms - _counted(index)).values()) + sum((_counted(index) - terms).values())
    if wrong:
        yield f"The counts of terms of {name} in Milvus differ from its items by {wrong}."
    yield from _vectors(index, passages)


def _counted(index: MilvusIndex) -> Counter[tuple[int, int, int]]:
    """{(number of a term, group, place): items} as the generation sees it; without the dimension of no term."""
    found = Counter[tuple[int, int, int]]()
    ids = set(counts.ids(index.milvus, index.contents.collection))
    ordered = sorted(ids)
    for start in range(0, len(ordered), _TOGETHER):
        part = counts.read(
            index.milvus, index.contents.collection, ordered[start : start + _TOGETHER], index.contents.generation
        )
        for term in part.values():
            for group, place, items in term.counts.tolist():
                found[term.number, group, place] += items
    return found


def _vectors(index: MilvusIndex, passages: list[int]) -> Iterator[str]:
    ids = [passages[place] for place in np.random.default_rng(0).permutation(len(passages))[:_SAMPLE]]
    if not ids:
        return
    vectors = index.vectors(ids)
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=0.01):
        yield f"Some vectors of {index.manifest.generation} do not have length 1."
        return
    lost = sum(not index.finds(identifier, vector) for identifier, vector in zip(ids, vectors, strict=True))
    if lost:
        yield f"{lost} of {len(ids)} passages of {index.manifest.generation} do not find themselves."
