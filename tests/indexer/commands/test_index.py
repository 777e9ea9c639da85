"""commands/index.py: `kollega prepare`, `reindex`, `watch`, `status` and `rollback`."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from indexer.commands.running import note, progress_bar
from indexer.indexing import reindex as reindexing
from recommender.database.engine import open_database
from recommender.index import generations
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
from recommender.organisation.values import Organisation, set_value
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines
from tests.paths import ROOT
from tests.timing import LONG


def test_reindex_ends_with_one_line_of_counts(kollega: Kollega, write_lines: WriteLines) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    first = kollega("reindex")
    assert first.exit_code == 0
    assert first.stdout.startswith("items 1, passages 2, encoded 2, reused 0, removed 0, ")
    assert "model fake, run by fake" in first.stderr
    assert kollega("reindex").stdout.startswith("items 1, passages 2, encoded 0, reused 2, removed 0, ")
    assert kollega("reindex", "--full").stdout.startswith("items 1, passages 2, encoded 2, reused 0, removed 0, ")


def test_the_model_is_loaded_while_it_is_found_what_has_changed(
    kollega: Kollega, write_lines: WriteLines, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_found = threading.Event()
    found = reindexing.find_changes_or_compare

    def find(*given: Any) -> Any:
        try:
            return found(*given)
        finally:
            is_found.set()

    def load(_settings: Settings) -> FakeEncoder:
        assert is_found.wait(LONG)
        return encoder

    monkeypatch.setattr("recommender.encoder.load.known_card", lambda _settings: encoder.card)
    monkeypatch.setattr("recommender.encoder.load.load_encoder", load)
    monkeypatch.setattr(reindexing, "find_changes_or_compare", find)
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    for encoded in (2, 0):  # which model it is is told, also when nothing is encoded
        is_found.clear()
        result = kollega("reindex")
        assert result.exit_code == 0 and f"encoded {encoded}" in result.stdout
        assert result.stderr.count("model fake, run by fake") == 1


def test_what_is_told_while_a_progress_bar_is_shown_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    with progress_bar("indexing") as show:
        show(1, 2)
        note(logging.getLogger("kollega"), "model fake", "model loaded")
    printed = capsys.readouterr().err
    assert "indexing" in printed and "\x1b[2Kmodel fake\n" in printed  # after the bar was wiped off its line


def test_prepare_loads_the_model_and_analyses_a_text_once(
    kollega: Kollega, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysed: list[str] = []

    class Recorder(Analyzer):
        def query_terms(self, text: str, languages: Sequence[str] = ("fi", "en")) -> Terms:
            analysed.append(text)
            return analyzer.query_terms(text, languages)

    monkeypatch.setattr("indexer.commands.index.load_analyzer", lambda settings: Recorder(settings.models_dir))
    result = kollega("prepare")
    assert result.exit_code == 0 and result.stdout == "ready: model fake, run by fake\n"
    assert analysed.count("valmiina ready 1") == 1  # dictionaries are made when they are first used


def test_reindex_exits_with_status_1_when_an_item_cannot_be_indexed(
    kollega: Kollega, write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(*_arguments: object) -> None:
        raise ValueError("cannot be cut")

    monkeypatch.setattr("indexer.indexing.reindex.make_passages", poisoned)
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    result = kollega("reindex")
    assert result.exit_code == 1
    assert "could not be indexed: request:1: cannot be cut" in result.stderr
    assert result.stdout.startswith("items 0, passages 0, ")


def test_items_that_are_not_indexed_whole_are_named_once_each_and_then_counted(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    run = "x" * 300
    requests = [{**REQUEST, "id": f"r{n}", "body": run, "replies": [], "resolution": run} for n in range(53)]
    kollega("import", "jsonl", write_lines(TEAM, *requests))
    result = kollega("reindex")
    assert result.exit_code == 0 and result.stdout.startswith("items 53, ")
    lines = [line for line in result.stderr.splitlines() if line.startswith("not indexed whole: ")]
    assert len(lines) == 51 and lines[-1] == "not indexed whole: 3 more items"
    assert lines[0].startswith("not indexed whole: request:1: 598 characters of pasted files")


def test_reindex_while_another_process_writes_is_reported_in_one_sentence(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    with generations.write_lock(Settings.from_environment().index_dir):
        result = kollega("reindex")
    assert result.exit_code == 1
    assert "Error: Another process is writing the index. Wait for it to end" in result.stderr


def test_rollback_goes_back_one_generation_and_reports_when_there_is_none(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    none = kollega("rollback")
    assert none.exit_code == 1 and "There is no index yet. Run: kollega reindex" in none.stderr
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    only = kollega("rollback")
    assert only.exit_code == 1 and "There is no earlier generation" in only.stderr
    kollega("reindex", "--full")
    assert kollega("rollback").stdout == "in use again: gen-000001\n"


def test_status_exits_with_0_when_index_and_database_agree_and_with_1_when_not(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    empty = kollega("status")
    assert empty.exit_code == 1 and "There is no index yet. Run: kollega reindex" in empty.stdout
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    good = kollega("status")
    assert good.exit_code == 0 and "up to date: all 1 searchable items are in the index" in good.stdout
    values = json.loads(kollega("status", "--json").stdout)
    assert (values["requests"], values["people"], values["teams"], values["healthy"]) == (1, 1, 1, True)


def test_status_and_ask_say_what_to_do_about_another_model_and_about_damage(
    kollega: Kollega, write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    with monkeypatch.context() as patch:
        patch.setenv("KOLLEGA_MODEL", "another")
        status = kollega("status")
        assert status.exit_code == 1 and "The index was made with fake, the setting is another." in status.stdout
    (live,) = (tmp_path / "home" / "index").glob("gen-*")
    (live / "catalogue.db").write_bytes(b"x" * 100)
    asked = kollega("ask", "printer")
    assert asked.exit_code == 1 and "The index is damaged. Run: kollega reindex --full" in asked.stderr


def test_watch_stops_on_ctrl_c_without_a_traceback(ready_home: Path, tmp_path: Path) -> None:
    script = (
        "import signal\n"  # because the tests may have been started with SIGINT ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import recommender.encoder.load\n"
        "from tests.fake_encoder import FakeEncoder\n"
        "recommender.encoder.load.load_encoder = lambda settings: FakeEncoder()\n"
        "from indexer.cli import main\n"
        "main(['watch'])\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", script],
        env=os.environ | {"KOLLEGA_HOME": str(ready_home), "KOLLEGA_WATCH_SECONDS": "0.1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    with child:
        assert child.stdout is not None and child.stderr is not None
        assert child.stdout.readline().startswith(b"items 0, passages 0, encoded 0, reused 0, removed 0, ")
        time.sleep(0.3)  # it is most likely waiting then, but stops in the same way while it works
        child.send_signal(signal.SIGINT)
        error = child.stderr.read()
    assert child.returncode == 1 and error.strip().endswith(b"Aborted!") and b"Traceback" not in error


SLOW_WATCH = (
    "import time\n"
    "import recommender.encoder.load\n"
    "from tests.fake_encoder import FakeEncoder\n"
    "class Slow(FakeEncoder):\n"
    "    def encode_passages(self, texts):\n"
    "        print('encoding', flush=True)\n"
    "        time.sleep({seconds})\n"
    "        return super().encode_passages(texts)\n"
    "recommender.encoder.load.load_encoder = lambda settings: Slow()\n"
    "from indexer.cli import main\n"
    "main(['watch'])\n"
)


@pytest.mark.parametrize(("seconds", "allowed", "indexed"), [(1.0, "30", True), (60.0, "0.3", False)])
def test_watch_finishes_the_update_it_is_at_when_it_is_terminated_unless_that_takes_too_long(
    kollega: Kollega, write_lines: WriteLines, seconds: float, allowed: str, indexed: bool
) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW_WATCH.format(seconds=seconds)],
        env=os.environ | {"KOLLEGA_STOP_SECONDS": allowed, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None and child.stderr is not None
        assert child.stdout.readline() == "encoding\n"
        child.terminate()
        assert child.wait(60) == 0
        assert "Traceback" not in child.stderr.read()
    assert kollega("status").exit_code == (0 if indexed else 1)
    reindexed = kollega("reindex").stdout
    assert reindexed.startswith(f"items 1, passages 2, encoded {0 if indexed else 2}, ")


def test_watch_notices_each_time_that_the_organisation_sets_another_time_zone(
    kollega: Kollega, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = open_database(Settings.from_environment())
    zones: list[str] = []

    def set_zone(zone: str) -> None:
        with sessions.begin() as session:
            set_value(session, Settings.from_environment(), "time_zone", zone)

    def watch(settings: Settings, *_rest: object) -> None:
        for zone in ("Europe/Stockholm", "Europe/Paris"):
            set_zone(zone)
            with sessions() as session:
                zones.append(Organisation.read(session, settings).settings.time_zone)  # as mails and erasing do it

    monkeypatch.setattr("indexer.commands.watching.watch_together", watch)
    set_zone("Europe/Helsinki")
    assert kollega("watch").exit_code == 0
    sessions.kw["bind"].dispose()
    assert zones == ["Europe/Stockholm", "Europe/Paris"]


def test_threads_that_take_too_long_at_the_end_are_cut_off_without_a_word() -> None:
    script = (
        "import time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from indexer.commands.running import end_at_once_when_late, stop_after_this_step\n"
        "stopping = stop_after_this_step(0.5)\n"
        "ThreadPoolExecutor().submit(time.sleep, 600)\n"
        "print('ready', flush=True)\n"
        "stopping.wait()\n"
        "end_at_once_when_late()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(LONG) == 0 and process.communicate()[1] == ""
