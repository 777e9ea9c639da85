"""indexing/verify.py: everything that is not whole is named, with what to do."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.question_vectors import QuestionVectors
from indexer.indexing.verify import verify
from recommender import audit, checksums
from recommender.audit import Actor
from recommender.checksums import seal
from recommender.database.audit_table import AuditEntry
from recommender.database.item_tables import Replacement
from recommender.database.tables import HelpRequest, RequestAudience
from recommender.datatypes import Item, Kind, Passage, Role
from recommender.encoder.packaged import NAME, folder_in
from recommender.encoder.pytorch import REVISION
from recommender.index import dense, generations
from recommender.index.catalogue import Catalogue, Row
from recommender.index.dense import DenseIndex
from recommender.index.generations import Manifest
from recommender.index.journal import Journal
from recommender.index.local import LocalIndex
from recommender.learned import RANKER
from recommender.monitoring import freshness, quality
from recommender.people.ranker import Ranker
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.timing import LONG

Reindexed = Callable[..., LocalIndex]


@pytest.fixture
def problems(
    settings: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int], reindexed: Reindexed
) -> Callable[[], list[str]]:
    """Three requests in the index and an entry in the audit log; the function verifies them, without waiting."""
    for title in ("printer jam", "vpn tunnel", "screen black"):
        add_request(title, team="it", audience=("everyone", "team:it"))
    with sessions.begin() as session:
        audit.record(session, Actor(person_id=1, via="web"), "team.add", "team:it", {"name": "IT"})
    reindexed()
    (settings.models_dir / "dictionaries").mkdir(parents=True)
    return lambda: verify(settings, wait=lambda _seconds: None)


def _live(settings: Settings) -> Path:
    return generations.live(settings.index_dir)


def test_what_is_whole_has_no_problems(problems: Callable[[], list[str]]) -> None:
    assert problems() == []


@pytest.mark.parametrize("name", ["vectors.faiss", "catalogue.db", "space.npz", "lexical"])
def test_damaged_index_files_are_named(settings: Settings, problems: Callable[[], list[str]], name: str) -> None:
    path = _live(settings) / name
    path = path if path.is_file() else next(path.glob("*.term"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert any(path.name in problem and problem.endswith("Run: kollega reindex --full") for problem in problems()), (
        problems()
    )


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _emptied(_content: bytes) -> bytes:
    return b""


def _turned_over(content: bytes) -> bytes:
    place = content.index(b"\x93NUMPY") + 130  # in the first array
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def _one_vector_turned_over(content: bytes) -> bytes:
    place = content.index(np.float32(0.5).tobytes() * 8)
    return content[:place] + b"x" + content[place + 1 :]


BESIDE = [
    ("stamps.npz", _cut, "reindex"), ("stamps.npz", _turned_over, "reindex"), ("stamps.npz", _emptied, "reindex"),
    ("gen-000001/members.npz", _cut, "reindex"), ("gen-000001/members.npz", _turned_over, "reindex"),
    ("seen.json", _cut, "reindex"), ("checked.json", _cut, "reindex"), ("quality.json", _cut, "calibrate"),
    ("questions-*.npz", _cut, "insights update"), ("questions-*.npz", _turned_over, "insights update"),
    ("journal-1-*.db", _cut, "reindex"), ("journal-1-*.db", _one_vector_turned_over, "reindex"),
    ("journal-another-*.db", _cut, "gc"), ("journal-another-*.db", _one_vector_turned_over, "gc"),
]  # fmt: skip


@pytest.fixture
def beside(
    settings: Settings, encoder: FakeEncoder, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[str]]:
    """As `problems`, with every file beside the index that Kollega can do without."""
    monkeypatch.setattr("recommender.index.builder._SHARED_FROM", 0)
    problems: Callable[[], list[str]] = request.getfixturevalue("problems")
    questions = QuestionVectors(encoder, settings.index_dir, date(2026, 5, 4))
    questions.encode_queries(["why"])
    questions.save()
    for card in (encoder.card, replace(encoder.card, revision="another")):
        journal = Journal(settings.index_dir, card)
        journal.keep({"digest": np.full(card.dimension, 0.5, np.float32)})
        journal.close()
    quality.Report(datetime(2026, 5, 4), 1, 1, 1, False, (), ()).write(settings.index_dir)
    return problems


@pytest.mark.parametrize(("name", "damage", "command"), BESIDE)
def test_damaged_files_beside_the_index_are_named_until_they_are_written_anew(
    settings: Settings, beside: Callable[[], list[str]], reindexed: Reindexed,
    name: str, damage: Callable[[bytes], bytes], command: str,
) -> None:  # fmt: skip
    assert beside() == []
    (path,) = settings.index_dir.glob(name)
    content = damage(path.read_bytes())
    path.unlink()  # not in place: others may have it open
    path.write_bytes(content)
    file = path.relative_to(settings.index_dir).as_posix()
    assert beside() == [f"{file} is damaged, and Kollega does without it. Run: kollega {command}"]
    if command == "reindex":
        reindexed()
        assert beside() == [] and _live(settings).name == "gen-000001"


def test_a_file_that_is_being_written_is_not_named(settings: Settings, beside: Callable[[], list[str]]) -> None:
    (path,) = settings.index_dir.glob("questions-*.npz")
    content = path.read_bytes()
    path.write_bytes(_cut(content))
    waits: list[float] = []

    def write_the_rest(seconds: float) -> None:
        waits.append(seconds)
        path.write_bytes(content)

    assert verify(settings, wait=write_the_rest) == [] and waits == [settings.watch_seconds]
    path.write_bytes(b"")  # as it is until the first vectors are stored
    assert verify(settings, wait=waits.append) == [] and len(waits) == 1


def test_a_damaged_note_is_named_though_watch_sets_its_time(
    settings: Settings, beside: Callable[[], list[str]]
) -> None:
    (settings.index_dir / "seen.json").write_bytes(b"{")
    problems = verify(settings, wait=lambda _seconds: freshness.still_current(settings.index_dir))
    assert problems == ["seen.json is damaged, and Kollega does without it. Run: kollega reindex"]


def test_a_missing_index_is_named(settings: Settings, problems: Callable[[], list[str]]) -> None:
    shutil.rmtree(settings.index_dir)
    assert problems() == ["There is no index yet. Run: kollega reindex"]


def test_an_index_of_an_earlier_version_is_named_and_reindex_writes_its_checksums(
    settings: Settings, problems: Callable[[], list[str]], reindexed: Reindexed
) -> None:
    replace(Manifest.read(_live(settings)), files={}).write(_live(settings))
    assert problems() == [
        "gen-000001 was written by an earlier version, without checksums. Run: kollega reindex",
    ]
    reindexed()
    assert problems() == [] and Manifest.read(_live(settings)).files


def test_items_that_differ_are_named(
    sessions: sessionmaker[Session],
    problems: Callable[[], list[str]],
    add_request: Callable[..., int],
    reindexed: Reindexed,
) -> None:
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = 'printer jan' WHERE id = 1"))  # as turned over bytes do
        session.query(RequestAudience).filter_by(request_id=3, token="everyone").delete()
    assert problems() == [
        "request:1 differs from what was indexed: it was edited since, or is damaged. Run: kollega reindex --compare",
        "request:3 differs from what was indexed: it was edited since, or is damaged. Run: kollega reindex --compare",
    ]
    reindexed()
    assert problems() == []


def test_items_that_differ_although_nothing_changed_are_named(
    settings: Settings, problems: Callable[[], list[str]], add_request: Callable[..., int]
) -> None:
    catalogue = Catalogue.create(_live(settings) / "catalogue.db")
    catalogue.remove(["request:1"])
    passage = Passage("request:9", Role.ANSWER, 0, "t", "t", "en")
    item = Item("request:9", Kind.REQUEST, "t", "b", "a", "en", None, frozenset(), datetime(2026, 1, 1))
    catalogue.add(item, "digest", [Row(99, "digest", passage)])
    catalogue.commit()
    catalogue.close()
    found = problems()
    assert "request:1 is not in the index. Run: kollega reindex --compare" in found
    assert "request:9 is in the index, but no longer in the database. Run: kollega reindex --compare" in found


def test_changes_that_wait_for_the_index_are_no_problem(
    settings: Settings,
    sessions: sessionmaker[Session],
    problems: Callable[[], list[str]],
    add_request: Callable[..., int],
    reindexed: Reindexed,
) -> None:
    add_request("new one")
    with sessions.begin() as session:
        session.execute(update(HelpRequest).where(HelpRequest.id == 2).values(hidden=True))
        session.get_one(HelpRequest, 3).title = "screen dark"
        session.delete(session.get_one(HelpRequest, 1))
    notes: list[str] = []
    waits: list[float] = []
    assert verify(settings, notes.append, waits.append) == []
    assert notes == ["4 changes wait for kollega watch or kollega reindex"]
    assert waits == [settings.watch_seconds]
    assert verify(settings, notes.append, lambda _seconds: reindexed()) == [] and len(notes) == 1
    assert verify(settings, notes.append, waits.append) == [] and len(notes) == len(waits) == 1


def test_a_change_that_is_said_to_come_later_is_damage(
    sessions: sessionmaker[Session], problems: Callable[[], list[str]]
) -> None:
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = 'x', updated_at = '2999-01-01 00:00:00.000000' WHERE id = 1"))
    (problem,) = problems()
    assert problem.startswith("request:1 differs from what was indexed")


def test_a_generation_that_is_removed_before_its_vectors_are_read_is_no_problem(
    settings: Settings,
    problems: Callable[[], list[str]],
    add_request: Callable[..., int],
    reindexed: Reindexed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = DenseIndex.load
    removed = []

    def remove_first(path: Path, checksum: str) -> DenseIndex:
        monkeypatch.undo()
        for _ in range(2):
            add_request("another one")
            generations.ask_for_rewrite(settings.index_dir)
            reindexed()
        removed.append(not path.exists())
        return load(path, checksum)

    monkeypatch.setattr(DenseIndex, "load", remove_first)
    assert problems() == [] and removed == [True]


def test_files_that_generations_share_are_read_once_to_compare_them_and_vectors_once_more(
    settings: Settings, add_request: Callable[..., int], reindexed: Reindexed, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("recommender.index.builder._SHARED_FROM", 0)
    problems: Callable[[], list[str]] = request.getfixturevalue("problems")
    add_request("another one")
    reindexed()
    compared: list[int] = []
    loaded: list[str] = []
    checksum, read = checksums.checksum, dense._read
    monkeypatch.setattr(checksums, "checksum", lambda path: compared.append(path.stat().st_ino) or checksum(path))
    monkeypatch.setattr(dense, "_read", lambda path, value: loaded.append(path.name) or read(path, value))
    assert problems() == [] and loaded == ["vectors.faiss"]
    files = [
        path
        for name in generations.finished(settings.index_dir)
        for path in generations.files_of(settings.index_dir / name)
    ]
    assert sorted(compared) == sorted({path.stat().st_ino for path in files}) and len(compared) < len(files)


@pytest.mark.parametrize("rewrite", [False, True])
def test_nothing_is_named_while_somebody_writes_and_the_index_follows(
    settings: Settings,
    problems: Callable[[], list[str]],
    add_request: Callable[..., int],
    reindexed: Reindexed,
    rewrite: bool,
) -> None:
    """The generation that is looked at is replaced and removed meanwhile."""
    stopped, rounds = threading.Event(), [0]

    def work() -> None:
        while not stopped.is_set():
            add_request("another one")
            if rewrite:
                generations.ask_for_rewrite(settings.index_dir)
            reindexed()
            rounds[0] += 1

    def until_it_has_followed(_seconds: float) -> None:
        wanted, latest = rounds[0] + 2, time.monotonic() + LONG
        while rounds[0] < wanted and time.monotonic() < latest:
            time.sleep(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        found = [verify(settings, wait=until_it_has_followed) for _ in range(10)]
    finally:
        stopped.set()
        thread.join()
    assert found == [[]] * 10


def test_what_was_erased_and_is_still_in_the_index_is_named(
    settings: Settings, problems: Callable[[], list[str]], reindexed: Reindexed
) -> None:
    generations.ask_for_rewrite(settings.index_dir)
    assert problems() == ["What was erased is still in files of the index. Run: kollega reindex"]
    assert verify(settings, wait=lambda _seconds: reindexed()) == []


def test_nothing_is_made_where_there_is_no_database(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "typo", model="fake")
    assert verify(settings)[0] == (
        f"There is no database at {tmp_path}/typo/kollega.db. Set KOLLEGA_HOME to its folder, or restore a backup."
    )
    assert not settings.home.exists()


@pytest.mark.sqlite_only
def test_an_empty_database_gets_no_tables(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "kollega.db").touch()
    assert verify(settings)[0].endswith("is empty. Restore a backup.")
    with closing(sqlite3.connect(settings.home / "kollega.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_missing_models_are_named(settings: Settings, problems: Callable[[], list[str]]) -> None:
    shutil.rmtree(settings.models_dir)
    assert problems() == [f"{settings.models_dir}/dictionaries is missing. Run: kollega prepare"]
    (settings.models_dir / "dictionaries").mkdir(parents=True)
    folder = folder_in(settings.models_dir)
    usual = replace(settings, model=NAME)
    assert verify(usual) == [f"{folder} is missing. Run: kollega prepare"]
    folder.mkdir()
    (folder / REVISION).write_text("123", encoding="ascii")
    assert verify(usual) == [f"{settings.models_dir}/{NAME}-123-openvino is missing. Run: kollega prepare"]


def test_many_differing_items_are_counted(
    sessions: sessionmaker[Session],
    problems: Callable[[], list[str]],
    add_request: Callable[..., int],
    reindexed: Reindexed,
) -> None:
    for number in range(20):
        add_request(f"new {number}")
    reindexed()
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = 'x'"))
    assert len(problems()) == 21 and problems()[-1] == "3 more items differ. Run: kollega reindex --compare"


def test_audiences_of_nobody_and_marks_of_nothing_are_named(
    sessions: sessionmaker[Session], problems: Callable[[], list[str]], reindexed: Reindexed
) -> None:
    with sessions.begin() as session:
        session.add(RequestAudience(request_id=1, token="team:gone"))
        session.add(RequestAudience(request_id=2, token="person:99"))
        session.add(Replacement(item="request:1", by="document:7", marked_at=datetime(2026, 1, 1)))
    reindexed()
    assert problems() == [
        "request:1 may be read by team:gone, which does not exist. Choose its readers anew.",
        "request:2 may be read by person:99, which does not exist. Choose its readers anew.",
        "The mark that request:1 is replaced by document:7 names no item. Take the mark off.",
    ]


@pytest.mark.sqlite_only
def test_rows_that_name_no_row_are_named(sessions: sessionmaker[Session], problems: Callable[[], list[str]]) -> None:
    engine = sessions.kw["bind"]
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("UPDATE replies SET request_id = 77 WHERE request_id = 1")
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    assert "Row 1 of the table replies names a row of requests that does not exist. Restore a backup." in problems()


@pytest.mark.sqlite_only
def test_a_damaged_database_is_named(settings: Settings, problems: Callable[[], list[str]]) -> None:
    content = bytearray((settings.home / "kollega.db").read_bytes())
    content[: 4096 * 3] = b"x" * 4096 * 3
    for path in settings.home.glob("kollega.db*"):
        path.unlink()
    (settings.home / "kollega.db").write_bytes(content)
    (problem,) = problems()
    assert "database" in problem and ("backup" in problem or "cannot be used" in problem)


def test_a_changed_entry_of_the_audit_log_is_named(
    sessions: sessionmaker[Session], problems: Callable[[], list[str]]
) -> None:
    with sessions.begin() as session:
        session.execute(update(AuditEntry).values(subject="team:hr"))
    assert problems() == [
        "Audit entry 1 was changed after it was written. Compare the audit log with that of a backup."
    ]


def test_damaged_learned_weights_and_models_are_named(settings: Settings, problems: Callable[[], list[str]]) -> None:
    RANKER.save(_live(settings), Ranker({"votes": 1.5}))
    folder = settings.models_dir / "m-openvino"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    seal(folder)
    assert problems() == []
    path = _live(settings) / "experts.json"
    path.write_text(path.read_text(encoding="utf-8").replace("1.5", "9.5"), encoding="utf-8")
    (folder / "model.bin").write_bytes(b"weight")
    assert problems() == [
        "experts.json of gen-000001 is damaged or lost; the shipped model is used. Run: kollega train-experts",
        "The model's files are damaged: model.bin in m-openvino is damaged. Run: kollega prepare",
    ]


def test_a_damaged_earlier_index_is_named_and_not_rolled_back_to(
    settings: Settings, problems: Callable[[], list[str]], add_request: Callable[..., int], reindexed: Reindexed
) -> None:
    first = _live(settings)
    add_request("new one")
    reindexed()
    (first / "vectors.faiss").write_bytes(b"IxFI")
    (problem,) = problems()
    assert problem.startswith("gen-000001 has damaged or missing files: vectors.faiss.")
    assert problem.endswith("Until then, kollega rollback cannot use it.")
    with pytest.raises(generations.IndexDamaged, match=r"vectors.faiss"):
        generations.roll_back(settings.index_dir)
    assert _live(settings).name == "gen-000002"
