"""Writes the figures in README.md and docs/ from the files in tests/benchmarks/results.

A page marks where figures belong:
    <!-- figures: NAME -->
    ...
    <!-- end -->
What stands between the two is replaced by the block NAME, one of BLOCKS. Below each table stand the commit that was
measured, the kind of machine, and the command that measures it again.

Usage: python docs/generate_figures.py [--check]
With --check nothing is written; the exit status is 1 when a page is not what would be written.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "tests" / "benchmarks" / "results"
_BLOCK = re.compile(r"(<!-- figures: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SIMPLE_METHODS = {
    "lexical votes": "votes, keyword search alone",
    "dense votes": "votes, dense search alone",
    "fusion votes": "votes, fusion",
}
_RANKERS = {
    "ranker": "ranker (shipped weights)",
    "ranker, fitted on the other sets": "ranker, fitted on the other three sets",
    "ranker, fitted on this set's past": "ranker, fitted on the earlier questions of the same set",
}
_SERVERS = {
    "waitress": "`kollega serve` (waitress), one process",
    "two servers": "two `kollega serve`",
    "gunicorn": "gunicorn, two processes",
    "gunicorn --preload": "gunicorn --preload, two processes",
    "granian": "granian, two processes",
}
Results = Callable[[str], dict[str, Any]]
"""The content of one file in results/, by its name without `.json`."""


def speed(results: Results) -> str:
    """How fast texts are encoded."""
    held = results("speed")
    encoding = held["encoding"]
    openvino, torch = encoding["openvino_texts_per_second"], encoding["torch_texts_per_second"]
    rows = [
        ("texts encoded in a second, OpenVINO / PyTorch", f"{openvino:.0f} / {torch:.0f}", ""),
        ("OpenVINO, times as fast as PyTorch", f"{encoding['openvino_over_torch']:.2f}", "at least 1.8"),
        (
            "speed of `kollega reindex`, of the encoder alone",
            _percent(encoding["reindex_over_encoder"]),
            "at least 90 %",
        ),
        ("texts encoded by a second reindex, nothing changed", f"{encoding['second_reindex_encoded']}", "0"),
        ("time of that second reindex, of the first", f"{100 * encoding['second_over_first']:.1f} %", "at most 5 %"),
        ("one question encoded", f"{encoding['query_ms']:.1f} ms", ""),
        ("`kollega --help`", f"{held['help']:.2f} s", "at most 0.5 s"),
    ]
    return _table(("figure", "measured", "aim"), rows) + _origin(held)


def scale(results: Results) -> str:
    """How long suggestions take, and how much memory indexing takes, by the number of items."""
    held = results("speed")
    rows = [
        (
            f"{each['items']:,}",
            f"{each['p50_ms']:.0f} ms",
            f"{each['p95_ms']:.0f} ms",
            f"{each['indexing_peak_mb']:,.0f} MB",
            f"{each['serving_peak_mb']:,.0f} MB" if "serving_peak_mb" in each else "not measured",
        )
        for each in held["scale"]
    ]
    heads = ("items", "suggestions, median", "95 % within", "peak memory, indexing", "peak memory, serving")
    return _table(heads, rows) + _origin(held)


def load(results: Results) -> str:
    """How suggestions are while many people type at once."""
    held = results("load")
    rows = [
        ("people who type at once", held["users"], ""),
        ("items in the index", f"{held['items']:,}", ""),
        ("duration", f"{held['seconds']:.0f} s", ""),
        ("requests answered", f"{held['requests']:,} ({held['requests_per_second']:.0f} a second)", ""),
        ("median", f"{held['p50_ms']:.0f} ms", ""),
        ("95 % within", f"{held['p95_ms']:.0f} ms", "80 ms"),
        ("99 % within", f"{held['p99_ms']:.0f} ms", ""),
        ("errors", held["errors"], "0"),
    ]
    return _table(("figure", "measured", "aim"), rows) + _origin(held)


def speed_avx2(results: Results) -> str:
    """The same on a processor without AMX, and how much memory serving took there."""
    encoding, asking, memory = _trials(results, "encoding-on-avx2-now", "asking-on-avx2-now", "serving-memory")
    rows = [
        ("OpenVINO, times as fast as PyTorch", encoding["openvino_over_torch"]),
        ("one question encoded", f"{encoding['query_ms']} ms"),
        ("speed of `kollega reindex`, of the encoder alone", _percent(encoding["reindex_over_encoder"])),
        (f"suggestions among {asking['items']:,} items, median", f"{asking['p50_ms']} ms"),
        (f"suggestions among {asking['items']:,} items, 95 % within", f"{asking['p95_ms']} ms"),
        ("the same, times as long as 95 % of encodings alone", f"{asking['p95_over_encoding_p95']}"),
        (f"peak memory of `kollega serve` with {memory['items']:,} items", f"{memory['serving_peak_mb']:,} MB"),
    ]
    return _table(("figure", "measured"), rows) + _recorded(encoding, asking, memory)


def replicas(results: Results) -> str:
    """What fails when web and watch processes are killed at random."""
    held = results("replicas")
    rows = [
        ("killed: `serve` / `watch` processes", f"{held['serve_killed']} / {held['watch_killed']}", ""),
        ("requests", f"{held['requests']}", ""),
        ("requests that a killed process was answering, and that could not be repeated", f"{held['in_flight']}", ""),
        ("other requests that failed", f"{held['failed']}", "0"),
        ("changes that were acknowledged", f"{held['changes']}", ""),
        ("of these lost", f"{held['lost']}", "0"),
        ("longest time until others led", f"{held['longest_takeover_seconds']:.1f} s", "at most 10 s"),
    ]
    return _table(("figure", "measured", "aim"), rows) + _origin(held)


def starting(results: Results) -> str:
    """How long the server takes to its first answer, and the memory of both processes."""
    held = results("starting")
    words = {"before": "both load the model at once", "now": "`watch` begins later"}
    figures = [
        ("seconds of the processors until the first answer, of both processes", "answer_processor_seconds", ".1f"),
        (f"the same {held['settled_seconds']:.0f} s later", "settled_processor_seconds", ".1f"),
        ("seconds by the clock until the first line", "first_line_seconds", ".1f"),
        ("until the first answer", "answer_seconds", ".1f"),
        ("memory of `serve` then, MB", "serve_mb", ",.0f"),
        ("memory of `watch` then, MB", "watch_mb", ",.0f"),
        ("most memory of `watch` until then, MB", "watch_peak_mb", ",.0f"),
    ]
    heads = ("", *(f"{run['items']:,} items, {words[run['version']]}" for run in held["runs"]))
    rows = [(what, *(format(run[name], form) for run in held["runs"])) for what, name, form in figures]
    return _table(heads, rows) + _origin(held)


def fifty_people(results: Results) -> str:
    """How long people wait when many more type than two cores can answer."""
    held = results("load-50")
    alone = held["alone"]["p95_ms"]
    rows = [
        ("people who type at once", held["users"], ""),
        ("requests answered", f"{held['requests']:,} ({held['requests_per_second']:.0f} a second)", ""),
        ("given up because the person typed on", held["overtaken"], ""),
        ("answers to whole titles, median", f"{held['whole_p50_ms']:,.0f} ms", ""),
        ("95 % within", f"{held['whole_p95_ms']:,.0f} ms", ""),
        ("95 % within, since the last key", f"{held['since_key_p95_ms']:,.0f} ms", ""),
        ("colleagues, asked for when the typing rests, 95 % within", f"{held['people_p95_ms']:,.0f} ms", ""),
        ("one person alone, 95 % within", f"{alone:.0f} ms", ""),
        ("times as long for all", f"{held['whole_p95_ms'] / alone:.1f}", "at most 3"),
        ("errors", held["errors"], "0"),
    ]
    return _table(("figure", "measured", "aim"), rows) + _origin(held)


def server_processes(results: Results) -> str:
    """How long many people wait when one process answers, and when several do."""
    held = results("server-processes")
    runs = sorted(held["runs"], key=lambda run: int(run["processes"]))
    figures = [
        ("answers to whole titles, median, ms", "whole_p50_ms"),
        ("95 % within, ms", "whole_p95_ms"),
        ("the same since the last key, ms", "since_key_p95_ms"),
        ("colleagues, asked for when the typing rests, 95 % within, ms", "people_p95_ms"),
        ("requests answered", "requests"),
        ("one person alone, 95 % within, ms", "alone_p95_ms"),
    ]
    rows = [(what, *(f"{run[name]:,.0f}" for run in runs)) for what, name in figures]
    rows.append(("times as long for all", *(f"{run['whole_p95_ms'] / run['alone_p95_ms']:.1f}" for run in runs)))
    heads = (f"{held['users']} people type for {held['seconds']} s", *(_processes(run["processes"]) for run in runs))
    return _table(heads, rows) + _origin(held)


def _processes(number: int) -> str:
    return "one process" if number == 1 else f"{number} processes"


def indexing(results: Results) -> str:
    """How fast `kollega reindex` is, compared with the model alone on the same texts."""
    held = results("indexing")
    rows = [
        (f"{what}: {each[count]:,} texts", *(_percent(each[f"{name}_{kind}"]) for kind in ("clock", "processor")))
        for each, corpus in zip(held["corpora"], ("the demo", "the demo and generated items"), strict=True)
        for what, name, count in (
            (f"first index of {corpus}", "first", "texts"),
            ("half of it added", "added", "added_texts"),
        )
    ]
    heads = ("`kollega reindex`, of the speed of the model alone (aim 95 %)", "by the clock", "of the processors")
    how = f"{held['rounds']} rounds by turns, load average {held['load_average']:.0f}"
    return _table(heads, rows) + _origin(held, how)


def servers(results: Results) -> str:
    """What one process and several answer, and what they cost."""
    return _server_table(results("servers"))


def servers_preload(results: Results) -> str:
    """The same for processes that are made when everything is loaded."""
    return _server_table(results("servers-preload"))


def _server_table(held: dict[str, Any]) -> str:
    rows = [
        (
            _SERVERS[row["server"]],
            f"{row['per_second']:.1f}",
            f"{row['ratio']:.2f}",
            f"{row['processor_ms']:.0f} ms",
            f"{row['p50_ms']:,.0f} / {row['p95_ms']:,.0f} ms",
            f"{row['memory_mb']:,.0f} MB",
            f"{row['first_answer_processor_seconds']:.0f} s",
        )
        for row in held["rows"]
    ]
    heads = ("server", "answers a second", "to the first row", "processor for each", "median / 95 % within", "memory",
             "processor until the first answer")  # fmt: skip
    return _table(heads, rows) + _origin(held)


def typing_apart(results: Results) -> str:
    """What it changes that questions that are being typed have threads of their own."""
    held = results("server-typing")
    then, now = (next(row for row in held["rows"] if row["server"] == name) for name in ("before", "waitress"))
    rows = [
        (what, *(f"{row[name]:{form}}" for row in (then, now)))
        for what, name, form in (
            ("answers a second, median of the rounds", "per_second", ".1f"),
            ("the same, to the other one in the same round", "ratio", ".2f"),
            ("an answer, median, ms", "p50_ms", ",.0f"),
            ("95 % within, ms", "p95_ms", ",.0f"),
            ("the page that somebody opens meanwhile, 95 % within, ms", "page_p95_ms", ",.0f"),
        )
    ]
    heads = (f"{held['people']} people ask all the time", "in the threads of pages", "in threads of their own")
    return _table(heads, rows) + _origin(held)


def overtaken(results: Results) -> str:
    """How much work is done for questions that nobody waits for any more."""
    (trial,) = _trials(results, "overtaken")
    rows = [
        ("questions sent", trial["answered"] + trial["given_up"]),
        ("given up because the person typed on", trial["given_up"]),
        ("questions that the server searched for", trial["searched"]),
        ("of these answered", trial["answered"]),
    ]
    return _table((f"{trial['people']} people type", "measured"), rows) + _recorded(trial)


def encoding_process(results: Results) -> str:
    """What a process that encodes for several servers costs and saves."""
    held = results("encoding-process")
    one, two = (
        next(row["memory_mb"] for row in results("servers")["rows"] if row["server"] == name)
        for name in ("waitress", "two servers")
    )
    together = two - 2 * held["model_mb"] + held["process_mb"]
    rows = [
        ("a question encoded in the server", f"{held['here_ms']:.1f} ms"),
        ("by another process", f"{held['socket_ms']:.1f} ms"),
        ("of the processor, in the server", f"{held['here_processor_ms']:.1f} ms"),
        ("of the processor, by another process (both together)", f"{held['socket_processor_ms']:.1f} ms"),
        ("memory that each server needs less", f"{held['model_mb']:,.0f} MB"),
        ("memory of the other process", f"{held['process_mb']:,.0f} MB"),
        ("memory of two servers with such a process, to that of one server", f"{together / one:.2f}"),
    ]
    return _table(("", "measured"), rows) + _origin(held)


def following(results: Results) -> str:
    """How long the first answer takes, and how long until a change is found."""
    held = results("following")
    rows = [
        (
            "`kollega serve --no-watch`, from its start to the first answer",
            f"{held['first_answer_seconds']:.1f} s",
            "6 s",
        ),
        ("`kollega reindex` after one item has changed", f"{held['reindex_seconds']:.1f} s", ""),
        ("from that change until the running server finds it", f"{held['found_seconds']:.1f} s", "3 s"),
        ("the same with the watcher beside the server", f"{held['found_by_watcher_seconds']:.1f} s", ""),
    ]
    return _table((f"{held['items']:,} items", "measured", "aim"), rows) + _origin(held)


def growing(results: Results) -> str:
    """How answers, the start, memory and following a change grow with the number of items."""
    held = results("growing")
    figures = [
        ("passages / vectors in the index", lambda row: f"{row['passages']:,} / {row['vectors']:,}", ""),
        ("database / index on disk", _on_disk, ""),
        (
            "95 % of suggestions within, times as long as encoding",
            _number("processor_p95_over_encoding_p95", ""),
            "3.0",
        ),
        ("a suggestion, median", _number("suggestion_processor_p50_ms", "ms"), ""),
        ("a suggestion that is asked for the first time, median", _number("first_time_processor_p50_ms", "ms"), ""),
        ("of a suggestion: encoding the question", _part("encoding the question"), ""),
        ("of a suggestion: keyword search", _part("keyword search"), ""),
        ("of a suggestion: dense search", _part("dense search"), ""),
        ("starting until the first answer", _number("first_answer_seconds", "s"), ""),
        ("most memory until then", _number("starting_peak_mb", "MB"), "6,000 MB"),
        ("memory after some questions", _number("serving_mb", "MB"), ""),
        ("most memory while a change is taken over", _number("serving_peak_mb", "MB"), "6,000 MB"),
        ("`kollega reindex` after one item has changed", _number("reindex_seconds", "s"), ""),
        ("what taking over that change takes of the server", _number("taking_over_seconds", "s"), ""),
    ]
    rows = [(what, *(figure(row) for row in held["measured"]), aim) for what, figure, aim in figures]
    heads = (
        "seconds are of the processor",
        *(f"{row['items']:,} items" for row in held["measured"]),
        "aim at 1,000,000",
    )
    return _table(heads, rows) + _origin(held)


def _number(name: str, unit: str) -> Callable[[dict[str, Any]], str]:
    digits = 0 if unit == "MB" else 1
    return lambda row: f"{row[name]:,.{digits}f} {unit}".strip() if name in row else "not measured"


def _part(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: f"{row['parts_ms'][name]:.1f} ms"


def _on_disk(row: dict[str, Any]) -> str:
    database = row["disk_mb"]["kollega.db"]
    return f"{database:,} / {sum(row['disk_mb'].values()) - database:,} MB"


def serve_start(results: Results) -> str:
    """How long the first answer takes since the parts of the server are loaded at the same time, later while the pages
    are imported, and before."""
    tables = []
    for trial in _trials(results, "serve-start", "serve-start-later"):
        rows = [(row["what"], f"{row['before']:,}", f"{row['after']:,}") for row in trial["rows"]]
        heads = (f"`kollega serve --no-watch`, {trial['items']:,} items", f"at commit {trial['before']}", "later")
        tables.append(_table(heads, rows) + _recorded(trial))
    return "\n".join(tables)


def watch_memory(results: Results) -> str:
    """How much memory `kollega watch` has while it does what."""
    (trial,) = _trials(results, "watch-memory")
    rows = [(row["what"], f"{row['mb']:,} MB") for row in trial["rows"]]
    return _table((f"`kollega watch`, {trial['items']} items", "memory"), rows) + _recorded(trial)


def replica_killed(results: Results) -> str:
    """What people notice while one of several web processes is killed."""
    held = results("replica-killed")
    rows = [
        ("people who type at once", held["people"], ""),
        ("requests", f"{held['requests']:,}", ""),
        ("questions that the killed process was answering", held["in_flight"], ""),
        ("other requests that failed", held["failed"], "0"),
        ("people who had to sign in again", held["signed_out"], "0"),
        ("the killed process started again: ready after", f"{held['ready_again_after_seconds']:.1f} s", ""),
    ]
    return _table(("figure", "measured", "aim"), rows) + _origin(held)


def imports(results: Results) -> str:
    """How fast files are imported, without encoding, and with how much memory."""
    held = results("imports")
    rows = []
    for kind, runs in held["kinds"].items():
        for name, what in (("first", "new"), ("unchanged", "the same again"), ("changed", "5 % of the items changed")):
            run, small = runs[name], runs["tenth"][name]
            speeds = (f"{run['a_second']:,}", f"{run['a_cpu_second']:,}")
            rows.append((kind, what, *speeds, f"{run['peak_mb']} MB", f"{small['peak_mb']} MB"))
    heads = ("kind", "records", "a second", "a second of the processor", "peak memory", "with a tenth of the records")
    return _table(heads, rows) + _origin(held)


def insights(results: Results) -> str:
    """How long insights take at 100,000 items, and how much memory."""
    (trial,) = _trials(results, "insights")
    rows = []
    for name, what in (("first", "for the first time"), ("afterwards", "after 100 items changed")):
        run = trial[name]
        parts = [f"{float(line.split()[-2]):.0f} s" for line in run["report"]]  # each ends with its seconds
        all_of_it = (f"{run['seconds']:.0f} s", f"{run['processor_seconds']:.0f} s", f"{run['peak_mb']:,} MB")
        rows.append((what, f"{run['asked']:,}", *parts, *all_of_it))
    heads = (
        "", "questions asked again", "topics", "what hangs on people", "what is missing", "all by the clock",
        "of the processors", "peak memory",
    )  # fmt: skip
    return _table(heads, rows) + _recorded(trial, what=f"{trial['items']:,} items, {trial['people']:,} people")


def suggestion_parts(results: Results) -> str:
    """Where the time of one suggestion goes."""
    (trial,) = _trials(results, "suggestion-parts")
    whole = sum(row["processor_ms"] for row in trial["rows"])
    rows = [
        (row["part"], f"{row['processor_ms']:.1f} ms", f"{row['processor_ms'] / whole:.0%}") for row in trial["rows"]
    ]
    rows.append(("all", f"{whole:.0f} ms", ""))
    rows.append(("95 % within, of the time of encoding alone", f"{trial['times_encoding_p95']:.1f} times", ""))
    rows.append(("colleagues, asked for when the typing rests", f"{trial['people_ms']:.1f} ms", ""))
    what = f"{trial['items']:,} items, median of {trial['rounds']} rounds of 20 questions"
    return _table(("part", "of the processor", "share"), rows) + _recorded(trial, what=what)


def leaks(results: Results) -> str:
    """How often somebody met what they may not read."""
    held = results("leaks")
    rows = [("cases tried", f"{held['cases']:,}"), ("cases in which something was shown", held["failed"])]
    return _table(("figure", "measured"), rows) + _origin(held)


def non_interference(results: Results) -> str:
    """How often something changed for readers after what they may not read was changed."""
    held = results("non-interference")
    rows = [
        ("cases tried", f"{held['cases']:,}"),
        ("random organisations", f"{held['worlds']:,}"),
        ("cases in which something differed", held["failed"]),
    ]
    return _table(("figure", "measured"), rows) + _origin(held)


def held_fixed(results: Results) -> str:
    """What hidden items can still change, each way on its own."""
    held = results("held-fixed")
    rows = []
    for row in held["rows"]:
        asked = row["questions"]
        rows.append(
            (
                row["what"],
                f"{row['largest']:.4f}" if "largest" in row else "",
                f"{row['orders']} of {asked}" if "orders" in row else "",
                f"{row['verdicts']} of {asked}" if "verdicts" in row else "",
                f"{row['told_apart']} of 8" if "told_apart" in row else "",
                f"{100 * row['attack']:.0f} %" if "attack" in row else "",
            )
        )
    heads = (
        "computed once for all",
        "largest change of a match",
        "another order",
        "another verdict",
        "pairs told apart",
        "guessed right",
    )
    return _table(heads, rows) + _origin(held)


def milvus(results: Results) -> str:
    """What Milvus costs against local files."""
    held = results("milvus")
    rows = []
    for name, what in (("index", "search in the index"), ("with_encoding", "encoding the question, then search")):
        for place in ("p50", "p95"):
            key = f"{name}_{place}_ms"
            sides = (f"{held[side][key]:.0f} ms" for side in ("local", "milvus"))
            rows.append((f"{what}, {place}", *sides, f"{held['milvus_over_local'][key]:.1f}"))
    seconds = (f"{held[side]['indexing_seconds']:,.0f} s" for side in ("local", "milvus"))
    rows.append(("writing a new index", *seconds, f"{held['milvus_over_local']['indexing_seconds']:.1f}"))
    heads = (
        f"{held['passages']:,} passages, {held['questions']} questions",
        "local files",
        "Milvus, library form",
        "ratio",
    )
    return _table(heads, rows) + _origin(held)


def on_servers(results: Results) -> str:
    """How long a whole suggestion takes with the records on PostgreSQL and the index in Milvus."""
    held = results("on-servers")
    rows = []
    for key, what in (
        ("p50_ms", "a suggestion, median"),
        ("p95_ms", "95 % within"),
        ("first_p50_ms", "a question that is asked for the first time, median"),
    ):
        if key in held["local"]:
            sides = (f"{held[side][key]:.0f} ms" for side in ("local", "servers"))
            aim = "at most 2.5" if key == "p95_ms" else ""
            rows.append((what, *sides, f"{held['servers_over_local'][key]:.1f}", aim))
    heads = (f"{held['items']:,} items", "SQLite, local files", "PostgreSQL, Milvus (library form)", "ratio", "aim")
    return _table(heads, rows) + _origin(held)


def damage(results: Results) -> str:
    """What came of damaged files and killed processes."""
    damaged, kills = _trials(results, "damage", "kills")
    rows = [
        ("files damaged", damaged["cases"]),
        ("of them files of the model", damaged["model"]),
        ("same answers as before", damaged["same"]),
        ("notice, and what is whole answered", damaged["notice"]),
        ("refused with an error", damaged["refused"]),
        ("changed text in the database, named by `kollega verify`", damaged["verify"]),
        ("changed answers without a notice, hangs or crashes", damaged["silent"]),
        ("processes killed: import, reindex, watch, serve", kills["kills"]),
        ("acknowledged writes", f"{kills['acknowledged']:,}"),
        ("of them lost", kills["lost"]),
        ("times without a usable index afterwards", kills["unusable"]),
    ]
    return _table(("figure", "measured"), rows) + _recorded(damaged, kills)


def quality(results: Results) -> str:
    """Search on every task, by each kind of search and by fusion."""
    held = results("quality")
    rows = []
    for (name, protocol), by_method in _tasks(held).items():
        over = by_method["dense"].get("fusion_gain")
        figures = [by_method[method]["metrics"]["nDCG@10"] for method in ("lexical", "dense", "fusion")]
        rows.append((name, protocol, by_method["fusion"]["n"], *map(_three, figures), _interval(over) if over else ""))
    heads = ("set", "task", "questions", "keyword search", "dense search", "fusion", "fusion minus dense search")
    return _table(heads, rows) + _origin(held)


def quality_over_all(results: Results) -> str:
    """Search in the mean of all tasks."""
    held = results("quality")
    tasks = _tasks(held)
    names = {"lexical": "keyword search alone", "dense": "dense search alone", "fusion": "fusion of both"}
    over = {row["protocol"]: row["metrics"] for row in held["rows"] if row["set"] == "all"}
    rows = [
        (
            name,
            _three(mean(by_method[method]["metrics"]["nDCG@10"] for by_method in tasks.values())),
            _interval(over[f"nDCG@10 over {method}"]) if method != "fusion" else "",
        )
        for method, name in names.items()
    ]
    return _table(("method", f"nDCG@10, mean of {len(tasks)} tasks", "fusion minus this"), rows) + _origin(held)


def quality_exists(results: Results) -> str:
    """How well questions with an answer are told from those without."""
    held = results("quality")
    names = {"lexical": "keyword search alone", "dense": "dense search alone", "fusion": "fusion of both"}
    rows = [
        (names[row["method"]], row["n"], _three(row["metrics"]["AUROC"]), _three(row["metrics"]["ECE"]))
        for row in held["rows"]
        if "AUROC" in row["metrics"]
    ]
    return _table(("method", "questions", "AUROC", "calibration error"), rows) + _origin(held)


def quality_minilm(results: Results) -> str:
    """The English model beside the default one, on the tasks that both were measured on."""
    other, default = results("quality-minilm"), results("quality")
    ours = _tasks(default)
    rows: list[tuple[Any, ...]] = []
    for (name, protocol), by_method in _tasks(other).items():
        figures = [each["fusion"]["metrics"]["nDCG@10"] for each in (ours[name, protocol], by_method)]
        rows.append((name, protocol, *figures))
    rows.append(("mean", "", *(mean(row[column] for row in rows) for column in (2, 3))))
    shown = [(name, task, *map(_three, figures)) for name, task, *figures in rows]
    heads = ("set", "task", "multilingual-e5-small", "all-MiniLM-L6-v2")
    return _table(heads, shown) + _origin(default, "multilingual-e5-small") + _origin(other, "all-MiniLM-L6-v2")


def quality_targets(results: Results) -> str:
    """What was hoped for beside what was measured."""
    rows = []
    for target in results("targets")["targets"]:
        expert = target["name"] == "experts"
        protocol = "experts, rolling" if expert else target["name"]
        method = "ranker" if expert else "fusion"
        row = _row(results("experts" if expert else "quality")["rows"], target["set"], protocol, method)
        task = "who answers" if expert else target["name"]
        measured = row["metrics"][target["measure"]]
        reached = "yes" if measured >= target["target"] else "no"
        name = {"RR": "MRR"}.get(target["measure"], target["measure"])
        rows.append((target["set"], task, name, f"{target['target']:.2f}", _three(measured), reached))
    heads = ("set", "task", "measure", "hoped for", "measured", "reached")
    return _table(heads, rows) + _origin(results("quality"))


def across_languages(results: Results) -> str:
    """Questions of the demo whose answer is in the other language."""
    held, (without,) = results("demo"), _trials(results, "dictionary")
    now = held["across_languages"]
    asked = sum(each["questions"] for each in now.values())
    rows = [
        (f"{asked} questions, answer among the first three", without["among_three"],
         sum(each["among_three"] for each in now.values())),
        (f"{now['fi']['questions']} Finnish questions, MRR", f"{without['mrr']['fi']:.2f}", f"{now['fi']['mrr']:.2f}"),
        (f"{now['en']['questions']} English questions, MRR", f"{without['mrr']['en']:.2f}", f"{now['en']['mrr']:.2f}"),
    ]  # fmt: skip
    heads = ("figure", "without the dictionary", "with it")
    return _table(heads, rows) + _origin(held, "with it") + _recorded(without, what="without")


def unanswerable(results: Results) -> str:
    """Questions that no workplace's records answer."""
    held = results("demo")
    found = held["unanswerable"]
    rows = [("questions asked", found["questions"]), ("with a suggestion", found["with_suggestions"])]
    return _table(("figure", "measured"), rows) + _origin(held)


