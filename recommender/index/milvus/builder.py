"""Writes a generation into Milvus: what changed since the live one into its collections, or new collections. It does
the same for reindex as `IndexBuilder` does for local files.

Nothing that a generation in use sees is changed: new rows have the new generation's number, and what is taken out is
only listed (`layout.py`). A run that is killed leaves rows that nobody sees, which the next run removes.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recommender.datatypes import Item, Passage
from recommender.encoder import ModelCard, Vectors
from recommender.errors import IndexDamaged
from recommender.index import generations
from recommender.index.background import SAMPLE, mean_cosine
from recommender.index.base import find_base
from recommender.index.digest import passage_digest
from recommender.index.generations import SPACE, Manifest
from recommender.index.item_terms import item_terms
from recommender.index.known import Known
from recommender.index.milvus import layout
from recommender.index.milvus.client import Milvus, Row
from recommender.index.milvus.contents import ENGINE, Contents, collections_of
from recommender.index.milvus.index import MilvusIndex
from recommender.index.milvus.keywords import fields_of
from recommender.index.milvus.layout import FoundItem
from recommender.index.milvus.term_writer import TermWriter
from recommender.index.register import Register
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import ANALYSIS_VERSION, Analyzer

log = logging.getLogger(__name__)
_TOGETHER = 200  # rows that are written in one call: of more, the library form copies all for each of them
MOST_REMOVED = 5000  # items taken out by one run, beyond which everything is written anew: a judgement


class MilvusBuilder:
    """A generation that is being written. Use it under `generations.write_lock`, as `IndexBuilder`. `register` names
    this installation's collections, and the live generation."""

    def __init__(
        self, milvus: Milvus, register: Register, index_dir: Path, model: ModelCard, analyzer: Analyzer,
        base: MilvusIndex | None,
    ) -> None:  # fmt: skip
        self._milvus, self._register, self._index_dir = milvus, register, index_dir
        self._model, self._analyzer, self._base = model, analyzer, base
        self.directory: Path | None = None
        self._items: dict[str, tuple[FoundItem, str]] = {}  # with their digests
        if base:
            self._items = {item.key: (item, digest) for item, digest in _items_of(base)}
        self.known = Known.of({key: digest for key, (_item, digest) in self._items.items()})
        self.vector_space = base.vector_space if base else VectorSpace()
        self.must_be_written = False
        self._rewrite = False
        self._waiting: list[Row] = []
        self._removed: list[int] = []
        self._contents = Contents("", 0)
        self._terms: TermWriter | None = None

    @classmethod
    def open(
        cls, milvus: Milvus, register: Register, index_dir: Path, model: ModelCard, analyzer: Analyzer, full: bool,
        switch: bool = False,
    ) -> "MilvusBuilder":  # fmt: skip
        """Start from the live generation; from nothing with `full`, when there is no live generation in Milvus, or when
        an earlier version of Kollega wrote it. With `switch`, when the live one is of another model, the vectors are
        taken from the last one of `model`, if it is kept and whole: new collections are made, since only those of the
        live generation are written to.

        Raises IndexMismatch when the live generation was made with another model, IndexDamaged when it is not whole,
        IndexUnavailable when Milvus does not answer.
        """
        base = find_base(index_dir, model, full, switch, ENGINE)
        is_live = base is not None and base.name == generations.live_name(index_dir)
        try:
            index = MilvusIndex.open_generation(milvus, base, model) if base else None
        except IndexDamaged:
            if is_live:
                raise
            index = None
        builder = cls(milvus, register, index_dir, model, analyzer, index)
        if index is not None and not is_live:
            builder.rewrite()
        return builder

    @property
    def passages(self) -> int:
        """Number of passages that the generation contains now."""
        return sum(len(item.roles) for item, _digest in self._items.values())

    def passages_of(self, keys: Collection[str]) -> int:
        """Number of passages of these items that the generation contains now."""
        return sum(len(self._items[key][0].roles) for key in keys if key in self._items)

    @property
    def fresh(self) -> bool:
        """True when nothing is taken from another generation."""
        return self._base is None

    def start_over(self) -> None:
        """Build from nothing after all. Call this before `begin`."""
        self._base, self.known, self._items, self.vector_space = None, Known.nothing(), {}, VectorSpace()

    def rewrite(self) -> None:
        """Make new collections, and take only vectors from those of the base. Call this before `begin`."""
        self._rewrite, self.known, self._items = self._base is not None, Known.nothing(), {}

    def must_rewrite(self, changes: int) -> bool:
        """True when so many items change or go that new collections are better: what is taken out makes each search
        slower until the run after the next."""
        return self._base is not None and bool(self.known) and changes > MOST_REMOVED

    def begin(self, expected: int, hnsw_from: int, vector_space: VectorSpace | None = None) -> None:
        """Make the directory of the new generation, and its collections if it gets new ones. A fresh generation gets
        `vector_space`, and HNSW search when at least `hnsw_from` passages are `expected` and Milvus is a server."""
        kept = collections_of(self._register)
        self.directory = generations.begin(self._index_dir, self._model)
        number = int(self.directory.name.partition("-")[2])
        store = self._register.store()
        self.remove_left(self._milvus, store, kept)
        if self._base is None or self._rewrite:
            if self._base is None:
                self.vector_space = vector_space or VectorSpace()
            self._contents = Contents(f"{store}_{number}", number, beside=True)
            layout.drop(self._milvus, self._contents.collection)
            self._approximate = expected >= hnsw_from and not self._milvus.is_file
            layout.create(self._milvus, self._contents.collection, self._model.dimension, self._approximate)
        else:
            self._approximate = self._base.manifest.approximate
            self._clean(self._base.contents)
            removed = self._base.contents.removed
            self._contents = replace(self._base.contents, generation=number, removed_before=removed, removed=())
        self._terms = TermWriter(self._milvus, self._contents, self._base_generation(), self.directory)
        self.vector_space.save(self.directory / SPACE)

    def _base_generation(self) -> int:
        return 0 if self._base is None or self._rewrite else self._base.contents.generation

    def _clean(self, base: Contents) -> None:
        """Remove what an interrupted run left in the collections, and what neither the live generation nor the one
        before it sees."""
        for part in (layout.PASSAGES, layout.ITEMS):
            name = layout.name_of(base.collection, part)
            self._milvus.delete(name, f"generation > {base.generation}")
            if base.removed_before:
                self._milvus.delete(name, f"number in {sorted(base.removed_before)}")
        self._milvus.delete(layout.name_of(base.collection, layout.TERMS), f"generation > {base.generation}")

    @staticmethod
    def remove_left(milvus: Milvus, store: str, kept: Collection[str]) -> int:
        """Remove the collections of this installation that no generation needs; returns how many they were."""
        left = [name for name in milvus.collections(f"{store}_") if name.rpartition("_")[0] not in kept]
        for name in left:
            milvus.drop(name)
        return len(left)

    def vectors_of(self, digests: Collection[str]) -> dict[str, Vectors]:
        """The vectors that the live generation contains, by passage digest; shape (dimension,), in its vector space."""
        if self._base is None or not digests:
            return {}
        return self._base.vectors_by_digest(digests)

    def remove(self, keys: Collection[str]) -> int:
        """Remove items. Returns how many passages were removed."""
        gone = [self._items.pop(key)[0] for key in keys if key in self._items]
        if gone and self._base is not None:
            self._removed += [item.number for item in gone]
            self._writer().remove(self._base.rows_of_items([item.number for item in gone], ("group", "terms")))
        return sum(len(item.roles) for item in gone)

    def add(self, item: Item, digest: str, passages: Sequence[Passage], vectors: Sequence[Vectors]) -> None:
        """Add an item with its passages and their vectors, each of shape (dimension,) and in `vector_space`."""
        contents = self._contents
        shared = layout.item_row(
            item, contents.items, contents.passages, [passage.role for passage in passages], contents.generation
        )
        for place, (passage, vector) in enumerate(zip(passages, vectors, strict=True)):
            self._waiting.append(
                layout.passage_row(shared, contents.passages + place, passage_digest(passage), passage, vector)
            )
        self._contents = replace(contents, items=contents.items + 1, passages=contents.passages + len(passages))
        self._items[item.key] = FoundItem.of(shared), digest
        terms = item_terms(self._analyzer, item.kind, passages, item.language)
        self._writer().add({**shared, "digest": digest}, fields_of(terms))
        if len(self._waiting) >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        self._milvus.add(layout.name_of(self._contents.collection, layout.PASSAGES), self._waiting)
        self._waiting = []

    def finish(
        self, hnsw_from: int, unrelated: float | None = None, typical: Collection[str] | None = None
    ) -> Manifest:
        """Write everything, compare it with the manifest, and make the generation live. Parameters and errors are those
        of `IndexBuilder.finish`."""
        if (directory := self.directory) is None:
            raise RuntimeError("begin() comes first")
        self._flush()
        self._contents = replace(self._writer().finish(self._contents), removed=tuple(self._removed))
        for part in (layout.PASSAGES, layout.ITEMS, layout.TERMS):
            self._milvus.flush(layout.name_of(self._contents.collection, part))
        self._contents.write(directory)
        manifest = Manifest(
            format=generations.FORMAT,
            analysis=ANALYSIS_VERSION,
            generation=directory.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self._model,
            items=len(self._items),
            passages=self.passages,
            rows=self._contents.passages,
            approximate=self._approximate,
            background=0.0,
            alignment=self.vector_space.alignment,
            files=generations.checksums_of(directory),
            engine=ENGINE,
        )
        index = MilvusIndex(self._milvus, manifest, self._contents, self.vector_space)
        manifest = replace(manifest, background=self._background(index, unrelated, typical))
        manifest.write(directory)
        try:
            MilvusIndex.open_generation(self._milvus, directory, self._model)
        except IndexDamaged:
            (directory / "manifest.json").unlink()
            raise
        self._publish(directory)
        return manifest

    def _publish(self, directory: Path) -> None:
        """Make the generation live: for all machines in the database, then here."""
        files = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
        try:
            self._register.publish(directory.name, files, self._kept())
        except BaseException:
            (directory / "manifest.json").unlink()
            raise
        generations.publish(self._index_dir, directory)

    def _kept(self) -> list[str]:
        """The last generation of another model, which makes going back to that quick."""
        models = {name: generations.model_name_of(self._index_dir / name) for name in self._register.names()}
        return [name for name, model in models.items() if model not in (None, self._model.name)][-1:]

    def _background(self, index: MilvusIndex, unrelated: float | None, typical: Collection[str] | None) -> float:
        """As with local files: the mean cosine of a sample of passages of different items."""
        wanted = self._items.keys() if typical is None else self._items.keys() & set(typical)
        members = sorted((number, key) for key in wanted for number in self._items[key][0].ids)
        sample = [members[place] for place in np.random.default_rng(0).permutation(len(members))[:SAMPLE]]
        vectors = index.vectors([number for number, _key in sample])
        return mean_cosine(vectors, [key for _number, key in sample], unrelated)

    def _writer(self) -> TermWriter:
        if self._terms is None:
            raise RuntimeError("begin() comes first")
        return self._terms


def _items_of(index: MilvusIndex) -> Iterator[tuple[FoundItem, str]]:
    """Every item of a generation with its digest."""
    for row in index.all_items((*layout.ITEM_FIELDS, "digest")):
        yield FoundItem.of(row), row["digest"]
