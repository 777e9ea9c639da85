"""jobs/connect_jobs.py: a source that is chosen on a page is written down and tried out, and read when it is wanted."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.configuration import read_sources
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import HelpRequest, Team
from recommender.jobs import kinds, progress, queue
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings
from tests.indexer.conftest import AINO, REQUEST, TEAM
from tests.indexer.jobs.conftest import Do

Sessions = sessionmaker[Session]


def test_a_source_is_written_down_and_tried_out_and_nothing_is_stored(
    do: Do, sessions: Sessions, settings: Settings
) -> None:
    (settings.home / "wiki.jsonl").write_text("\n".join(map(json.dumps, [TEAM, AINO, REQUEST])))
    done = do(kinds.CONNECT, source="wiki", table={"kind": "jsonl", "place": "wiki.jsonl"})
    assert (done.state, done.result["connected"], done.result["added"]) == (queue.DONE, True, 3)
    assert done.result["would_change_count"] == 3
    with sessions() as session:
        assert session.scalars(select(HelpRequest)).all() == []
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "source.connected")).one()
        assert (entry.subject, entry.details["kind"]) == ("source:wiki", "jsonl")
    again = do(kinds.CONNECT, source="wiki", table={"kind": "jsonl", "place": "wiki.jsonl"})
    assert again.state == queue.DONE and len(read_sources(settings.sources_file)) == 1


def test_without_its_token_it_stays_in_the_file_and_the_job_says_what_to_do(
    do: Do, sessions: Sessions, settings: Settings
) -> None:
    with sessions.begin() as session:
        session.add(Team(handle="it", name="IT"))
    secret = settings.home / "desk.token"
    table = {"kind": "zammad", "place": "https://127.0.0.1:9", "team": "it", "token_file": str(secret)}
    done = do(kinds.CONNECT, source="desk", table=table)
    assert done.state == queue.DONE and done.result["connected"]
    assert isinstance(done.result["problems"][0], Sentence)
    with sessions() as session:
        assert all(isinstance(line.sentence, Sentence) for line in progress.lines(session, done.id))
    assert str(secret) in done.result["problems"][0] and done.result["problem_count"] == 1
    assert [source.name for source in read_sources(settings.sources_file)] == ["desk"]


@pytest.mark.parametrize("in_file", (True, False))
def test_the_token_of_an_earlier_source_of_that_name_is_not_sent_to_another_address(
    in_file: bool, do: Do, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"kind": "zammad", "place": "https://127.0.0.1:9/desk?key=secret"}
    if in_file:
        table["token_file"] = str(settings.home / "desk.token")
        Path(table["token_file"]).write_text("of the earlier one")
    else:
        monkeypatch.setenv("KOLLEGA_DESK_TOKEN", "of the earlier one")
    done = do(kinds.CONNECT, source="desk", table=table)
    assert done.state == queue.FAILED and not settings.sources_file.exists()
    said = done.result["problems"][0]
    assert (
        table.get("token_file", "KOLLEGA_DESK_TOKEN") in said and "would be sent to https://127.0.0.1:9/desk. " in said
    )
    assert isinstance(said, Sentence) and "of the earlier one" not in said and "secret" not in said
    settings.sources_file.write_text(f'[desk]\nkind = "zammad"\nplace = "{table["place"]}"\n')
    if not in_file:  # a job that was interrupted goes on
        assert do(kinds.CONNECT, source="desk", table=table).result["connected"]


def test_what_cannot_be_used_is_not_written_down(do: Do, settings: Settings) -> None:
    done = do(kinds.CONNECT, source="desk", table={"kind": "zammad", "place": "https://a:b@desk.example"})
    assert done.state == queue.FAILED and "password in it" in done.result["problems"][0]
    assert not settings.sources_file.exists()


def test_how_often_a_source_is_read_is_written_down(do: Do, sessions: Sessions, settings: Settings) -> None:
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\n')
    done = do(kinds.SCHEDULE, source="wiki", every="15m", full_every="1d")
    (wiki,) = read_sources(settings.sources_file)
    assert done.state == queue.DONE and wiki.every is not None and wiki.every.total_seconds() == 900
    with sessions() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "source.scheduled")).one()
        assert entry.details == {"every": "15m", "full_every": "1d"}