def experts(results: Results) -> str:
    """Who answers: every method on every set, in the order of time."""
    held = results("experts")
    found = {(row["set"], row["method"]): row for row in held["rows"] if row["protocol"] == "experts, rolling"}
    sets = list(dict.fromkeys(name for name, _method in found))
    methods = list(dict.fromkeys(method for _name, method in found))
    methods.sort(key=lambda method: (method in _RANKERS, list(_RANKERS).index(method) if method in _RANKERS else 0))
    over = {
        row["protocol"].removeprefix("MRR over "): row["metrics"]
        for row in held["rows"]
        if row["set"] == "all" and row["method"] == "ranker"
    }
    rows = []
    for method in methods:
        figures = [found[name, method]["metrics"]["RR"] for name in sets]
        gain = _interval(over[method]) if method in over else ""
        rows.append(
            ((_SIMPLE_METHODS | _RANKERS).get(method, method), *map(_three, figures), _three(mean(figures)), gain)
        )
    counts = {name: found[name, methods[0]]["n"] for name in sets}
    heads = ("MRR", *(f"{name} ({count})" for name, count in counts.items()), "mean", "ranker minus this")
    return _table(heads, rows) + _origin(held)


def expert_load(results: Results) -> str:
    """On how few people the first suggestions fall, in the mean of the sets."""
    held = results("experts")
    kinds: dict[str, list[dict[str, float]]] = {}
    for row in held["rows"]:
        if row["protocol"] == "load":
            kinds.setdefault(row["method"], []).append(row["metrics"])
    names = ("top tenth", "Gini", "R@5", "RR")
    rows = [
        (kind, *(_three(mean(each[name] for each in figures)) for name in names)) for kind, figures in kinds.items()
    ]
    heads = ("first suggestions", "share of the busiest tenth", "Gini coefficient", "recall of the first five", "MRR")
    return _table(heads, rows) + _origin(held)


