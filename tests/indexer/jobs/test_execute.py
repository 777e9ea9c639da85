"""jobs/execute.py: a job is done as the command of its kind does it, and what becomes of it is stored."""

import json
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import reindex as reindexing
from indexer.indexing.status import read_status
from indexer.jobs import execute as executing
from indexer.jobs.execute import execute
from indexer.jobs.kinds import KINDS
from indexer.jobs.running import RunningJob
from recommender.database.job_tables import Job
from recommender.database.leading import take_lock
from recommender.database.tables import utc_now
from recommender.errors import SettingsError
from recommender.index import generations
from recommender.jobs import kinds, progress, queue
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import MODELS
from tests.indexer.conftest import AINO, REQUEST, TEAM
from tests.indexer.jobs.conftest import Do
from tests.timing import LONG

Sessions = sessionmaker[Session]


def _lines(sessions: Sessions, job: Job) -> list[str]:
    with sessions() as session:
        return [line.text for line in progress.lines(session, job.id)]


def test_every_kind_has_something_that_does_it() -> None:
    assert set(kinds.WORK) - set(KINDS) <= {kinds.LOAD_FILE}


def test_the_index_is_brought_up_to_date_and_built_anew(
    do: Do, sessions: Sessions, settings: Settings, add_request: Callable[..., int]
) -> None:
    add_request("The secret printer")
    done = do(kinds.REINDEX)
    assert (done.state, done.result["items"], done.result["problems"]) == (queue.DONE, 1, [])
    again, anew = do(kinds.REINDEX), do(kinds.REINDEX, full=True)
    assert (again.result["encoded"], anew.result["items"]) == (0, 1) and anew.result["encoded"] > 0
    assert anew.result["generation"] == generations.live_name(settings.index_dir) != done.result["generation"]
    before = do(kinds.ROLLBACK)
    assert before.result["generation"] == done.result["generation"] == generations.live_name(settings.index_dir)
    assert "secret" not in json.dumps([done.result, _lines(sessions, done)])


