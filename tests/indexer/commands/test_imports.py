"""commands/imports.py: `kollega import`."""

import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from indexer.commands import running
from indexer.sources.kinds import KINDS
from recommender.database.engine import open_engine
from recommender.database.tables import HelpRequest
from recommender.settings import Settings
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines
from tests.paths import ROOT
from tests.rows import rows_of_store


def _change_here(*statements: str) -> None:
    """Change the store as people do, past any import."""
    engine = open_engine(Settings.from_environment())
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_importing_twice_reports_that_nothing_changed(kollega: Kollega, write_lines: WriteLines) -> None:
    path = write_lines(TEAM, AINO, REQUEST)
    first = kollega("import", "jsonl", path)
    assert (first.exit_code, first.stdout) == (0, "3 added, 0 updated, 0 unchanged\n")
    again = kollega("import", "jsonl", path)
    assert (again.exit_code, again.stdout) == (0, "0 added, 0 updated, 3 unchanged\n")


@pytest.mark.parametrize(("name", "kind"), [("records.jsonl", "jsonl"), ("my sheet.XLSX", "excel"), ("", "documents")])
def test_whoever_names_only_the_file_is_told_how_it_is_imported(
    kollega: Kollega, tmp_path: Path, name: str, kind: str
) -> None:
    place = tmp_path / "mine" / name
    (tmp_path / "mine").mkdir()
    if name:
        place.write_text("", encoding="utf-8")
    told = kollega("import", str(place))
    named = f"'{place}'" if " " in name else place
    assert told.exit_code == 2 and f"kollega import {kind} {named}" in told.stderr


def test_the_kinds_are_listed_for_a_file_that_could_be_any(kollega: Kollega, tmp_path: Path) -> None:
    place = tmp_path / "dump.7z"
    place.write_bytes(b"")
    told = kollega("import", str(place)).stderr
    assert f"kollega import KIND {place}" in told and all(kind in told for kind in KINDS)
    assert "No such command 'none'" in kollega("import", "none").stderr


