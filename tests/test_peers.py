"""benchmarks/peers: what other engines are measured on, and how; the engines themselves are not installed for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import Page
from tests.benchmarks.peers.__main__ import measure_engine, table, together
from tests.benchmarks.peers.tasks import LONGEST, read_task
from tests.indexer.evaluation.conftest import WriteSet, make_item, make_query, write_set

__all__ = ["write_set"]


class Counting:
    """Finds the pages that have most words of a question."""

    def index(self, pages: Sequence[Page]) -> None:
        self.pages = {page.id: set(page.text.split()) for page in pages}

    def ask(self, question: str, depth: int) -> list[str]:
        words = set(question.split())
        return sorted(self.pages, key=lambda page: -len(self.pages[page] & words))[:depth]


def _help(write_set: WriteSet) -> Path:
    languages = {"language": "fi"}
    items = [
        make_item("fi:print", body="näin tulostat " + "x" * 1000, **languages),
        make_item("fi:park", body="näin pysäköit", **languages),
        make_item("en:print", body="tulostat näin in English"),
    ]
    asked = {"protocol": "fi-fi", "language": "fi", "filter": {"language": "fi"}}
    # of the test part, as `Query.part` says
    queries = [make_query(f"fi-fi:{name}", text, [f"fi:{page}"], **asked) for name, text, page in _questions()]
    return write_set(items, queries, "help")


def _questions() -> list[tuple[str, str, str]]:
    return [(str(number), *pair) for number in range(8) for pair in (("miten tulostat", "print"), ("pysäköit", "park"))]


def test_a_task_has_the_pages_that_questions_are_about_and_texts_of_one_length(write_set: WriteSet) -> None:
    task = read_task(_help(write_set), ("fi-fi",), pages=2, questions=4)
    assert [page.id for page in task.pages] == ["fi:park", "fi:print"]
    assert max(len(page.text) for page in task.pages) == LONGEST
    assert len(task.questions["fi-fi"]) == 4
    fewer = read_task(_help(write_set), ("fi-fi",), pages=1, questions=4)
    assert {page for question in fewer.questions["fi-fi"] for page in question.relevant} == {"fi:park"}


def test_the_page_of_an_answer_is_its_own_text_without_the_question(write_set: WriteSet) -> None:
    answers = [{"id": "a1", "author": "p1", "body": "use the other door", "created_at": "2024-01-02T00:00:00"}]
    item = make_item("q1", title="door", body="the door is stuck", answers=answers)
    pool = {"pool": "answers"}
    queries = [
        make_query(f"ans-{number}", "the door is stuck", ["a1"], protocol="answer", filter=pool) for number in range(8)
    ]
    task = read_task(write_set([item], queries, "site"), ("answer",), pages=5, questions=4)
    assert [(page.id, page.text) for page in task.pages] == [("a1", "use the other door")]


def test_an_engine_is_measured_on_pages_of_the_language_that_is_asked_for(write_set: WriteSet) -> None:
    task = read_task(_help(write_set), ("fi-fi",), pages=3, questions=4)
    measured = measure_engine(Counting(), [task])
    assert measured["ndcg"] == {"help fi-fi": 1.0}  # the English page has as many words, and does not count
    assert 0 < measured["p50_ms"] <= measured["p95_ms"] and measured["texts_per_second"] > 0
    row: dict[str, Any] = {"engine": "Counting", "peak_mb": 1.0, **measured, "texts_per_second": 10.0}
    lines = table([row]).splitlines()
    assert lines[0].endswith("| help fi-fi |") and lines[2].startswith("| Counting | 10.0 |")
    assert lines[2].endswith("| 1.000 |")


def test_what_two_rounds_measured_is_put_together_for_each_engine() -> None:
    def row(engine: str, value: float) -> dict[str, Any]:
        times = {name: value for name in ("texts_per_second", "p50_ms", "p95_ms", "peak_mb")}
        return {"engine": engine, "ndcg": {"help fi-fi": 0.5}, **times}

    one, other = together([[row("one", 10.0), row("other", 1.0)], [row("other", 3.0), row("one", 20.0)]])
    assert (one["engine"], other["engine"]) == ("one", "other") and one["ndcg"] == {"help fi-fi": 0.5}
    assert (one["texts_per_second"], one["p50_ms"], one["p95_ms"], one["peak_mb"]) == (15.0, 15.0, 15.0, 20.0)
    assert (other["p95_ms"], other["peak_mb"]) == (2.0, 3.0)
