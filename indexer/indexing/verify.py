"""Proves that everything is whole: the database, the index and whether the two agree, what was learned, the model and
the audit log. `status.py` tells what there is; this compares all of it, item by item."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from indexer.indexing.verify_database import database_problems
from recommender import audit, learned
from recommender.checksums import SEAL, problem_of
from recommender.corpus import items
from recommender.database.engine import open_database
from recommender.errors import IndexDamaged, IndexNotFound, KollegaError
from recommender.index import generations
from recommender.index.catalogue import Catalogue
from recommender.index.dense import DenseIndex
from recommender.index.digest import item_digest
from recommender.index.generations import CATALOGUE, LEXICAL, VECTORS, Manifest
from recommender.index.lexical import LexicalIndex
from recommender.index.local import LocalIndex
from recommender.settings import Settings

_NAMED = 20  # items that are named when many differ: a judgement
_AT_ONCE = 10_000  # vectors that are read at once: a judgement
_REINDEX, _REBUILD = "Run: kollega reindex", "Run: kollega reindex --full"


def verify(settings: Settings) -> list[str]:
    """A sentence about everything that is not whole, with what to do; empty when all is well."""
    problems = [*_index(settings), *_models(settings)]
    try:
        sessions = open_database(settings)
        try:
            with sessions() as session:
                problems = [*database_problems(session), *_audit(session), *_agreement(settings, session), *problems]
        finally:
            sessions.kw["bind"].dispose()
    except KollegaError as error:
        problems.insert(0, str(error))
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or type(error).__name__
        problems.insert(0, f"The database cannot be read ({reason}). Stop Kollega and restore a backup.")
    return problems


def _audit(session: Session) -> Iterator[str]:
    for problem in audit.verify(session):
        yield f"{problem} Compare the audit log with that of a backup."


def _index(settings: Settings) -> Iterator[str]:
    """What is wrong with the files of the index itself."""
    live = generations.live_name(settings.index_dir)
    for name in generations.finished(settings.index_dir):
        directory = settings.index_dir / name
        try:
            manifest = Manifest.read(directory)
            manifest.check_files(directory)
            if name == live and not manifest.files:
                yield f"{name} was written by an earlier version, without checksums. {_REINDEX}"
            if name == live:
                yield from _parts(directory, manifest)
        except IndexDamaged as error:
            yield str(error) if name == live else f"{error} Until then, kollega rollback cannot use it."
    try:
        yield from _learned(generations.live(settings.index_dir))
    except IndexNotFound as error:
        yield str(error)


def _parts(directory: Path, manifest: Manifest) -> Iterator[str]:
    """Whether the parts of a generation agree with each other: keyword search counts as many items for each reader
    token as the catalogue, and each vector has length 1."""
    LocalIndex.open_generation(directory, manifest.model)
    counted: dict[str, int] = {}
    for _key, audience in Catalogue.load(directory / CATALOGUE).audiences():
        for token in audience:
            counted[token] = counted.get(token, 0) + 1
    lexical = LexicalIndex.load(directory / LEXICAL)
    if len(lexical) != manifest.items:
        yield f"Keyword search has {len(lexical)} items, the index {manifest.items}. {_REBUILD}"
    for token, count in sorted(counted.items()):
        if (found := lexical.size(frozenset({token}))) != count:
            yield f"Keyword search has {found} items for {token}, the index {count}. {_REBUILD}"
    dense = DenseIndex.load(directory / VECTORS)
    for start in range(0, len(dense), _AT_ONCE):
        vectors = dense.vectors(np.arange(start, min(start + _AT_ONCE, len(dense)), dtype=np.int64))
        if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=0.01):
            yield f"Some vectors of {directory.name} do not have length 1. {_REBUILD}"
            return


def _learned(directory: Path) -> Iterator[str]:
    for file in (learned.ANSWER_MODEL, learned.RANKER):
        if not file.usable(directory):
            yield f"{file.name} of {directory.name} is damaged or lost; the shipped model is used. Run: {file.command}"


def _models(settings: Settings) -> Iterator[str]:
    """What is wrong with the models and dictionaries in the home; a folder without checksums is none that is used."""
    for sealed in sorted(settings.models_dir.glob(f"*/{SEAL}")):
        if problem := problem_of(sealed.parent):
            yield f"The model's files are damaged: {problem}. Run: kollega prepare"


def _agreement(settings: Settings, session: Session) -> Iterator[str]:
    """Whether the index has every item that it should have, as it is in the database, and nothing else."""
    try:
        catalogue = Catalogue.load(generations.live(settings.index_dir) / CATALOGUE)
        digests, languages, audiences = catalogue.digests(), catalogue.languages(), dict(catalogue.audiences())
    except (KollegaError, OSError, ValueError) as error:
        if not isinstance(error, KollegaError):
            yield f"The items of the index cannot be read ({error}). {_REBUILD}"
        return
    differing = []
    for item in items(session):
        digest = digests.pop(item.key, None)
        if digest is None:
            differing.append(f"{item.key} is not in the index")
        elif digest != item_digest(item, settings.passage_tokens):
            differing.append(f"{item.key} differs from what was indexed: it was edited since, or is damaged")
        elif audiences.get(item.key) != item.audience:
            differing.append(f"{item.key} has another audience in the index")
        elif languages.get(item.key) != item.language:
            differing.append(f"{item.key} has another language in the index")
    differing += [f"{key} is in the index, but no longer in the database" for key in digests]
    yield from (f"{what}. {_REINDEX}" for what in differing[:_NAMED])
    if len(differing) > _NAMED:
        yield f"{len(differing) - _NAMED} more items differ. {_REINDEX}"
