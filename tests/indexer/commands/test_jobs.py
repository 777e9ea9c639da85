"""commands/jobs.py and `kollega source`: jobs are listed, shown, ended and done once more."""

import json

from sqlalchemy.orm import Session

from indexer.commands.running import database_session
from recommender import audit
from recommender.jobs import progress, queue
from recommender.settings import Settings
from tests.indexer.conftest import Kollega


def _write(work: object) -> None:
    with database_session(Settings.from_environment()) as session:
        assert callable(work)
        work(session)


def test_a_source_is_read_as_a_job_that_is_shown_ended_and_done_once_more(kollega: Kollega) -> None:
    settings = Settings.from_environment()
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\n')
    assert kollega("source", "run", "nowiki").exit_code == 2
    assert "job 1 waits" in kollega("source", "run", "wiki", "--dry-run").stdout
    (listed,) = json.loads(kollega("jobs", "list", "--json").stdout)
    assert (listed["job"], listed["state"], listed["chosen"]) == (1, "waiting", {"source": "wiki", "dry_run": True})
    assert kollega("jobs", "list").stdout.startswith("1: Try out the source wiki, waiting, ")
    assert kollega("jobs", "retry", "1").exit_code == 1
    assert kollega("jobs", "cancel", "1").exit_code == 0 and kollega("jobs", "cancel", "1").exit_code == 1
    assert kollega("jobs", "list", "--state", "waiting").stdout == "There are no such jobs.\n"
    assert kollega("jobs", "retry", "1").stdout == "job 1 waits for kollega watch\n"
    actions: list[str] = []
    _write(lambda session: actions.extend(entry.action for entry in audit.entries(session, action="job")))
    assert actions == ["job.added", "job.cancelled", "job.retried"]


def test_a_job_that_has_failed_tells_why_and_what_was_said(kollega: Kollega) -> None:
    def fail(session: Session) -> None:
        number = queue.add(session, "sync", "source:wiki", {"source": "wiki"}).id
        queue.claim(session, number)
        progress.note(session, number, "Begun.")
        queue.fail(session, number, 1, "The token is wrong.", again=False)

    _write(fail)
    shown = kollega("jobs", "show", "1")
    assert shown.exit_code == 1
    first, why, log = shown.stdout.splitlines()
    assert first.startswith("1: Read the source wiki, failed, ") and why == "  The token is wrong."
    assert log.endswith(" Begun.")
    told = json.loads(kollega("jobs", "show", "1", "--json").stdout)
    assert (told["state"], len(told["log"])) == ("failed", 1)
    assert "There is no job 7" in kollega("jobs", "show", "7").stderr


def test_a_source_is_shown_with_its_options(kollega: Kollega) -> None:
    settings = Settings.from_environment()
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\nevery = "1h"\n')
    shown = kollega("source", "show", "wiki")
    assert shown.exit_code == 0 and "never read to its end" in shown.stdout and "wiki.jsonl" in shown.stdout
    assert json.loads(kollega("source", "show", "wiki", "--json").stdout)["options"]["place"].endswith("wiki.jsonl")
