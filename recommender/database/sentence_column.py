"""Columns of JSON with sentences in them, which keep what is needed to say them in any language."""

from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator

from recommender.sentences.stored import packed, unpacked


class WithSentences(TypeDecorator[Any]):
    """JSON in which a text may be a `Sentence`. Rows from before sentences were kept have plain texts."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """What is stored."""
        return packed(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """What was stored."""
        return unpacked(value)
