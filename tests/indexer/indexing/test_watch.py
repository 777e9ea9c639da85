"""indexing/watch.py: it follows the database and the index, works only when something changed, and waits for another
writer."""

import io
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.report import ReindexReport
from indexer.indexing.retention import Daily
from indexer.indexing.watch import watch
from recommender.access import ANYONE
from recommender.checksums import states
from recommender.database.tables import HelpRequest, Reply, RequestAudience, Team, utc_now
from recommender.encoder.resting import RestingEncoder
from recommender.errors import ModelError
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.index.model_in_use import FollowingEncoder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from recommender.uploads import upload
from tests.conftest import FakeEncoder, make_recommender

Steps = Callable[[], Iterator[None]]
Follow = Callable[[Steps], list[tuple[int, int]]]


@pytest.fixture
def follow(settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer) -> Follow:
    """Watches while a generator changes the database, one step before each check; returns (items, encoded) of each
    reindex."""

    def follow(steps: Steps) -> list[tuple[int, int]]:
        reports: list[ReindexReport] = []
        remaining_steps = steps()

        def stopped() -> bool:
            try:
                next(remaining_steps)
            except StopIteration:
                return True
            return False

        own = replace(settings, watch_seconds=0.001)
        watch(own, sessions, FollowingEncoder(own, encoder), analyzer, reports.append, stopped)
        return [(report.items, report.encoded) for report in reports]

    return follow


def test_a_new_request_is_indexed_and_nothing_is_done_when_nothing_changed(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    follow: Follow,
    add_request: Callable[..., int],
) -> None:
    def steps() -> Iterator[None]:
        add_request("Coffee machine is empty", "", "Call facilities")
        yield  # indexed
        yield  # nothing new
        yield
        add_request("Printer on floor two is stuck", "", "Open the back cover")
        yield
        yield

    assert follow(steps) == [(1, 2), (2, 2)]
    recommender = make_recommender(settings, analyzer, encoder, None)
    recommender.refresh(wait=True)
    with sessions() as session:
        result = recommender.recommend("Printer on floor two is stuck", ANYONE, session)
    assert result.suggestions[0].item.title == "Printer on floor two is stuck"


def test_the_model_is_not_loaded_until_there_is_something_to_encode(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
    reindexed: Callable[..., object],
) -> None:
    add_request("Coffee machine is empty")
    reindexed()
    resting = RestingEncoder(encoder.card, encoder.backend, lambda: encoder)
    encoders, reports, seen = FollowingEncoder(settings, resting), list[ReindexReport](), list[bool]()

    def stopped() -> bool:
        seen.append(resting.is_loaded)
        if len(seen) == 2:  # nothing was new
            add_request("Parking permit has expired")
        if len(seen) == 3:
            encoders.give_back(0.0)
        return len(seen) == 4

    watch(replace(settings, watch_seconds=0.001), sessions, encoders, analyzer, reports.append, stopped)
    assert [(report.items, report.encoded) for report in reports] == [(1, 0), (2, 2)]
    assert seen == [False, False, True, False]


def test_a_wish_for_a_rewrite_is_fulfilled_although_nothing_changed(
    settings: Settings, follow: Follow, add_request: Callable[..., int]
) -> None:
    add_request("Coffee machine is empty")
    before: list[str] = []

    def steps() -> Iterator[None]:
        yield
        before.append(generations.live(settings.index_dir).name)
        generations.ask_for_rewrite(settings.index_dir)
        yield
        yield

    assert follow(steps) == [(1, 2), (1, 0)]
    assert generations.finished(settings.index_dir) != before
    assert not generations.rewrites_asked_for(settings.index_dir)