def expert_half_lives(results: Results) -> str:
    """Votes with other half-lives beside the ranker."""
    (trial,) = _trials(results, "expert-half-lives")
    rows = [(f"{row['days']} days", _three(row["mrr"]), _interval(row["ranker_over_it"])) for row in trial["rows"]]
    return _table(("votes, fusion, half-life", "MRR, mean", "ranker minus this"), rows) + _recorded(trial)


def expert_features(results: Results) -> str:
    """Other rankers of colleagues, each fitted on the other three sets."""
    (trial,) = _trials(results, "expert-features")
    rows = [(row["what"], *map(_three, row["mrr"]), f"{row['lowest']:+.3f}") for row in trial["rows"]]
    heads = ("MRR, fitted on the other three sets", *trial["sets"], "lowest difference")
    return _table(heads, rows) + _recorded(trial)


def likely_teams(results: Results) -> str:
    """Which team handles a question, in six invented organisations."""
    (trial,) = _trials(results, "likely-teams")
    rows = [
        (
            f"{row['organisation']} ({row['questions']})",
            *(_percent(row[name]) for name in ("first", "clear", "right_when_clear", "offered")),
        )
        for row in trial["rows"]
    ]
    heads = ("questions", "right team first", "one team is clear", "right when clear", "right among those offered")
    return _table(heads, rows) + _recorded(trial)


