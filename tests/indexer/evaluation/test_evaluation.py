"""Measures of quality, and `kollega evaluate` on small sets written here."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from indexer import cli
from indexer.commands import measure
from indexer.evaluation import cache, measures
from indexer.evaluation.evaluate import evaluate
from indexer.evaluation.report import Evaluation, as_json
from indexer.evaluation.run import RANKED, Run, with_candidates
from indexer.evaluation.sets import EvaluationSet, Query, allowed
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.recommender import Ranking, Recommender
from recommender.settings import Settings
from tests.conftest import FakeEncoder

Write = Callable[..., Path]
WORDS = ("printer", "coffee", "screen", "payroll", "badge", "parking", "invoice", "laptop")


def _item(name: str, **changes: Any) -> dict[str, Any]:
    row = {"id": name, "kind": "request", "title": name, "body": "", "answer": None, "language": "en", "answers": []}
    return {**row, "created_at": None, **changes}


def _query(name: str, text: str, relevant: Sequence[Any], protocol: str = "similar", **changes: Any) -> dict[str, Any]:
    row = {"id": name, "text": text, "language": "en", "protocol": protocol, "relevant": relevant, "filter": {}}
    return {**row, **changes}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(corpus, queries, name) makes a set and returns its folder."""

    def make(corpus: Sequence[Mapping[str, Any]], queries: Sequence[Mapping[str, Any]], name: str = "office") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for file, rows in (("corpus", corpus), ("queries", queries)):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"{file}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
        return folder

    return make


@pytest.mark.parametrize(
    ("name", "part"),
    [("fi-en:a/b:c", "test"), ("x:a/b:c", "test"), ("sim-7-8", "test"), ("q136", "train"), ("a-136", "test")],
)
def test_a_query_falls_into_the_part_of_its_key(name: str, part: str) -> None:
    assert Query(name, "", "en", "p", {}).part == part


def test_about_half_of_many_queries_are_test_queries() -> None:
    parts = [Query(f"q{number}", "", "en", "p", {}).part for number in range(1000)]
    assert 430 < parts.count("test") < 570


def test_measures_are_those_of_the_field() -> None:
    relevant = {"a": {"1": 1}, "b": {"2": 2, "3": 1}, "c": {"4": 1}}
    scores = measures.measure(relevant, {"a": ["9", "1"], "b": ["2", "3"], "c": []})
    assert scores["RR@10"] == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert scores["R@1"] == {"a": 0.0, "b": 0.5, "c": 0.0}
    assert scores["R@5"] == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert scores["nDCG@10"]["a"] == pytest.approx(1 / np.log2(3)) and scores["nDCG@10"]["b"] == pytest.approx(1.0)


def test_a_difference_that_is_always_the_same_has_no_width_and_sets_weigh_the_same() -> None:
    small, large = np.array([0.2, 0.4]), np.zeros(1000)
    found = measures.difference([(small + 0.1, small), (large, large)])
    assert (found.mean, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))


def test_an_interval_holds_what_chance_alone_makes() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random(300), rng.random(300)
    found = measures.difference([(a, b)])
    assert found.low < 0 < found.high and found.low < found.mean < found.high


def test_probabilities_that_are_true_have_no_calibration_error_and_others_have() -> None:
    truth = [n % 10 < 7 for n in range(1000)]
    good, bad = measures.reliability([0.7] * 1000, truth), measures.reliability([0.2] * 1000, truth)
    assert measures.calibration_error(good) == pytest.approx(0.0)
    assert measures.calibration_error(bad) == pytest.approx(0.5)
    assert [each.count for each in measures.reliability([0.0, 0.05, 1.0], [False, False, True])] == [2, 1]
    assert measures.auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == pytest.approx(0.75)


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
def test_a_filter_leaves_what_it_names(filter: dict[str, Any], left: set[str] | None) -> None:
    rows = [
        _item("a", created_at="2026-01-01T00:00:00"),
        _item("b", language="fi", created_at="2026-01-02T10:00:00Z"),
        _item("d", kind="document"),
    ]
    assert allowed({row["id"]: row for row in rows}, filter) == left


