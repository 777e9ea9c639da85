"""The mark that another item has replaced a request or document, as the page of the item shows it."""

from dataclasses import dataclass

from recommender.access import Reader
from recommender.database.tables import Document, HelpRequest
from recommender.knowledge import replacements
from recommender.knowledge.replacements import Replaced
from web.current import session


@dataclass(frozen=True)
class ReplacedPart:
    """The mark of an item, what this reader may do with it, and the form in which they name another item: what was
    typed there, and what is wrong with it."""

    key: str
    mark: Replaced | None
    may_mark: bool
    may_unmark: bool
    typed: str = ""
    problem: str = ""


def replaced_part(row: HelpRequest | Document, reader: Reader, typed: str = "", problem: str = "") -> ReplacedPart:
    """The part of an item's page about its replacement."""
    key = replacements.key_of(row)
    return ReplacedPart(
        key,
        replacements.replaced(session(), key, reader),
        replacements.may_mark(row, reader),
        replacements.may_unmark(row, reader),
        typed,
        problem,
    )
