"""index/milvus/index.py: what it asks Milvus for, at once or not again, and that it leaves no thread behind."""

import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import HelpRequest
from recommender.index import SearchIndex
from recommender.index.milvus import builder, keywords, layout
from recommender.index.milvus.client import Milvus
from recommender.index.milvus.contents import Contents
from recommender.index.narrowing import Among
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
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
    """The calls of the index from now on: the field that is searched for items, with the number of vectors, or the
    fields that are read."""
    calls: list[str] = []
    search, rows = Milvus.search, Milvus.rows

    def searched(
        milvus: Milvus, name: str, field: str, vectors: Any, condition: str, top_k: int, fields: Any, *others: Any
    ) -> Any:
        calls.append(f"{field} {len(vectors)}" if fields == layout.ITEM_FIELDS else " ".join(fields))
        return search(milvus, name, field, vectors, condition, top_k, fields, *others)

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


def test_all_languages_are_searched_at_once_and_found_as_one_after_the_other(
    reindexed: Callable[..., SearchIndex],
    add_request: Callable[..., int],
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    languages = ("en", "fi", "sv")
    for number in range(4):
        for language in languages:
            add_request(f"vpn {'tunnel ' * number}", language=language)
    index, terms = reindexed(), analyzer.query_terms("vpn tunnel")
    alone = [index.search(None, terms, EVERYONE, 10, Among(language=language)) for language in languages]
    assert [len(hits) for hits in alone] == [4, 4, 4]
    search, all_there = Milvus.search, threading.Barrier(len(languages))

    def searched(*arguments: Any) -> Any:
        all_there.wait(10)
        return search(*arguments)

    monkeypatch.setattr(Milvus, "search", searched)
    assert index.search(None, terms, EVERYONE, 10) == [hit for hits in alone for hit in hits]


def test_few_rows_are_those_that_fulfil_the_condition(index: SearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for as a server is and as the library form is; here in the latter."""
    milvus, collection = index.milvus, index.contents.collection  # type: ignore[attr-defined]
    passages, items, terms = (
        layout.name_of(collection, part) for part in (layout.PASSAGES, layout.ITEMS, layout.TERMS)
    )
    stored, beside = [row["id"] for row in milvus.rows(passages, "id >= 0", ("id",))], ("vector", 64)
    counted = [row["id"] for row in milvus.rows(terms, "items > 0", ("id",))]
    readable = layout.both(layout.readable(EVERYONE), f"id in {stored}")

    def found() -> list[list[dict[str, Any]]]:
        rows = [
            milvus.few_rows(passages, f"id in {[*stored, 77]}", 99, layout.PASSAGE_FIELDS, beside),
            milvus.few_rows(passages, readable, len(stored), ("id", "stored"), beside),
            milvus.few_rows(passages, "id in [77]", 1, ("id",), beside),
            milvus.few_rows(passages, "id in []", 0, ("id",), beside),
            milvus.few_rows(items, "number in [0, 2]", 2, ("number", "key", "digest"), layout.BESIDE),
            milvus.few_rows(terms, f"id in {counted}", len(counted), ("id", "counts"), layout.BESIDE),
        ]
        return [sorted(each, key=lambda row: row.get("id", row.get("number"))) for each in rows]

    searched = found()
    assert [len(rows) for rows in searched] == [len(stored), len(stored) * 2 // 3, 0, 0, 2, len(counted)]
    monkeypatch.setattr(milvus, "is_file", False)
    assert found() == searched


def test_no_thread_is_left_of_an_index_that_nobody_has_any_more(
    index: SearchIndex, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_this() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in before]

    opened = type(index)(index.milvus, index.manifest, index.contents, index.vector_space)  # type: ignore[call-arg,attr-defined]
    before = threading.enumerate()
    opened.search(encoder.encode_queries(["printer"])[0], Terms(("printer",), ()), EVERYONE, 10)
    assert of_this()
    del opened
    gc.collect()
    end = time.monotonic() + 10
    while of_this() and time.monotonic() < end:
        time.sleep(0.01)
    assert not of_this()


def test_many_groups_are_searched_by_their_audience_as_few_are_by_their_numbers(
    reindexed: Callable[..., SearchIndex],
    add_request: Callable[..., int],
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for team in ("hr", "it", "legal"):
        add_request(f"vpn {team}", audience=[f"team:{team}"])
        add_request(f"vpn tunnel {team}", audience=[f"team:{team}", "team:all"], language="fi")
    index, terms, conditions = reindexed(), analyzer.query_terms("vpn tunnel"), list[str]()
    search = Milvus.search

    def searched(milvus: Milvus, name: str, field: str, vectors: Any, condition: str, *others: Any) -> Any:
        if field == "terms":
            conditions.append(condition)
        return search(milvus, name, field, vectors, condition, *others)

    monkeypatch.setattr(Milvus, "search", searched)
    readers = [
        frozenset(f"team:{team}" for team in teams) for teams in (["all"], ["all", "hr"], ["hr", "it"], ["legal"])
    ]
    few = [index.search(None, terms, reader, 10) for reader in readers]
    assert [len(hits) for hits in few] == [3, 4, 4, 2]
    assert all("group in" in condition and "audience" not in condition for condition in conditions)
    monkeypatch.setattr(keywords, "_GROUPS", 0)
    conditions.clear()
    assert [index.search(None, terms, reader, 10) for reader in readers] == few
    assert all("audience" in condition for condition in conditions)


def test_an_index_whose_items_have_no_vectors_beside_is_read_and_written_as_before(
    settings: Settings,
    add_request: Callable[..., int],
    reindexed: Callable[..., SearchIndex],
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that an earlier version has written."""
    fields = {name: given for name, given in layout._FIELDS[layout.ITEMS].items() if name != "unused"}
    with monkeypatch.context() as patch:
        patch.setitem(layout._FIELDS, layout.ITEMS, fields)
        patch.setattr(builder, "Contents", lambda *given, **_beside: Contents(*given))
        create = Milvus.create
        patch.setattr(
            Milvus,
            "create",
            lambda milvus, name, given, indexes: create(
                milvus, name, given, {field: index for field, index in indexes.items() if field in given}
            ),
        )
        add_request("printer jam")
        reindexed()
    add_request("vpn tunnel")
    index = reindexed()
    assert not index.contents.beside  # type: ignore[attr-defined]
    hits = index.search(None, analyzer.query_terms("vpn printer"), EVERYONE, 10)
    assert {hit.item for hit in hits} == {"request:1", "request:2"} == index.digests(["request:1", "request:2"]).keys()
    assert index.digests(["request:3"]) == {}
