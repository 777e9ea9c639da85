"""evaluation/evaluate.py, run.py and store.py: `kollega evaluate` on small sets written here."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from indexer import cli
from indexer.commands import measure, running
from indexer.evaluation import cache
from indexer.evaluation import evaluate as evaluate_module
from indexer.evaluation.evaluate import evaluate
from indexer.evaluation.report import Evaluation, as_json
from indexer.evaluation.run import RANKED, Run, answer_queries, with_candidates
from indexer.evaluation.sets import EvaluationSet
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.search.results import Ranking
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.indexer.evaluation.conftest import WriteSet, make_item, make_query

WORDS = ("printer", "coffee", "screen", "payroll", "badge", "parking", "invoice", "laptop")


def test_a_set_without_a_measured_query_is_reported_in_one_sentence(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    for queries in (
        [],
        [make_query("q1", "x", [], protocol="simliar")],
        [make_query("q1", "x", [], protocol="out-of-scope")],
    ):
        with pytest.raises(
            EvaluationError, match="office contains no query with a protocol that is measured: similar, "
        ):
            evaluate(settings, encoder, analyzer, [write_set([make_item("a")], queries)])


def _office(write_set: WriteSet) -> Path:
    """Sixteen requests, each found by its words, and a later one that queries for similar requests exclude."""
    corpus = [make_item(f"{word}{n}", title=f"{word} {'jam' if n else 'lost'}") for word in WORDS for n in range(2)]
    corpus.append(
        make_item(
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
    queries = [make_query(f"sim-{word}", f"{word} jam", [f"{word}1"], filter={"exclude": ["late"]}) for word in WORDS]
    queries += [
        make_query(f"ans-{n}", "how to open the tray", ["r1"], "answer", filter={"pool": "answers"}) for n in range(4)
    ]
    queries += [make_query(f"in{n}", f"{word} lost", [f"{word}0"], "in-scope") for n, word in enumerate(WORDS)]
    queries += [make_query(f"out{n}", f"zebra{n} giraffe{n}", [], "out-of-scope") for n in range(8)]
    return write_set(corpus, queries)


def _metrics(evaluation: Evaluation, protocol: str, method: str) -> dict[str, float]:
    [row] = [row for row in evaluation.rows if (row.protocol, row.method) == (protocol, method)]
    return row.metrics


def test_every_task_is_measured_with_each_method(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    evaluation = evaluate(settings, encoder, analyzer, [_office(write_set)], part="all")
    assert {(row.protocol, row.n) for row in evaluation.rows} == {
        ("similar", 8), ("answer", 4), ("in-scope", 8), ("answer exists", 16),
    }  # fmt: skip
    for protocol in ("similar", "answer", "in-scope"):
        assert _metrics(evaluation, protocol, "fusion")["R@1"] == 1.0, protocol
    for method in ("lexical", "dense", "fusion"):
        assert _metrics(evaluation, "answer exists", method)["AUROC"] == 1.0
    assert set(evaluation.fusion_gain) == {"lexical", "dense"}
    assert not (settings.home / "kollega.db").exists() and not (settings.home / "index").exists()


def test_a_thread_whose_replies_have_no_ids_is_searched_too(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    replies = [{"author": who, "body": f"{who} says", "created_at": "2026-01-01T00:00:00"} for who in ("aino", "matti")]
    corpus = [
        make_item("thread", title="printer jam", answers=replies),
        *(make_item(word, title=word) for word in WORDS[1:]),
    ]
    evaluation = evaluate(
        settings, encoder, analyzer, [write_set(corpus, [make_query("q1", "printer jam", ["thread"])])], part="all"
    )
    assert _metrics(evaluation, "similar", "fusion")["R@1"] == 1.0


def test_the_second_run_encodes_nothing_and_has_the_same_result(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    folder = _office(write_set)
    first = evaluate(settings, encoder, analyzer, [folder])
    encoder.encoded.clear()
    second = evaluate(settings, encoder, analyzer, [folder])
    assert encoder.encoded == [] and as_json(second) == as_json(first)
    changed = write_set(
        [make_item("a", title="something else"), *(make_item(f"{w}{n}") for w in WORDS for n in range(2))],
        [make_query("q136", "a train query", [])],
    )
    (folder / "corpus.jsonl.gz").write_bytes((changed / "corpus.jsonl.gz").read_bytes())
    evaluate(settings, encoder, analyzer, [folder])
    assert encoder.encoded == []  # the set has no test query, so nothing is indexed


@pytest.fixture
def ranked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every question that a recommender is asked to rank, in order."""
    asked: list[str] = []
    real = Recommender.rank

    def rank(self: Recommender, question: str, *rest: Any) -> Ranking:
        asked.append(question)
        return real(self, question, *rest)

    monkeypatch.setattr(Recommender, "rank", rank)
    return asked


