"""The attached files and their rows: a file is written before its row is committed, and removed after its last row is
gone. Both happen under one lock, so that a file is never removed while the same content is being attached again.

A bucket may be reached by several installations: by a test with the settings of another one, say. Whatever has no row
would be removed, so an object in it says to which one it belongs, and the others neither add nor remove files.
"""

import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from recommender.database.attachment_tables import REFUSED, Attachment
from recommender.database.files_owner import make_own_name, own_name
from recommender.database.leading import take_lock
from recommender.database.storing import in_chunks
from recommender.errors import FilesUnavailable
from recommender.files import DIGEST, FileStore

log = logging.getLogger(__name__)
_CHUNK = 500  # digests in one query: a judgement
_LOCK, _TRIES_EVERY, _LONGEST = "attached-files", 0.05, 60.0
"""The lock of all machines that share the files; seconds between two tries to get it, and at most: judgements."""


@contextmanager
def locked(session: Session, store: FileStore) -> Iterator[None]:
    """Hold the lock: until the commit when files are added, or while files without rows are removed. Raises
    FilesUnavailable when another machine has it for very long."""
    if not store.shared:
        with store.locked():
            yield
        return
    engine, until = cast("Engine", session.get_bind()), time.monotonic() + _LONGEST
    while (lock := take_lock(engine, _LOCK)) is None:
        if time.monotonic() >= until:
            raise FilesUnavailable("Another machine has been adding files for very long. Try again in a moment.")
        time.sleep(_TRIES_EVERY)
    try:
        yield
    finally:
        lock.close()


def require_own(session: Session, store: FileStore, take: bool = True) -> None:
    """Raise FilesUnavailable when the files belong to another installation. With `take` those that belong to none are
    this one's from now on, and that is committed, unless this database knows nothing of most of them: call it under
    the lock, and then when nothing in the session waits for a commit."""
    if not store.shared:
        return
    owner = store.owner()
    if owner is None and not take:
        return
    if owner is None:
        found = list(store.names())
        if 2 * len(needed(session, found)) >= len(found):
            take_over(session, store)
            return
    elif owner == own_name(session):
        return
    raise FilesUnavailable(
        f"The attached files in {store.where} belong to another installation of Kollega, and nothing is added or "
        "removed there. Give this one a prefix of its own in KOLLEGA_FILES. If the other one is not used any more, "
        "run: kollega take-files"
    )


def take_over(session: Session, store: FileStore) -> None:
    """Make the files those of this installation, and commit."""
    name = make_own_name(session)
    session.commit()  # first: nobody could do anything with files of an installation that no database knows
    store.set_owner(name)


def remove(session: Session, store: FileStore, digests: Collection[str]) -> int:
    """Remove the files with these digests that no row needs any more, and return how many were removed. Call it after
    the commit that has removed the rows. While the files cannot be reached, that is logged, and `sweep` removes them
    later."""
    found = []
    try:
        with locked(session, store):
            found = [digest for digest in set(digests) - needed(session, digests) if store.has(digest)]
            if found:
                require_own(session, store)
            for digest in found:
                store.delete(digest)
    except FilesUnavailable as error:
        log.error("Files that nobody needs are still there. %s", error)
        return 0
    return len(found)


def sweep(session: Session, store: FileStore) -> int:
    """Remove all files that no row needs, and return how many: uploads that were interrupted, and what was erased. Call
    it when nothing in the session waits for a commit. Raises FilesUnavailable when they cannot be reached, or belong to
    another installation."""
    if not any(store.names()):
        return 0
    with locked(session, store):  # nobody is between writing a file and committing its row
        require_own(session, store)
        found = list(store.names())
        kept = needed(session, {name for name in found if DIGEST.fullmatch(name)})
        left = [name for name in found if name not in kept]
        for name in left:
            store.delete(name)
    return len(left)


def needed(session: Session, digests: Collection[str]) -> set[str]:
    """Those of the digests whose file some row needs; a file that was refused is not kept."""
    wanted, kept = sorted(digests), set[str]()
    for some in in_chunks(wanted, _CHUNK):
        query = select(Attachment.digest).where(Attachment.digest.in_(some))
        kept.update(session.scalars(query.where(Attachment.state != REFUSED)))
    return kept
