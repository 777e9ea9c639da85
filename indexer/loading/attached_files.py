"""The attached files of an export: copied into a folder beside it, and from there into a new home."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.attachment_tables import REFUSED, Attachment
from recommender.errors import ExportError, SourceError
from recommender.files import FileStore, checked, digest_of
from recommender.knowledge import file_store
from recommender.sentences.sentence import Sentence, reason_of


def folder_beside(path: Path) -> Path:
    """The folder of the files that belong to an export: its name with `.files` at the end."""
    return path.with_name(f"{path.name}.files")


def require_new_folder(path: Path) -> None:
    """Raise ExportError when there is a folder beside this export already."""
    target = folder_beside(path)
    if target.exists() or target.is_symlink():
        raise ExportError(Sentence("%(target)s exists already and is left as it is. Name another file.", target=target))


def copy_out(session: Session, store: FileStore, path: Path) -> int:
    """Copy the attached files from their store into a new one beside an export, readable only by their owner.
    Returns how many; when there are none, no folder is made. A file that is lost is left out. Raises ExportError when
    they cannot be written."""
    target, copied = folder_beside(path), 0
    try:
        for digest in _digests(session):
            with suppress(FileNotFoundError), store.local(digest) as source, source.open("rb") as file:
                target.mkdir(mode=0o700, exist_ok=True)
                descriptor = os.open(target / digest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as copy:
                    shutil.copyfileobj(file, copy)
                copied += 1
    except OSError as error:
        raise ExportError(
            Sentence(
                "%(target)s cannot be written: %(reason)s. Remove it and %(file)s, then try again.",
                target=target, reason=reason_of(error), file=path,
            )
        ) from error  # fmt: skip
    return copied


def copy_in(session: Session, store: FileStore, path: Path) -> list[str]:
    """Copy the attached files that the imported rows name from the folder beside an export into their store.
    Returns the digests of those that the export lacks. Raises SourceError when that folder is missing or a file in it
    has changed."""
    source, missing = folder_beside(path), []
    digests = list(_digests(session))
    if digests and not source.is_dir():
        raise SourceError(
            Sentence(
                "The attached files are missing: put the folder %(name)s beside the export, then try again. "
                "Nothing was loaded.",
                name=source.name,
            )
        )
    with file_store.locked(session, store):
        file_store.require_own(session, store, take=False)  # the rows are not committed yet
        for digest in digests:
            copy = source / checked(digest)
            if not copy.is_file():
                missing.append(digest)
                continue
            content = copy.read_bytes()
            if digest_of(content) != digest:
                raise SourceError(Sentence("The attached file %(copy)s is damaged. Nothing was loaded.", copy=copy))
            store.write(content)
    return missing


def _digests(session: Session) -> Iterator[str]:
    query = select(Attachment.digest).where(Attachment.state != REFUSED).distinct().order_by(Attachment.digest)
    yield from session.scalars(query)
