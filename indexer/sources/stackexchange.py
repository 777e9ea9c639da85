"""A Stack Exchange data dump: Posts.xml, Users.xml and, if there is one, PostLinks.xml.

The files are read row by row, so that memory does not grow with the dump. Posts.xml is read twice, first for questions,
then for answers, since an answer may come before its question. Entities and external references are refused.

The SAX parser is used, and not ElementTree's `iterparse`, because it gives the line of a row, which an admin needs to
find a bad one.
"""

import contextlib
import re
import xml.sax
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser
from pydantic import ValidationError

from indexer.sources.protocol import Options, WholeSource
from indexer.sources.records import (
    AnswerRecord,
    LinkRecord,
    Located,
    PersonNameRecord,
    QuestionRecord,
    Record,
    ReplyRecord,
    first_problem,
)
from indexer.texts.html_to_markdown import parse, write
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_QUESTION, _ANSWER = "1", "2"  # values of PostTypeId
_NO_WORDS = "enter image description here"  # what the editor writes for a picture that nobody has described
_CHUNK = 1 << 16  # bytes read at once; a judgement
_LONGEST_ROW = 5_000_000  # bytes: reading a longer one would take the longer the longer it is; a judgement
_LINKS = {"1": "related", "3": "duplicate"}
Row = Mapping[str, str]
ToRecord = Callable[[Row, str], Record | None]


OPTIONS = Options


def open_source(name: str, options: Options) -> "StackExchangeSource":
    """The folder at `options.place`. It has the folder's name, unless it was given one."""
    return StackExchangeSource(Path(options.place), "" if name == "stackexchange" else name)


