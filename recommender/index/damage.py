"""Turns what Tantivy raises on damaged files into an error of ours.

Tantivy raises ValueError, or panics: its exception is then no Exception, and would end the thread that answers.
"""

import contextlib
from collections.abc import Iterator

from recommender.errors import KeywordsDamaged


@contextlib.contextmanager
def damage_reported() -> Iterator[None]:
    """Turns what Tantivy raises on damaged files into KeywordsDamaged."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise KeywordsDamaged(f"The keyword index is damaged ({error}). Run: kollega reindex --full") from error
        raise
