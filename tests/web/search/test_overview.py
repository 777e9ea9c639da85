"""overview.py: what the search page says of all items is kept for a while where there are very many."""

from collections.abc import Callable
from functools import partial

import pytest
from flask.testing import FlaskClient

from recommender.access import ANYONE, Reader
from recommender.filters import Choices
from web.search.overview import Kept, Overview

OpenClient = Callable[[], FlaskClient]


def _overview(requests: int) -> Overview:
    return Overview(requests, 0, Choices((), ()))


def test_an_overview_is_read_once_in_a_while_for_each_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, kept, someone = [0.0], Kept(), Reader(7, frozenset(), frozenset({"everyone", "person:7"}))
    monkeypatch.setattr("web.search.overview.time.monotonic", lambda: seconds[0])
    assert kept.get(ANYONE, 10_000, lambda: _overview(1)).requests == 1
    assert kept.get(someone, 10_000, lambda: _overview(2)).requests == 2
    seconds[0] = 599.0
    assert kept.get(ANYONE, 10_000, lambda: _overview(3)).requests == 1
    assert kept.get(someone, 10_000, lambda: _overview(3)).requests == 2
    seconds[0] = 600.0
    assert kept.get(ANYONE, 10_000, lambda: _overview(3)).requests == 3


def test_an_overview_is_read_again_when_more_than_a_few_items_have_come_or_gone() -> None:
    kept = Kept()
    asked = [(10_000, 1, 1), (10_100, 2, 1), (9_900, 3, 1), (10_101, 4, 4), (10_000, 5, 4), (9_000, 6, 6)]
    for items, read, shown in asked:
        assert kept.get(ANYONE, items, partial(_overview, read)).requests == shown


def test_few_overviews_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.search.overview._READERS", 3)
    kept = Kept()
    for person in range(10):
        kept.get(Reader(person, frozenset(), frozenset()), 10_000, lambda: _overview(1))
        assert len(kept._overviews) <= 3


@pytest.mark.parametrize(("many", "then"), [(2, 2), (3, 3)])
def test_with_many_items_the_page_counts_them_once_in_a_while(
    open_client: OpenClient, add_request: Callable[..., int], monkeypatch: pytest.MonkeyPatch, many: int, then: int
) -> None:
    monkeypatch.setattr("web.search.overview._MANY", many)
    add_request("Printer stuck")
    add_request("Coffee is out")
    client = open_client()
    assert "Search 2 solved requests and 0 guides." in client.get("/").text
    add_request("Lamp is broken")
    assert f"Search {then} solved requests and 0 guides." in client.get("/").text
