"""An item as the index has it, for comparing the index with the database."""

from typing import NamedTuple


class IndexedItem(NamedTuple):
    """An item's key, content digest (`digest.item_digest`), language and audience, as they were indexed."""

    key: str
    digest: str
    language: str
    audience: frozenset[str]
