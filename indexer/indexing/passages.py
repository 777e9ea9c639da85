"""Cuts an item into passages that the model can read whole, each with its role and context (title, headings)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from semantic_text_splitter import TextSplitter

from indexer.texts.html import elements, is_tag, without_tags
from indexer.texts.unreadable import readable
from recommender.datatypes import Item, Kind, Passage, Role
from recommender.knowledge.file_types import words_of
from recommender.sentences.sentence import Large, Sentence

CountTokens = Callable[[str], int]
Tell = Callable[[str], None]
MOST = 200  # passages of an item, when nothing else is said: a judgement
_CONTEXT_CHARACTERS = 300  # the longest context; a judgement
_CHARACTERS = 12  # the most characters that a token has on average in any text: a judgement
_FRONT_MATTER = re.compile(r"\A---[ \t\r]*\n[\w.-]+:[^\n]*\n(?:(?:[\w.-]+:|[ \t]|- )[^\n]*\n)*---[ \t\r]*(?:\n|\Z)")
"""The fields that some systems write before a Markdown text, between two lines of hyphens."""
_COUNTED = 16  # texts whose tokens are not counted again: each part of an item has its title
_RESERVED = 8  # tokens for the model's special tokens and prompt
_LEAST = 32  # tokens of text for which a passage always has room, however long the title is; a judgement
OPENING_WORDS = 30  # words of an opening; a judgement


def make_passages(
    item: Item, count_tokens: CountTokens, max_tokens: int, most: int = MOST, tell: Tell = lambda _what: None
) -> list[Passage]:
    """The passages of an item, at least one and at most `most`, and then its opening. Context and text of a passage
    together have at most `max_tokens` tokens. `tell` is called with each sentence about what was left out."""
    count_tokens = lru_cache(_COUNTED)(count_tokens)
    title, parts, unreadable = _parts(item)
    files = list(_file_parts(item, title))
    parts += files
    if unreadable:
        tell(
            Sentence(
                "%(num)s characters of pasted files or unbroken runs, which are no words, were left out",
                num=Large(unreadable),
            )
        )
    texts: list[tuple[_Part, str, list[str]]] = []
    shortened = False
    for part in parts:
        context = _trimmed(part.context[:_CONTEXT_CHARACTERS], count_tokens, max_tokens // 2)
        room = max(_LEAST, max_tokens - count_tokens(context) - _RESERVED)
        longest = (most + 1) * room * _CHARACTERS  # what is longer has more than `most` passages
        shortened |= len(part.text) > longest
        texts.append((part, context, _split(part.text[:longest], count_tokens, room)))
    counts = [len(split) for _part, _context, split in texts]
    own = len(counts) - len(files)
    wanted = _shares(counts[:own], most, item.kind)
    wanted += _shares(counts[own:], most - sum(wanted), Kind.DOCUMENT)  # files get what the item itself leaves
    passages: list[Passage] = []
    for (part, context, split), share in zip(texts, wanted, strict=True):
        for text in split[:share]:
            passages.append(Passage(item.key, part.role, len(passages), context, text, item.language))
    total = sum(len(split) for _part, _context, split in texts)
    if total > len(passages):
        values = {"num": len(passages), "total": total}
        of_more = Sentence("only %(num)s of more than %(total)s passages are indexed (KOLLEGA_MAX_PASSAGES)", **values)
        of_all = Sentence("only %(num)s of %(total)s passages are indexed (KOLLEGA_MAX_PASSAGES)", **values)
        tell(of_more if shortened else of_all)
    if not passages:
        role = Role.SECTION if item.kind is Kind.DOCUMENT else Role.QUESTION
        passages.append(Passage(item.key, role, 0, "", title or "-", item.language))
    first = parts[0] if len(parts) > len(files) else None
    return [*passages, _opening(item, title, first, len(passages), count_tokens, max_tokens)]


def _parts(item: Item) -> tuple[str, list["_Part"], int]:
    """(the title, the parts of the item, how many characters of it are not readable and left out)."""
    (title, a), (body, b), (answer, c) = (readable(text) for text in (item.title, item.body, item.answer))
    title = title.strip()
    if item.kind is Kind.DOCUMENT:
        parts = [_Part(Role.SECTION, section.path, section.text) for section in sections(title, body)]
    else:
        parts = [_Part(Role.QUESTION, title, body), _Part(Role.ANSWER, title, answer)]
    return title, parts, a + b + c


def _file_parts(item: Item, title: str) -> Iterator["_Part"]:
    """The text of each attached file, and one part with the names of those without text, such as pictures."""
    names: dict[Role, list[str]] = {}
    for file in item.attached:
        role = Role.SECTION if item.kind is Kind.DOCUMENT else Role.ANSWER if file.answers else Role.QUESTION
        text, _left_out = readable(file.text)
        if text.strip():
            yield _Part(role, f"{title} › {words_of(file.name)}", text)
        else:
            names.setdefault(role, []).append(words_of(file.name))
    for role, found in names.items():
        yield _Part(role, title, "\n".join(found))


def _shares(counts: Sequence[int], most: int, kind: Kind) -> list[int]:
    """How many passages of each part are taken, `most` in all: of a document the first ones; of a request at least
    half are left for the answer, which a long log in the question must not push out."""
    if kind is Kind.REQUEST and sum(counts) > most:
        question, answer = counts
        question = max(most // 2, most - answer) if question > most // 2 else question
        return [question, most - question]
    shares: list[int] = []
    for count in counts:
        shares.append(min(count, most - sum(shares)))
    return shares


def _opening(
    item: Item, title: str, part: "_Part | None", position: int, count_tokens: CountTokens, max_tokens: int
) -> Passage:
    """The title (and heading) with the first words of the text; the title alone when there is no text. Every item has
    an opening, even a short one, so that openings of all items can be compared."""
    words = part.text.split()[:OPENING_WORDS] if part else []
    context = part.context if part and words else ""
    context = _trimmed(context[:_CONTEXT_CHARACTERS], count_tokens, max_tokens // 2)
    text = " ".join(words) or title
    room = max(_LEAST, max_tokens - count_tokens(context) - _RESERVED)
    first = next(iter(_split(text, count_tokens, room)), "-")
    return Passage(item.key, Role.OPENING, position, context, first, item.language)


@dataclass(frozen=True)
class Section:
    """A section of a document: its heading path ("Title > Heading > Subheading") and its plain text."""

    path: str
    text: str


@dataclass(frozen=True)
class _Part:
    role: Role
    context: str
    text: str


def sections(title: str, markdown: str) -> Iterator[Section]:
    """The sections of a Markdown document that have text, in order. Each row of a table is one line, with the heading
    of each column before its cell: `Country: Estonia; Per diem: 60 €`."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    markdown = _FRONT_MATTER.sub("", markdown)
    html = elements(markdown)
    tokens = iter(_numbered(MarkdownIt("commonmark").enable("table").parse(markdown)))
    for before, token in tokens:
        if token.type == "heading_open":
            yield from _section(title, path, lines)
            level = int(token.tag[1:])
            _before, heading = next(tokens)
            path = [(depth, name) for depth, name in path if depth < level] + [(level, _plain(heading, html))]
            lines = []
        elif token.type == "table_open":
            lines += _table(tokens, html)
        elif token.type == "inline":
            bullet = "• " if before == "list_item_open" else ""
            lines.append(bullet + _plain(token, html))
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.rstrip())
        elif token.type == "html_block":
            lines.append(without_tags(token.content, html).strip())
    yield from _section(title, path, lines)


