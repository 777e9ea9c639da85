"""Writes a generation of the index: a changed copy of the live one, or a new one. It is verified before it goes live.

The caller encodes the passages; `journal.py` stores new vectors, so that no text is encoded twice after a killed run.
"""

import logging
import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recommender.datatypes import Item, Kind, Passage
from recommender.encoder import ModelCard, Vectors
from recommender.errors import IndexDamaged
from recommender.index import generations
from recommender.index.background import measured_background
from recommender.index.base import find_base, has_other_keywords
from recommender.index.catalogue import Catalogue, Row
from recommender.index.checked import note_checked
from recommender.index.copies import copy_keywords
from recommender.index.dense import MOST_ADDED, DenseIndex
from recommender.index.digest import passage_digest
from recommender.index.generation_files import OpenFiles, open_files
from recommender.index.generations import CATALOGUE, LEXICAL, SPACE, VECTORS, Manifest
from recommender.index.item_terms import item_terms, spelling_words
from recommender.index.keyword_entries import Entry
from recommender.index.known import Known
from recommender.index.lexical import LexicalIndex
from recommender.index.members import mend_members, store_members
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import ANALYSIS_VERSION, Analyzer

log = logging.getLogger(__name__)
_REMOVED_SHARE = 0.2  # share of removed rows from which all vectors are written anew: a judgement
_SHARED_FROM = 20_000  # vectors from which the next generation shares the large files: a judgement
_ADD_TOGETHER = 1024  # vectors that are added to FAISS in one call: a judgement