def experts_demo(results: Results) -> str:
    """Who answers in the demo organisation, as `kollega train-experts` measures it."""
    held = results("demo")
    found = held["experts"]
    names = {"shipped": "ranker (shipped weights)", "votes": "votes", "learned": "ranker, fitted on the demo's history"}
    rows = [(name, _three(found["mrr"][key])) for key, name in names.items()]
    rows.append(("fitted ranker minus votes", _interval(found["learned_over_votes"])))
    return _table((f"newest {found['questions']} questions", "MRR"), rows) + _origin(held)


def openings(results: Results) -> str:
    """Search with and without a vector for how an item begins."""
    (trial,) = _trials(results, "openings")
    rows = [(row["task"], _three(row["without"]), _three(row["with"])) for row in trial["rows"]]
    rows.append(("any other task", "", f"no more than {_three(trial['largest_loss'])} lower"))
    return _table(("task, nDCG@10", "without openings", "with openings"), rows) + _recorded(trial)


def function_words(results: Results) -> str:
    """What leaving function words out of keyword search changes."""
    (trial,) = _trials(results, "function-words")
    rows = [(row["part"], _interval(row["over"])) for row in trial["rows"]]
    test = trial["test"]
    for end in ("lowest", "highest"):
        rows.append((f"test questions, {end} change ({test[f'{end}_task']})", f"{test[end]:+.3f}"))
    rows.append(("test questions, mean of all tasks", f"{test['mean']:+.3f}"))
    return _table(("questions", "change of nDCG@10"), rows) + _recorded(trial)