@pytest.mark.parametrize(
    ("corpus", "queries", "sentence"),
    [
        ([], [_query("q1", "x", [])], "contains no items"),
        ([_item("a")], [_query("q1", "x", ["b"])], "query q1 names b, which is not in the corpus"),
        (
            [_item("a", answers=[{"id": "r1", "body": "x", "created_at": "2026-01-01T00:00:00"}])],
            [_query("q1", "x", ["a"], filter={"pool": "answers"})],
            "query q1 names a",
        ),
        ([{"id": "a", "kind": "request"}], [], "corpus.jsonl.gz: record 1 has no title"),
        ([_item("a"), ["b"]], [], "corpus.jsonl.gz: record 2 has no id"),
        ([_item("a")], [{"id": "q1", "language": "en", "protocol": "similar"}], "record 1 has no text"),
        ([_item("a")], [_query("q1", "x", [], asked_at="yesterday")], "contains a query that cannot be used"),
        ([_item("a")], [_query("q1", "x", [{"grade": 1}])], "contains a query that cannot be used"),
        ([_item("a")], [_query("q1", "x", [], filter=["x"])], "contains a query that cannot be used"),
        ([_item("a")], [_query("q1", "x", [], filter={"before": "x"})], "contains a query that cannot be used"),
        ([_item("a", created_at="yesterday")], [], "contains an item that cannot be used"),
        ([_item("a", answers=["x"])], [], "contains an item that cannot be used"),
        (
            [_item("a", answers=[{"id": "r1", "body": "x"}])],
            [],
            "contains an item that cannot be used: KeyError('created",
        ),
    ],
)
def test_a_set_that_cannot_be_used_is_one_sentence(write: Write, corpus: Any, queries: Any, sentence: str) -> None:
    with pytest.raises(EvaluationError) as error:
        EvaluationSet.read(write(corpus, queries))
    assert sentence in str(error.value) and str(error.value).endswith(".") and "\n" not in str(error.value)


def test_a_missing_and_a_damaged_file_are_one_sentence(write: Write) -> None:
    folder = write([_item("a")], [])
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


