"""Yields the documents of a folder. Their ids are their paths from the folder on."""

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from indexer.sources.documents.history import FileHistory, history_of, is_checkout
from indexer.sources.documents.links import address_of, with_addresses
from indexer.sources.documents.texts import OLD, READ, FileText, read_file
from indexer.sources.documents.walking import Patterns, files_of
from indexer.sources.office.reader import OfficeReader
from indexer.sources.protocol import WholeSource
from indexer.sources.records import LONGEST_TITLE, Change, DocumentRecord, Located, first_problem
from indexer.sources.tables.dates import read_time_of
from indexer.sources.tables.people import People
from indexer.texts.subject import first_words
from recommender.database.days import current_day
from recommender.database.handles import visible
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

PRIVATE = ("private",)
"""Readers that no group is called: for the team only."""
_LONGEST_ID = 200
_CUT = (Sentence("documents that are too long were cut"), "")
_NO_HISTORY = (
    Sentence("times and owners were not taken from Git, which has no history of the folder or does not trust it"),
    "",
)
_OTHER_FORMAT = Sentence("it is in a format that is not read. Save it as .docx, .pptx or PDF")


class DocumentsSource(WholeSource):
    """A folder of documents. A file that cannot be read is reported, and what was read of it before stays. `readers`
    are those of a file that does not say them."""

    def __init__(
        self,
        name: str,
        folder: Path,
        patterns: Patterns,
        zone: ZoneInfo,
        address: str = "",
        use_git: bool = True,
        readers: tuple[str, ...] | None = None,
    ) -> None:
        if not folder.is_dir():
            raise SourceError(Sentence("%(folder)s is no folder. Give the folder with the documents.", folder=folder))
        self.name, self._folder, self._patterns = name, folder, patterns
        self._zone, self._address, self._use_git = zone, address, use_git
        self._readers = readers
        self._changes: list[Change] = []  # told with the next document
        self._people = People(name, by_name=False)

    def records(self) -> Iterator[Located]:
        """Owners, each before the first of their documents, and documents. Raises SourceError when the folder cannot be
        listed."""
        history = history_of(self._folder) if self._use_git else {}
        if self._use_git and not history and is_checkout(self._folder):
            self._changes = [_NO_HISTORY]
        told: set[str] = set()
        with OfficeReader() as office:
            try:
                for name, path in files_of(self._folder, self._patterns):
                    kind = PurePosixPath(name).suffix.lower()
                    if kind in READ:
                        for located in self._file(name, path, office, history.get(name)):
                            yield from self._new_people(told)
                            yield located
                    elif kind in OLD:
                        yield self._unread(name, _OTHER_FORMAT)
            except OSError as error:
                raise SourceError(
                    Sentence(
                        "%(file)s cannot be read: %(reason)s.",
                        file=error.filename or self._folder,
                        reason=reason_of(error),
                    )
                ) from error

    def _file(self, name: str, path: Path, office: OfficeReader, history: FileHistory | None) -> Iterator[Located]:
        """The document of a file, or why there is none; nothing for a draft and an empty file."""
        try:
            found = read_file(name, path, office)
            if found.text and not found.front.is_draft:
                changes: list[Change] = [*self._changes, *([_CUT] if found.is_cut else [])]
                self._changes = []
                yield Located(name, 1, self._document(name, path, found, history), changes=tuple(changes))
        except ValidationError as error:
            yield self._unread(name, first_problem(error))
        except (SourceError, ValueError, OSError) as error:
            yield self._unread(name, str(error).removeprefix(f"{path.name} ").removeprefix(f"{path} "))

    def _unread(self, name: str, problem: str) -> Located:
        return Located(name, 1, None, problem, unread=("document", _identifier(name)))

    def _document(self, name: str, path: Path, found: FileText, history: FileHistory | None) -> DocumentRecord:
        said = found.front.values
        text = with_addresses(found.text, name, self._address) if self._address else found.text
        title = visible(found.title)
        verified = read_time_of(said.get("verified", ""), "year-first")
        return DocumentRecord(
            id=_identifier(name),
            title=title if len(title) <= LONGEST_TITLE else first_words(title, 200),
            body=text,
            owner=self._owner(found, history),
            language=_language(said.get("language") or found.language),
            updated_at=self._changed_at(path, said.get("updated", ""), history),
            verified_on=verified.date() if verified and verified.date() <= current_day() else None,
            url=said.get("url") or (address_of(name, self._address) if self._address else None),
            group=said.get("team") or (name.partition("/")[0] if "/" in name else None),
            readers_there=self._readers if found.front.readers is None else found.front.readers,
        )

    def _owner(self, found: FileText, history: FileHistory | None) -> str | None:
        """Who the file says owns it; else who made most of its changes."""
        if said := found.front.values.get("owner"):
            return self._people.handle(said)
        if history is not None:
            mail, person = history.owner()
            return self._people.handle(person, mail)
        return None

    def _changed_at(self, path: Path, said: str, history: FileHistory | None) -> datetime:
        if history is not None:
            return history.changed_at
        stated = read_time_of(said, "year-first", self._zone)
        return stated or datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)

    def _new_people(self, told: set[str]) -> Iterator[Located]:
        for person in self._people.records():
            if person.id not in told:
                told.add(person.id)
                yield Located(self.name, 1, person)


def _identifier(name: str) -> str:
    """The id of a file: its path; a path that is too long is cut, with a digest of the whole."""
    path = visible(unicodedata.normalize("NFC", name))
    if len(path) <= _LONGEST_ID:
        return path
    return f"{path[: _LONGEST_ID - 17]}-{hashlib.sha256(path.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _language(said: str) -> str | None:
    code = said.casefold().replace("_", "-").split("-")[0]
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None
