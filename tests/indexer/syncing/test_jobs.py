"""syncing/jobs.py: what programs have sent is loaded as an import would, and what fails is tried again."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from indexer.syncing import jobs
from recommender.database.job_tables import Job
from recommender.database.tables import HelpRequest, Person
from recommender.jobs import kinds, queue
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import MODELS
from tests.indexer.conftest import AINO, REQUEST, TEAM

Sessions = sessionmaker[Session]


@pytest.fixture
def send(sessions: Sessions, settings: Settings, analyzer: Analyzer) -> Callable[..., Job]:
    """Queues items and does all jobs that are due; returns the job."""

    def send(*items: Any, kind: str = kinds.LOAD) -> Job:
        with sessions.begin() as session:
            number = queue.add(session, kind, "crm", items, None).id
        while jobs.work(settings, sessions, analyzer):
            pass
        with sessions() as session:
            return session.get_one(Job, number)

    return send


def test_items_are_loaded_and_what_cannot_be_used_is_named_by_its_number(
    send: Callable[..., Job], sessions: Sessions
) -> None:
    done = send(TEAM, AINO, REQUEST, {"type": "request", "id": "r2"}, "no object")
    assert (done.state, done.result["added"], done.result["problem_count"]) == (queue.DONE, 3, 2)
    assert done.result["problems"] == [
        "items:4: title: it is empty, and there is no text whose first words could be the title",
        "items:5: not an object in braces, with its type and fields",
    ]
    assert send(REQUEST).result["unchanged"] == 1
    assert send({**REQUEST, "title": "Printer on floor three"}).result["updated"] == 1
    with sessions() as session:
        row = session.scalars(select(HelpRequest)).one()
        assert (row.title, row.source, row.external_id) == ("Printer on floor three", "crm", "r1")


def test_items_give_nobody_a_role_a_team_or_a_longer_time(
    send: Callable[..., Job], sessions: Sessions, analyzer: Analyzer, tmp_path: Path
) -> None:
    left = {"type": "person", "id": "aino", "name": "Aino", "role": "staff", "left_on": "2020-01-01"}
    (tmp_path / "people.jsonl").write_text(json.dumps(left), encoding="utf-8")
    load(JSONLSource(tmp_path / "people.jsonl", "crm"), sessions, analyzer)  # an import by an admin
    greedy = {**left, "name": "Aino V", "role": "admin", "left_on": None, "teams": ["hr"], "languages": ["fi"]}
    stranger = {"type": "person", "id": "eve", "name": "Eve", "role": "admin", "teams": ["hr"]}
    done = send({"type": "team", "id": "hr", "name": "HR"}, greedy, stranger)
    assert (done.state, done.result["problem_count"]) == (queue.DONE, 0)
    assert done.result["kept"] == [f"{jobs.RIGHTS_LEFT_OUT} (2 times, first at items:2: aino, eve)"]
    with sessions() as session:
        people = {person.handle: person for person in session.scalars(select(Person))}
        aino, eve = people["aino"], people["eve"]
        assert (aino.name, aino.role, aino.teams, str(aino.left_on)) == ("Aino V", "staff", [], "2020-01-01")
        assert (eve.role, eve.teams) == ("staff", [])


@pytest.mark.parametrize(("rules", "body"), [("passwords", "Salasana: [password]"), ("none", "Salasana: Talvi2026")])
def test_items_are_masked_by_the_rules_of_the_setting(
    sessions: Sessions, settings: Settings, analyzer: Analyzer, rules: str, body: str
) -> None:
    with sessions.begin() as session:
        queue.add(session, kinds.LOAD, "crm", [TEAM, {**REQUEST, "body": "Salasana: Talvi2026"}], None)
    assert jobs.work(replace(settings, mask=rules), sessions, analyzer)
    with sessions() as session:
        assert session.scalars(select(HelpRequest.body)).one() == body


def test_a_job_during_which_the_database_fails_waits_and_says_so(
    send: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise OperationalError("INSERT of a secret text", {}, Exception("locked"))

    monkeypatch.setattr(jobs, "load", fail)
    waiting = send(TEAM)
    assert (waiting.state, waiting.attempts) == (queue.WAITING, 1)
    assert waiting.payload == [TEAM]
    assert "secret" not in str(waiting.result)


def test_beside_watch_items_are_loaded_and_a_failure_stops_nothing(
    settings: Settings, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not settings.models_dir.exists():
        settings.models_dir.symlink_to(MODELS, target_is_directory=True)
    real, failed = queue.next_due, list[bool]()

    def fail_once(session: Session) -> int | None:
        if not failed:
            failed.append(True)
            raise OperationalError("x", {}, Exception("locked"))
        return real(session)

    monkeypatch.setattr(queue, "next_due", fail_once)
    with sessions.begin() as session:
        number = queue.add(session, kinds.LOAD, "crm", [TEAM], None).id
    waited = threading.Event()
    with jobs.loading_jobs(replace(settings, watch_seconds=0.05), sessions):
        for _ in range(1200):
            with sessions() as session:
                job = session.get_one(Job, number)
            if job.state == queue.DONE:
                break
            waited.wait(0.05)
    assert failed and (job.state, job.result["added"]) == (queue.DONE, 1)
