"""Keeps the small files of this machine and those of the others alike, through the database: the synonyms, what was
learned from the organisation's own history, and the wish for an index without what was erased. It does nothing on
SQLite, whose home is the only one."""

import hashlib
import logging
import os
import threading
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from recommender.database import shared_texts
from recommender.errors import IndexLocked, SettingsError
from recommender.index import generations
from recommender.index.generations import CALIBRATION, EXPERTS, WAS_LEARNED, Manifest
from recommender.settings import Settings

log = logging.getLogger(__name__)
_AGREED, _EARLIER, _ASKED = ".agreed", ".earlier", "rewrite-asked"


def sharing_files(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look every few seconds for files to bring here or to give to the others, in a thread that ends with this
    context."""

    def work(_stop: threading.Event) -> None:
        share_files(settings, sessions)

    return repeating("shared files", settings.watch_seconds, work, "Shared files could not be read; trying again", log)


def share_files(settings: Settings, sessions: sessionmaker[Session]) -> None:
    """Bring here what was changed on another machine, and give the others the synonyms that were edited here. When both
    have changed, the other machine's are taken, and the own ones are kept beside them. What fails keeps nothing else
    from being done, what is to be erased before all; the first error is raised at the end, a SettingsError for synonyms
    that cannot be read."""
    errors: list[Exception] = []
    for step in (_follow_rewrites, _bring_learned, _share_synonyms):
        try:
            with sessions() as session:
                if shared_texts.are_used(session):
                    step(session, settings)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _share_synonyms(session: Session, settings: Settings) -> None:
    """`.synonyms.txt.agreed` has the digest of what this machine and the database had in common last."""
    path = settings.synonyms_path
    agreed = path.with_name(f".{path.name}{_AGREED}")
    try:
        here = path.read_text(encoding="utf-8") if path.is_file() else None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is not in UTF-8, so the other machines do not get it. Save it as UTF-8 in your editor."
        ) from error
    row = shared_texts.stored(session, path.name)
    there = row.text if row else None
    last = agreed.read_text(encoding="ascii") if agreed.is_file() else _digest(None)
    if here != there:
        is_edited_here = row is None or (_digest(there) == last and _digest(here) != last)
        if is_edited_here:
            shared_texts.store(session, path)
            session.commit()
        else:
            if here is not None and _digest(here) != last:
                _write(path.with_name(f"{path.name}{_EARLIER}"), here)
                log.warning("%s was edited on two machines. What was written here is in %s%s", path, path, _EARLIER)
            _write(path, there)
            here = there
    if _digest(here) != last:
        _write(agreed, _digest(here))


def _bring_learned(session: Session, settings: Settings) -> None:
    """Put what was learned on another machine into the live generation, if it was learned with the same model."""
    name = generations.live_name(settings.index_dir)
    if name is None or not _missing(session, settings.index_dir / name):
        return
    try:
        with generations.write_lock(settings.index_dir):
            session.rollback()  # what is read from here on is of after the lock
            directory = generations.live(settings.index_dir)
            for path, text in _missing(session, directory):
                _write(path, text)
                mark = path.with_name(f"{path.name}{WAS_LEARNED}")
                if text is None:
                    mark.unlink(missing_ok=True)
                else:
                    mark.touch()
    except IndexLocked:
        return  # at the next look


def _follow_rewrites(session: Session, settings: Settings) -> None:
    """Ask for a rewrite of this machine's index when one was asked of all since the last time."""
    row, asked = shared_texts.stored(session, shared_texts.REWRITE), settings.index_dir / _ASKED
    if row is not None and row.text != (asked.read_text(encoding="ascii") if asked.is_file() else None):
        generations.ask_for_rewrite(settings.index_dir)
        _write(asked, row.text)


def _missing(session: Session, directory: Path) -> list[tuple[Path, str | None]]:
    """The files of a generation that should have other texts, with these."""
    found = []
    of_model = Manifest.read(directory).model.key
    for path in (directory / CALIBRATION, directory / EXPERTS):
        row = shared_texts.stored(session, path.name)
        here = path.read_text(encoding="utf-8") if path.is_file() else None
        if row is not None and row.of_model == of_model and row.text != here:
            found.append((path, row.text))
    return found


def _digest(text: str | None) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text is not None else "none"


def _write(path: Path, text: str | None) -> None:
    """Write a file in one step, or remove it."""
    if text is None:
        path.unlink(missing_ok=True)
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
