"""The synonyms that admins write in the admin area: versions in the database, of which the newest is in force. They are
used together with those of the file synonyms.txt; neither overrules the other.

The functions change rows of the session and leave the commit to the caller.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.audit import Actor
from recommender.database.engine import open_engine
from recommender.database.failures import is_away
from recommender.database.files import database_path
from recommender.database.words_tables import WordList
from recommender.errors import KollegaError, SynonymsError
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import Synonyms, wrong_lines
from recommender.settings import Settings

log = logging.getLogger(__name__)
IN_FORCE_AFTER = 5.0
"""Seconds after which every process uses a new version, at the next question: a judgement."""
LONGEST = 200_000
"""Characters of all synonyms together: a judgement."""
_KEPT = 50  # versions: a judgement


def newest(session: Session) -> WordList | None:
    """The version in force; None when nothing was ever written."""
    return session.scalar(select(WordList).order_by(WordList.id.desc()).limit(1))


def versions(session: Session, most: int = 10) -> list[WordList]:
    """The newest versions, the one in force first."""
    return list(session.scalars(select(WordList).order_by(WordList.id.desc()).limit(most)))


def save(session: Session, actor: Actor, text: str, analyzer: Analyzer) -> bool:
    """Put a new version in force; False when it is the one in force. Raises SynonymsError when a line cannot be used:
    nothing is stored then."""
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip("\n")
    if len(lines) > LONGEST:
        raise SynonymsError(f"These are more than {LONGEST} characters.", "long")
    if wrong := wrong_lines(lines, analyzer):
        raise SynonymsError(f"Line {wrong[0][0]} cannot be used.", wrong[0][1])
    before = newest(session)
    if lines == (before.text if before else ""):
        return False
    _add(session, actor, lines, "words.changed", before)
    return True


def undo(session: Session, actor: Actor) -> bool:
    """Go back to the version before the one in force, as a new version, so that this can be undone too; False when
    there is none."""
    found = versions(session, 2)
    if not found:
        return False
    _add(session, actor, found[1].text if len(found) > 1 else "", "words.undone", found[0])
    return True


def _add(session: Session, actor: Actor, text: str, action: str, before: WordList | None) -> None:
    row = WordList(text=text, made_by_id=actor.person_id)
    session.add(row)
    session.flush()
    old, new = (set(lines.splitlines()) for lines in (before.text if before else "", text))
    audit.record(session, actor, action, f"words:{row.id}", {"added": len(new - old), "removed": len(old - new)})
    session.execute(delete(WordList).where(WordList.id <= row.id - _KEPT))


class StoredSynonyms:
    """The version in force, for the questions of one process: called for each question, it looks into the database
    every few seconds. While that cannot be read, the last version stays in use. Safe for many threads.

    Without `sessions` the database of the settings is opened for each look, and closed again."""

    def __init__(self, settings: Settings, analyzer: Analyzer, sessions: sessionmaker[Session] | None = None) -> None:
        self._settings = settings
        self._analyzer = analyzer
        self._given = sessions
        self._looking = threading.Lock()
        self._look_at = 0.0
        self._version: int | None = None
        self._synonyms = Synonyms()

    def __call__(self) -> Synonyms:
        if time.monotonic() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._look_at = time.monotonic() + IN_FORCE_AFTER
                self._looking.release()
        return self._synonyms

    def _look(self) -> None:
        try:
            path = database_path(self._settings)
            if path is not None and not path.is_file():
                return  # none is made here
            with self._reading() as session:
                version = session.scalar(select(func.max(WordList.id)))
                if version != self._version:
                    row = session.get(WordList, version) if version is not None else None
                    self._synonyms = usable(row.text if row else "", self._analyzer)
                    self._version = version
        except (SQLAlchemyError, KollegaError, OSError) as error:
            if not is_away(error):  # which `outages.report_outages` tells once
                log.warning("The synonyms in the database cannot be read (%s)", type(error).__name__)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        if self._given is not None:
            with self._given() as session:
                yield session
            return
        engine = open_engine(self._settings)
        try:
            with Session(engine) as session:
                yield session
        finally:
            engine.dispose()


def usable(text: str, analyzer: Analyzer) -> Synonyms:
    """The synonyms without the lines that another version of Kollega cannot use."""
    wrong = {number for number, _reason in wrong_lines(text, analyzer)}
    lines = (line for number, line in enumerate(text.splitlines(), 1) if number not in wrong)
    return Synonyms.parse("\n".join(lines), analyzer)