@pytest.mark.parametrize("what", ["title", "answer", "new reply accepted", "hidden", "deleted"])
def test_every_kind_of_change_is_noticed(
    sessions: sessionmaker[Session], follow: Follow, add_request: Callable[..., int], what: str
) -> None:
    def steps() -> Iterator[None]:
        add_request("Coffee machine is empty", "", "Call facilities")
        number = add_request("Printer stuck", "", "Open the back cover")
        yield
        with sessions.begin() as session:
            row = session.get_one(HelpRequest, number)
            if what == "title":
                row.title = "Printer jams"
            elif what == "answer":
                row.replies[0].body = "Open the front cover"
            elif what == "new reply accepted":
                row.replies[0].accepted = False
                row.replies.append(Reply(body="Buy a new one", created_at=utc_now(), accepted=True))
            elif what == "hidden":
                row.hidden = True
            else:
                session.delete(row)
        yield
        yield

    removed = what in ("hidden", "deleted")
    assert follow(steps) == [(2, 4), (1, 0) if removed else (2, 2 if what == "title" else 1)]


def test_a_change_after_the_clock_was_set_back_is_noticed(
    sessions: sessionmaker[Session], follow: Follow, add_request: Callable[..., int]
) -> None:
    def steps() -> Iterator[None]:
        add_request("Coffee machine is empty")
        number = add_request("Printer stuck")
        with sessions.begin() as session:
            session.execute(update(HelpRequest).where(HelpRequest.id != number).values(updated_at=datetime(2099, 1, 1)))
        yield
        with sessions.begin() as session:  # the newest time stays in 2099
            session.get_one(HelpRequest, number).title = "Printer jams"
        yield
        yield

    assert follow(steps) == [(2, 4), (2, 2)]


def test_a_narrower_audience_after_the_clock_was_set_back_is_noticed(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    follow: Follow,
    add_request: Callable[..., int],
) -> None:
    def steps() -> Iterator[None]:
        add_request("Coffee machine is empty")
        number = add_request("Printer stuck")
        with sessions.begin() as session:
            elsewhere = RequestAudience.request_id != number
            session.execute(update(RequestAudience).where(elsewhere).values(updated_at=datetime(2099, 1, 1)))
        yield
        with sessions.begin() as session:
            session.get_one(HelpRequest, number).audience = [RequestAudience(token="person:1")]
        yield

    follow(steps)
    assert LocalIndex.open(settings.index_dir, encoder.card).size(ANYONE.tokens) == 1


def _remove(index_dir: Path) -> None:
    shutil.rmtree(index_dir)


def _remove_name(index_dir: Path) -> None:
    (index_dir / "CURRENT").unlink()


def _damage_vectors(index_dir: Path) -> None:
    path = generations.live(index_dir) / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def _remove_catalogue(index_dir: Path) -> None:
    (generations.live(index_dir) / "catalogue.db").unlink()


@pytest.mark.parametrize("damage", [_remove, _remove_name, _damage_vectors, _remove_catalogue])
def test_an_index_that_is_removed_or_damaged_is_built_again(
    settings: Settings,
    encoder: FakeEncoder,
    follow: Follow,
    add_request: Callable[..., int],
    damage: Callable[[Path], None],
) -> None:
    def steps() -> Iterator[None]:
        add_request("Printer stuck")
        yield
        damage(settings.index_dir)
        yield
        yield

    assert follow(steps) == [(1, 2), (1, 2)]
    assert LocalIndex.open(settings.index_dir, encoder.card).size(ANYONE.tokens) == 1


def test_a_model_whose_files_changed_makes_no_more_vectors(
    encoder: FakeEncoder, follow: Follow, add_request: Callable[..., int], tmp_path: Path
) -> None:
    def steps() -> Iterator[None]:
        add_request("Printer stuck")
        yield
        (tmp_path / "model.bin").write_bytes(b"other weights")
        add_request("Coffee machine is empty")
        yield

    (tmp_path / "model.bin").write_bytes(b"weights")
    encoder.files = states([tmp_path / "model.bin"])  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="kollega prepare"):
        follow(steps)
    assert len(encoder.encoded) == 2


