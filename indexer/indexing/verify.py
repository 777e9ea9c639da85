"""Proves that everything is whole: the database, the attached files, the index and whether it agrees with the
database, what was learned, the model and the audit log. `status.py` tells what there is; this compares all of it, item
by item."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from indexer.indexing.kept import follow
from indexer.indexing.verify_agreement import REBUILD, REINDEX, agreement
from indexer.indexing.verify_beside import beside_problems
from indexer.indexing.verify_database import database_problems
from indexer.indexing.verify_files import file_problems
from recommender import audit, learned
from recommender.checksums import SEAL, FileIdentity, identity_of, problem_of
from recommender.database.engine import open_to_read
from recommender.database.failures import reason
from recommender.database.index_register import IndexRegister
from recommender.encoder.load import name_and_dimension
from recommender.encoder.openvino import exported_in
from recommender.encoder.packaged import NAME, folder_in
from recommender.encoder.pytorch import REVISION
from recommender.errors import IndexDamaged, IndexMismatch, IndexNotFound, IndexUnavailable, KollegaError
from recommender.files.places import store_of
from recommender.index import generations
from recommender.index.engines import LEFT_IN_MILVUS, engine_of, is_left_in_milvus
from recommender.index.generations import Manifest
from recommender.index.model_in_use import folder_of, model_in_use
from recommender.sentences.sentence import Sentence, joined
from recommender.settings import Settings


def verify(
    settings: Settings,
    note: Callable[[str], None] = lambda _sentence: None,
    wait: Callable[[float], object] = time.sleep,
) -> list[str]:
    """A sentence about everything that is not whole, with what to do; empty when all is well. Writes nothing,
    but takes over what another machine has made live.

    `note` is called with a sentence about what is no problem: changes that wait for the index. When the index and the
    database differ, both are looked at again after a while: `wait` is called with the seconds.
    """
    with suppress(KollegaError, SQLAlchemyError):  # told below
        follow(settings)
    problems = [*_index(settings), *beside_problems(settings, wait), *_models(settings)]
    try:
        sessions = open_to_read(settings)
        try:
            with sessions() as session:
                in_database = [*database_problems(session), *_audit(session)]
                in_database += file_problems(session, store_of(settings))
            if is_left_in_milvus(settings, IndexRegister(settings, sessions)):
                in_database.append(LEFT_IN_MILVUS)
            problems = [*in_database, *agreement(settings, sessions, note, wait), *problems]
        finally:
            sessions.kw["bind"].dispose()
    except KollegaError as error:
        problems.insert(0, str(error))
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        said = reason(cause) if cause else type(error).__name__
        problems.insert(
            0, Sentence("The database cannot be read (%(reason)s). Stop Kollega and restore a backup.", reason=said)
        )
    return problems


def _audit(session: Session) -> Iterator[str]:
    for problem in audit.verify(session):
        yield joined([problem, Sentence("Compare the audit log with that of a backup.")], " ")


def _index(settings: Settings) -> Iterator[str]:
    """What is wrong with the files of the index itself."""
    engine = engine_of(settings, IndexRegister(settings))
    live = generations.live_name(settings.index_dir)
    compared: set[FileIdentity] = set()
    for name in generations.finished(settings.index_dir):
        directory = settings.index_dir / name
        try:
            manifest = Manifest.read(directory)
            _compare_files(directory, manifest, compared)
            if name == live and not manifest.files:
                earlier = Sentence("%(name)s was written by an earlier version, without checksums.", name=name)
                yield joined([earlier, REINDEX], " ")
            if name == live:
                yield from (joined([problem, REBUILD], " ") for problem in engine.problems(directory))
        except IndexUnavailable as error:
            yield str(error)
        except (IndexDamaged, IndexMismatch, OSError, RuntimeError, sqlite3.Error) as error:  # RuntimeError: of FAISS
            if name not in generations.finished(settings.index_dir):  # `watch` has removed it meanwhile
                continue
            until = Sentence("Until then, kollega rollback cannot use it.")
            yield str(error) if name == live else joined([str(error), until], " ")
    try:
        yield from _learned(generations.live(settings.index_dir))
    except IndexNotFound as error:
        yield str(error)


def _compare_files(directory: Path, manifest: Manifest, compared: set[FileIdentity]) -> None:
    """Compare the files of a generation with their checksums, but those in `compared`, to which they are added: several
    generations share the large ones. Raises IndexDamaged as `check_files` does."""
    identities = {name: _identity(directory / name, value) for name, value in manifest.files.items()}
    manifest.check_files(directory, but=[name for name, identity in identities.items() if identity in compared])
    compared.update(identity for identity in identities.values() if identity)


def _identity(path: Path, checksum: str) -> FileIdentity:
    """What a file is known by; nothing when it is missing."""
    try:
        return identity_of(path, checksum)
    except OSError:
        return ()


def _learned(directory: Path) -> Iterator[str]:
    for file in (learned.ANSWER_MODEL, learned.RANKER):
        if not file.usable(directory) and directory.exists():  # or else `watch` has removed it meanwhile
            yield Sentence(
                "%(file)s of %(name)s is damaged or lost; the shipped model is used. Run: %(command)s",
                file=file.name,
                name=directory.name,
                command=file.command,
            )


def _models(settings: Settings) -> Iterator[str]:
    """What is wrong with the models and dictionaries in the home; a folder without checksums is none that is used."""
    for folder in _needed(settings):
        if not folder.exists():
            yield Sentence("%(folder)s is missing. Run: kollega prepare", folder=folder)
    for sealed in sorted(settings.models_dir.glob(f"*/{SEAL}")):
        if problem := problem_of(sealed.parent):
            yield Sentence("The model's files are damaged: %(problem)s. Run: kollega prepare", problem=problem)


def _needed(settings: Settings) -> Iterator[Path]:
    """The folders that the model in use and every search need."""
    yield settings.models_dir / "dictionaries"
    model = model_in_use(settings)
    if name_and_dimension(model)[0] == NAME:
        folder = folder_in(settings.models_dir)
        yield folder
        if settings.backend != "torch" and (folder / REVISION).is_file():
            revision = (folder / REVISION).read_text(encoding="ascii")
            yield exported_in(settings.models_dir, NAME, revision)
    elif of_model := folder_of(model):
        yield of_model
