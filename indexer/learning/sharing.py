"""Gives what was learned on one machine to the others, through the database."""

from pathlib import Path

from sqlalchemy.orm import Session

from recommender.database import shared_texts
from recommender.index.generations import Manifest


def give_others(session: Session, path: Path) -> None:
    """Let all machines use what was learned into this file of the live generation, or the shipped weights when it is
    not there, and commit. `kollega watch` brings it to them. Call this under the lock of the index."""
    if shared_texts.are_used(session):
        shared_texts.store(session, path, Manifest.read(path.parent).model.key)
        session.commit()