def test_a_bad_record_is_reported_with_file_and_line_the_others_are_loaded_and_the_exit_status_is_1(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    result = kollega("import", "jsonl", write_lines(TEAM, "{broken", AINO, {**REQUEST, "team": "xx"}, REQUEST))
    assert result.exit_code == 1
    assert result.stdout == "3 added, 0 updated, 0 unchanged, 2 could not be loaded\n"
    assert "records.jsonl:2: not JSON (" in result.stderr
    assert "records.jsonl:4: team: there is no team 'xx'." in result.stderr


def test_a_long_import_writes_lines_of_progress_without_a_terminal_and_a_short_one_none(
    kollega: Kollega, write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kollega("import", "jsonl", write_lines(TEAM, AINO)).stderr == ""
    monkeypatch.setattr(running, "SECONDS_BETWEEN_LINES", 0.0)
    result = kollega("import", "jsonl", write_lines(TEAM, AINO))
    lines = [line.partition(",")[0] for line in result.stderr.splitlines()]  # without how fast it goes
    assert lines == ["importing: 1", "importing: 2"] and result.stdout.startswith("0 added")


def test_a_missing_or_truncated_file_is_reported_in_one_sentence_with_exit_status_1(
    kollega: Kollega, write_lines: WriteLines, tmp_path: Path
) -> None:
    missing = kollega("import", "jsonl", str(tmp_path / "none.jsonl"))
    assert missing.exit_code == 1
    assert f"{tmp_path / 'none.jsonl'} cannot be read: No such file or directory. Check the path." in missing.stderr
    compressed = gzip.compress(Path(write_lines(TEAM, AINO, REQUEST)).read_bytes())
    (tmp_path / "cut.gz").write_bytes(compressed[:-20])
    cut = kollega("import", "jsonl", str(tmp_path / "cut.gz"))
    assert cut.exit_code == 1 and "is cut short or damaged" in cut.stderr
    folder = kollega("import", "stackexchange", str(tmp_path))
    assert folder.exit_code == 1 and "Posts.xml is missing. Give the folder with the dump" in folder.stderr


def test_a_team_that_is_not_here_is_told_once_before_anything_is_read(kollega: Kollega, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title,answer\n1,VPN 809,GlobalProtect\n2,VPN,GlobalProtect\n", encoding="utf-8")
    kollega("import", "csv", str(tmp_path / "a.csv"), "--guess")
    for options in ((), ("--dry-run",)):
        refused = kollega("import", "csv", str(tmp_path / "a.csv"), "--team", "it", *options)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr == (
            "Error: csv: there is no team 'it'; there are: none yet. Correct its name, or make it with: "
            "kollega team add it --name NAME\n"
        )
    kollega("team", "it", "--name", "IT")
    assert kollega("import", "csv", str(tmp_path / "a.csv"), "--team", "it").stdout.startswith("2 added")


def test_equal_ids_of_two_sources_do_not_collide(kollega: Kollega, write_lines: WriteLines) -> None:
    path = write_lines(TEAM, AINO, REQUEST)
    kollega("import", "jsonl", path)
    assert kollega("import", "jsonl", path, "--source", "desk").stdout == "1 added, 0 updated, 2 unchanged\n"


def test_each_kind_of_change_is_told_once_with_a_count_and_is_no_error(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    requests = [{**REQUEST, "id": f"r{n}", "status": "closed", f"field{n}": n} for n in range(30)]
    result = kollega("import", "jsonl", write_lines(TEAM, AINO, *requests))
    assert (result.exit_code, result.stdout) == (0, "32 added, 0 updated, 0 unchanged\n")
    told = [line for line in result.stderr.splitlines() if line.startswith("changed: ")]
    assert told[0].startswith(
        "changed: unknown fields of a request were skipped (30 times, first at records.jsonl:3: field0, "
    )
    assert told[0].endswith("field19 and 10 more)")
    assert told[1:] == [
        "changed: the status of requests was read as resolved (30 times, first at records.jsonl:3: closed (30))"
    ]


def test_a_dry_run_shows_what_would_change_and_writes_nothing(
    kollega: Kollega, write_lines: WriteLines, tmp_path: Path
) -> None:
    narrow = {**REQUEST, "id": "r2", "team": "it", "audience": []}
    first = kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST, narrow))
    assert (first.exit_code, first.stderr) == (0, "")
    _change_here(
        "UPDATE requests SET status = 'open', resolved_at = NULL WHERE external_id = 'r1'",
        "UPDATE replies SET accepted = false WHERE request_id = 1",
    )
    stored = rows_of_store(Settings.from_environment())
    home = {path: path.read_bytes() for path in (tmp_path / "home").iterdir() if path.is_file()}
    changed = {**REQUEST, "title": "Printer on fire", "resolution": "Call 112", "audience": ["everyone"]}
    path = write_lines(TEAM, AINO, changed, {**narrow, "audience": ["everyone"]}, {**REQUEST, "id": "r3"}, "{broken")
    dry = kollega("import", "jsonl", path, "--dry-run")
    assert dry.exit_code == 1
    assert dry.stdout.splitlines() == [
        "records.jsonl:3: request r1: updated title",
        "records.jsonl:5: request r3: added",
        "dry run, nothing was written: 1 added, 1 updated, 3 unchanged, 1 conflict, 1 audience not widened, "
        "1 could not be loaded",
    ]
    assert [line for line in dry.stderr.splitlines() if not line.startswith("importing")] == [
        "records.jsonl:6: not JSON (Expecting property name enclosed in double quotes at column 2). Correct this line",
        "kept: records.jsonl:3: request r1: status changed both here and in the source",
        "not widened: records.jsonl:4: request r2: audience would let more people read",
    ]
    assert {path: path.read_bytes() for path in (tmp_path / "home").iterdir() if path.is_file()} == home
    assert rows_of_store(Settings.from_environment()) == stored
    done = kollega("import", "jsonl", path)
    assert f"dry run, nothing was written: {done.stdout}" == dry.stdout.splitlines(keepends=True)[-1]
    listed = [line.split("\t")[1:] for line in kollega("import", "conflicts").stdout.splitlines()]
    assert listed == [
        ["jsonl", "request", "r1", "kept: status", "records.jsonl:3"],
        ["jsonl", "request", "r2", "not widened: audience", "records.jsonl:4"],
    ]


@pytest.mark.sqlite_only
def test_a_dry_run_without_a_database_makes_none(
    kollega: Kollega, write_lines: WriteLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_HOME", str(tmp_path / "nowhere"))
    dry = kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST), "--dry-run")
    assert dry.stdout.splitlines()[-1] == "dry run, nothing was written: 3 added, 0 updated, 0 unchanged"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_a_dry_run_that_is_stopped_leaves_no_copy_of_the_database(
    kollega: Kollega, write_lines: WriteLines, tmp_path: Path, stop: signal.Signals
) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "indexer", "import", "jsonl", str(tmp_path / "pipe"), "--dry-run"]
    with (
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)}) as process,
        (tmp_path / "pipe").open("w"),  # which opens once the other side reads: the database was copied then
    ):
        copied = list((tmp_path / "home").glob(".kollega-copy-*/kollega.db"))
        process.send_signal(stop)
        process.wait(60)
    assert len(copied) == 1
    left = list((tmp_path / "home").glob(".kollega-copy-*"))
    assert (process.returncode, list(temporary.iterdir())) == (143 if stop == signal.SIGTERM else -stop, [])
    assert bool(left) == (stop == signal.SIGKILL)
    for folder in left:
        assert folder.stat().st_mode & 0o077 == 0
        os.utime(folder, (0, 0))
    kollega("import", "jsonl", write_lines(TEAM), "--dry-run")
    assert list((tmp_path / "home").glob(".kollega-copy-*")) == []


