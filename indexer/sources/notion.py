"""The export of a Notion workspace: a ZIP with ZIPs in it, one of them, or the folder; Markdown or HTML, and CSV.

Pages are known by the 32 digits at the end of their file names. Names of files are cut, so titles come from the texts.
"""

import csv
import hashlib
import io
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from indexer.sources.archive import archive
from indexer.sources.notion_page import NotionPage, from_html_page, from_markdown_page
from indexer.sources.protocol import Options, WholeSource
from indexer.sources.records import DocumentRecord, Located, first_problem
from indexer.sources.tickets import file_name
from indexer.texts import markdown
from recommender.database.handles import visible
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

OPTIONS = Options
_ID = re.compile(r"^(?P<name>.*?)[ _-]?(?P<id>[0-9a-f]{32})(?P<all>_all)?$", re.DOTALL)
_PAGES = frozenset({".md", ".html"})
_LARGEST = 50_000_000  # bytes of one page or table: a judgement


def open_source(name: str, options: Options) -> "NotionExport":
    """The export at `options.place`."""
    return NotionExport(name, options)


@dataclass(frozen=True)
class _File:
    """A file of the export; `read` gives its bytes and raises SourceError."""

    path: PurePosixPath
    read: Callable[[], bytes]

    @property
    def id(self) -> str:
        """The 32 digits in its name; a digest of its path when it has none."""
        found = _ID.match(self.path.stem)
        return found["id"] if found else hashlib.sha256(str(self.path).encode()).hexdigest()[:32]

    @property
    def name(self) -> str:
        """Its name without digits, as people gave it, perhaps cut."""
        found = _ID.match(self.path.stem)
        return unicodedata.normalize("NFC", found["name"].strip() if found else self.path.stem)


