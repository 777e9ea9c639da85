"""Small text files of which each machine has a copy: what is in the database is what all should have."""

import secrets
from pathlib import Path

from sqlalchemy.orm import Session

from recommender.database.encode_batches import remove_all
from recommender.database.replica_tables import SharedText
from recommender.database.storing import insert_or_update
from recommender.database.tables import utc_now

REWRITE = "rewrite"
"""The name of a text that says nothing: whenever it is another one, every index is to be written anew."""


def are_used(session: Session) -> bool:
    """True when several machines may use the database: a SQLite file has one home, whose files are all there are."""
    return session.get_bind().dialect.name != "sqlite"


def store(session: Session, path: Path, of_model: str = "") -> None:
    """Let all machines have this file, or none when it is not there. The caller commits."""
    text = path.read_text(encoding="utf-8") if path.is_file() else None
    values = {"of_model": of_model, "text": text, "changed_at": utc_now()}
    insert_or_update(session, SharedText, {"name": path.name}, values)


def stored(session: Session, name: str) -> SharedText | None:
    """What all machines should have as the file of this name; None when nothing was ever said about it."""
    return session.get(SharedText, name, populate_existing=True)


def ask_all_for_rewrite(session: Session) -> None:
    """Have all machines write their indexes anew, because something is erased that must be in none of their files, and
    commit. Call this before it is erased and once more after that was committed, as `generations.ask_for_rewrite`, and
    with nothing written that is not committed: it may wait for workers. Raises DatabaseUnusable when one of them goes
    on for too long; the others are asked all the same."""
    if not are_used(session):
        return
    try:
        remove_all(session.get_bind().engine)  # which may have it too: whoever needs the others gives them again
    finally:
        values = {"of_model": "", "text": secrets.token_hex(8), "changed_at": utc_now()}
        insert_or_update(session, SharedText, {"name": REWRITE}, values)
        session.commit()
