"""commands/index_files.py and the choices of `kollega reindex`: what is on disk, mended, chosen, and only told."""

import json

import pytest
from sqlalchemy import text

from indexer.commands import running
from recommender.database.engine import open_database
from recommender.index import generations
from recommender.settings import Settings
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines

OTHER = {**REQUEST, "id": "r2", "title": "Another one", "team": "hr"}
HR = {**TEAM, "id": "hr", "name": "HR"}


@pytest.fixture
def loaded(kollega: Kollega, write_lines: WriteLines) -> Kollega:
    """One request of IT in the index."""
    kollega("import", "jsonl", write_lines(TEAM, HR, AINO, REQUEST))
    kollega("reindex")
    return kollega


def test_a_dry_run_tells_what_would_be_indexed_and_writes_nothing(loaded: Kollega, write_lines: WriteLines) -> None:
    loaded("import", "jsonl", write_lines(TEAM, HR, AINO, {**REQUEST, "title": "A new title"}, OTHER))
    before = loaded("generations").stdout
    assert loaded("reindex", "--dry-run").stdout == "dry run, nothing was written: 1 new, 1 changed, 0 to remove\n"
    assert loaded("reindex", "--dry-run", "--team", "hr").stdout.endswith("1 new, 0 changed, 0 to remove\n")
    assert loaded("reindex", "--dry-run", "--full").stdout.endswith("2 new, 0 changed, 0 to remove\n")
    assert loaded("generations").stdout == before and before.count("in use") == 1


def _edit_by_hand(settings: Settings, title: str) -> None:
    """Another title of the first request, without another time of its last change."""
    sessions = open_database(settings)
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = :title WHERE id = 1"), {"title": title})
    sessions.kw["bind"].dispose()


def test_an_edit_by_hand_beside_other_changes_is_found_when_every_item_is_compared(
    loaded: Kollega, settings: Settings, write_lines: WriteLines
) -> None:
    loaded("import", "jsonl", write_lines(TEAM, HR, AINO, REQUEST, OTHER))
    _edit_by_hand(settings, "By hand")
    assert loaded("reindex", "--dry-run", "--compare").stdout.endswith(": 1 new, 1 changed, 0 to remove\n")
    assert loaded("reindex", "--dry-run").stdout.endswith(": 1 new, 0 changed, 0 to remove\n")
    assert loaded("reindex").stdout.startswith("items 2, passages 4, encoded 2, ")
    status = loaded("status")
    assert status.exit_code == 1
    assert status.stdout.endswith("behind: 0 missing, 1 outdated, 0 gone. Run: kollega reindex --compare\n")
    assert loaded("reindex", "--compare").stdout.split(", ")[2] != "encoded 0"
    assert loaded("status").exit_code == 0


def test_an_edit_by_hand_is_found_without_being_asked_where_no_time_has_changed(
    loaded: Kollega, settings: Settings
) -> None:
    _edit_by_hand(settings, "By hand")
    assert loaded("reindex", "--dry-run").stdout.endswith(": 0 new, 1 changed, 0 to remove\n")
    assert loaded("reindex").stdout.split(", ")[2] != "encoded 0"
    assert loaded("status").exit_code == 0


def test_one_team_is_indexed_first_and_the_rest_waits_for_the_next_run(
    loaded: Kollega, write_lines: WriteLines
) -> None:
    loaded("import", "jsonl", write_lines(TEAM, HR, AINO, {**REQUEST, "title": "A new title"}, OTHER))
    first = loaded("reindex", "--team", "hr")
    assert first.exit_code == 0 and first.stdout.startswith("items 2, passages 4, encoded 2, ")
    assert first.stdout.endswith("; changed items that wait for the next run: 1\n")
    status = loaded("status")
    assert status.exit_code == 1  # it is not up to date, and says so
    assert " wait" not in loaded("reindex", "--source", "jsonl").stdout
    assert loaded("status").exit_code == 0


def test_a_choice_that_names_nothing_says_what_there_is(kollega: Kollega, loaded: Kollega) -> None:
    nobody = loaded("reindex", "--team", "nobody")
    assert nobody.exit_code == 1 and "There is no team 'nobody'. The teams are: hr, it." in nobody.stderr
    nowhere = loaded("reindex", "--source", "jsonl", "--team", "hr")
    assert nowhere.exit_code == 1 and "Nothing of the team 'hr' came from 'jsonl'." in nowhere.stderr
    nothing = loaded("reindex", "--source", "crm")
    assert nothing.exit_code == 1 and "Nothing here came from 'crm'. The sources are: jsonl." in nothing.stderr
    both = loaded("reindex", "--full", "--team", "it")
    assert both.exit_code == 2 and "cannot be limited to a team or source" in both.stderr


def test_a_choice_needs_an_index(kollega: Kollega, write_lines: WriteLines) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    result = kollega("reindex", "--team", "it")
    assert result.exit_code == 1 and "There is no index of this version yet. Run: kollega reindex" in result.stderr
    told = kollega("reindex", "--team", "it", "--dry-run")
    assert told.exit_code == 1 and "There is no index of this version yet" in told.stderr
    assert kollega("reindex", "--dry-run").stdout.endswith("1 new, 0 changed, 0 to remove\n")


