"""evaluation/sets.py: reading evaluation sets, their parts and filters."""

import gzip
from typing import Any

import pytest

from indexer.evaluation.sets import EvaluationSet, Query, allowed
from recommender.errors import EvaluationError
from tests.indexer.evaluation.conftest import WriteSet, make_item, make_query


@pytest.mark.parametrize(
    ("name", "part"),
    [("fi-en:a/b:c", "test"), ("x:a/b:c", "test"), ("sim-7-8", "test"), ("q136", "train"), ("a-136", "test")],
)
def test_the_part_of_a_query_depends_on_its_key(name: str, part: str) -> None:
    assert Query(name, "", "en", "p", {}).part == part


def test_about_half_of_many_queries_are_test_queries() -> None:
    parts = [Query(f"q{number}", "", "en", "p", {}).part for number in range(1000)]
    assert 430 < parts.count("test") < 570


@pytest.mark.parametrize(
    ("filter", "left"),
    [
        ({}, None),
        ({"pool": "answers"}, None),
        ({"kind": "document"}, {"d"}),
        ({"language": "fi"}, {"b"}),
        ({"exclude": ["a"]}, {"b", "d"}),
        ({"before": "2026-01-02T00:00:00Z"}, {"a"}),
        ({"before": "2026-01-03T00:00:00", "exclude": ["a"], "kind": "request"}, {"b"}),
        ({"team": "hr"}, set()),
    ],
)
def test_a_filter_allows_what_it_names(filter: dict[str, Any], left: set[str] | None) -> None:
    rows = [
        make_item("a", created_at="2026-01-01T00:00:00"),
        make_item("b", language="fi", created_at="2026-01-02T10:00:00Z"),
        make_item("d", kind="document"),
    ]
    assert allowed({row["id"]: row for row in rows}, filter) == left


@pytest.mark.parametrize(
    ("corpus", "queries", "sentence"),
    [
        ([], [make_query("q1", "x", [])], "contains no items"),
        ([make_item("a")], [make_query("q1", "x", ["b"])], "query q1 names b, which is not in the corpus"),
        (
            [make_item("a", answers=[{"id": "r1", "body": "x", "created_at": "2026-01-01T00:00:00"}])],
            [make_query("q1", "x", ["a"], filter={"pool": "answers"})],
            "query q1 names a",
        ),
        ([{"id": "a", "kind": "request"}], [], "corpus.jsonl.gz: record 1 has no title"),
        ([make_item("a"), ["b"]], [], "corpus.jsonl.gz: record 2 has no id"),
        ([make_item("a")], [{"id": "q1", "language": "en", "protocol": "similar"}], "record 1 has no text"),
        ([make_item("a")], [make_query("q1", "x", [], asked_at="yesterday")], "contains a query that cannot be used"),
        ([make_item("a")], [make_query("q1", "x", [{"grade": 1}])], "contains a query that cannot be used"),
        ([make_item("a")], [make_query("q1", "x", [], filter=["x"])], "contains a query that cannot be used"),
        ([make_item("a")], [make_query("q1", "x", [], filter={"before": "x"})], "contains a query that cannot be used"),
        ([make_item("a", created_at="yesterday")], [], "contains an item that cannot be used"),
        ([make_item("a", answers=["x"])], [], "contains an item that cannot be used"),
        (
            [make_item("a", answers=[{"id": "r1", "body": "x"}])],
            [],
            "contains an item that cannot be used: KeyError('created",
        ),
    ],
)
def test_a_set_that_cannot_be_used_is_reported_in_one_sentence(
    write_set: WriteSet, corpus: Any, queries: Any, sentence: str
) -> None:
    with pytest.raises(EvaluationError) as error:
        EvaluationSet.read(write_set(corpus, queries))
    assert sentence in str(error.value) and str(error.value).endswith(".") and "\n" not in str(error.value)


def test_a_missing_and_a_damaged_file_are_reported_in_one_sentence(write_set: WriteSet) -> None:
    folder = write_set([make_item("a")], [])
    (folder / "queries.jsonl.gz").unlink()
    with pytest.raises(EvaluationError, match=r"queries\.jsonl\.gz is missing"):
        EvaluationSet.read(folder)
    (folder / "corpus.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(EvaluationError, match=r"corpus\.jsonl\.gz cannot be read"):
        EvaluationSet.read(folder)
    whole = gzip.compress(b'{"id": "a"}' * 50)
    (folder / "corpus.jsonl.gz").write_bytes(whole[:12] + bytes(8) + whole[20:])
    with pytest.raises(EvaluationError, match=r"corpus\.jsonl\.gz cannot be read"):
        EvaluationSet.read(folder)