def short_questions(results: Results) -> str:
    """How much longer suggestions take than before search was improved, before and after the decision."""
    (trial,) = _trials(results, "asking-on-avx2")
    low, high = trial["p95_over_earlier_before"]
    rows = [("before", f"{low:.2f} to {high:.2f}"), ("after", f"{trial['p95_over_earlier']:.3f}")]
    head = f"{trial['items']:,} items, {trial['questions']} questions"
    heads = (head, "time within which 95 % are answered, as a multiple of the earlier version's")
    return _table(heads, rows) + _recorded({**trial, "again": ""})


def learned_reranker(results: Results) -> str:
    """What a learned model does to the order of the first twenty."""
    (trial,) = _trials(results, "learned-reranker")
    rows = [(row["model"], _interval(row["over"])) for row in trial["rows"]]
    return _table(("model over the first twenty", "change of nDCG@10, mean of the tasks"), rows) + _recorded(trial)


def two_models(results: Results) -> str:
    """Cosines of two models averaged, dense search alone."""
    (trial,) = _trials(results, "two-models")
    rows = [(row["task"], _three(row["one"]), _three(row["both"])) for row in trial["rows"]]
    return _table(("dense search alone, nDCG@10", "packaged model", "both models"), rows) + _recorded(trial)


def bfloat16(results: Results) -> str:
    """Search where the model computes in bfloat16."""
    (trial,) = _trials(results, "bfloat16")
    measured = {row["task"]: row["ndcg"] for row in trial["rows"]}
    rows = [(task, _three(value)) for task, value in measured.items()]
    rows.append(("largest difference of any task", _three(trial["largest_difference"])))
    return _table(("fusion, nDCG@10, in bfloat16", "measured"), rows) + _recorded(trial)


