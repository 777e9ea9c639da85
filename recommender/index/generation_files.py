"""Opens the files of a generation, and sees whether they fit the settings, the manifest and each other."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexMismatch
from recommender.index.catalogue import Catalogue
from recommender.index.checked import untouched
from recommender.index.dense import DenseIndex
from recommender.index.generations import (
    ADDED,
    ADDED_CATALOGUE,
    CATALOGUE,
    ENGINE,
    LEXICAL,
    SPACE,
    VECTORS,
    Manifest,
)
from recommender.index.members import Members, known_members
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.sentences.sentence import Sentence

_PLACES = {ENGINE: "local files", "milvus": "Milvus"}


class OpenFiles(NamedTuple):
    """The open files of a generation, but those of keyword search. `known` is what an index in this process knows of
    the items of `catalogue.db` already, if any. Without a model there are no vectors."""

    manifest: Manifest
    catalogue: Catalogue
    known: Members | None
    dense: DenseIndex | None
    vector_space: VectorSpace


def open_files(
    directory: Path,
    model: ModelCard | None,
    keywords: bool = True,
    to_continue: bool = False,
    compared: bool = False,
) -> OpenFiles:
    """Open the files of a generation, with the errors of `LocalIndex.open_generation`. All that are used are compared
    with their checksums, those of keyword search too with `keywords`; only not what an open index has in memory, and
    nothing when the caller has `compared` all of them. Who is `to_continue` a generation needs little of it: its
    vectors stay on the disk, and files are not compared again that nothing has touched since they were."""
    manifest = Manifest.read(directory)
    check_engine(manifest, ENGINE)
    check_model(manifest, model)
    if manifest.analysis != ANALYSIS_VERSION:
        raise IndexDamaged(
            Sentence("%(name)s was analysed by another version. Run: kollega reindex --full", name=directory.name)
        )
    vectors, checksum = directory / VECTORS, manifest.files.get(VECTORS, "")
    in_memory = DenseIndex.in_memory(vectors, checksum)
    known = known_members(directory / CATALOGUE, manifest.files.get(CATALOGUE, ""))
    used = [ADDED_CATALOGUE, *([CATALOGUE] if known is None else [])]
    if model:
        used += [ADDED, SPACE, *([VECTORS] if in_memory is None else [])]
    if not compared:
        but = untouched(directory) if to_continue else ()
        manifest.check_files(directory, (*used, *([LEXICAL] if keywords else [])), but)
    with opening(directory):
        catalogue = Catalogue.load(directory / CATALOGUE)
        dense = None
        if model:
            dense = DenseIndex.map(vectors) if to_continue else DenseIndex.load(vectors, checksum)
        vector_space = VectorSpace.load(directory / SPACE) if model else VectorSpace()
        files = OpenFiles(manifest, catalogue, known, dense, vector_space)
        _check_agreement(directory, files)
    return files


def _check_agreement(directory: Path, files: OpenFiles) -> None:
    manifest, counts = files.manifest, files.catalogue.counts()
    if counts != (manifest.items, manifest.passages) or (files.dense is not None and len(files.dense) != manifest.rows):
        raise IndexDamaged(
            Sentence(
                "%(name)s contains %(counts)s items and %(counts_2)s passages, its manifest says "
                "%(items)s and %(passages)s. Run: kollega reindex --full",
                name=directory.name,
                counts=counts[0],
                counts_2=counts[1],
                items=manifest.items,
                passages=manifest.passages,
            )
        )
    if files.catalogue.last_id() >= manifest.rows:
        raise IndexDamaged(
            Sentence("%(name)s has passages without a vector. Run: kollega reindex --full", name=directory.name)
        )


@contextlib.contextmanager
def opening(directory: Path) -> Iterator[None]:
    """Turns what the libraries raise on files that cannot be read into IndexDamaged."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, MemoryError, sqlite3.Error) as error:
        raise IndexDamaged(
            Sentence(
                "%(name)s cannot be opened (%(reason)s). Run: kollega reindex --full", name=directory.name, reason=error
            )
        ) from error


def check_engine(manifest: Manifest, engine: str) -> None:
    """Raise IndexMismatch when a generation was made by another engine."""
    if manifest.engine != engine:
        raise IndexMismatch(
            Sentence(
                "The index is in %(places)s, and KOLLEGA_INDEX says %(places_2)s. Run: kollega reindex",
                places=_PLACES.get(manifest.engine, manifest.engine),
                places_2=_PLACES.get(engine, engine),
            )
        )


def check_model(manifest: Manifest, model: ModelCard | None) -> None:
    """Raise IndexMismatch when a generation was made with another model than `model`; None fits every generation."""
    if model is not None and manifest.model != model:
        raise IndexMismatch(
            Sentence(
                "The index was made by %(name)s (%(revision)s), not by %(name_2)s (%(revision_2)s). Run: "
                "kollega reindex --full",
                name=manifest.model.name,
                revision=manifest.model.revision,
                name_2=model.name,
                revision_2=model.revision,
            )
        )