def test_watch_waits_while_another_process_writes_and_then_catches_up(
    settings: Settings, follow: Follow, add_request: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    def steps() -> Iterator[None]:
        add_request("Printer stuck")
        with ExitStack() as other_process:
            other_process.enter_context(generations.write_lock(settings.index_dir))
            yield
            yield
        yield

    with caplog.at_level(logging.WARNING, "indexer.indexing.watch"):
        assert follow(steps) == [(1, 2)]
    messages = [record.message for record in caplog.records if record.name == "indexer.indexing.watch"]
    assert len(messages) == 1 and messages[0].startswith("Another process is writing the index.")


def test_an_error_is_logged_and_the_update_is_tried_again(
    follow: Follow,
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    original = encoder.encode_passages

    def fail(_texts: object) -> None:
        raise RuntimeError("out of memory")

    def steps() -> Iterator[None]:
        add_request("Coffee machine is empty")
        monkeypatch.setattr(encoder, "encode_passages", fail)
        yield
        yield
        monkeypatch.setattr(encoder, "encode_passages", original)
        yield

    assert follow(steps) == [(1, 2)]
    assert caplog.text.count("The index could not be updated; trying again") == 2


def test_what_a_team_has_kept_long_enough_is_erased_from_database_and_index(
    settings: Settings, sessions: sessionmaker[Session], follow: Follow, add_request: Callable[..., int]
) -> None:
    add_request("Coffee machine is empty", team="it", at=datetime(2020, 1, 1))
    add_request("Printer on floor two is stuck", team="hr", at=datetime(2020, 1, 1))
    first = follow(lambda: iter([None]))
    with sessions.begin() as session:
        session.scalars(select(Team).where(Team.handle == "it")).one().keep_days = 30
    assert follow(lambda: iter([None, None])) == [(2, 0)]  # who leads in an index only erases nothing from the database
    Daily(settings, sessions).look()
    second = follow(lambda: iter([None, None]))
    assert [items for items, _encoded in first] == [2]
    assert second == [(1, 0)]  # nothing is encoded again
    assert len(generations.finished(settings.index_dir)) == 1
    with sessions() as session:
        assert session.scalars(select(HelpRequest.title)).all() == ["Printer on floor two is stuck"]


def test_an_uploaded_file_that_was_never_loaded_goes_away(settings: Settings, sessions: sessionmaker[Session]) -> None:
    old, new = (upload.keep(settings, "a.csv", io.BytesIO(b"title;body\n")).id for _each in range(2))
    folder = settings.home / "uploads"
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(folder / old, (long_ago, long_ago))
    Daily(settings, sessions).look()
    assert [each.name for each in folder.iterdir()] == [new]


def test_a_failed_erasure_is_tried_again_after_an_hour(
    settings: Settings,
    sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried, now = [0], [1000.0]

    def fail(*_given: object) -> int:
        tried[0] += 1
        raise RuntimeError("one bad request")

    monkeypatch.setattr("indexer.indexing.retention.erase_what_is_due", fail)
    monkeypatch.setattr("indexer.indexing.retention.time", SimpleNamespace(monotonic=lambda: now[0]))
    daily = Daily(settings, sessions)
    for seconds, tries in ((0.0, 1), (3500.0, 1), (200.0, 2)):
        now[0] += seconds
        daily.look()
        assert tried[0] == tries
    assert caplog.text.count("could not be erased; trying again in an hour") == 2


def test_after_an_error_and_between_two_updates_no_change_ends_the_pause(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[tuple[str, float]] = []
    rounds = iter(("fails", "works", "nothing new"))
    original = encoder.encode_passages

    def fail(_texts: object) -> None:
        raise RuntimeError("out of memory")

    def stopped() -> bool:
        now = next(rounds, None)
        monkeypatch.setattr(encoder, "encode_passages", fail if now == "fails" else original)
        return now is None

    add_request("Coffee machine is empty")
    watch(
        replace(settings, watch_seconds=1000.0),
        sessions,
        FollowingEncoder(settings, encoder),
        analyzer,
        lambda _report: None,
        stopped,
        lambda seconds: pauses.append(("wait", seconds)),
        lambda seconds: pauses.append(("rest", seconds)),
    )
    assert [kind for kind, _seconds in pauses] == ["rest", "rest", "wait", "rest", "wait", "rest"]
    assert all(0 < seconds <= 1000 for kind, seconds in pauses if kind == "rest")
