"""indexing/status.py: whether the database and the index agree, in numbers."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.status import read_status
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Reply, utc_now
from recommender.index import generations
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder


@pytest.fixture
def index(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[[], None]:
    def index() -> None:
        reindex(settings, sessions, encoder, analyzer)

    return index


def test_without_an_index_the_status_says_what_to_do(settings: Settings, add_request: Callable[..., int]) -> None:
    add_request("Printer stuck", team="it")
    add_request("Still open", status="open")
    status = read_status(settings)
    assert (status.requests, status.resolved, status.documents, status.people, status.teams) == (2, 1, 0, 1, 1)
    # open requests are searchable too
    assert (status.searchable, status.missing, status.outdated, status.gone) == (2, 2, 0, 0)
    assert not status.healthy
    assert status.as_text().splitlines() == [
        "database  2 requests (1 resolved), 0 documents, 1 people, 1 teams",
        "There is no index yet. Run: kollega reindex",
    ]


def test_an_index_that_agrees_with_the_database_is_healthy(
    settings: Settings, add_request: Callable[..., int], index: Callable[[], None], sessions: sessionmaker[Session]
) -> None:
    add_request("Printer stuck", "Paper", "Open it")
    with sessions.begin() as session:
        token = DocumentAudience(token="everyone")
        session.add(Document(title="Guide", body="x", language="en", written_at=utc_now(), audience=[token]))
    index()
    status = read_status(settings)
    assert status.healthy and (status.searchable, status.documents) == (2, 1)
    lines = status.as_text().splitlines()
    assert lines[1].startswith("index     gen-000001: 2 items, 5 passages, exact search, 20")
    assert lines[2:] == [
        "model     fake (1, 64 dimensions)",
        "languages there is no map for this model; across languages the model and the dictionary search alone",
        "up to date: all 2 searchable items are in the index",
    ]
    values = json.loads(status.as_json())
    assert values["healthy"] is True and values["index"]["model"]["name"] == "fake"


def test_the_map_between_languages_is_named_and_whether_a_newer_one_is_installed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, index: Callable[[], None], add_request: Callable[..., int]
) -> None:
    add_request("VPN fails")
    maps = {"fi": np.eye(64, dtype=np.float32)}
    monkeypatch.setattr(Alignment, "load", lambda _card: Alignment(maps, digest="first"))
    index()
    assert read_status(settings).languages == "mapped by the map first"
    monkeypatch.setattr(Alignment, "load", lambda _card: Alignment(maps, digest="second"))
    assert "kollega reindex --full" in read_status(settings).languages and read_status(settings).healthy


def test_differences_are_counted_by_kind(
    settings: Settings, add_request: Callable[..., int], index: Callable[[], None], sessions: sessionmaker[Session]
) -> None:
    changed, hidden, deleted = [add_request(f"Printer {number}") for number in range(3)]
    index()
    add_request("New one")
    add_request("Another new one")
    with sessions.begin() as session:
        session.query(Reply).filter_by(request_id=changed).one().body = "Changed"
        session.get_one(HelpRequest, hidden).hidden = True
        session.delete(session.get_one(HelpRequest, deleted))
    status = read_status(settings)
    assert (status.missing, status.outdated, status.gone, status.healthy) == (2, 1, 2, False)
    assert status.as_text().splitlines()[-1] == "behind: 2 missing, 1 outdated, 2 gone. Run: kollega reindex"
    index()
    assert read_status(settings).healthy


def test_another_passage_length_makes_every_item_outdated(
    settings: Settings, add_request: Callable[..., int], index: Callable[[], None]
) -> None:
    add_request("Printer stuck")
    index()
    assert read_status(replace(settings, passage_tokens=100)).outdated == 1


@pytest.mark.parametrize("name", ["manifest.json", "catalogue.db", "vectors.faiss"])
@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_damaged_index_is_reported_as_a_problem(
    settings: Settings, add_request: Callable[..., int], index: Callable[[], None], name: str, damage: str
) -> None:
    add_request("Printer stuck")
    index()
    path = generations.live(settings.index_dir) / name
    if damage == "cut":
        path.write_bytes(b"cut" * 100)
    else:
        path.unlink()
    status = read_status(settings)
    assert not status.healthy
    assert "kollega reindex --full" in status.problem and status.problem in status.as_text()
