"""Writing one generation: a copy of the live one with changes, or from nothing; verified before it goes live.

Vectors are kept in a journal from the moment they are encoded, so a run that was killed encodes nothing twice.
"""

import shutil
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexNotFound
from recommender.index import generations
from recommender.index.catalogue import Catalogue, Row
from recommender.index.dense import DenseIndex
from recommender.index.digest import digest_of, passage_digest
from recommender.index.generations import Manifest
from recommender.index.lexical import Entry, LexicalIndex
from recommender.index.local import LocalIndex, check_model
from recommender.index.vector_space import VectorSpace
from recommender.index.vocabulary import SHORTEST
from recommender.language.analyzer import ANALYSIS_VERSION, Analyzer

Vectors = NDArray[np.float32]
_DEAD_SHARE = 0.2
_SAMPLE = 400
_ADD_TOGETHER = 1024
_PRIOR_PAIRS = 200
_SAYS_WHAT_IT_IS = 15


class IndexBuilder:
    """One generation being written. Use under `generations.write_lock`."""

    def __init__(self, index_dir: Path, model: ModelCard, analyzer: Analyzer, base: Path | None) -> None:
        self._index_dir = index_dir
        self._model = model
        self._analyzer = analyzer
        self._base = base
        self.directory: Path | None = None
        self._catalogue: Catalogue | None = Catalogue.load(base / "catalogue.db") if base else None
        self.known: dict[str, str] = self._catalogue.digests() if self._catalogue else {}
        self._dense: DenseIndex | None = None
        self._lexical: LexicalIndex | None = None
        self._dead = 0
        self._pending: list[Vectors] = []
        self.vector_space = VectorSpace.load(base / "space.npz") if base else VectorSpace()

    @property
    def passages(self) -> int:
        """Passages held so far."""
        return self._catalogue.counts()[1] if self._catalogue else 0

    @classmethod
    def open(cls, index_dir: Path, model: ModelCard, analyzer: Analyzer, full: bool) -> "IndexBuilder":
        """Start from the live generation, or from nothing when `full` or when there is none.

        Raises IndexMismatch when the live generation is another model's, IndexDamaged when it cannot be read.
        """
        if full:
            return cls(index_dir, model, analyzer, None)
        try:
            base = generations.live(index_dir)
        except IndexNotFound:
            return cls(index_dir, model, analyzer, None)
        manifest = Manifest.read(base)
        check_model(manifest, model)
        LocalIndex.open_generation(base, model)  # a damaged base must not be copied on
        return cls(index_dir, model, analyzer, base)

    @property
    def fresh(self) -> bool:
        """True when nothing is taken over from another generation."""
        return self._base is None

    def start_over(self) -> None:
        """Take nothing over, after all."""
        if self._catalogue:
            self._catalogue.close()
        self._base, self._catalogue, self.known, self.vector_space = None, None, {}, VectorSpace()

    def begin(self, expected: int, hnsw_from: int, vector_space: VectorSpace | None = None) -> None:
        """Make the new directory, holding what the base holds. `expected` passages choose exact or HNSW search; `space`
        is where a fresh generation's vectors are placed."""
        self.directory = generations.begin(self._index_dir, self._model)
        if self._base is None:
            self.vector_space = vector_space or VectorSpace()
        self.vector_space.save(self.directory / "space.npz")
        if self._base is None:
            self._catalogue = Catalogue.create(self.directory / "catalogue.db")
            self._lexical = LexicalIndex.create(self.directory / "lexical")
            self._dense = DenseIndex.empty(self._model.dimension, expected >= hnsw_from)
            return
        if self._catalogue:
            self._catalogue.close()
        shutil.copy2(self._base / "catalogue.db", self.directory / "catalogue.db")
        LexicalIndex.copy(self._base / "lexical", self.directory / "lexical")
        self._catalogue = Catalogue.create(self.directory / "catalogue.db")
        self._lexical = LexicalIndex.load(self.directory / "lexical")
        self._dense = DenseIndex.load(self._base / "vectors.faiss")
        self._dead = len(self._dense) - self._catalogue.counts()[1]

    def vectors_of(self, digests: Collection[str]) -> dict[str, Vectors]:
        """Vectors, placed in its space, that the base already holds for these passages."""
        if self._base is None or self._catalogue is None or self._dense is None:
            return {}
        self._flush()
        ids = self._catalogue.ids_by_digest(digests)
        vectors = self._dense.vectors(np.array(list(ids.values()), np.int64))
        return {digest: vector.copy() for digest, vector in zip(ids, vectors, strict=True)}

    def remove(self, keys: Collection[str]) -> int:
        """Take out items; returns how many passages that were."""
        catalogue, _dense, lexical = self._parts()
        removed = catalogue.remove(keys)
        lexical.remove(keys)
        self._dead += removed
        return removed

    def add(self, item: Item, digest: str, passages: Sequence[Passage], vectors: Sequence[Vectors]) -> None:
        """Add an item with its passages and a vector, shape (dimension,), placed in `space`, for each."""
        catalogue, dense, lexical = self._parts()
        begin = len(dense) + len(self._pending)
        rows = [Row(begin + n, passage_digest(p), p) for n, p in enumerate(passages)]
        self._pending += vectors
        if len(self._pending) >= _ADD_TOGETHER:
            self._flush()
        catalogue.add(item, digest, rows)
        told = [passage for passage in passages if passage.role is not Role.OPENING]
        contexts = "\n".join(dict.fromkeys(passage.context for passage in told))
        texts = "\n".join(passage.text for passage in told)
        opening = _first_words(passages) if item.kind is Kind.DOCUMENT else ""
        context, text, first = (self._analyzer.index_terms(each, item.language) for each in (contexts, texts, opening))
        words = {word for word in (*context.words, *text.words) if len(word) >= SHORTEST - 1 and word.isalpha()}
        catalogue.add_words(words)
        lexical.add([Entry(item.key, item.language, item.audience, context, text, first)])

    def finish(self, hnsw_from: int, unrelated: float | None = None) -> Manifest:
        """Write all files, verify them by opening them, and make the generation live. `unrelated` is the model's own
        mean cosine of unrelated texts, for a corpus too small to tell."""
        catalogue, dense, lexical = self._parts()
        directory = self.directory
        if directory is None:
            raise RuntimeError("begin() comes first")
        self._flush()
        lexical.commit()
        catalogue.commit()
        items, passages = catalogue.counts()
        outgrown = not dense.approximate and passages >= hnsw_from
        if outgrown or self._dead > _DEAD_SHARE * max(1, len(dense)):
            dense = self._compact(catalogue, dense, passages >= hnsw_from)
        dense.save(directory / "vectors.faiss")
        digest = digest_of(*(f"{key} {value}" for key, value in sorted(catalogue.digests().items())))
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
            background=_background(catalogue, dense, unrelated),
            alignment=self.vector_space.alignment,
            digest=digest,
        )
        catalogue.close()
        manifest.write(directory)
        try:
            self._verify(directory, items)
        except IndexDamaged:
            (directory / "manifest.json").unlink()
            raise
        generations.publish(self._index_dir, directory)
        return manifest

    def _verify(self, directory: Path, items: int) -> None:
        LocalIndex.open_generation(directory, self._model)
        found = len(LexicalIndex.load(directory / "lexical"))
        if found != items:
            raise IndexDamaged(f"{directory.name} holds the words of {found} items, not {items}. Run it again.")

    def _compact(self, catalogue: Catalogue, dense: DenseIndex, approximate: bool) -> DenseIndex:
        """New rows for living passages only; the words are kept by item and need no change."""
        ids = np.array([row.id for row in catalogue.rows()], np.int64)
        fresh = DenseIndex.empty(self._model.dimension, approximate)
        for start in range(0, len(ids), 10_000):
            fresh.add(dense.vectors(ids[start : start + 10_000]))
        catalogue.renumber()
        return fresh

    def _flush(self) -> None:
        """Hand the pending vectors over together: a graph takes many at once on all processors."""
        if self._pending and self._dense is not None:
            self._dense.add(np.stack(self._pending))
            self._pending.clear()

    def _parts(self) -> tuple[Catalogue, DenseIndex, LexicalIndex]:
        if self._catalogue is None or self._dense is None or self._lexical is None:
            raise RuntimeError("begin() comes first")
        return self._catalogue, self._dense, self._lexical


def _first_words(passages: Sequence[Passage]) -> str:
    """The words with which a document says what it is about."""
    openings = [passage.text for passage in passages if passage.role is Role.OPENING]
    return " ".join(" ".join(openings).split()[:_SAYS_WHAT_IT_IS])


def _background(catalogue: Catalogue, dense: DenseIndex, unrelated: float | None) -> float:
    """Mean cosine between passages of different items: how near texts are that have nothing in common. `unrelated`
    weighs as much as _PRIOR_PAIRS pairs of passages; None leaves it out."""
    members = list(catalogue.members())
    picked = np.random.default_rng(0).permutation(len(members))[:_SAMPLE]
    vectors = dense.vectors(np.array([members[n][0] for n in picked], np.int64))
    keys = np.array([members[n][1] for n in picked])
    cosines = (vectors @ vectors.T)[keys[:, None] != keys[None, :]]
    prior = 0 if unrelated is None else _PRIOR_PAIRS
    return float(((unrelated or 0.0) * prior + cosines.sum()) / max(1, prior + cosines.size))