def test_a_set_that_asks_nothing_that_is_measured_is_one_sentence(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    for queries in ([], [_query("q1", "x", [], protocol="simliar")], [_query("q1", "x", [], protocol="out-of-scope")]):
        with pytest.raises(
            EvaluationError, match="office contains no query with a protocol that is measured: similar, "
        ):
            evaluate(settings, encoder, analyzer, [write([_item("a")], queries)])


def _office(write: Write) -> Path:
    """Sixteen requests, each found by its words; those of the future and the asker's own are filtered out."""
    corpus = [_item(f"{word}{n}", title=f"{word} {'jam' if n else 'lost'}") for word in WORDS for n in range(2)]
    corpus.append(
        _item(
            "late",
            title="printer jam again",
            created_at="2026-06-01T00:00:00",
            answers=[
                {
                    "id": "r1",
                    "author": "aino",
                    "body": "Open the tray",
                    "created_at": "2026-06-02T00:00:00",
                    "score": 3,
                },
                {"id": "r2", "author": "matti", "body": "Call facilities", "created_at": "2026-06-03T00:00:00"},
            ],
        )
    )
    queries = [_query(f"sim-{word}", f"{word} jam", [f"{word}1"], filter={"exclude": ["late"]}) for word in WORDS]
    queries += [
        _query(f"ans-{n}", "how to open the tray", ["r1"], "answer", filter={"pool": "answers"}) for n in range(4)
    ]
    queries += [_query(f"in{n}", f"{word} lost", [f"{word}0"], "in-scope") for n, word in enumerate(WORDS)]
    queries += [_query(f"out{n}", f"zebra{n} giraffe{n}", [], "out-of-scope") for n in range(8)]
    return write(corpus, queries)


def _metrics(found: Evaluation, protocol: str, method: str) -> dict[str, float]:
    [row] = [row for row in found.rows if (row.protocol, row.method) == (protocol, method)]
    return row.metrics


def test_every_task_is_asked_of_the_recommender_by_each_method(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    found = evaluate(settings, encoder, analyzer, [_office(write)], part="all")
    assert {(row.protocol, row.n) for row in found.rows} == {
        ("similar", 8), ("answer", 4), ("in-scope", 8), ("answer exists", 16),
    }  # fmt: skip
    for protocol in ("similar", "answer", "in-scope"):
        assert _metrics(found, protocol, "fusion")["R@1"] == 1.0, protocol
    for method in ("lexical", "dense", "fusion"):
        assert _metrics(found, "answer exists", method)["AUROC"] == 1.0
    assert set(found.fusion_gain) == {"lexical", "dense"}
    assert not (settings.home / "kollega.db").exists() and not (settings.home / "index").exists()


def test_a_thread_whose_replies_have_no_ids_is_searched_too(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    replies = [{"author": who, "body": f"{who} says", "created_at": "2026-01-01T00:00:00"} for who in ("aino", "matti")]
    corpus = [_item("thread", title="printer jam", answers=replies), *(_item(word, title=word) for word in WORDS[1:])]
    found = evaluate(
        settings, encoder, analyzer, [write(corpus, [_query("q1", "printer jam", ["thread"])])], part="all"
    )
    assert _metrics(found, "similar", "fusion")["R@1"] == 1.0


def test_the_second_run_encodes_nothing_and_says_the_same(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    folder = _office(write)
    first = evaluate(settings, encoder, analyzer, [folder])
    encoder.encoded.clear()
    second = evaluate(settings, encoder, analyzer, [folder])
    assert encoder.encoded == [] and as_json(second) == as_json(first)
    changed = write(
        [_item("a", title="something else"), *(_item(f"{w}{n}") for w in WORDS for n in range(2))],
        [_query("q136", "a train query", [])],
    )
    (folder / "corpus.jsonl.gz").write_bytes((changed / "corpus.jsonl.gz").read_bytes())
    evaluate(settings, encoder, analyzer, [folder])
    assert encoder.encoded == []  # there is no test query to ask, so nothing is made


@pytest.fixture
def ranked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every question that a recommender is asked to rank, in turn."""
    asked: list[str] = []
    real = Recommender.rank

    def rank(self: Recommender, question: str, *rest: Any) -> Ranking:
        asked.append(question)
        return real(self, question, *rest)

    monkeypatch.setattr(Recommender, "rank", rank)
    return asked


def test_a_second_run_asks_only_what_was_not_asked_before_and_says_the_same(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer, ranked: list[str]
) -> None:
    run = partial(evaluate, settings, encoder, analyzer, [_office(write)])
    first = run(part="train")
    train, ranked[:] = list(ranked), []
    assert as_json(run(part="train")) == as_json(first) and ranked == []
    both = run(part="all")
    assert ranked and train and not set(ranked) & set(train)
    ranked.clear()
    assert as_json(run(part="all")) == as_json(both)
    run(part="test")
    assert ranked == []


def test_other_code_settings_or_questions_are_asked_again(
    write: Write,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    ranked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, file = _office(write), tmp_path / "recommender" / "code.py"
    file.parent.mkdir()
    file.write_text("a = 1")
    monkeypatch.setattr(cache, "CODE", (file.parent,))

    def asks(settings: Settings = settings) -> int:
        ranked.clear()
        evaluate(settings, encoder, analyzer, [folder], part="all")
        return len(ranked)

    everything = asks()
    assert everything == 3 * (8 + 4 + 8 + 8)
    assert asks() == 0
    file.write_text("a = 2")
    assert asks() == everything and asks() == 0
    assert asks(replace(settings, dense_weight=0.5)) == everything
    assert asks(replace(settings, dense_weight=0.5, database="sqlite:///elsewhere.db")) == 0
    queries = [_query("in1", "coffee lost", ["coffee0"], "in-scope"), _query("in2", "new", ["coffee0"], "in-scope")]
    lines = "".join(json.dumps(row) + "\n" for row in queries)
    (folder / "queries.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert asks(replace(settings, dense_weight=0.5)) == 3


@pytest.mark.parametrize("damage", ["cut", "not gzip", "other JSON", "bits"])
def test_answers_that_cannot_be_read_are_made_anew(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer, ranked: list[str], damage: str
) -> None:
    folder = _office(write)
    first = evaluate(settings, encoder, analyzer, [folder])
    asked, ranked[:] = list(ranked), []
    for path in settings.home.rglob("rankings.json.gz"):
        content = path.read_bytes()
        if damage == "cut":
            path.write_bytes(content[: len(content) // 2])
        elif damage == "not gzip":
            path.write_bytes(b"{}")
        elif damage == "bits":
            path.write_bytes(content[:40] + bytes(40) + content[80:])
        else:
            held = json.loads(gzip.decompress(content))
            path.write_bytes(gzip.compress(json.dumps(held | {"answers": {"what": {"fusion": 1}}}).encode()))
    assert as_json(evaluate(settings, encoder, analyzer, [folder])) == as_json(first)
    assert ranked == asked
    evaluate(settings, encoder, analyzer, [folder])
    assert ranked == asked


def test_a_filter_holds_in_both_legs(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    corpus = [_item("fi", title="printer jam", language="fi"), _item("en", title="printer jam")]
    corpus += [_item(word, title=word) for word in WORDS]
    queries = [_query(f"fi-en:{n}", "printer jam", ["en"], "fi-en", filter={"language": "en"}) for n in range(3)]
    found = evaluate(settings, encoder, analyzer, [write(corpus, queries)], part="all")
    assert all(_metrics(found, "fi-en", method)["R@1"] == 1.0 for method in ("lexical", "dense", "fusion"))


def test_the_command_prints_a_table_and_json_and_draws_the_diagram(
    write: Write,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recommender.encoder.load.load_encoder", lambda _settings: encoder)
    monkeypatch.setattr(measure, "load_analyzer", lambda _settings: analyzer)
    folder, picture = _office(write), tmp_path / "diagram.png"
    run = partial(CliRunner().invoke, env={"KOLLEGA_HOME": str(settings.home)})
    shown = run(cli.main, ["evaluate", str(folder), "--part", "all", "--plot", str(picture)])
    assert shown.exit_code == 0, shown.output
    assert "| office | similar | 8 | fusion | 1.000 |" in shown.stdout
    assert "fusion minus the dense leg, mean nDCG@10 over all tasks: +" in shown.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(run(cli.main, ["evaluate", str(folder), "--part", "all", "--json"]).stdout)
    assert set(rows[0]) == {"set", "protocol", "method", "n", "metrics"} and len(rows) == 12
    (tmp_path / "raw").mkdir()
    among = run(cli.main, ["evaluate", str(folder), str(tmp_path / "raw"), "--part", "all", "--json"])
    assert json.loads(among.stdout) == rows and "raw contains no evaluation set and is left out" in among.stderr
    only = run(cli.main, ["evaluate", str(tmp_path / "raw")])
    assert only.exit_code == 1 and "corpus.jsonl.gz is missing" in only.output
    typo = run(cli.main, ["evaluate", str(folder), str(tmp_path / "nowhere"), "--part", "all"])
    assert typo.exit_code == 1 and "corpus.jsonl.gz is missing" in typo.output
    nowhere = run(cli.main, ["evaluate", str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 1 and "corpus.jsonl.gz is missing" in nowhere.output
    bare = write([_item("a")], [_query("q1", "a", ["a"])], "bare")
    refused = run(cli.main, ["evaluate", str(bare), "--part", "all", "--plot", str(picture)])
    assert refused.exit_code == 1 and "in-scope and out-of-scope" in refused.output
    blocked = run(cli.main, ["evaluate", str(folder), "--plot", str(tmp_path / "x.unknown")])
    assert blocked.exit_code == 1 and "cannot be written" in blocked.output


def test_settings_of_the_organisation_are_those_that_are_measured(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    alone = evaluate(replace(settings, dense_weight=1.0), encoder, analyzer, [_office(write)], part="all")
    for protocol in ("similar", "in-scope"):
        assert _metrics(alone, protocol, "fusion") == _metrics(alone, protocol, "dense")


def test_questions_of_one_part_come_with_the_items_near_them_by_their_score(
    write: Write, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    folder = _office(write)
    each = EvaluationSet.read(folder)
    with Run.begin(settings, encoder, analyzer, lambda _what, _done, _total: None) as run:
        near = list(with_candidates(each, "train", run, most=3))
    assert {one.query.id for one in near} == {
        query.id for query in each.queries if query.part == "train" and query.protocol in RANKED
    }
    assert {one.query.protocol for one in near} == {"similar", "answer", "in-scope"}
    for one in near:
        scores = [candidate.score for candidate in one.candidates]
        assert scores == sorted(scores, reverse=True) and 0 < len(scores) <= 3
        assert one.ids[one.candidates[0].item] in one.query.relevant
        assert all(c.direction is not None and c.direction.base is None for c in one.candidates)
        assert one.query.protocol != "similar" or "late" not in {one.ids[c.item] for c in one.candidates}
