"""Checks attached files, reads their text for search, and removes what was never attached: in a thread beside
`kollega watch`, so that neither waits for the other, and once before `kollega reindex`."""

import logging
import threading
import time
from contextlib import AbstractContextManager
from functools import partial

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import Complaints, in_background
from indexer.files.pdf import LONGEST_TEXT, text_of
from indexer.files.scan import scan
from recommender.database.attachment_tables import FAILED, NOT_CHECKED, PASSED, REFUSED, Attachment
from recommender.database.tables import utc_now
from recommender.files.places import store_of
from recommender.knowledge import attachments, file_store
from recommender.settings import Settings

log = logging.getLogger(__name__)
_AGAIN = 600.0  # seconds after which checks that did not finish are made again: a judgement
_CLEAN_UP = 3600.0  # seconds between two looks for files that nobody needs: a judgement


def examining(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look for new files every few seconds, in a thread that ends with this context."""
    return in_background("files", partial(_examine_until, settings, sessions))


def _examine_until(settings: Settings, sessions: sessionmaker[Session], stop: threading.Event) -> None:
    cleaned = tried = -_CLEAN_UP
    complaints = Complaints("Attached files could not be looked at; trying again", log)
    while not stop.wait(settings.watch_seconds):
        now = time.monotonic()
        again = now - tried > _AGAIN
        try:
            if again:
                tried = now
            examine(settings, sessions, again, stop)
            if now - cleaned > _CLEAN_UP:
                cleaned = now
                with sessions() as session:
                    attachments.clean_up(session, settings)
            complaints.succeeded()
        except Exception as error:
            complaints.failed(error)


def examine(
    settings: Settings, sessions: sessionmaker[Session], again: bool = False, stop: threading.Event | None = None
) -> int:
    """Check the files that have not been checked, with `again` also those whose check did not finish, and read the text
    of those that may be opened and are attached to something. Commits after each. Returns how many were looked at."""
    looked_at = 0
    if settings.attachment_scan:
        states = (NOT_CHECKED, FAILED) if again else (NOT_CHECKED,)
        for number, digest, _kind in _found(sessions, Attachment.state.in_(states)):
            if stop is not None and stop.is_set():
                return looked_at
            _check(settings, sessions, number, digest)
            looked_at += 1
    usable = (PASSED,) if settings.attachment_scan else (PASSED, NOT_CHECKED)
    attached = or_(Attachment.request_id.is_not(None), Attachment.document_id.is_not(None))
    for number, digest, kind in _found(sessions, Attachment.text.is_(None), Attachment.state.in_(usable), attached):
        if stop is not None and stop.is_set():
            return looked_at
        text = _text(settings, digest, kind)
        with sessions.begin() as session:
            row = session.get(Attachment, number)
            if row is not None:
                row.text = text
        looked_at += 1
    return looked_at


def _found(sessions: sessionmaker[Session], *conditions: ColumnElement[bool]) -> list[tuple[int, str, str]]:
    """(id, digest, type) of the files that meet the conditions, oldest first."""
    query = select(Attachment.id, Attachment.digest, Attachment.kind).where(*conditions).order_by(Attachment.id)
    with sessions() as session:
        return [(number, digest, kind) for number, digest, kind in session.execute(query)]


def _check(settings: Settings, sessions: sessionmaker[Session], number: int, digest: str) -> None:
    """Check one file, and note what came of it. A file that is refused is removed from the disk."""
    try:
        with store_of(settings).local(digest) as path:
            state = scan(settings.attachment_scan, path, settings.attachment_scan_seconds)
    except FileNotFoundError:
        state = FAILED
    with sessions() as session:
        session.execute(update(Attachment).where(Attachment.id == number).values(state=state, updated_at=utc_now()))
        session.commit()
        if state == REFUSED:
            file_store.remove(session, store_of(settings), {digest})


def _text(settings: Settings, digest: str, kind: str) -> str:
    """What search reads of a file beside its name: the text of PDFs and text files."""
    if kind not in ("pdf", "txt"):
        return ""
    try:
        with store_of(settings).local(digest) as path:
            if kind == "pdf":
                return text_of(path).replace("\0", "")
            content = path.read_bytes()[: 4 * LONGEST_TEXT]
    except FileNotFoundError:
        return ""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return content.decode(encoding, "replace")[:LONGEST_TEXT].replace("\0", "")