def test_nothing_is_lost_when_records_come_through_a_pipe(kollega: Kollega, write_lines: WriteLines) -> None:
    people = [{"type": "person", "id": f"p{number}", "name": "N" * 200} for number in range(400)]  # several buffers
    content = Path(write_lines(TEAM, *people)).read_bytes()
    for sent in (content, gzip.compress(content, compresslevel=0)):
        with _pipe(sent) as path:
            assert kollega("import", "jsonl", path).stdout.startswith(("401 added", "0 added, 0 updated, 401 unch"))


def test_an_export_that_comes_through_a_pipe_is_refused(
    kollega: Kollega, write_lines: WriteLines, tmp_path: Path
) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("export", str(tmp_path / "store.jsonl"))
    with _pipe((tmp_path / "store.jsonl").read_bytes()) as path:
        refused = kollega("import", "jsonl", path)
    assert refused.exit_code == 1 and "has a whole store, as `kollega export` writes it" in refused.stderr
    assert refused.stdout.startswith("0 added, 0 updated, 0 unchanged")


@contextmanager
def _pipe(content: bytes) -> Iterator[str]:
    """The path of a pipe through which `content` comes, as /dev/stdin is one after `|`."""
    reading, writing = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), open(writing, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        thread.join()


def test_a_source_cannot_have_the_name_of_what_was_written_here_or_of_the_demo(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    for name, what in (("kollega", "what was written here"), ("demo", "the demo organisation")):
        for option in ((), ("--dry-run",)):
            refused = kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST), "--source", name, *option)
            assert refused.exit_code == 2 and f"{name} is the source of {what}." in refused.stderr


def test_a_list_without_conflicts_says_so(kollega: Kollega) -> None:
    assert kollega("import", "conflicts").stdout.startswith("There are no conflicts: ")


