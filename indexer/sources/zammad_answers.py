"""Answers of Zammad's knowledge base: guides, for whom they are published and which roles may read their category.

The interface gives all of them at once, without their texts, which are asked for by their ids.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from indexer.sources.records import DeletedRecord, DocumentRecord, Record
from indexer.sources.rest.paging import Row
from indexer.sources.ticket_system import text_of
from indexer.sources.tickets import html_text, moment, moment_or_none, person_id

_TEXTS = 100  # texts that are asked for at once
_PREFIX = "KnowledgeBase"
_INTERNAL = "knowledge base (internal)"


class Answers:
    """What answers of the interface have: objects by their kind and id."""

    def __init__(self, name: str, zone: str) -> None:
        self._name, self._zone = name, zone
        self.roles: dict[str, str] = {}
        self._assets: dict[str, dict[str, Row]] = {}

    def look(self, assets: Any) -> None:
        """Remember the objects of the knowledge base."""
        for kind, rows in assets.items() if isinstance(assets, dict) else ():
            if kind.startswith(_PREFIX) and isinstance(rows, dict):
                held = {name: row for name, row in rows.items() if isinstance(row, dict)}
                self._assets.setdefault(kind, {}).update(held)

    @staticmethod
    def translations_in(assets: Any) -> list[Row]:
        """The answers in an answer of the interface, each in one language."""
        found = assets.get(f"{_PREFIX}AnswerTranslation") if isinstance(assets, dict) else None
        return [row for row in found.values() if isinstance(row, dict)] if isinstance(found, dict) else []

    def record(self, row: Row) -> Record | None:
        """The record of an answer in one language; None when another answer of the interface has its text."""
        answer = self._of("Answer", text_of(row, "answer_id"))
        body = html_text(text_of(self._of("AnswerTranslationContent", text_of(row, "content_id")), "body"))
        if not self.is_shown(row):
            return DeletedRecord(type="document", id=text_of(row, "id"))
        if not body:
            return None
        return DocumentRecord(
            id=text_of(row, "id"),
            title=text_of(row, "title"),
            body=body,
            owner=person_id(self._name, row.get("updated_by_id")),
            updated_at=moment(row["updated_at"], self._zone),
            group=self._category(text_of(answer, "category_id")) or None,
            readers_there=self._readers(answer),
            attachments=tuple(text_of(file, "filename") for file in answer.get("attachments") or ()),
        )

    def is_shown(self, row: Row) -> bool:
        """True for an answer that is published, or internal, and not archived."""
        answer = self._of("Answer", text_of(row, "answer_id"))
        shown = self._is_past(answer, "published_at") or self._is_past(answer, "internal_at")
        return shown and not self._is_past(answer, "archived_at")

    def _readers(self, answer: Row) -> tuple[str, ...]:
        """Everybody for what is published in a knowledge base that is public, else the roles that may read the
        category; all who may read the knowledge base where it names none."""
        category = self._of("Category", text_of(answer, "category_id"))
        base = self._of("", text_of(category, "knowledge_base_id"))
        if self._is_past(answer, "published_at") and base.get("active") is not False:
            return ("public",)
        rights = category.get("permissions_effective") or base.get("permissions_effective") or ()
        allowed = [text_of(each, "role_id") for each in rights if text_of(each, "access") in ("reader", "editor")]
        if not rights:
            return (_INTERNAL,)
        return tuple(sorted(f"knowledge base (role {self.roles.get(each, each)})" for each in allowed))

    def _is_past(self, answer: Row, field: str) -> bool:
        time = moment_or_none(answer.get(field), self._zone)
        return time is not None and time <= datetime.now(UTC)

    def _of(self, kind: str, identifier: str) -> Row:
        return self._assets.get(_PREFIX + kind, {}).get(identifier, {})

    def _category(self, identifier: str) -> str:
        titles = self._assets.get(f"{_PREFIX}CategoryTranslation", {}).values()
        return next((text_of(row, "title") for row in titles if text_of(row, "category_id") == identifier), "")


def answers(ask: Callable[[list[int]], Any], found: Answers) -> Iterator[Row]:
    """All answers, each in one language, with their texts looked at. `ask` gives the knowledge base, and the texts of
    these ids."""
    listed = ask([])
    found.look(listed)
    rows = found.translations_in(listed)
    wanted = [row for row in rows if found.is_shown(row)]
    for start in range(0, len(wanted), _TEXTS):
        some = wanted[start : start + _TEXTS]
        found.look(ask([int(text_of(row, "content_id")) for row in some]))
        yield from some
    yield from (row for row in rows if not found.is_shown(row))
