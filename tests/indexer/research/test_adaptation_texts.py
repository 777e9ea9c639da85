"""research/adaptation_texts.py: the pairs of small organisations, help pages and sets that are written here."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer.evaluation.sets import Query
from indexer.research.adaptation_texts import (
    PAGE_CHARACTERS,
    Pair,
    Text,
    groups,
    help_title_pairs,
    organisation_pairs,
    set_pairs,
)

NEW, OLD, OPEN = "Use the web form", "Use the paper form", "Has nobody looked at it yet?"


def _request(identifier: str, title: str, body: str, *replies: tuple[str, bool]) -> dict[str, Any]:
    written = [{"body": text, "accepted": accepted} for text, accepted in replies]
    return {"type": "request", "id": identifier, "title": title, "body": body, "replies": written}


def _question(text: str, expect: str, outdated: Sequence[str] = (), **grades: int) -> dict[str, Any]:
    relevant = [{"id": f"request:{name}", "grade": grade} for name, grade in grades.items()]
    return {"text": text, "expect": expect, "relevant": relevant, "outdated": list(outdated)}


def _write_organisation(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = [
        {"type": "team", "id": "it", "name": "IT"},
        _request("new", "Travel costs", "How do I claim them?", (NEW, True), ("Thanks", False)),
        _request("old", "Travel costs", "How?", (OLD, True)),
        _request("help", "Costs", "What is paid?", ("A ticket is paid", True)),
        _request("open", "Broken lamp", "It is dark here since Monday morning, in the whole room", (OPEN, False)),
        {"type": "document", "id": "doc", "title": "Guide", "body": "x" * (PAGE_CHARACTERS + 50)},
        _request("short", "Lamp", "", ("On.", True)),
    ]
    questions = [
        _question("travel?", "answer", ["request:old"], new=2, help=1),
        _question("lamp in Rome?", "maybe", help=2),
        _question("saxophone?", "unknown"),
        _question("only a hint?", "answer", help=1),
    ]
    for name, lines in (("org", rows), ("questions", questions)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")


def test_a_judged_question_stands_with_its_full_answers_against_the_outdated_ones(tmp_path: Path) -> None:
    _write_organisation(tmp_path / "east")
    pairs = organisation_pairs(tmp_path / "east")
    judged = [pair for pair in pairs if pair.question.endswith("?") and pair.question != OPEN]
    assert [pair.question for pair in judged] == ["travel?"]  # the others have no full answer, or expect none
    (pair,) = judged
    assert {text.key for text in pair.passages} == {"request:new"}
    assert {text.text for text in pair.passages} == {
        f"Travel costs\n{NEW}",
        f"Travel costs\nHow do I claim them?\n{NEW}",
        "Travel costs\nHow do I claim them?",
    }
    assert {text.key for text in pair.wrong} == {"request:old"} and f"Travel costs\n{OLD}" in {
        text.text for text in pair.wrong
    }
    assert pair.alike == {"request:new", "request:help"}  # what helps is never wrong


def test_titles_stand_with_their_own_texts(tmp_path: Path) -> None:
    _write_organisation(tmp_path / "east")
    titles = {pair.alike: pair for pair in organisation_pairs(tmp_path / "east") if not pair.wrong}
    document = titles[frozenset({"document:doc"})]
    assert document.question == "Guide"
    assert [len(text.text) for text in document.passages] == [len("Guide\n") + size for size in (PAGE_CHARACTERS, 50)]
    # of a request without an accepted reply the last one counts; texts that are hardly more than the title do not
    lamp = titles[frozenset({"request:open"})]
    assert [text.text for text in lamp.passages] == [
        "Broken lamp\nIt is dark here since Monday morning, in the whole room"
    ]
    assert frozenset({"request:short"}) not in titles


def test_help_titles_stand_with_the_text_of_their_page(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl.gz"
    rows = [
        {"set": "help", "page": "a", "question": "Tulostus", "passage": "y" * 2 * PAGE_CHARACTERS},
        {"set": "help", "page": "b", "question": "Print", "passage": "Press the button"},
    ]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    first, second = help_title_pairs(path)
    assert first == Pair("Tulostus", [Text("help:a", "y" * PAGE_CHARACTERS)], alike=frozenset({"help:a"}))
    assert second == Pair("Print", [Text("help:b", "Press the button")], alike=frozenset({"help:b"}))


def _of_part(part: str, prefix: str) -> str:
    return next(name for n in range(99) if Query(name := f"{prefix}:{n}", "", "en", "", {}).part == part)


def _write_set(folder: Path, corpus: Sequence[dict[str, Any]], queries: Sequence[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


def _item(identifier: str, **values: Any) -> dict[str, Any]:
    row = {"id": identifier, "kind": "request", "title": f"Title {identifier}", "body": f"Body {identifier}"}
    return {**row, "language": "en", "answer": None, "answers": [], "created_at": None, **values}


def _query(identifier: str, text: str, relevant: Sequence[str], protocol: str, **values: Any) -> dict[str, Any]:
    grades = [{"id": name, "grade": 1} for name in relevant]
    row = {"id": identifier, "text": text, "language": "en", "protocol": protocol, "relevant": grades, "filter": {}}
    return {**row, **values}


def test_only_train_queries_with_relevant_items_of_a_set_are_learned_from(tmp_path: Path) -> None:
    train, test = _of_part("train", "q"), _of_part("test", "q")
    corpus = [
        _item("i1", answers=[{"id": "a1", "body": "Turn it off and on", "created_at": "2024-01-01T00:00:00"}]),
        _item("i2"),
    ]
    queries = [
        _query(train, "similar one", ["i1"], "similar"),
        _query(test, "secret one", ["i1"], "similar"),
        _query(f"x{train}", "answer one", ["a1"], "answer", filter={"pool": "answers"}),
        _query(f"y{train}", "without", [], "similar"),
        _query(f"z{train}", "other task", ["i2"], "experts"),
    ]
    _write_set(tmp_path / "office", corpus, queries)
    pairs = {pair.question: pair for pair in set_pairs(tmp_path / "office")}
    assert pairs.keys() == {"similar one", "answer one"}
    assert pairs["similar one"].passages == [Text("i1", "Title i1\nBody i1")]
    assert pairs["answer one"].passages == [Text("a1", "Turn it off and on")]
    assert pairs["answer one"].alike == {"a1"}


def test_a_page_is_found_by_its_title_without_the_title_and_both_languages_are_one_page(tmp_path: Path) -> None:
    train = _of_part("train", "page")
    corpus = [_item("en:p", kind="document", pair="fi:p"), _item("fi:p", kind="document", pair="en:p")]
    queries = [_query(train, "Title en:p", ["en:p"], "en-en"), _query(f"b{train}", "Title en:p", ["fi:p"], "en-fi")]
    _write_set(tmp_path / "help", corpus, queries)
    pairs = set_pairs(tmp_path / "help")
    assert [pair.passages for pair in pairs] == [[Text("p", "Body en:p")], [Text("p", "Body fi:p")]]
    assert {pair.alike for pair in pairs} == {frozenset({"p"})}


def test_the_groups_have_every_source(tmp_path: Path) -> None:
    for name in ("east", "west"):
        _write_organisation(tmp_path / "organisations" / name)
    row = {"set": "help", "page": "a", "question": "Print", "passage": "Press the button"}
    (tmp_path / "pairs.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    for name in ("fi_libreoffice_help", "se_quantum", "se_dba_meta", "se_matheducators"):
        queries = [_query(_of_part("train", "q"), f"asked of {name}", ["i1"], "similar")]
        _write_set(tmp_path / "sets" / name, [_item("i1")], queries)
    made = groups(
        tmp_path / "pairs.jsonl.gz",
        tmp_path / "sets",
        [tmp_path / "organisations" / name for name in ("east", "west")],
    )
    assert {name: len(lists) for name, lists in made.items()} == {
        "organisations": 2, "help titles": 1, "help pages": 1, "forums": 3,
    }  # fmt: skip
    assert [pairs[0].question for pairs in made["forums"]] == [
        f"asked of {name}" for name in ("se_quantum", "se_dba_meta", "se_matheducators")
    ]