def calibration(results: Results) -> str:
    """The probability by the best suggestion and by the first five."""
    (trial,) = _trials(results, "calibration")
    rows = [(row["by"], _three(row["auroc"]), _three(row["ece"])) for row in trial["rows"]]
    return _table(("probability from", "AUROC", "calibration error"), rows) + _recorded(trial)


def adaptation(results: Results) -> str:
    """Search with the whole of what the adaptation learned."""
    (trial,) = _trials(results, "adaptation")
    rows = [(row["task"], _three(row["packaged"]), _three(row["adapted"])) for row in trial["rows"]]
    demo = trial["demo"]
    shown = f"{demo['questions']} questions of the demo across languages, answer among the first three"
    rows.append((shown, demo["packaged"], demo["adapted"]))
    return _table(("fusion, nDCG@10", "as packaged", "adapted"), rows) + _recorded(trial)


def peers(results: Results) -> str:
    """Speed, memory and quality of Kollega and of what would be used instead."""
    held = results("peers")
    tasks = list(held["rows"][0]["ndcg"])
    rows = [
        (
            row["engine"],
            f"{row['texts_per_second']:.1f}",
            f"{row['p50_ms']:.0f} / {row['p95_ms']:.0f} ms",
            f"{row['peak_mb']:,.0f} MB",
            *(_three(row["ndcg"][task]) for task in tasks),
        )
        for row in held["rows"]
    ]
    heads = ("engine", "texts indexed a second", "a question, median / 95 % within", "most memory", *tasks)
    sizes = f"{held['pages']} pages and {held['questions']} questions of each set"
    own, *others = held["rows"]
    best = [task for task in tasks if all(own["ndcg"][task] > other["ndcg"][task] for other in others)]
    beside = [
        (
            "95 % of questions within, times that of the quickest other",
            f"{own['p95_ms'] / min(other['p95_ms'] for other in others):.2f}",
            "at most 0.60",
        ),
        (
            "texts indexed a second, times those of the fastest other",
            f"{own['texts_per_second'] / max(other['texts_per_second'] for other in others):.2f}",
            "1.3",
        ),
        ("sets on which its nDCG@10 is the highest", f"{len(best)} of {len(tasks)}", f"{len(tasks)} of {len(tasks)}"),
    ]
    compared = _table((f"{own['engine']} beside the others", "measured", "aim"), beside)
    return _table(heads, rows) + "\n" + compared + _origin(held, sizes)


