"""Comments below a page, which often have what the page lacks: they become a section at its end, so that whoever may
read the page, and nobody else, reads them.

Comments on single words of a page (inline) and those of a few words ("thanks, this helped") are left out, and so are
the names of those who wrote them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from indexer.sources.confluence.entities import Entity

_FEWEST_WORDS, _MOST = 4, 50  # words of a comment, and comments of a page, the newest ones: judgements


@dataclass(frozen=True)
class Comment:
    """When a comment was written, as the wiki writes times, and its text in Markdown."""

    written: str
    text: str


def with_comments(body: str, comments: Iterable[Comment]) -> str:
    """The text of a page with its comments below it, oldest first."""
    said = [each for each in comments if len(each.text.split()) >= _FEWEST_WORDS]
    newest = sorted(said, key=lambda each: each.written)[-_MOST:]
    parts = [f"{each.written[:10]}:\n\n{each.text}" for each in newest]
    return "\n\n".join([body, "## Comments", *parts]) if parts else body


@dataclass
class ExportedComments:
    """The comments of an export, which are few and short beside the pages: those of a page by its id."""

    _by_id: dict[str, Entity] = field(default_factory=dict)
    _inline: set[str] = field(default_factory=set)
    _of_page: dict[str, list[Comment]] = field(default_factory=dict)

    def note(self, entity: Entity) -> None:
        """Keep a comment; of a property, whether it says that a comment is on single words."""
        if entity.kind == "ContentProperty" and entity.value("name") == "inline-comment":
            self._inline.add(entity.id)
        elif entity.kind == "Comment" and entity.value("contentStatus") in ("", "current"):
            self._by_id[entity.id] = entity

    def read(self, body: Entity, text_of: Callable[[Entity], str]) -> None:
        """Keep the text of a comment; what is the text of something else is left alone."""
        comment = self._by_id.get(body.references.get("content", ""))
        if comment is not None and self._is_shown(comment) and (text := text_of(body)):
            page = comment.references.get("containerContent") or comment.references.get("owner") or ""
            self._of_page.setdefault(page, []).append(Comment(comment.value("creationDate"), text))

    def of(self, page: str) -> list[Comment]:
        """The comments of a page."""
        return self._of_page.get(page, [])

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def _is_shown(self, comment: Entity) -> bool:
        is_old = comment.references.get("originalVersion") or comment.value("originalVersionId")
        return not is_old and self._inline.isdisjoint(comment.members.get("contentProperties", ()))
