"""Content hashes that tell whether an item or a passage has to be indexed again."""

import hashlib

from recommender.datatypes import Item, Passage
from recommender.index.vector_space import centred_with
from recommender.language.analyzer import ANALYSIS_VERSION


def item_digest(item: Item, passage_tokens: int) -> str:
    """Content hash of all that the index holds of an item; equal digests need no work."""
    parts = (item.title, item.body, item.answer, item.language, " ".join(sorted(item.audience)))
    return digest_of(str(passage_tokens), str(ANALYSIS_VERSION), *parts)


def passage_digest(passage: Passage) -> str:
    """Content hash of what the model reads of a passage, and of what it is centred with; equal digests have equal
    vectors."""
    return digest_of(centred_with(passage), read_text(passage))


def read_text(passage: Passage) -> str:
    """What the model reads: context, then text."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def digest_of(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()
