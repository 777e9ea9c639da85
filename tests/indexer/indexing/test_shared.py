"""indexing/shared.py: synonyms and what was learned are the same on all machines of one database."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.retention import erase_what_is_due
from indexer.indexing.shared import share_files, sharing_files
from indexer.learning.sharing import give_others
from recommender.database import shared_texts
from recommender.database.tables import Team
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.learned import ANSWER_MODEL
from recommender.live import Live
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.postgresql import Server
from tests.timing import LONG

Share = Callable[[Settings], None]


@pytest.fixture
def settings(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Settings:
    return Settings(home=tmp_path / "first", database=server.new_database(request), model="fake", reranker="none")


@pytest.fixture
def other(settings: Settings) -> Settings:
    """Another machine: with the same database and a home of its own."""
    home = settings.home.with_name("second")
    home.mkdir()
    return replace(settings, home=home)


def test_synonyms_edited_on_one_machine_are_those_of_all(
    settings: Settings, other: Settings, sessions: sessionmaker[Session]
) -> None:
    share_files(settings, sessions)  # there is nothing to share
    settings.synonyms_path.write_text("laptop, notebook\n")
    share_files(settings, sessions)
    share_files(other, sessions)
    assert other.synonyms_path.read_text() == "laptop, notebook\n"
    other.synonyms_path.write_text("laptop, notebook, portable\n")
    share_files(settings, sessions)  # nothing has come yet
    assert settings.synonyms_path.read_text() == "laptop, notebook\n"
    share_files(other, sessions)
    share_files(settings, sessions)
    assert settings.synonyms_path.read_text() == "laptop, notebook, portable\n"
    settings.synonyms_path.unlink()
    share_files(settings, sessions)
    share_files(other, sessions)
    assert not other.synonyms_path.exists()


def test_synonyms_edited_on_two_machines_are_not_lost(
    settings: Settings, other: Settings, sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    settings.synonyms_path.write_text("a, b\n")
    other.synonyms_path.write_text("c, d\n")
    share_files(settings, sessions)
    with caplog.at_level(logging.WARNING):
        share_files(other, sessions)
        share_files(other, sessions)
    assert other.synonyms_path.read_text() == "a, b\n"
    assert other.synonyms_path.with_name("synonyms.txt.earlier").read_text() == "c, d\n"
    assert caplog.text.count("was edited on two machines") == 1


def test_what_was_learned_on_one_machine_is_used_on_all_with_the_same_model(
    settings: Settings,
    other: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    add_request: Callable[..., int],
) -> None:
    add_request("The printer is stuck")
    another_model = replace(settings, home=settings.home.with_name("third"))
    for each, encoder in ((settings, FakeEncoder()), (other, FakeEncoder()), (another_model, FakeEncoder("another"))):
        reindex(each, sessions, encoder, analyzer)
    directory = generations.live(settings.index_dir)
    ANSWER_MODEL.save(directory, AnswerModel(0.25, 1.5, {"questions": 7}))
    with sessions() as session:
        give_others(session, directory / ANSWER_MODEL.name)
    live = Live.load(other.index_dir, FakeEncoder())
    for each in (settings, other, another_model):
        share_files(each, sessions)
    live.refresh()
    assert live.snapshot.answer_model.constant == 0.25 and live.snapshot.notices == ()
    assert not (generations.live(another_model.index_dir) / ANSWER_MODEL.name).exists()
    ANSWER_MODEL.remove(directory)  # the shipped weights were better this time
    with sessions() as session:
        give_others(session, directory / ANSWER_MODEL.name)
    share_files(other, sessions)
    live.refresh()
    assert live.snapshot.answer_model == ANSWER_MODEL.shipped and live.snapshot.notices == ()
    assert LocalIndex.open(other.index_dir, FakeEncoder().card)


def test_what_is_erased_on_one_machine_leaves_the_indexes_of_all(
    settings: Settings, other: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    with sessions() as session:
        shared_texts.ask_all_for_rewrite(session)
    for _time in range(2):
        share_files(settings, sessions)
        share_files(other, sessions)
    wishes = generations.rewrites_asked_for(other.index_dir)
    assert len(wishes) == len(generations.rewrites_asked_for(settings.index_dir)) == 1  # once each
    add_request("Old salaries", team="it", at=datetime(2020, 1, 1))
    with sessions.begin() as session:
        session.scalars(select(Team)).one().keep_days = 30
    with sessions() as session:
        assert erase_what_is_due(settings, session) == 1
    share_files(other, sessions)
    assert len(generations.rewrites_asked_for(other.index_dir)) == 2


def test_synonyms_that_cannot_be_read_keep_no_erasure_from_being_followed(
    settings: Settings, sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    settings.synonyms_path.write_bytes("kahvi, käffi\n".encode("latin-1"))
    with sessions() as session:
        shared_texts.ask_all_for_rewrite(session)
    with sharing_files(replace(settings, watch_seconds=0.01), sessions):
        until = time.monotonic() + LONG
        while not generations.rewrites_asked_for(settings.index_dir) and time.monotonic() < until:
            time.sleep(0.01)
        while not caplog.records and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)  # a few more looks
    for thread in [thread for thread in threading.enumerate() if thread.name == "shared files"]:
        thread.join(LONG)  # it may be at its last look, with a connection open
    assert len(generations.rewrites_asked_for(settings.index_dir)) == 1
    [said] = [record for record in caplog.records if record.name == "indexer.indexing.shared"]
    assert "is not in UTF-8" in said.getMessage() and said.exc_info is None