class IndexBuilder:
    """A generation that is being written. Use it under `generations.write_lock`: open, begin, remove and add,
    finish."""

    def __init__(
        self, index_dir: Path, model: ModelCard, analyzer: Analyzer, base: Path | None, files: OpenFiles | None
    ) -> None:
        self._index_dir = index_dir
        self._model = model
        self._analyzer = analyzer
        self._base = base
        self.directory: Path | None = None
        self._catalogue: Catalogue | None = files.catalogue if files else None
        self._base_dense: DenseIndex | None = files.dense if files else None
        self._base_background = files.manifest.background if files else 0.0
        self.known = Known(self._catalogue.numbers(), self._digests_of) if self._catalogue else Known.nothing()
        self._rewrite = False
        self._old: tuple[Catalogue, DenseIndex] | None = None
        self._dense: DenseIndex | None = None
        self._lexical: LexicalIndex | None = None
        self._removed = 0
        self._perhaps_gone: set[str] = set()
        self._pending: list[Vectors] = []
        self.vector_space = files.vector_space if files else VectorSpace()
        self.must_be_written = False
        """True when a new generation is wanted though no item has changed."""

    @property
    def passages(self) -> int:
        """Number of passages that the generation contains now."""
        return self._catalogue.counts()[1] if self._catalogue else 0

    def passages_of(self, keys: Collection[str]) -> int:
        """Number of passages of these items that the generation contains now."""
        wanted = frozenset(keys)
        return sum(key in wanted for _id, key in self._catalogue.members()) if self._catalogue else 0

    @classmethod
    def open(
        cls, index_dir: Path, model: ModelCard, analyzer: Analyzer, full: bool, switch: bool = False
    ) -> "IndexBuilder":
        """Start from the generation that `find_base` finds, if it is whole; from nothing when there is none. When its
        keyword index is of an earlier version, take only the vectors from it. Raises IndexMismatch as `find_base` does,
        and IndexDamaged when the live generation cannot be read."""
        base, files, old_keywords = find_base(index_dir, model, full, switch, generations.ENGINE), None, False
        try:
            if base is not None:
                files = open_files(base, model, to_continue=True)
                note_checked(base, files.manifest.files)
                mend_members(base, files.manifest)
                old_keywords = has_other_keywords(base, files.manifest)
        except IndexDamaged as error:
            if not switch:
                raise
            log.warning("%s is not used again. %s", base and base.name, error)
            base = None
        builder = cls(index_dir, model, analyzer, base, files)
        if base is not None:
            is_live, with_checksums = base.name == generations.live_name(index_dir), Manifest.read(base).files
            builder.must_be_written = old_keywords or not (is_live and with_checksums)
            if old_keywords:
                log.info("The keyword index of %s was written by another version: it is written anew", base.name)
                builder.rewrite()
        return builder

    @property
    def fresh(self) -> bool:
        """True when nothing is copied from another generation."""
        return self._base is None

    def start_over(self) -> None:
        """Build from nothing after all, without the live generation. Call this before `begin`."""
        if self._catalogue:
            self._catalogue.close()
        self._base, self._catalogue, self._base_dense = None, None, None
        self.known, self.vector_space = Known.nothing(), VectorSpace()

    def rewrite(self) -> None:
        """Write every file anew, and take only vectors from the live generation: nothing of a removed item is left in
        it then. Call this before `begin`."""
        self._rewrite, self.known = self._base is not None, Known.nothing()

    def must_rewrite(self, _changes: int) -> bool:
        """False: `finish` writes the vectors anew when many were removed."""
        return False

    def begin(self, expected: int, hnsw_from: int, vector_space: VectorSpace | None = None) -> None:
        """Make the directory of the new generation, with what the live one has. A fresh generation gets
        `vector_space`, and HNSW search when at least `hnsw_from` passages are `expected`."""
        self.directory = generations.begin(self._index_dir, self._model)
        if self._base is None:
            self.vector_space = vector_space or VectorSpace()
        self.vector_space.save(self.directory / SPACE)
        if self._rewrite and self._base and self._catalogue:
            self._old = self._catalogue, self._base_vectors()
        if self._base is None or self._rewrite:
            self._catalogue = Catalogue.create(self.directory / CATALOGUE)
            self._lexical = LexicalIndex.create(self.directory / LEXICAL)
            self._dense = DenseIndex.empty(self._model.dimension, expected >= hnsw_from)
            return
        if self._catalogue:
            self._catalogue.close()
        self._catalogue = Catalogue.continue_from(self._base / CATALOGUE, self.directory / CATALOGUE)
        copy_keywords(self._base / LEXICAL, self.directory / LEXICAL)
        self._lexical = LexicalIndex.open(self.directory / LEXICAL)
        self._dense = self._base_vectors().continued()
        self._removed = len(self._dense) - self._catalogue.counts()[1]

    def _digests_of(self, keys: Collection[str]) -> dict[str, str]:
        return self._catalogue.digests_of(keys) if self._catalogue else {}

    def _base_vectors(self) -> DenseIndex:
        """The vectors of the generation that this one is made from."""
        if self._base_dense is None:
            raise RuntimeError("there is no generation to start from")
        return self._base_dense

    def vectors_of(self, digests: Collection[str]) -> dict[str, Vectors]:
        """The vectors that the generation already contains, by passage digest; shape (dimension,), in its vector
        space."""
        if self._base is None or self._catalogue is None or self._dense is None:
            return {}
        self._flush()
        catalogue, dense = self._old or (self._catalogue, self._dense)
        ids = catalogue.ids_by_digest(digests)
        vectors = dense.vectors(np.array(list(ids.values()), np.int64))
        return {digest: vector.copy() for digest, vector in zip(ids, vectors, strict=True)}

    def remove(self, keys: Collection[str]) -> int:
        """Remove items. Returns how many passages were removed."""
        catalogue, _dense, lexical = self._parts()
        for key in keys:
            passages = catalogue.passages_of(key)
            if passages:
                terms = item_terms(self._analyzer, Kind.REQUEST, passages, passages[0].language)
                self._perhaps_gone |= spelling_words((terms.context, terms.text))
        removed = catalogue.remove(keys)
        lexical.remove(keys)
        self._removed += removed
        return removed

    def add(self, item: Item, digest: str, passages: Sequence[Passage], vectors: Sequence[Vectors]) -> None:
        """Add an item with its passages and their vectors, each of shape (dimension,) and in `vector_space`."""
        catalogue, dense, lexical = self._parts()
        start = len(dense) + len(self._pending)
        rows = [Row(start + n, passage_digest(passage), passage) for n, passage in enumerate(passages)]
        self._pending += vectors
        if len(self._pending) >= _ADD_TOGETHER:
            self._flush()
        catalogue.add(item, digest, rows)
        terms = item_terms(self._analyzer, item.kind, passages, item.language)
        catalogue.add_words(spelling_words((terms.context, terms.text)))
        lexical.add([Entry(item.key, item.language, item.audience, *terms)])

    def finish(
        self, hnsw_from: int, unrelated: float | None = None, typical: Collection[str] | None = None
    ) -> Manifest:
        """Write all files, verify them by opening them, and make the generation live.

        `unrelated` is the model's mean cosine of unrelated texts (`unrelated_cosine`), which matters in a small corpus.
        With `typical`, how near unrelated texts are is measured on these items only. Raises IndexDamaged when the new
        generation cannot be opened; the live one stays.
        """
        catalogue, dense, _lexical = self._parts()
        if (directory := self.directory) is None:
            raise RuntimeError("begin() comes first")
        items, passages = self._commit()
        needs_hnsw = not dense.approximate and passages >= hnsw_from
        if needs_hnsw or self._removed > _REMOVED_SHARE * max(1, len(dense)):
            self._compact(passages >= hnsw_from)
        del catalogue, dense  # the vectors are not held while the new generation is read
        background = self._save(directory, unrelated, typical)
        catalogue, dense, _lexical = self._parts()
        catalogue.close()  # its files are complete now
        if self._old:
            self._old[0].close()
        manifest = Manifest(
            format=generations.FORMAT,
            analysis=ANALYSIS_VERSION,
            generation=directory.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self._model,
            items=items,
            passages=passages,
            rows=len(dense),
            approximate=dense.approximate,
            background=background,
            alignment=self.vector_space.alignment,
            files=generations.checksums_of(directory, self._base),
        )
        if len(dense) >= _SHARED_FROM:
            store_members(directory, self._base, manifest)
        del dense  # before the new generation is read
        self._dense = None
        self._make_live(directory, manifest)
        return manifest

    def _make_live(self, directory: Path, manifest: Manifest) -> None:
        manifest.write(directory)
        note_checked(directory, manifest.files)  # the checksums were computed just now
        try:
            self._verify(directory, manifest.items)
        except IndexDamaged:
            (directory / "manifest.json").unlink()
            raise
        generations.publish(self._index_dir, directory)
        note_checked(directory, manifest.files)  # again: an earlier generation is removed that had some of them too

    def _commit(self) -> tuple[int, int]:
        """Store what was added and removed; returns the numbers of items and passages."""
        self._flush()
        catalogue, _dense, lexical = self._parts()
        lexical.commit()
        catalogue.remove_words([word for word in sorted(self._perhaps_gone) if not lexical.has_word(word)])
        catalogue.commit()
        return catalogue.counts()

    def _save(self, directory: Path, unrelated: float | None, typical: Collection[str] | None) -> float:
        """Write the items and the vectors; returns how near unrelated texts are. Of a large index those alone are
        written that are new, while they are few, beside links to the files of the live generation. All of a small one
        is written in a moment, and damage is then of one generation."""
        catalogue, dense, _lexical = self._parts()
        continued = self._base_dense is not None and dense.shared is self._base_dense.shared
        if self._base and continued and len(dense) >= _SHARED_FROM:
            os.link(self._base / VECTORS, directory / VECTORS)
            dense.save_added(directory / VECTORS)
            return self._base_background  # of so few new ones it hardly changes
        self._catalogue, self._dense, self._base_dense = catalogue.in_one_file(), dense.merged(), None
        self._dense.save(directory / VECTORS)
        return measured_background(self._catalogue, self._dense, unrelated, typical)

    def _verify(self, directory: Path, items: int) -> None:
        open_files(directory, self._model, to_continue=True)
        indexed = len(LexicalIndex.open(directory / LEXICAL))
        if indexed != items:
            raise IndexDamaged(
                f"{directory.name} contains the terms of {indexed} items, not of {items}. Run the command again."
            )

    def _compact(self, approximate: bool) -> None:
        """Write the vectors anew, without those of removed passages. The lexical index is by item: no change there."""
        catalogue, dense, _lexical = self._parts()
        self._catalogue = catalogue = catalogue.in_one_file()
        ids = catalogue.ids()
        catalogue.renumber()
        self._dense = dense.only(ids, approximate)

    def _flush(self) -> None:
        """Add the pending vectors together, since HNSW then uses all processors, and soon into one part."""
        if self._pending and self._dense is not None:
            self._dense.add(np.stack(self._pending))
            self._pending.clear()
            if self._dense.added > MOST_ADDED:
                self._dense, self._base_dense = self._dense.merged(), None

    def _parts(self) -> tuple[Catalogue, DenseIndex, LexicalIndex]:
        if self._catalogue is None or self._dense is None or self._lexical is None:
            raise RuntimeError("begin() comes first")
        return self._catalogue, self._dense, self._lexical
