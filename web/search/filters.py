"""What a person narrows the search to, as the fields of the form and of the page's address have it."""

from werkzeug.datastructures import MultiDict

from recommender.datatypes import Kind
from recommender.filters import NO_FILTERS, Filters

FIELDS = ("team", "kind", "language", "newest")


def sent_filters(values: MultiDict[str, str]) -> Filters:
    """The filters in the fields of a form or a query string; none with `unfiltered`. An unknown kind is no filter, and
    an unknown team or language lets nothing through."""
    if values.get("unfiltered"):
        return NO_FILTERS
    kind = values.get("kind", "")
    return Filters(
        values.get("team", "").strip()[:64],
        Kind(kind) if kind in tuple(Kind) else None,
        values.get("language", "").strip()[:8],
        bool(values.get("newest")),
    )