class StackExchangeSource(WholeSource):
    """A folder with the dump's XML files. Everyone may read every question.

    `name` keeps the ids of several dumps apart, also those of people (`NAME-user-17`); it is the folder's name by
    default.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        self.name = re.sub(r"[^\w.-]+", "-", name or folder.resolve().name)[:40].lower() or "stackexchange"
        self._folder = folder

    def records(self) -> Iterator[Located]:
        """Questions, answers, names of their authors, links. Raises SourceError when a file is missing or cut short."""
        for needed in ("Posts.xml", "Users.xml"):
            if not (self._folder / needed).is_file():
                raise SourceError(
                    Sentence(
                        "%(file)s is missing. Give the folder with the dump's XML files.", file=self._folder / needed
                    )
                )
        posts = self._folder / "Posts.xml"
        # The answers of a file that is cut short are loaded too; the error is raised when reading those.
        with contextlib.suppress(SourceError):
            yield from self._read(posts, _question)
        yield from self._read(posts, _answer)
        yield from self._read(self._folder / "Users.xml", _person)
        if (self._folder / "PostLinks.xml").is_file():
            yield from self._read(self._folder / "PostLinks.xml", _link)

    def _read(self, path: Path, to_record: "ToRecord") -> Iterator[Located]:
        return _read(path, lambda row: to_record(row, self.name))


def clean_text(html: str) -> str:
    """HTML as plain text with code fences, lists and quotes; links and images are replaced by their words. Raises
    RecursionError when it is nested too deeply."""
    root = parse(html)
    if root is None:
        return ""
    for element in list(root.iter("a", "img")):
        words = (element.get("alt") or "").replace(_NO_WORDS, "") if element.tag == "img" else element.text
        element.tag, element.text = "span", words
    return write(root)


def _question(row: Row, site: str) -> Record | None:
    if row["PostTypeId"] != _QUESTION:
        return None
    return QuestionRecord(
        id=row["Id"],
        title=row["Title"][:500],
        body=clean_text(row["Body"]),
        tags=tuple(tag for tag in row.get("Tags", "").replace("><", "|").strip("<>|").split("|") if tag),
        asked_by=_handle(row.get("OwnerUserId"), site),
        created_at=row["CreationDate"],  # type: ignore[arg-type]
        accepted_reply=row.get("AcceptedAnswerId"),
    )


def _answer(row: Row, site: str) -> Record | None:
    if row["PostTypeId"] != _ANSWER:
        return None
    reply = ReplyRecord(
        id=row["Id"],
        author=_handle(row.get("OwnerUserId"), site),
        body=clean_text(row["Body"]),
        created_at=row["CreationDate"],  # type: ignore[arg-type]
        score=int(row.get("Score") or 0),
    )
    return AnswerRecord(request=row["ParentId"], reply=reply)


def _person(row: Row, site: str) -> Record | None:
    if not row["DisplayName"].strip():
        return None
    return PersonNameRecord(id=f"{site}-user-{row['Id']}", name=row["DisplayName"])


def _link(row: Row, _site: str) -> Record | None:
    kind = _LINKS.get(row["LinkTypeId"])
    return LinkRecord(from_request=row["PostId"], to_request=row["RelatedPostId"], kind=kind) if kind else None  # type: ignore[arg-type]


def _handle(user: str | None, site: str) -> str | None:
    return f"{site}-user-{user}" if user and user != "-1" else None


class _Rows(ContentHandler):
    """Collects `row` elements, as (line, attributes), until the caller empties `rows`."""

    def __init__(self, line: Callable[[], int]) -> None:
        super().__init__()
        self.rows: list[tuple[int, Row]] = []
        self._line = line

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        if name == "row":
            self.rows.append((self._line(), dict(attrs.items())))


def _read(path: Path, to_record: Callable[[Row], Record | None]) -> Iterator[Located]:
    parser = DefusedExpatParser()
    handler = _Rows(parser.getLineNumber)
    parser.setContentHandler(handler)
    line, chunk, fault, unread = 0, b" ", None, 0
    try:
        with path.open("rb") as file:
            while chunk and fault is None:
                chunk = file.read(_CHUNK)
                fault = _feed(parser, chunk)
                unread = unread + len(chunk) if not handler.rows else 0
                if unread > _LONGEST_ROW:
                    raise SourceError(
                        Sentence(
                            "%(file)s has a row of more than %(mb)s MB after line %(line)s, which is no post; the rows "
                            "before were loaded. Fetch the file again, then import it again.",
                            file=path, mb=_LONGEST_ROW // 1000000, line=line,
                        )
                    )  # fmt: skip
                for line, row in handler.rows:
                    located = _located(path.name, line, row, to_record)
                    if located is not None:
                        yield located
                handler.rows.clear()
    except OSError as error:
        raise SourceError(
            Sentence("%(file)s cannot be read: %(reason)s.", file=path, reason=reason_of(error))
        ) from error
    if fault is not None:
        raise SourceError(
            Sentence(
                "%(file)s is cut short or is not safe XML after line %(line)s (%(reason)s); the rows before "
                "were loaded. Fetch the file again, then import it again.",
                file=path, line=line, reason=_reason(fault),
            )
        ) from fault  # fmt: skip


def _feed(parser: DefusedExpatParser, chunk: bytes) -> Exception | None:
    """Parse a chunk; an empty one is the end of the file. An error is returned, so that the rows before are read."""
    try:
        parser.feed(chunk) if chunk else parser.close()
    except (xml.sax.SAXException, DefusedXmlException) as error:
        return error
    return None


def _located(file: str, line: int, row: Row, to_record: Callable[[Row], Record | None]) -> Located | None:
    try:
        record = to_record(row)
        return Located(file, line, record) if record is not None else None
    except KeyError as error:
        return Located(file, line, None, Sentence("the attribute %(name)s is missing", name=error.args[0]))
    except ValidationError as error:
        return Located(file, line, None, first_problem(error))
    except ValueError as error:
        return Located(file, line, None, str(error))
    except RecursionError:
        return Located(file, line, None, Sentence("its HTML is nested too deeply"))


def _reason(error: Exception) -> str:
    return error.getMessage() if isinstance(error, xml.sax.SAXException) else type(error).__name__