def test_only_what_has_changed_is_read_to_bring_the_index_up_to_date(
    do: Do, sessions: Sessions, settings: Settings, add_request: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.models_dir.symlink_to(MODELS, target_is_directory=True)
    add_request("Printer")
    do(kinds.REINDEX)
    add_request("Phone")
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = 'Edited by hand' WHERE id = 1"))
    with monkeypatch.context() as patch:
        patch.setattr("indexer.indexing.changes.items", lambda _session: pytest.fail("all items were read"))
        done = do(kinds.REINDEX)
    assert (done.state, done.result["items"]) == (queue.DONE, 2)
    add_request("Door")
    assert do(kinds.VERIFY, repair=True).result["problem_count"] == 0
    assert not read_status(settings).outdated


def test_everything_is_checked_and_the_index_mended(
    do: Do, settings: Settings, add_request: Callable[..., int]
) -> None:
    settings.models_dir.symlink_to(MODELS, target_is_directory=True)
    add_request("Printer")
    do(kinds.REINDEX)
    assert do(kinds.VERIFY).result["problems"] == []
    (generations.live(settings.index_dir) / "manifest.json").write_text("damaged")
    assert do(kinds.VERIFY).result["problem_count"] > 0
    assert do(kinds.VERIFY, repair=True).result == {"problem_count": 0, "problems": []}


def test_a_source_is_read_tried_out_and_its_problems_are_told(do: Do, settings: Settings) -> None:
    lines = [TEAM, AINO, REQUEST, {"type": "request", "id": "r2"}]
    (settings.home / "wiki.jsonl").write_text("\n".join(map(json.dumps, lines)))
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\n')
    tried = do(kinds.SYNC, source="wiki", dry_run=True)
    assert (tried.result["added"], tried.result["would_change_count"]) == (3, 3)
    assert REQUEST["title"] not in json.dumps(tried.result)
    read = do(kinds.SYNC, source="wiki")
    assert (read.result["added"], read.result["problem_count"]) == (3, 1)
    assert "wiki.jsonl:4" in read.result["problems"][0]
    (settings.home / "wiki.jsonl").unlink()
    broken = do(kinds.SYNC, source="wiki")
    assert broken.state == queue.FAILED and "wiki.jsonl" in broken.result["problems"][0]
    gone = do(kinds.SYNC, source="gone")
    assert gone.state == queue.FAILED and "gone is no longer in" in gone.result["problems"][0]


def test_reading_a_source_waits_until_another_process_has_read_it(
    do: Do, sessions: Sessions, settings: Settings
) -> None:
    (settings.home / "wiki.jsonl").write_text(json.dumps(TEAM))
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\n')
    lock, found = take_lock(sessions.kw["bind"], "sync-wiki"), []
    assert lock is not None
    with closing(lock):
        thread = threading.Thread(target=lambda: found.append(do(kinds.SYNC, source="wiki")))
        thread.start()
        thread.join(1.5)  # it looks every half a second
        assert not found
    thread.join(LONG)
    assert (found[0].state, found[0].result["added"]) == (queue.DONE, 1)


def test_an_attempt_that_was_overtaken_ends_nothing(
    claim: Callable[..., Job], sessions: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(running: RunningJob) -> dict[str, Any]:
        with sessions.begin() as session:
            session.get_one(Job, running.number).next_attempt_at = utc_now()
        with sessions.begin() as session:
            assert queue.claim(session, running.number)
        raise SettingsError("Correct the settings.")

    monkeypatch.setattr(executing, "KINDS", {kinds.REINDEX: overtaken})
    job = claim(kinds.REINDEX)
    assert execute(settings, sessions, job.id, job.attempts) == queue.RUNNING
    assert _lines(sessions, job) == ["Begun."]


def test_everything_is_written_into_a_file(do: Do, settings: Settings, add_request: Callable[..., int]) -> None:
    add_request("Printer")
    done = do(kinds.EXPORT)
    assert done.state == queue.DONE and (settings.home / done.result["file"]).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", [kinds.CALIBRATE, kinds.TRAIN])
def test_with_little_history_nothing_is_learned(
    do: Do, kind: str, open_recommender: Callable[[], Recommender], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_recommender()
    monkeypatch.setattr(Recommender, "open", lambda _settings: opened)
    done = do(kind)
    assert done.state == queue.DONE and "Too little history" in done.result["text"]


def test_a_job_waits_until_nobody_else_writes_the_index(
    do: Do, sessions: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.jobs.running._WRITES_EVERY", 0.05)
    found: list[Job] = []
    with generations.write_lock(settings.index_dir):
        thread = threading.Thread(target=lambda: found.append(do(kinds.REINDEX)))
        thread.start()
        for _ in range(int(LONG / 0.05)):
            with sessions() as session:
                stages = [job.stage for job in queue.listed(session)]
            if stages == ["waiting for another update of the index"]:
                break
            thread.join(0.05)
        assert not found and stages == ["waiting for another update of the index"]
    thread.join(LONG)
    assert found[0].state == queue.DONE


def test_an_error_that_says_what_to_do_ends_a_job_and_any_other_one_has_it_tried_again(
    do: Do, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(error: Exception) -> None:
        def work(_job: RunningJob) -> dict[str, Any]:
            raise error

        monkeypatch.setattr(executing, "KINDS", {kinds.SYNC: work})

    fail(SettingsError("Write a new token into sources.toml."))
    failed = do(kinds.SYNC, source="wiki")
    assert (failed.state, failed.result["problems"]) == (queue.FAILED, ["Write a new token into sources.toml."])
    assert _lines(sessions, failed) == ["Begun.", "Write a new token into sources.toml."]
    fail(ValueError("a secret text"))
    waiting = do(kinds.SYNC, source="other")
    assert waiting.state == queue.WAITING and "secret" not in json.dumps([waiting.result, _lines(sessions, waiting)])


def test_a_job_ends_in_the_middle_when_somebody_wants_that(
    claim: Callable[..., Job], sessions: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.jobs.running._WRITES_EVERY", 0.05)
    pause = threading.Event()

    def work(running: RunningJob) -> dict[str, Any]:
        with sessions.begin() as session:
            assert queue.cancel(session, running.number)
        for done in range(int(LONG / 0.05)):
            running.report(done, None)
            pause.wait(0.05)
        return {}

    monkeypatch.setattr(executing, "KINDS", {kinds.REINDEX: work})
    job = claim(kinds.REINDEX)
    assert execute(settings, sessions, job.id, job.attempts) == queue.CANCELLED
    assert _lines(sessions, job) == ["Begun.", "Cancelled."]


def test_a_cancelled_update_of_the_index_goes_on_from_where_it_was(
    do: Do, sessions: Sessions, settings: Settings, add_request: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.jobs.running._WRITES_EVERY", 0.02)
    monkeypatch.setattr(reindexing, "_CHUNK", 1)
    for number in range(6):
        add_request(f"Printer {number}")
    real, pause = RunningJob.report, threading.Event()

    def slow(running: RunningJob, done: int | None = None, *values: Any, **named: Any) -> None:
        if done == 3:
            with sessions.begin() as session:
                queue.cancel(session, running.number)
            pause.wait(0.5)
            running.stop()
        real(running, done, *values, **named)

    monkeypatch.setattr(RunningJob, "report", slow)
    assert do(kinds.REINDEX).state == queue.CANCELLED
    monkeypatch.setattr(RunningJob, "report", real)
    done = do(kinds.REINDEX)
    assert (done.state, done.result["items"]) == (queue.DONE, 6)
    assert done.result["encoded"] < done.result["passages"]  # the vectors of the first run were not lost