def adaptation_half(results: Results) -> str:
    """Dense search with half and with the whole of what the adaptation learned."""
    (trial,) = _trials(results, "adaptation-half")
    rows = [
        (row["task"], row["questions"], _three(row["packaged"]), _three(row["half"]), _three(row["whole"]))
        for row in trial["rows"]
    ]
    heads = ("dense search alone, nDCG@10", "questions", "as packaged", "half of each change", "the whole change")
    return _table(heads, rows) + _recorded(trial)


def settings_import(results: Results) -> str:
    """How much of the processor's time it takes to import the settings and what could replace them."""
    (trial,) = _trials(results, "settings-import")
    rows = [(f"`{row['what']}`", f"{row['cpu_ms']} ms") for row in trial["rows"]]
    return _table(("in a new Python process", "processor time"), rows) + _recorded(trial)


def forms(results: Results) -> str:
    """How long the form of the settings for suggestions is."""
    (trial,) = _trials(results, "forms")
    rows = [(row["by"], row["lines"]) for row in trial["rows"]]
    return _table(("form of the settings for suggestions", "lines"), rows) + _recorded(trial)


def bootstrap(results: Results) -> str:
    """How much the two kinds of bootstrap differ."""
    (trial,) = _trials(results, "bootstrap")
    rows = [
        ("random sets compared", len(trial["cases"])),
        ("questions in these sets", ", ".join(map(str, trial["cases"]))),
        ("largest difference of an end of the interval", _three(trial["largest_difference"])),
        ("lines, NumPy / SciPy", f"{trial['own_lines']} / about {trial['scipy_lines']}"),
    ]
    return _table(("NumPy and SciPy", "measured"), rows) + _recorded(trial)


