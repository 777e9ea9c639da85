"""Cuts an item into passages that the model can read whole, each with its role and context (title, headings)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from semantic_text_splitter import TextSplitter

from recommender.datatypes import Item, Kind, Passage, Role

CountTokens = Callable[[str], int]
_CONTEXT_CHARACTERS = 300  # the longest context; a judgement
_TAG = re.compile(r"<[^>]*>")
_RESERVED = 8  # tokens for the model's special tokens and prompt
_LEAST = 32  # tokens of text for which a passage always has room, however long the title is; a judgement
OPENING_WORDS = 30  # words of an opening; a judgement


def make_passages(item: Item, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """The passages of an item, at least one, and then its opening. Context and text of a passage together have at most
    `max_tokens` tokens."""
    if item.kind is Kind.DOCUMENT:
        parts = [_Part(Role.SECTION, section.path, section.text) for section in sections(item.title, item.body)]
    else:
        parts = [_Part(Role.QUESTION, item.title, item.body), _Part(Role.ANSWER, item.title, item.answer)]
    passages: list[Passage] = []
    for part in parts:
        context = _trimmed(part.context[:_CONTEXT_CHARACTERS], count_tokens, max_tokens // 2)
        room = max(_LEAST, max_tokens - count_tokens(context) - _RESERVED)
        for text in _split(part.text, count_tokens, room):
            passages.append(Passage(item.key, part.role, len(passages), context, text, item.language))
    if not passages:
        role = Role.SECTION if item.kind is Kind.DOCUMENT else Role.QUESTION
        passages.append(Passage(item.key, role, 0, "", item.title or "-", item.language))
    return [*passages, _opening(item, parts[0] if parts else None, len(passages), count_tokens, max_tokens)]


def _opening(item: Item, part: "_Part | None", position: int, count_tokens: CountTokens, max_tokens: int) -> Passage:
    """The title (and heading) with the first words of the text; the title alone when there is no text. Every item has
    an opening, even a short one, so that openings of all items can be compared."""
    words = part.text.split()[:OPENING_WORDS] if part else []
    context = part.context if part and words else ""
    context = _trimmed(context[:_CONTEXT_CHARACTERS], count_tokens, max_tokens // 2)
    text = " ".join(words) or item.title
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
    """The sections of a Markdown document that have text, in order."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            yield from _section(title, path, lines)
            level = int(token.tag[1:])
            path = [(depth, name) for depth, name in path if depth < level] + [(level, _plain(tokens[number + 1]))]
            lines = []
        elif token.type == "inline" and tokens[number - 1].type != "heading_open":
            lines.append(_bullet(tokens, number) + _plain(token))
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.rstrip())
        elif token.type == "html_block":
            lines.append(_TAG.sub(" ", token.content).strip())
    yield from _section(title, path, lines)


def _section(title: str, path: list[tuple[int, str]], lines: list[str]) -> Iterator[Section]:
    text = "\n".join(lines).strip()
    if text:
        yield Section(" › ".join([title, *(name for _level, name in path if name != title)]), text)


def _plain(token: Token) -> str:
    words = {"softbreak": " ", "hardbreak": "\n"}
    return "".join(words.get(child.type, child.content) for child in token.children or ())


def _bullet(tokens: list[Token], number: int) -> str:
    return "• " if number >= 2 and tokens[number - 2].type == "list_item_open" else ""


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
