"""Checks the files of Word, PowerPoint and Excel before a library unpacks them: they are ZIP files of XML."""

from pathlib import Path

from indexer.sources.archive import Archive, archive
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_BEGINNING = 4096  # bytes of a part of XML in which a declaration of entities would stand
_OLE = b"\xd0\xcf\x11\xe0"  # begins files of Office before 2007, and those with a password
_LOOKED_AT = 4_000_000  # bytes in which the name of the encrypted part is sought: a judgement
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def check_package(path: Path) -> None:
    """Raises SourceError for a file that is damaged, has a password, or was made to take all memory."""
    if has_password(path):
        raise SourceError(
            Sentence("%(name)s has a password. Save it without one, then import it again.", name=path.name)
        )
    with path.open("rb") as file:
        if file.read(4) == _OLE:
            raise SourceError(
                Sentence(
                    "%(name)s is in the format of an old program. Open it and save it in the new one.", name=path.name
                )
            )
    with archive(path, path.name) as packed:
        for name in packed.names:
            if name.endswith((".xml", ".rels", ".vml")):
                _check_part(path, packed, name)
        packed.check()


def _check_part(path: Path, packed: Archive, name: str) -> None:
    with packed.open(name) as part:
        beginning = part.read(_BEGINNING)
    if b"<!" in beginning.replace(b"<!--", b"") or "<!DOCTYPE".encode("utf-16-le") in beginning:
        raise SourceError(
            Sentence("%(name)s declares entities, which no office program does, and was not read.", name=path.name)
        )


def has_password(path: Path) -> bool:
    """True when the file is encrypted, as the programs of Office do it."""
    with path.open("rb") as file:
        content = file.read(_LOOKED_AT)
    return content.startswith(_OLE) and _ENCRYPTED in content


def part_of(path: Path, name: str) -> bytes:
    """A part of a file; empty when it has none of this name."""
    with archive(path, path.name) as packed:
        return packed.read(name, 50_000_000) if name in packed.names else b""
