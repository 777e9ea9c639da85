"""monitoring/readiness.py: the database is really read, and what is wrong is said in fixed words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import open_engine
from recommender.index.local import LocalIndex
from recommender.live import Snapshot
from recommender.monitoring import readiness
from recommender.settings import Settings


@pytest.fixture
def database(settings: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int]) -> Path:
    """The file of a database with enough requests to fill several pages of it."""
    for number in range(30):
        add_request(f"Printer {number}", "paper " * 400)
    sessions.kw["bind"].dispose()  # writes the log into the file
    return settings.home / "kollega.db"


def _problem(settings: Settings, index: LocalIndex | None) -> str:
    return readiness.problem(open_engine(settings), Snapshot(index, None))


@pytest.mark.sqlite_only
def test_nothing_is_wrong_with_a_whole_database_and_an_index(
    settings: Settings, database: Path, reindexed: Callable[..., LocalIndex]
) -> None:
    assert _problem(settings, reindexed()) == ""
    assert _problem(settings, None) == readiness.NO_INDEX


@pytest.mark.sqlite_only
@pytest.mark.parametrize("damage", ["cut", "header", "pages", "empty", "deleted"])
def test_a_damaged_database_is_noticed_and_left_as_it_is(
    settings: Settings, database: Path, reindexed: Callable[..., LocalIndex], damage: str
) -> None:
    snapshot, engine = Snapshot(reindexed(), None), open_engine(settings)
    assert readiness.problem(engine, snapshot) == ""
    for log in (database.with_name("kollega.db-wal"), database.with_name("kollega.db-shm")):
        log.unlink(missing_ok=True)
    content = database.read_bytes()
    if damage == "deleted":
        database.unlink()
    else:
        damaged = {
            "cut": content[: len(content) // 2],
            "header": b"x" * 100 + content[100:],
            "pages": content[:4096] + b"\xff" * (len(content) - 4096),
            "empty": b"",
        }[damage]
        database.write_bytes(damaged)
    assert readiness.problem(engine, snapshot) == readiness.NO_DATABASE
    assert database.exists() is (damage != "deleted")