def _numbered(tokens: Sequence[Token]) -> Iterator[tuple[str, Token]]:
    """(the type of the token two places before, the token): a list item opens a paragraph, which has the words."""
    for number, token in enumerate(tokens):
        yield tokens[number - 2].type if number >= 2 else "", token


def _table(tokens: Iterator[tuple[str, Token]], html: frozenset[str]) -> list[str]:
    """The rows of a table, up to its end: one line each; only the headings when it has no other row."""
    rows: list[list[str]] = []
    for _before, token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(" ".join(_plain(token, html).split()))
    head, *body = rows
    if not body:
        return ["; ".join(filter(None, head))]
    return ["; ".join(_cell(*pair) for pair in zip(head, row, strict=True) if pair[1]) for row in body]


def _cell(heading: str, words: str) -> str:
    heading = heading.rstrip(":")
    return f"{heading}: {words}" if heading else words


def _section(title: str, path: list[tuple[int, str]], lines: list[str]) -> Iterator[Section]:
    text = "\n".join(lines).strip()
    if text:
        yield Section(" › ".join([title, *(name for _level, name in path if name != title)]), text)


def _plain(token: Token, html: frozenset[str]) -> str:
    """The words of a token, without the tags of these HTML elements."""
    return "".join(_words(child, html) for child in token.children or ())


def _words(child: Token, html: frozenset[str]) -> str:
    if child.type == "softbreak":
        return " "
    if child.type == "hardbreak":
        return "\n"
    if child.type == "html_inline" and is_tag(child.content, html):
        return without_tags(child.content, html)
    return child.content


def _trimmed(context: str, count_tokens: CountTokens, room: int) -> str:
    """The context, shortened from its end until it has at most `room` tokens."""
    while context and count_tokens(context) > room:
        context = context[: len(context) * 3 // 4].rstrip()
    return context


def _split(text: str, count_tokens: CountTokens, room: int) -> list[str]:
    text = text.strip()
    if not text:
        return []
    if count_tokens(text) <= room:
        return [text]
    return [chunk for chunk in TextSplitter.from_callback(count_tokens, room).chunks(text) if chunk.strip()]
