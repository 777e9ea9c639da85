"""The text of a file in a folder of documents, with what it says about itself."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from indexer.sources.documents.front_matter import FrontMatter, split_front_matter
from indexer.sources.documents.web_page import read_page
from indexer.sources.office.reader import KINDS, OfficeReader
from indexer.sources.tables.encoding import MIXED, encoding_of
from indexer.texts.html import from_html, plain
from indexer.texts.subject import first_words, title_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

MARKDOWN = frozenset({".md", ".markdown", ".mdx", ".mkd"})
PAGES = frozenset({".html", ".htm", ".xhtml"})
PLAIN = frozenset({".txt", ".text"})
READ = MARKDOWN | PAGES | PLAIN | frozenset(KINDS)
"""The ends of the names of files that are read."""
OLD = frozenset({".doc", ".ppt", ".rtf", ".odt", ".odp", ".pages"})
"""Documents that are not read, which is told."""
LARGEST = 100_000_000  # bytes of a file: a judgement
_LONGEST_TEXT = 1_000_000  # characters of a document: a judgement
_HEADING = re.compile(r"^ {0,3}#{1,2}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FIRST = re.compile(r"^# (.+)$", re.MULTILINE)
_UNDERLINED = re.compile(r"\A\s*([^\n#>|-][^\n]{0,200})\n(?:={3,}|-{3,})[ \t]*$", re.MULTILINE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([\w-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True)
class FileText:
    """What a file has: Markdown, and what it says about itself. `is_cut` is true when it was too long."""

    title: str
    text: str
    front: FrontMatter = field(default_factory=lambda: FrontMatter({}))
    language: str = ""
    author: str = ""
    is_cut: bool = False


def read_file(name: str, path: Path, office: OfficeReader) -> FileText:
    """The text of a file; `name` is its path from the folder on. Raises SourceError and ValueError when it cannot be
    read, with what to do."""
    kind = PurePosixPath(name).suffix.lower()
    size = path.stat().st_size
    if size > LARGEST:
        raise SourceError(Sentence("it is larger than %(mb)s MB. Split it, or exclude it", mb=LARGEST // 1_000_000))
    if kind in KINDS:
        found = FileText("", office.text(path).get("text", ""))
    elif kind in PAGES:
        found = _page(path)
    else:
        front, text = split_front_matter(_decoded(path))
        found = FileText(front.values.get("title", ""), plain(text, markdown=kind in MARKDOWN), front)
    text = found.text.replace("\0", "").strip()
    # The title of a page often has the name of the site in it, so its first heading is taken.
    heading = _FIRST.search(text[:2000]) if kind in PAGES else None
    title = title_of(heading[1] if heading else found.title) or _title_in(text, kind) or _title_of_name(name)
    cut = text[:_LONGEST_TEXT]
    return FileText(title, cut, found.front, found.language, found.author, len(cut) < len(text))


def _page(path: Path) -> FileText:
    html = _decoded(path)
    try:
        page = read_page(html)
    except RecursionError:
        return FileText("", from_html(html))
    return FileText(page.title, page.text, language=page.language, author=page.author)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    said = _CHARSET.search(content[:4096])
    try:
        if said and not content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            return content.decode(said[1].decode("ascii"))
    except (LookupError, UnicodeDecodeError):  # it lies
        pass
    encoding = encoding_of(path)
    if encoding == MIXED:
        return content.decode("utf-8", "as-windows-1252")
    return content.decode(encoding, "replace")


def _title_in(text: str, kind: str) -> str:
    """The first heading, if the text begins with it or nearly so; of a text file its first line when it is short."""
    beginning = text[:2000]
    heading = _HEADING.search(beginning)
    underlined = _UNDERLINED.match(beginning)
    if underlined:
        return title_of(underlined[1])
    if heading:
        return first_words(title_of(heading[1]), 200)
    first = beginning.partition("\n")[0].strip()
    return first if kind in PLAIN and 0 < len(first) <= 100 and not first.endswith((".", ",")) else ""


def _title_of_name(name: str) -> str:
    """A title made of the name of a file: `vpn-ohje_2026.pdf` is `vpn ohje 2026`."""
    stem = PurePosixPath(name).stem
    return " ".join(re.sub(r"[-_]+", " ", stem).split()) or stem or name
