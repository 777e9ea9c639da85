"""What the search page says of everything that a reader may read: how much it is, and what a search can be narrowed to.

The database reads every item for that. Where there are very many, what was found is shown for some minutes, as long as
about as many items can be found."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from flask import current_app
from sqlalchemy import func, select

from recommender import filters
from recommender.access import Reader, readable_documents, readable_requests
from recommender.database.tables import RESOLVED, Document, HelpRequest
from recommender.filters import Choices
from web.current import recommender, session

_MANY = 20_000  # readable items from which an overview is kept: a judgement
_SECONDS = 600.0  # for which it is kept: a judgement
_SHARE = 0.01  # of the items that may come or go meanwhile: a judgement
_READERS = 2_000  # whose overviews are kept: a judgement


class Overview(NamedTuple):
    """How many solved requests and guides somebody may read, and the teams and languages of all these."""

    requests: int
    documents: int
    choices: Choices


class Kept:
    """The overviews of the readers who came last. Safe for many threads."""

    def __init__(self) -> None:
        self._overviews: dict[Reader, tuple[float, int, Overview]] = {}

    def get(self, reader: Reader, items: int, read: Callable[[], Overview]) -> Overview:
        """What was read for this reader a while ago, or what is read now. `items` is how many they can find now."""
        now = time.monotonic()
        at, found, overview = self._overviews.get(reader, (-math.inf, 0, None))
        if overview is None or now - at >= _SECONDS or abs(items - found) > _SHARE * found:
            overview = read()
            if len(self._overviews) >= _READERS:
                self._overviews.clear()
            self._overviews[reader] = now, items, overview
        return overview


def overview_of(reader: Reader) -> Overview:
    """The overview of what a reader may read; that of a moment ago where there is very much."""
    index = recommender().index
    items = 0 if index is None else index.size(reader.tokens)
    if items < _MANY:
        return _read(reader)
    kept: Kept = current_app.extensions.setdefault("kollega_overviews", Kept())
    return kept.get(reader, items, lambda: _read(reader))


def _read(reader: Reader) -> Overview:
    requests = select(func.count()).where(HelpRequest.status == RESOLVED, HelpRequest.hidden.is_(False))
    documents = select(func.count()).where(Document.hidden.is_(False), Document.draft.is_(False))
    return Overview(
        session().scalar(requests.where(readable_requests(reader))) or 0,
        session().scalar(documents.where(readable_documents(reader))) or 0,
        filters.choices(session(), reader),
    )