class NotionExport(WholeSource):
    """An export of a workspace or of some of its pages, read as a whole."""

    def __init__(self, name: str, options: Options) -> None:
        self.name, self._options, self._place = name, options, Path(options.place)

    def records(self) -> Iterator[Located]:
        """The pages, and the tables without pages. Raises SourceError when the export cannot be read further."""
        with ExitStack() as opened:
            files, problems = self._files(opened)
            yield from problems
            if not any(file.path.suffix.lower() in _PAGES | {".csv"} for file in files):
                raise SourceError(
                    Sentence(
                        "%(place)s has no pages of Notion. Export the workspace as Markdown & CSV or as HTML, and "
                        "give the ZIP or its folder.",
                        place=self._place,
                    )
                )
            with_pages = {str(file.path.parent) for file in files if file.path.suffix.lower() in _PAGES}
            tables = {str(file.path) for file in files if file.path.suffix.lower() == ".csv"}
            for file in files:
                yield from self._located(file, with_pages, tables)

    def _located(self, file: _File, with_pages: set[str], tables: set[str]) -> Iterator[Located]:
        kind, place = file.path.suffix.lower(), str(file.path)
        if kind not in _PAGES | {".csv"} or (file.path.name == "index.html" and len(file.path.parts) <= 2):
            return
        if kind == ".csv" and self._is_shown_elsewhere(file, with_pages, tables):
            return
        try:
            content = file.read().decode("utf-8-sig")
            page = self._page(file, kind, content)
        except SourceError as error:
            yield Located(place, 1, None, str(error))
            return
        except UnicodeDecodeError:
            yield Located(place, 1, None, Sentence("it is not UTF-8. Export it again"))
            return
        if page.body.strip():
            yield self._record(file, page)

    def _is_shown_elsewhere(self, file: _File, with_pages: set[str], tables: set[str]) -> bool:
        """True for a table whose rows are pages, and for a view of one that is there with all rows."""
        stem = file.path.stem.removesuffix("_all")
        folders = {str(file.path.with_name(stem)), str(file.path.with_name(file.name))}
        whole = str(file.path.with_name(f"{stem}_all.csv"))
        return bool(folders & with_pages) or (not file.path.stem.endswith("_all") and whole in tables)

    def _page(self, file: _File, kind: str, content: str) -> NotionPage:
        if kind == ".md":
            return from_markdown_page(content)
        if kind == ".html":
            return from_html_page(content)
        try:
            rows = list(csv.reader(io.StringIO(content)))
        except csv.Error as error:
            raise SourceError(
                Sentence("the table cannot be read (%(reason)s). Export it again", reason=error)
            ) from error
        return NotionPage(file.name, markdown.table(rows))

    def _record(self, file: _File, page: NotionPage) -> Located:
        title = markdown.one_line(visible(page.title)) or file.name
        folders = [part for part in file.path.parts[:-1] if _ID.match(part)]
        found = _ID.match(folders[0]) if folders else None
        try:
            record = DocumentRecord(
                id=page.id or file.id,
                title=title[:500],
                body=page.body,
                updated_at=page.changed_at(self._options.timezone) or self._exported_at(),
                group=unicodedata.normalize("NFC", found["name"]) if found else None,
                attachments=tuple(dict.fromkeys(name for each in page.files if (name := file_name(each)))),
                url=f"https://www.notion.so/{page.id or file.id}" if _ID.match(file.path.stem) or page.id else None,
            )
        except ValidationError as error:
            return Located(str(file.path), 1, None, first_problem(error))
        return Located(str(file.path), 1, record)

    def _exported_at(self) -> datetime:
        return datetime.fromtimestamp(self._place.stat().st_mtime, UTC)

    def _files(self, opened: ExitStack) -> tuple[list[_File], list[Located]]:
        """(the files, what is wrong with some)."""
        if not self._place.exists():
            raise SourceError(
                Sentence("%(place)s is missing. Give the ZIP that Notion has sent, or its folder.", place=self._place)
            )
        if self._place.suffix.lower() in _PAGES | {".csv"}:
            return [_File(PurePosixPath(self._place.name), lambda: _read(self._place))], []
        if not self._place.is_dir():
            return _packed(self._place, str(self._place), opened)
        files: list[_File] = []
        problems: list[Located] = []
        for path in sorted(self._place.rglob("*")):
            if path.is_file() and not path.is_symlink():
                if path.suffix.lower() == ".zip":
                    inside, wrong = _packed(path, str(path), opened)
                    files, problems = files + inside, problems + wrong
                else:
                    relative = PurePosixPath(path.relative_to(self._place).as_posix())
                    files.append(_File(relative, lambda path=path: _read(path)))  # type: ignore[misc]
        return files, problems


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise SourceError(Sentence("it is larger than %(mb)s MB, and was not read", mb=_LARGEST // 1000000))
        return path.read_bytes()
    except OSError as error:
        raise SourceError(Sentence("it cannot be read: %(reason)s", reason=reason_of(error))) from error


def _packed(place: Path, name: str, opened: ExitStack) -> tuple[list[_File], list[Located]]:
    """The files of a ZIP, and of the ZIPs in it, which are unpacked to temporary files one level deep."""
    outer = opened.enter_context(archive(place, name))
    files: list[_File] = []
    problems = [_leads_out(name, each) for each in outer.unsafe]
    for member in outer.names:
        if not member.lower().endswith(".zip"):
            files.append(_File(PurePosixPath(member), lambda member=member: outer.read(member, _LARGEST)))  # type: ignore[misc]
            continue
        part = opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the others
        with outer.open(member) as packed:
            shutil.copyfileobj(packed, part)
        part.seek(0)
        inner = opened.enter_context(archive(part, f"{name}: {member}"))
        problems += [_leads_out(member, each) for each in inner.unsafe]
        files += [
            _File(PurePosixPath(each), lambda each=each, inner=inner: inner.read(each, _LARGEST))  # type: ignore[misc]
            for each in inner.names
        ]
    return [file for file in files if "__MACOSX" not in file.path.parts], problems


def _leads_out(name: str, member: str) -> Located:
    return Located(
        name,
        1,
        None,
        Sentence("the file %(file)s leads out of the archive, and was not read", file=ascii(member[:100])),
    )
