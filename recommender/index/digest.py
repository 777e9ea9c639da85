"""Digests of contents, by which a run knows what has changed since the last one."""

import hashlib

from recommender.datatypes import Item, Passage
from recommender.index.vector_space import centred_with
from recommender.language.analyzer import ANALYSIS_VERSION


def item_digest(item: Item, passage_tokens: int) -> str:
    """Digest of everything that the index stores of an item. An item with an equal digest is not indexed again."""
    parts = [item.title, item.body, item.answer, item.language, " ".join(sorted(item.audience))]
    for file in item.attached:  # an item without files has the digest that it had before there were any
        parts += [file.name, file.text, "answers" if file.answers else ""]
    return digest_of(str(passage_tokens), str(ANALYSIS_VERSION), *parts)


def passage_digest(passage: Passage) -> str:
    """Digest of what the model reads of a passage, and of the mean it is centred with. Passages with equal digests have
    equal vectors."""
    return digest_of(centred_with(passage), read_text(passage))


def read_text(passage: Passage) -> str:
    """The text that the model reads of a passage: its context, then its text."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def digest_of(*parts: str) -> str:
    """SHA-256 digest of some texts in their order, in hexadecimal."""
    return hashlib.sha256("\0".join((*parts, "")).encode("utf-8", "surrogatepass")).hexdigest()
