"""Turns what Tantivy raises on damaged files into an error of ours.

Tantivy raises ValueError, or panics: its exception is then no Exception, and would end the thread that answers.
"""

import contextlib
from collections.abc import Iterator

from recommender.errors import KeywordsDamaged, KeywordsUnopened

_LOCK = "Failed to acquire Lockfile"  # Tantivy writes one to open an index


@contextlib.contextmanager
def damage_reported() -> Iterator[None]:
    """Turns what Tantivy raises on damaged files into KeywordsDamaged, in a read-only folder into KeywordsUnopened."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ValueError) and _LOCK in str(error):
            raise KeywordsUnopened(
                f"Keyword search cannot be opened ({error}). Let Kollega write into the folder of the index."
            ) from error
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise KeywordsDamaged(f"The keyword index is damaged ({error}). Run: kollega reindex --full") from error
        raise
