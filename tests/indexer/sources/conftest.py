"""Clients of other systems that do not wait before they ask again."""

from functools import partial

import pytest

from indexer.sources.rest.waiting import Patience


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is asked again at once, unless a test gives the client its own patience."""
    monkeypatch.setattr("indexer.sources.rest.client.Patience", partial(Patience, first_pause=0))
