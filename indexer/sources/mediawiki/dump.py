"""The XML export of MediaWiki, versions 0.3 to 0.11, compressed with gzip or bzip2 or not.

It is read twice, first for redirects, then for the texts, so that no more than one page is in memory at once.
"""

import bz2
import gzip
import lzma
import xml.sax
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from indexer.sources.mediawiki.options import MediaWikiOptions
from indexer.sources.mediawiki.page import Page, Wiki
from indexer.sources.protocol import WholeSource
from indexer.sources.records import Located
from indexer.texts.wikitext import redirect_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_CHUNK = 1 << 16
_LONGEST = 20_000_000  # characters of a page: a judgement
_KINDS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
"""What opens a compressed file, by its first two bytes."""
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)


class MediaWikiDump(WholeSource):
    """An export, read as a whole."""

    def __init__(self, name: str, options: MediaWikiOptions) -> None:
        self.name, self._options, self._place = name, options, Path(options.place)

    def records(self) -> Iterator[Located]:
        """The pages, each behind who wrote it last. Raises SourceError when the file cannot be read further."""
        wiki = Wiki(self.name)
        other_names: dict[str, list[str]] = {}
        fault: SourceError | None = None
        try:
            for page, target in self._pages(wiki):
                if target:
                    other_names.setdefault(_key(target), []).append(page.title)
        except SourceError as error:  # told when the pages before are loaded
            fault = error
        known: set[str] = set()
        wanted = {str(number) for number in self._options.namespaces}
        for page, target in self._pages(wiki):
            if not target and page.namespace in wanted:
                yield from wiki.located(self._place.name, page, other_names.get(_key(page.title), []), known)
        if fault is not None:
            raise fault

    def _pages(self, wiki: Wiki) -> Iterator[tuple[Page, str]]:
        """(page with its last revision, the title it leads to when it is a redirect)."""
        parser = DefusedExpatParser()
        handler = _Pages(parser, wiki, self._options.server or "")
        parser.setContentHandler(handler)
        fault: Exception | None = None
        try:
            with self._open() as file:
                chunk = b" "
                while chunk and fault is None:
                    chunk = file.read(_CHUNK)
                    try:
                        parser.feed(chunk) if chunk else parser.close()
                    except (xml.sax.SAXException, DefusedXmlException) as error:
                        fault = error
                    yield from handler.taken()
                    if handler.root not in ("", "mediawiki"):
                        raise SourceError(
                            Sentence(
                                "%(place)s is no export of MediaWiki. docs/sources/mediawiki.md says how to make one.",
                                place=self._place,
                            )
                        )
        except _DAMAGE as error:
            damaged = Sentence("it is cut short or damaged")
            reason = reason_of(error) if isinstance(error, OSError) and error.strerror else damaged
            raise SourceError(
                Sentence(
                    "%(place)s cannot be read: %(reason)s. Fetch or export it again.", place=self._place, reason=reason
                )
            ) from error
        if fault is not None:
            of_its_own = Sentence("it defines entities of its own")
            reason = fault.getMessage() if isinstance(fault, xml.sax.SAXException) else of_its_own
            raise SourceError(
                Sentence(
                    "%(place)s is cut short or is not safe XML at line %(line)s (%(reason)s); the pages before it"
                    " were read. Export it again, then import it again.",
                    place=self._place, line=parser.getLineNumber(), reason=reason,
                )
            ) from fault  # fmt: skip

    def _open(self) -> IO[bytes]:
        with self._place.open("rb") as file:
            opener = _KINDS.get(file.read(2))
        return cast(IO[bytes], opener(self._place, "rb") if opener else self._place.open("rb"))


def _key(title: str) -> str:
    """A title as links write it: the first letter may be small, and spaces may be underscores."""
    title = title.replace("_", " ").strip()
    return title[:1].upper() + title[1:]


class _Pages(ContentHandler):
    """Collects pages until the caller takes them."""

    def __init__(self, parser: DefusedExpatParser, wiki: Wiki, server: str) -> None:
        super().__init__()
        self._parser, self._wiki, self._server = parser, wiki, server
        self._done: list[tuple[Page, str]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._length, self._target, self._number = 0, "", ""
        self._page, self._revision = Page(), Page()
        self.root = ""
        wiki.pages = server

    def taken(self) -> list[tuple[Page, str]]:
        done, self._done = self._done, []
        return done

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        self._path.append(name)
        self.root = self.root or name
        self._text, self._length = [], 0
        if name == "page":
            self._page, self._target = Page(line=self._parser.getLineNumber()), ""
        elif name == "revision":
            self._revision = Page(text="")
        elif name == "redirect":
            self._target = attrs.get("title", "")
        elif name == "text" and "deleted" in attrs:
            self._revision.text = None
        elif name == "namespace":
            self._number = attrs.get("key", "")

    def characters(self, content: str) -> None:
        if self._length < _LONGEST:
            self._text.append(content)
            self._length += len(content)

    def endElement(self, name: str) -> None:
        inside = self._path[-2] if len(self._path) > 1 else ""
        self._path.pop()
        text, self._text = "".join(self._text), []
        if name == "namespace":
            self._wiki.namespaces[self._number] = text
        elif name == "base" and not self._server:
            self._wiki.pages = text.strip().rpartition("/")[0] + "/"
        elif inside == "page":
            self._end_of_page_part(name, text.strip())
        elif inside == "revision":
            self._end_of_revision_part(name, text)
        elif name == "username" and inside == "contributor":
            self._revision.author = text.strip()
        elif name == "page":
            self._end_page()

    def _end_of_page_part(self, name: str, text: str) -> None:
        page, revision = self._page, self._revision
        if name in ("title", "id"):
            setattr(page, name, text)
        elif name == "ns":
            page.namespace = text
        elif name == "revision" and revision.changed >= page.changed:
            page.text, page.changed, page.author = revision.text, revision.changed, revision.author
            page.model = revision.model

    def _end_of_revision_part(self, name: str, text: str) -> None:
        if name == "timestamp":
            self._revision.changed = text.strip()
        elif name == "model":
            self._revision.model = text.strip()
        elif name == "text" and self._revision.text is not None:
            self._revision.text = text

    def _end_page(self) -> None:
        page = self._page
        page.namespace = page.namespace or self._wiki.namespace_of(page.title)
        self._done.append((page, self._target or redirect_of(page.text or "") or ""))