def test_an_import_and_its_dry_run_name_the_people_who_may_read_more_afterwards(
    kollega: Kollega, write_lines: WriteLines
) -> None:
    liisa = {"type": "person", "id": "liisa", "name": "Liisa"}
    assert kollega("import", "jsonl", write_lines(TEAM, AINO, liisa)).stderr == ""
    changed = write_lines({**AINO, "role": "admin"}, {**liisa, "name": "Liisa L", "teams": ["it"], "role": "agent"})
    for option in (("--dry-run",), ()):
        told = kollega("import", "jsonl", changed, *option).stderr.splitlines()
        assert told == [
            "WIDENED: records.jsonl:1: person aino: role",
            "WIDENED: records.jsonl:2: person liisa: role, teams",
        ]
    assert kollega("import", "jsonl", write_lines({**AINO, "role": "staff", "teams": []})).stderr == ""


def test_the_options_of_all_sources_give_team_language_and_time_zone(kollega: Kollega, write_lines: WriteLines) -> None:
    path = write_lines(TEAM, AINO, REQUEST)
    result = kollega("import", "jsonl", path, "--team", "it", "--language", "sv", "--timezone", "Europe/Helsinki")
    assert (result.exit_code, result.stdout) == (0, "3 added, 0 updated, 0 unchanged\n")
    engine = open_engine(Settings.from_environment())
    with engine.connect() as connection:
        (stored,) = connection.execute(select(HelpRequest.team_id, HelpRequest.language, HelpRequest.created_at))
    engine.dispose()
    assert stored == (1, "sv", datetime(2026, 1, 2, 8))
    unknown = kollega("import", "jsonl", path, "--team", "sales")
    assert unknown.exit_code == 1
    assert "records.jsonl:3: team: there is no team 'sales'. Correct its name, put the team's line " in unknown.stderr


def test_a_rule_that_names_nobody_is_refused_before_anything_is_read(kollega: Kollega, write_lines: WriteLines) -> None:
    result = kollega("import", "jsonl", write_lines(TEAM), "--timezone", "Helsinki")
    assert result.exit_code == 2 and "'Helsinki' is not a time zone. Write one such as" in result.stderr


def test_at_most_fifty_complaints_are_printed_and_then_their_number(kollega: Kollega, write_lines: WriteLines) -> None:
    bad = [{**REQUEST, "id": f"r{number}", "created_at": "yesterday"} for number in range(120)]
    result = kollega("import", "jsonl", write_lines(TEAM, AINO, *bad, REQUEST))
    assert result.stdout == "3 added, 0 updated, 0 unchanged, 120 could not be loaded\n"
    told = result.stderr.splitlines()
    assert len(told) == 51 and told[-1] == "and 70 more that could not be loaded"
    assert all(line.startswith("records.jsonl:") and "Write it as 2026-" in line for line in told[:-1])


def test_at_most_fifty_conflicts_are_printed_and_all_are_listed(kollega: Kollega, write_lines: WriteLines) -> None:
    requests = [{**REQUEST, "id": f"r{number}"} for number in range(60)]
    kollega("import", "jsonl", write_lines(TEAM, AINO, *requests))
    _change_here("UPDATE requests SET title = 'Changed here'")
    changed = [{**each, "title": "Changed there"} for each in requests]
    result = kollega("import", "jsonl", write_lines(TEAM, AINO, *changed))
    assert result.stdout == "0 added, 0 updated, 62 unchanged, 60 conflicts\n"
    told = [line for line in result.stderr.splitlines() if line.startswith("kept: ")]
    assert len(told) == 51 and told[-1] == "kept: and 10 more conflicts (kollega import conflicts lists them)"
    assert len(kollega("import", "conflicts").stdout.splitlines()) == 60


def test_the_list_of_kinds_is_shown_without_loading_any_of_them() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "indexer", "import", "--help"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "\n  confluence " in ran.stdout and "\n  zendesk " in ran.stdout
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time:")}
    assert "indexer.sources.kinds" in loaded
    assert {f"indexer.sources.{kind.module}" for kind in KINDS.values()} & loaded == set()