def test_a_dry_run_refuses_what_the_run_would_refuse(
    loaded: Kollega, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = generations.live(settings.index_dir) / "catalogue.db"
    whole = catalogue.read_bytes()
    catalogue.write_bytes(b"no database" * 100)
    damaged = loaded("reindex", "--dry-run")
    assert damaged.exit_code == 1 and "The items of the index cannot be read" in damaged.stderr
    catalogue.write_bytes(whole)
    monkeypatch.setenv("KOLLEGA_MODEL", "another-model")
    other = loaded("reindex", "--dry-run")
    assert other.exit_code == 1 and "The index was made by fake, not by another-model." in other.stderr


def test_the_last_whole_index_is_not_removed(loaded: Kollega, settings: Settings) -> None:
    loaded("reindex", "--full")
    (generations.live(settings.index_dir) / "vectors.faiss").write_bytes(b"wrong")
    refused = loaded("gc", "--previous")
    assert refused.exit_code == 1 and "damaged or missing files: vectors.faiss" in refused.stderr
    assert loaded("rollback").exit_code == 0
    states = [each["state"] for each in json.loads(loaded("generations", "--json").stdout)]
    assert states == ["newer", "in use"]


def test_generations_are_listed_and_what_nobody_needs_is_removed(loaded: Kollega, settings: Settings) -> None:
    loaded("reindex", "--full")
    unfinished = settings.index_dir / "gen-9-unfinished"
    unfinished.mkdir()
    (unfinished / "vectors.faiss").write_bytes(b"x" * 3_000_000)
    states = [(each["state"], each["items"]) for each in json.loads(loaded("generations", "--json").stdout)]
    assert states == [("unfinished", None), ("in use", 1), ("previous", 1)]
    assert loaded("gc").stdout == "freed: 3.0 MB\n" and not unfinished.exists()
    assert loaded("rollback").exit_code == 0
    loaded("gc", "--previous")
    assert [each["state"] for each in json.loads(loaded("generations", "--json").stdout)] == ["in use"]
    assert loaded("verify").exit_code == 0


def test_a_file_that_generations_share_is_counted_once(loaded: Kollega, settings: Settings) -> None:
    previous = generations.live(settings.index_dir)
    loaded("reindex", "--full")
    shared = generations.live(settings.index_dir) / "shared"
    shared.write_bytes(b"x" * 30_000_000)
    (previous / "shared").hardlink_to(shared)
    sizes = {each["state"]: each["megabytes"] for each in json.loads(loaded("generations", "--json").stdout)}
    assert sizes["in use"] >= 30 > 10 > sizes["previous"] > 0
    freed = float(loaded("gc", "--previous").stdout.split()[1])
    assert freed == pytest.approx(sizes["previous"], abs=0.1)


def test_verify_tells_programs_the_same(loaded: Kollega, settings: Settings) -> None:
    assert json.loads(loaded("verify", "--json").stdout) == {"healthy": True, "problems": [], "notes": []}
    (settings.index_dir / generations.live(settings.index_dir).name / "vectors.faiss").unlink()
    damaged = loaded("verify", "--json")
    [problem] = json.loads(damaged.stdout)["problems"]
    assert damaged.exit_code == 1 and "vectors.faiss" in problem
    assert loaded("verify", "--json", "--repair").exit_code == 2


@pytest.mark.parametrize("name", ["vectors.faiss", "catalogue.db", "manifest.json"])
def test_verify_mends_a_damaged_index_from_the_database(loaded: Kollega, settings: Settings, name: str) -> None:
    file = generations.live(settings.index_dir) / name
    file.write_bytes(file.read_bytes()[:-5] + b"wrong")
    assert loaded("verify").exit_code == 1
    mended = loaded("verify", "--repair")
    assert mended.exit_code == 0 and "all is well" in mended.stdout and "building the index anew" in mended.stderr


def test_verify_brings_an_item_that_differs_up_to_date_without_building_all_anew(
    loaded: Kollega, settings: Settings, write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded("import", "jsonl", write_lines(TEAM, HR, AINO, REQUEST, OTHER))
    seen = settings.index_dir / "seen.json"  # as if the index had been brought up to date after that
    loaded("reindex", "--team", "it")
    assert seen.exists()
    monkeypatch.setattr("recommender.monitoring.freshness.changed_since", lambda *_arguments: None)
    assert "request:2 is not in the index" in loaded("verify").stdout
    mended = loaded("verify", "--repair")
    assert mended.exit_code == 0 and "bringing the index up to date" in mended.stderr
    assert "building the index anew" not in mended.stderr and "all is well" in mended.stdout


def test_verify_removes_a_damaged_index_that_is_not_in_use(loaded: Kollega, settings: Settings) -> None:
    before = generations.live(settings.index_dir)
    loaded("reindex", "--full")
    (before / "vectors.faiss").write_bytes(b"wrong")
    mended = loaded("verify", "--repair")
    assert mended.exit_code == 0 and not before.exists() and "index anew" not in mended.stderr


def test_what_a_repair_cannot_mend_is_left_to_the_admin(loaded: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "The database is damaged. Stop Kollega and restore a backup."
    monkeypatch.setattr("indexer.indexing.verify.verify", lambda *_arguments: [sentence])
    result = loaded("verify", "--repair")
    assert result.exit_code == 1 and "encoded" not in result.stdout


def test_progress_without_a_terminal_says_how_fast_it_goes_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 5.0, 21.0])
    monkeypatch.setattr(running.time, "monotonic", lambda: next(clock))
    lines = running._Lines()
    lines.show("indexing", 0, 1200)
    lines.show("indexing", 100, 1200)
    lines.show("indexing", 400, 1200)
    assert capsys.readouterr().err.splitlines() == [
        "indexing: 0 of 1200",
        "indexing: 400 of 1200, 20 a second, about 40 s left",
    ]
