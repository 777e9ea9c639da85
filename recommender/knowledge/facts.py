"""What is known of suggested items besides their texts: how often they helped, and what has replaced them."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import headings
from recommender.datatypes import Suggestion
from recommender.knowledge import outcomes


def with_facts(session: Session, suggestions: Sequence[Suggestion], reader: Reader) -> tuple[Suggestion, ...]:
    """The suggestions, with what `reader` may know about their items."""
    if not suggestions:
        return ()
    usage = outcomes.usage(session, [suggestion.item.key for suggestion in suggestions], reader)
    replacing = {suggestion.item.replaced_by for suggestion in suggestions if suggestion.item.replaced_by}
    named = headings(session, replacing, reader) if replacing else {}
    return tuple(
        replace(
            suggestion,
            helped=usage[suggestion.item.key].used,
            replaced_by=named.get(suggestion.item.replaced_by or ""),
        )
        for suggestion in suggestions
    )
