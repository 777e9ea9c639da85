"""Reads the objects of a Confluence export, entities.xml, one by one, so that memory does not grow with the file.

Characters and entities that XML does not allow occur in real exports (`&auml;` outside of CDATA, control characters):
they are decoded or left out before the file is parsed.
"""

import codecs
import re
import xml.sax
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from html.entities import html5
from typing import IO
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_CHUNK = 1 << 16
_LONGEST_VALUE = 20_000_000  # characters of one property: a judgement
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z][a-zA-Z0-9]{1,31}));")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_LONGEST_MARK = 40  # characters: of what must not be cut between two parts


@dataclass
class Entity:
    """An object: its properties that are text, the ids of those that are other objects, and those of its lists."""

    kind: str
    line: int
    id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)

    def value(self, *names: str) -> str:
        """The first of these properties that has a text; empty when none has."""
        return next((value for name in names if (value := self.values.get(name, "").strip())), "")


def read_entities(file: IO[bytes], name: str, kinds: frozenset[str]) -> Iterator[Entity]:
    """The objects of these kinds. Raises SourceError when the file is cut short or is no safe XML."""
    parser = DefusedExpatParser()
    handler = _Objects(parser, kinds)
    parser.setContentHandler(handler)
    fault: Exception | None = None
    parser.feed("")  # so that an empty file is not taken for a whole one
    for text in cleaned(iter(lambda: file.read(_CHUNK), b"")):
        try:
            parser.feed(text)
        except (xml.sax.SAXException, DefusedXmlException) as error:
            fault = error
        yield from handler.taken()
        if fault is not None:
            break
    else:
        try:
            parser.close()
        except xml.sax.SAXException as error:
            fault = error
        yield from handler.taken()
    if fault is not None:
        of_its_own = Sentence("it defines entities of its own")
        reason = fault.getMessage() if isinstance(fault, xml.sax.SAXException) else of_its_own
        raise SourceError(
            Sentence(
                "%(name)s is cut short or is not safe XML at line %(line)s (%(reason)s); what was before it "
                "was read. Export the space again, then import it again.",
                name=name, line=parser.getLineNumber(), reason=reason,
            )
        ) from fault  # fmt: skip


def cleaned(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text of an XML file in parts, without what XML does not allow. CDATA sections keep their entities."""
    decoder, rest, inside = codecs.getincrementaldecoder("utf-8-sig")("replace"), "", False
    for chunk in _with_end(chunks):
        text = rest + _CONTROL.sub("", decoder.decode(chunk, final=not chunk))
        cut = len(text) if not chunk else _safe_end(text)
        part, rest = text[:cut], text[cut:]
        pieces, position = [], 0
        while position < len(part):
            found = part.find("]]>" if inside else "<![CDATA[", position)
            end = len(part) if found < 0 else found + (3 if inside else 9)
            piece = part[position:end]
            pieces.append(piece if inside else _ENTITY.sub(_character, piece))
            inside, position = (inside if found < 0 else not inside), end
        if pieces:
            yield "".join(pieces)


def _with_end(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield from chunks
    yield b""


def _safe_end(text: str) -> int:
    """Where the text can be cut without cutting an entity or the beginning or end of a CDATA section."""
    near = max(0, len(text) - _LONGEST_MARK)
    cut = max(text.rfind(sign, near) for sign in "<]&")
    while cut > 0 and text[cut - 1] == "]":
        cut -= 1
    return cut if cut >= 0 else len(text)


def _character(entity: re.Match[str]) -> str:
    name = entity[3]
    if name:
        return entity[0] if name in _OF_XML or f"{name};" not in html5 else unescape(entity[0])
    number = int(entity[1]) if entity[1] else int(entity[2], 16)
    allowed = number in (9, 10, 13) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0xFFFF < number < 0x110000
    return entity[0] if allowed else ""


class _Objects(ContentHandler):
    """Collects objects of the wanted kinds until the caller takes them."""

    def __init__(self, parser: DefusedExpatParser, kinds: frozenset[str]) -> None:
        super().__init__()
        self._parser, self._kinds = parser, kinds
        self._done: list[Entity] = []
        self._entity: Entity | None = None
        self._property, self._collection, self._is_reference = "", "", False
        self._text: list[str] | None = None
        self._length = 0

    def taken(self) -> list[Entity]:
        done, self._done = self._done, []
        return done

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        if name == "object":
            kind = attrs.get("class", "")
            self._entity = Entity(kind, self._parser.getLineNumber()) if kind in self._kinds else None
        elif self._entity is None:
            return
        elif name == "property":
            self._property, self._is_reference = attrs.get("name", ""), "class" in attrs
            self._begin()
        elif name == "collection":
            self._collection = attrs.get("name", "")
        elif name == "id":
            self._begin()

    def _begin(self) -> None:
        self._text, self._length = [], 0

    def characters(self, content: str) -> None:
        if self._text is not None and self._length < _LONGEST_VALUE:
            self._text.append(content)
            self._length += len(content)

    def endElement(self, name: str) -> None:
        entity = self._entity
        if entity is None:
            return
        if name == "object":
            self._done.append(entity)
            self._entity = None
        elif name == "collection":
            self._collection = ""
        elif name == "id":
            self._set_id(entity, "".join(self._text or ()).strip())
            self._text = None
        elif name == "property":
            if self._text is not None and not self._is_reference:
                entity.values[self._property] = "".join(self._text)
            self._property, self._text = "", None

    def _set_id(self, entity: Entity, value: str) -> None:
        if self._property:
            entity.references[self._property] = value
        elif self._collection:
            entity.members.setdefault(self._collection, []).append(value)
        else:
            entity.id = value