def test_a_second_run_asks_only_new_queries_and_has_the_same_result(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer, ranked: list[str]
) -> None:
    run = partial(evaluate, settings, encoder, analyzer, [_office(write_set)])
    first = run(part="train")
    train, ranked[:] = list(ranked), []
    assert as_json(run(part="train")) == as_json(first) and ranked == []
    both = run(part="all")
    assert ranked and train and not set(ranked) & set(train)
    ranked.clear()
    assert as_json(run(part="all")) == as_json(both)
    run(part="test")
    assert ranked == []


def test_queries_are_asked_again_after_a_change_of_code_settings_or_text(
    write_set: WriteSet,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    ranked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, file = _office(write_set), tmp_path / "recommender" / "code.py"
    file.parent.mkdir()
    file.write_text("a = 1")
    monkeypatch.setattr(cache, "CODE", (file.parent,))

    def count_asked(settings: Settings = settings) -> int:
        ranked.clear()
        evaluate(settings, encoder, analyzer, [folder], part="all")
        return len(ranked)

    all_queries = count_asked()
    assert all_queries == 3 * (8 + 4 + 8 + 8)
    assert count_asked() == 0
    file.write_text("a = 2")
    assert count_asked() == all_queries and count_asked() == 0
    assert count_asked(replace(settings, dense_weight=0.5)) == all_queries
    assert count_asked(replace(settings, dense_weight=0.5, database="sqlite:///elsewhere.db")) == 0
    queries = [
        make_query("in1", "coffee lost", ["coffee0"], "in-scope"),
        make_query("in2", "new", ["coffee0"], "in-scope"),
    ]
    lines = "".join(json.dumps(row) + "\n" for row in queries)
    (folder / "queries.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert count_asked(replace(settings, dense_weight=0.5)) == 3


@pytest.mark.parametrize("damage", ["cut", "not gzip", "other JSON", "bits"])
def test_queries_are_asked_again_when_the_cache_cannot_be_read(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer, ranked: list[str], damage: str
) -> None:
    folder = _office(write_set)
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
            cached = json.loads(gzip.decompress(content))
            path.write_bytes(gzip.compress(json.dumps(cached | {"answers": {"what": {"fusion": 1}}}).encode()))
    assert as_json(evaluate(settings, encoder, analyzer, [folder])) == as_json(first)
    assert ranked == asked
    evaluate(settings, encoder, analyzer, [folder])
    assert ranked == asked


def test_a_filter_applies_to_both_legs(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    corpus = [make_item("fi", title="printer jam", language="fi"), make_item("en", title="printer jam")]
    corpus += [make_item(word, title=word) for word in WORDS]
    queries = [make_query(f"fi-en:{n}", "printer jam", ["en"], "fi-en", filter={"language": "en"}) for n in range(3)]
    evaluation = evaluate(settings, encoder, analyzer, [write_set(corpus, queries)], part="all")
    assert all(_metrics(evaluation, "fi-en", method)["R@1"] == 1.0 for method in ("lexical", "dense", "fusion"))


def test_queries_whose_items_lack_the_time_they_need_are_left_out_and_named(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    corpus = [make_item(word, title=f"{word} jam", created_at="2026-01-01T00:00:00") for word in WORDS]
    corpus.append(make_item("undated", title="zebra jam"))
    before = {"before": "2026-02-01T00:00:00"}
    queries = [make_query(f"q{n}", f"{word} jam", [word], filter=before) for n, word in enumerate(WORDS)]
    queries.append(make_query("q99", "zebra jam", ["undated"], filter=before))
    evaluation = evaluate(settings, encoder, analyzer, [write_set(corpus, queries)], part="all")
    assert {row.n for row in evaluation.rows} == {8} and _metrics(evaluation, "similar", "fusion")["R@1"] == 1.0
    assert evaluation.problems == [
        "office: 1 of 9 queries are left out, because they have filter.before and a relevant item has no created_at "
        "(the first is q99)."
    ]


def test_answers_are_searched_before_a_time_or_without_some(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    def item(name: str, day: int) -> dict[str, Any]:
        answer = {"id": f"a{name}", "body": "open the tray", "created_at": f"2026-01-{day:02}T00:00:00"}
        return make_item(name, answers=[answer])

    pool, before = {"pool": "answers"}, {"before": "2026-01-03T00:00:00"}
    corpus = [item("x", 1), item("y", 2), item("z", 3), *(make_item(word) for word in WORDS)]
    queries = [
        make_query("ans-1", "open the tray", ["ay"], "answer", filter={**pool, "exclude": ["ax", "z"]}),
        make_query("ans-2", "open the tray", ["ay"], "answer", filter={**pool, **before, "exclude": ["x"]}),
    ]
    evaluation = evaluate(settings, encoder, analyzer, [write_set(corpus, queries)], part="all")
    assert evaluation.problems == [] and _metrics(evaluation, "answer", "lexical")["R@1"] == 1.0


@pytest.fixture
def run_command(
    settings: Settings, encoder: FakeEncoder, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """`kollega evaluate` with arguments, as an admin runs it without a terminal."""
    monkeypatch.setattr("recommender.encoder.load.load_encoder", lambda _settings: encoder)
    monkeypatch.setattr(measure, "load_analyzer", lambda _settings: analyzer)

    def run(*arguments: object) -> Result:
        environment = {"KOLLEGA_HOME": str(settings.home)}
        return CliRunner().invoke(cli.main, ["evaluate", *map(str, arguments)], env=environment)

    return run


@pytest.mark.parametrize("error", [KeyError("created_at"), EvaluationError("It is damaged."), KeyboardInterrupt()])
def test_what_was_measured_before_an_error_is_printed_and_the_exit_status_is_1(
    write_set: WriteSet, run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    office = _office(write_set)
    bad = write_set([make_item("a")], [make_query("q1", "a", ["a"])], "bad")

    def failing(evaluation_set: EvaluationSet, *rest: Any) -> Any:
        if evaluation_set.name == "bad":
            raise error
        return answer_queries(evaluation_set, *rest)

    monkeypatch.setattr(evaluate_module, "answer_queries", failing)
    shown = run_command(office, bad, "--part", "all")
    assert shown.exit_code == 1 and "| office | similar | 8 | fusion | 1.000 |" in shown.stdout
    assert "Traceback" not in shown.output and "fusion minus dense search alone" in shown.stdout
    told = "Stopped before" if isinstance(error, KeyboardInterrupt) else "bad: search is left out"
    assert told in shown.stderr
    rows = json.loads(run_command(office, bad, "--part", "all", "--json").stdout)
    assert {row["set"] for row in rows} == {"office", "all"}


def test_progress_is_written_as_lines_on_standard_error_without_a_terminal(
    write_set: WriteSet, run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SECONDS_BETWEEN_LINES", 0.0)
    shown = run_command(_office(write_set), "--part", "all", "--json")
    assert shown.exit_code == 0 and isinstance(json.loads(shown.stdout), list)
    lines = [line.partition(",")[0] for line in shown.stderr.splitlines()]  # without how fast it goes
    assert {"office: 17 of 17", "office: lexical: 1 of 24", "office: fusion: 24 of 24"} <= set(lines)
    monkeypatch.setattr(running, "SECONDS_BETWEEN_LINES", 60.0)
    folder = write_set([make_item(word) for word in WORDS], [make_query("q1", "coffee", ["coffee"])], "other")
    lines = run_command(folder, "--part", "all").stderr.splitlines()
    assert lines == [
        f"other{part}"
        for part in (": 0 of 8", ": questions: 0 of 1", ": lexical: 1 of 1", ": dense: 1 of 1", ": fusion: 1 of 1")
    ]


def test_the_command_prints_a_table_and_json_and_draws_the_diagram(
    write_set: WriteSet,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recommender.encoder.load.load_encoder", lambda _settings: encoder)
    monkeypatch.setattr(measure, "load_analyzer", lambda _settings: analyzer)
    folder, picture = _office(write_set), tmp_path / "diagram.png"
    run = partial(CliRunner().invoke, env={"KOLLEGA_HOME": str(settings.home), "KOLLEGA_RERANKER": "none"})
    shown = run(cli.main, ["evaluate", str(folder), "--part", "all", "--plot", str(picture)])
    assert shown.exit_code == 0, shown.output
    assert "| office | similar | 8 | fusion | 1.000 |" in shown.stdout
    assert "fusion minus dense search alone, mean nDCG@10 over all tasks: +" in shown.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(run(cli.main, ["evaluate", str(folder), "--part", "all", "--json"]).stdout)
    fields = {"set", "protocol", "method", "n", "metrics"}
    assert set(rows[0]) == fields | {"fusion_gain"} and set(rows[2]) == fields and len(rows) == 14
    gain = next(row for row in rows if row["protocol"] == "nDCG@10 over dense")
    assert f"mean nDCG@10 over all tasks: {gain['metrics']['mean']:+.3f}" in shown.stdout
    (tmp_path / "raw").mkdir()
    among = run(cli.main, ["evaluate", str(folder), str(tmp_path / "raw"), "--part", "all", "--json"])
    assert json.loads(among.stdout) == rows and "raw contains no evaluation set and is left out" in among.stderr
    only = run(cli.main, ["evaluate", str(tmp_path / "raw")])
    assert only.exit_code == 1 and "corpus.jsonl.gz is missing" in only.output
    typo = run(cli.main, ["evaluate", str(folder), str(tmp_path / "nowhere"), "--part", "all"])
    assert typo.exit_code == 1 and "corpus.jsonl.gz is missing" in typo.output
    nowhere = run(cli.main, ["evaluate", str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 1 and "corpus.jsonl.gz is missing" in nowhere.output
    bare = write_set([make_item("a")], [make_query("q1", "a", ["a"])], "bare")
    refused = run(cli.main, ["evaluate", str(bare), "--part", "all", "--plot", str(picture)])
    assert refused.exit_code == 1 and "in-scope and out-of-scope" in refused.output
    blocked = run(cli.main, ["evaluate", str(folder), "--plot", str(tmp_path / "x.unknown")])
    assert blocked.exit_code == 1 and "cannot be written" in blocked.output


def test_the_organisation_s_own_settings_are_measured(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    alone = evaluate(replace(settings, dense_weight=1.0), encoder, analyzer, [_office(write_set)], part="all")
    for protocol in ("similar", "in-scope"):
        assert _metrics(alone, protocol, "fusion") == _metrics(alone, protocol, "dense")


def test_the_queries_of_a_part_have_their_candidates_ordered_by_score(
    write_set: WriteSet, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    folder = _office(write_set)
    evaluation_set = EvaluationSet.read(folder)
    with Run.begin(settings, encoder, analyzer, lambda _what, _done, _total: None) as run:
        queries = list(with_candidates(evaluation_set, "train", run, most=3))
    assert {query.query.id for query in queries} == {
        query.id for query in evaluation_set.queries if query.part == "train" and query.protocol in RANKED
    }
    assert {query.query.protocol for query in queries} == {"similar", "answer", "in-scope"}
    for query in queries:
        scores = [candidate.score for candidate in query.candidates]
        assert scores == sorted(scores, reverse=True) and 0 < len(scores) <= 3
        assert query.ids[query.candidates[0].item] in query.query.relevant
        assert all(c.direction is not None and c.direction is c.direction for c in query.candidates)  # it is kept alone
        assert query.query.protocol != "similar" or "late" not in {query.ids[c.item] for c in query.candidates}
