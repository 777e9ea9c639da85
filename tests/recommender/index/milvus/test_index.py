"""index/milvus/index.py: what it asks Milvus for, and what it does not ask for again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import HelpRequest
from recommender.index import SearchIndex
from recommender.index.milvus.client import Milvus
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.milvus import in_milvus

EVERYONE = frozenset({"everyone"})


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return in_milvus(settings, request)


@pytest.fixture
def index(reindexed: Callable[..., SearchIndex], add_request: Callable[..., int]) -> SearchIndex:
    """Three requests, of which one is for the team hr."""
    add_request("printer jam", answer="open the tray")
    add_request("vpn tunnel", answer="restart the client")
    add_request("printer salary", answer="ask the payroll", audience=["team:hr"])
    return reindexed()


@pytest.fixture
def asked(index: SearchIndex, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the index from now on: the field that is searched, with the number of vectors, or the fields that
    are read."""
    calls: list[str] = []
    search, rows = Milvus.search, Milvus.rows

    def searched(milvus: Milvus, name: str, field: str, vectors: Any, *others: Any) -> Any:
        calls.append(f"{field} {len(vectors)}")
        return search(milvus, name, field, vectors, *others)

    def read(milvus: Milvus, name: str, condition: str, fields: Any) -> Any:
        calls.append(" ".join(fields))
        return rows(milvus, name, condition, fields)

    monkeypatch.setattr(Milvus, "search", searched)
    monkeypatch.setattr(Milvus, "rows", read)
    return calls


def test_the_languages_of_a_question_are_searched_in_one_call_and_not_again(
    index: SearchIndex, encoder: FakeEncoder, analyzer: Analyzer, asked: list[str]
) -> None:
    vectors = [encoder.encode_queries([text])[0] for text in ("printer jam", "vpn tunnel")]
    both = index.nearest(vectors, EVERYONE, 10)
    found = [index.search(vector, analyzer.query_terms("tray"), EVERYONE, 10) for vector in vectors]
    assert both == pytest.approx([max(hit.near.nearest for hit in hits if hit.near) for hits in found], abs=1e-3)
    assert [call for call in asked if call.startswith("vector")] == ["vector 2"]


def test_other_readers_and_other_questions_are_searched_for(
    index: SearchIndex, encoder: FakeEncoder, asked: list[str]
) -> None:
    vector, other = (encoder.encode_queries([text])[0] for text in ("printer salary\nask the payroll", "vpn tunnel"))
    everyone = index.nearest([vector], EVERYONE, 10)
    assert index.nearest([vector], EVERYONE | {"team:hr"}, 10) == pytest.approx([1.0], abs=1e-3)
    assert index.nearest([vector], EVERYONE, 10) == everyone != pytest.approx([1.0], abs=1e-3)
    index.nearest([other, vector], EVERYONE, 10)
    assert asked == ["vector 1"] * 3


def test_what_was_read_of_an_item_is_not_read_again_until_it_has_changed(
    index: SearchIndex,
    reindexed: Callable[..., SearchIndex],
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    asked: list[str],
) -> None:
    vector, terms = encoder.encode_queries(["printer jam"])[0], analyzer.query_terms("printer jam")

    def read(index: SearchIndex) -> tuple[set[str], dict[str, str]]:
        hits = index.search(vector, terms, EVERYONE, 10)
        ids = [hit.near.passage_id for hit in hits if hit.near]
        return {passage.context for passage in index.passages(ids).values()}, index.digests([hit.item for hit in hits])

    titles, digests = read(index)
    assert titles == {"printer jam", "vpn tunnel"} and digests.keys() == {"request:1", "request:2"}
    asked.clear()
    assert read(index) == (titles, digests)
    assert asked and set(asked) == {"terms 1"}  # keyword search alone

    with sessions.begin() as session:
        session.get_one(HelpRequest, 1).title = "scanner jam"
    newer_titles, newer = read(reindexed())
    assert newer_titles == {"scanner jam", "vpn tunnel"}
    assert newer["request:1"] != digests["request:1"] and newer["request:2"] == digests["request:2"]
    assert read(index) == (titles, digests)  # a generation stays what it was
