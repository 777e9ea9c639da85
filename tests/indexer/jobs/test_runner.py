"""jobs/runner.py: each job is done in a process of its own, and one that is killed or stopped is begun again."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from indexer.jobs.runner import running_jobs
from recommender.database.job_tables import Job
from recommender.database.tables import utc_now
from recommender.jobs import asking, kinds, progress, queue
from recommender.settings import Settings
from tests.conftest import MODELS
from tests.timing import LONG

Sessions = sessionmaker[Session]


@pytest.fixture
def own(settings: Settings, sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings as the processes get them that do jobs. They have a source that waits for somebody who writes."""
    for name, value in (("HOME", settings.home), ("DATABASE", settings.database)):
        monkeypatch.setenv(f"KOLLEGA_{name}", str(value))
    (settings.home / "models").symlink_to(MODELS, target_is_directory=True)
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\n')
    os.mkfifo(settings.home / "wiki.jsonl")
    yield replace(settings, watch_seconds=0.05)


def _ask(sessions: Sessions, settings: Settings) -> int:
    with sessions.begin() as session:
        return asking.ask(session, settings, kinds.SYNC, {"source": "wiki"}, None).id


def _when(sessions: Sessions, number: int, is_so: Callable[[Job], bool]) -> Job:
    """The job, once that is so."""
    pause = threading.Event()
    for _ in range(int(LONG / 0.05)):
        with sessions() as session:
            job = session.get_one(Job, number)
        if is_so(job):
            return job
        pause.wait(0.05)
    raise AssertionError(f"{job.state}, {job.stage}, {job.result}")


def _children() -> list[int]:
    """The processes that this one has begun to do jobs."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            command = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == os.getpid() and b"jobs" in command and b"run" in command:
            found.append(int(path.name))
    return found


def test_a_job_is_begun_again_after_its_process_was_killed_or_its_runner_stopped(
    own: Settings, sessions: Sessions
) -> None:
    number = _ask(sessions, own)
    with running_jobs(own, sessions, lambda _lane: True):
        _when(sessions, number, lambda job: job.stage == "reading")
        os.kill(_children()[0], signal.SIGKILL)
        killed = _when(sessions, number, lambda job: job.state == queue.WAITING)
        assert "SIGKILL" in killed.result["problems"][0]
        with sessions.begin() as session:
            session.execute(update(Job).values(next_attempt_at=utc_now()))
        _when(sessions, number, lambda job: (job.attempts, job.stage) == (2, "reading"))
    stopped = _when(sessions, number, lambda job: job.state == queue.WAITING)
    assert stopped.tries == 1  # being stopped is not its fault
    (own.home / "wiki.jsonl").unlink()
    (own.home / "wiki.jsonl").write_text('{"type": "team", "id": "it", "name": "IT"}\n')
    with running_jobs(own, sessions, lambda _lane: True):
        done = _when(sessions, number, lambda job: job.state == queue.DONE)
    assert done.result["added"] == 1
    with sessions() as session:
        said = " ".join(line.text for line in progress.lines(session, number))
    assert "Interrupted" in said and said.endswith("Done.")


def test_a_job_that_runs_is_cancelled(own: Settings, sessions: Sessions) -> None:
    number = _ask(sessions, own)
    with running_jobs(own, sessions, lambda _lane: True):
        _when(sessions, number, lambda job: job.stage == "reading")
        with sessions.begin() as session:
            assert asking.cancel(session, number, None)
        _when(sessions, number, lambda job: job.state == queue.CANCELLED)


def test_jobs_of_another_machine_are_left_to_it(own: Settings, sessions: Sessions) -> None:
    number = _ask(sessions, own)
    with sessions.begin() as session:
        session.execute(update(Job).values(source="index-elsewhere"))
    seen: list[str] = []
    looked = threading.Event()

    def lane(name: str) -> bool:
        seen.append(name)
        looked.set()
        return False

    with running_jobs(own, sessions, lane):
        assert looked.wait(LONG)
    assert _when(sessions, number, lambda _job: True).state == queue.WAITING and set(seen) == {"index-elsewhere"}