BLOCKS: Mapping[str, Callable[[Results], str]] = {
    block.__name__.replace("_", "-"): block
    for block in (
        speed,
        scale,
        load,
        speed_avx2,
        leaks,
        damage,
        non_interference,
        held_fixed,
        milvus,
        on_servers,
        quality,
        quality_over_all,
        quality_exists,
        quality_minilm,
        quality_targets,
        across_languages,
        unanswerable,
        experts,
        expert_load,
        expert_half_lives,
        expert_features,
        likely_teams,
        experts_demo,
        openings,
        function_words,
        short_questions,
        learned_reranker,
        two_models,
        bfloat16,
        calibration,
        adaptation,
        peers,
        adaptation_half,
        settings_import,
        imports,
        replicas,
        replica_killed,
        starting,
        following,
        growing,
        fifty_people,
        indexing,
        serve_start,
        servers,
        server_processes,
        servers_preload,
        typing_apart,
        overtaken,
        encoding_process,
        watch_memory,
        insights,
        suggestion_parts,
        forms,
        bootstrap,
    )
}


def read_results(folder: Path) -> Results:
    """Reads the files of a folder."""

    def read(name: str) -> dict[str, Any]:
        held: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return held

    return read


def rewritten(page: str, results: Results) -> str:
    """The page with every block as the results say. Raises KeyError for a block that nobody makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](results)}{found[3]}", page)


def pages(root: Path) -> list[Path]:
    """README.md and every page under docs/."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def main(check: bool, root: Path = ROOT, results: Path = RESULTS) -> int:
    """Rewrite the pages, or say which of them differ; returns the exit status."""
    differing = False
    for path in pages(root):
        page = path.read_text(encoding="utf-8")
        wanted = rewritten(page, read_results(results))
        if page == wanted:
            continue
        differing = True
        if check:
            print(f"The figures in {path.relative_to(root)} are not up to date. Run: make figures", file=sys.stderr)
        else:
            path.write_text(wanted, encoding="utf-8")
            print(path.relative_to(root))
    return 1 if check and differing else 0


def _tasks(held: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """{(set, task): {method: row}} of the rows that hold nDCG@10."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in held["rows"]:
        if "nDCG@10" in row["metrics"]:
            found.setdefault((row["set"], row["protocol"]), {})[row["method"]] = row
    return found


def _row(rows: Sequence[dict[str, Any]], name: str, protocol: str, method: str) -> dict[str, Any]:
    return next(row for row in rows if (row["set"], row["protocol"], row["method"]) == (name, protocol, method))


def _trials(results: Results, *names: str) -> list[dict[str, Any]]:
    held = {trial["name"]: trial for trial in results("trials")["trials"]}
    return [held[name] for name in names]


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(map(str, cells))} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]]) + "\n"


def _origin(held: Mapping[str, Any], what: str = "") -> str:
    """The line below a table that says what was measured where, how to measure it again, and what has changed since."""
    start = f"Measured ({what})" if what else "Measured"
    return (
        f"\n{start} at commit {held['commit']} on {held['measured_on']}, {_machine(held['machine'])}. "
        f"Measure it again with `{held['command']}`.{' ' + held['note'] if 'note' in held else ''}\n"
    )


def _recorded(*trials: Mapping[str, Any], what: str = "") -> str:
    """The same for measurements of which only the figures are left."""
    places = dict.fromkeys(f"commit {each['commit']} ({_machine(each['machine'])})" for each in trials)
    again = dict.fromkeys(each["again"] for each in trials if each["again"])
    missing = not all(each["again"] for each in trials)
    commands = "; ".join([*again, *(["no command was kept" + (" for the rest" if again else "")] if missing else [])])
    start = f"Recorded ({what})" if what else "Recorded"
    return f"\n{start} from an earlier run at {', '.join(places)}. To measure it again: {commands}.\n"


def _machine(machine: Mapping[str, Any]) -> str:
    cores = f"{machine['cores']} cores, " if "cores" in machine else ""
    instructions = machine["instructions"]
    kind = "vector instructions not recorded" if instructions == "not recorded" else f"with {instructions}"
    return f"{cores}{machine['system']} {kind}" if kind.startswith("with") else f"{cores}{machine['system']}, {kind}"


def _three(value: float) -> str:
    return f"{value:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _interval(over: Mapping[str, float]) -> str:
    mean, low, high = (f"{over[name] + 0.0:+.3f}" for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
