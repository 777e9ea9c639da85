"""indexing/changes.py and stamps.py: every kind of change is found by the stamps, as it is by reading all items."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Update, delete, text, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import changes, stamps
from indexer.indexing import reindex as reindexing
from indexer.indexing import stamp_queries as queries
from indexer.indexing.changes import find_changes
from indexer.indexing.reindex import reindex
from indexer.indexing.report import ReindexReport
from indexer.indexing.stamps import Stamps, read_stamps, stamps_of, write_stamps
from recommender.corpus import items
from recommender.database.attachment_tables import PASSED, Attachment
from recommender.database.details_tables import DocumentDetails, RequestDetails
from recommender.database.dialects import marks
from recommender.database.fingerprint import mark_changes
from recommender.database.tables import (
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
    Team,
)
from recommender.errors import ModelError
from recommender.index import generations
from recommender.index.digest import item_digest
from recommender.index.known import Known
from recommender.language.analyzer import Analyzer
from recommender.monitoring import freshness
from recommender.settings import Settings
from tests.conftest import FakeEncoder

Add = Callable[..., int]
Act = Callable[[Session, int, int], None]
LONG_AGO = datetime(2020, 1, 1)
LISTED = b"PK\x01\x02\x2d\x03\x2d\x00\x00\x00"
"""How a zip file lists a file: versions of the format, and flags."""


def _request(session: Session, number: int) -> HelpRequest:
    return session.get_one(HelpRequest, number)


def _reply(request: int) -> Reply:
    return Reply(request_id=request, author_id=1, body="Or so.", created_at=LONG_AGO, accepted=True)


def _now(request: int) -> Update:
    return update(HelpRequest).where(HelpRequest.id == request)


def _file(name: str = "guide.pdf", **of: int) -> Attachment:
    return Attachment(name=name, kind="pdf", size=4, digest="d", state=PASSED, text="Turn it off.", **of)


CHANGES: dict[str, Act] = {
    "title": lambda s, r, _d: setattr(_request(s, r), "title", "Another title"),
    "body": lambda s, r, _d: setattr(_request(s, r), "body", "Another body"),
    "resolution": lambda s, r, _d: setattr(_request(s, r), "resolution", "By hand."),
    "language": lambda s, r, _d: setattr(_request(s, r), "language", "fi"),
    "status": lambda s, r, _d: setattr(_request(s, r), "status", "open"),
    "hidden": lambda s, r, _d: setattr(_request(s, r), "hidden", True),
    "a time before": lambda s, r, _d: s.execute(_now(r).values(title="x", updated_at=LONG_AGO)),
    "team": lambda s, r, _d: setattr(_request(s, r), "team_id", s.query(Team).filter_by(handle="hr").one().id),
    "team's handle": lambda s, _r, _d: setattr(s.query(Team).filter_by(handle="it").one(), "handle", "ict"),
    "another reply": lambda s, r, _d: s.add(_reply(r)),
    "reply edited": lambda s, r, _d: s.execute(update(Reply).where(Reply.request_id == r).values(body="Better.")),
    "reply gone": lambda s, r, _d: s.execute(delete(Reply).where(Reply.request_id == r)),
    "more readers": lambda s, r, _d: s.add(RequestAudience(request_id=r, token="everyone")),
    "fewer readers": lambda s, _r, d: s.execute(delete(DocumentAudience).where(DocumentAudience.document_id == d)),
    "other readers": lambda s, r, _d: s.execute(
        update(RequestAudience).where(RequestAudience.request_id == r).values(token="team:hr", updated_at=LONG_AGO)
    ),
    "a file": lambda s, r, _d: s.add(_file(request_id=r)),
    "a file of a document": lambda s, _r, d: s.add(_file(document_id=d)),
    "names of files": lambda s, r, _d: s.add(RequestDetails(request_id=r, attachments=["log.txt"])),
    "names of files of a document": lambda s, _r, d: s.add(DocumentDetails(document_id=d, attachments=["a.pdf"])),
    "merged": lambda s, r, _d: s.add(RequestDetails(request_id=r, merged_into="77")),
    "removed": lambda s, _r, d: s.delete(s.get_one(Document, d)),
    "a document's body": lambda s, _r, d: setattr(s.get_one(Document, d), "body", "Another body"),
    "a draft": lambda s, _r, d: setattr(s.get_one(Document, d), "draft", True),
}


@pytest.mark.parametrize(
    "marked", [False, pytest.param(True, marks=pytest.mark.sqlite_only)], ids=["by sums", "by marks"]
)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_found_by_the_stamps_as_it_is_by_reading_everything(
    change: Act, marked: bool, sessions: sessionmaker[Session], add_request: Add, add_document: Add,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    request = add_request("The printer", "It blinks.", team="it", audience=["team:it"])
    document = add_document("How to print", "Press the button.", audience=["everyone"], team="hr")
    others = [add_request(f"Other {number}", "Body.") for number in range(5)]
    monkeypatch.setattr(marks, "BLOCK", 2)
    if marked:
        mark_changes(sessions)
    with sessions() as session:
        known = Known.of({item.key: item_digest(item, 256) for item in items(session)})
        held, before = stamps_of(session), freshness.look(session)
    with sessions.begin() as session:
        change(session, request, document)
    with sessions() as session:
        now = stamps_of(session, held)
        assert now == stamps_of(session)  # those that are taken from before are the same
        assert not marked or freshness.look(session) != before or change is CHANGES["team's handle"]
        whole = find_changes(session, known, 256, now, Stamps())
        assert whole.changed or whole.searchable != known.keys()  # it is one
        read: list[str] = []
        load_items = changes.load_items
        monkeypatch.setattr(changes, "load_items", lambda s, keys: read.extend(keys) or load_items(s, keys))
        found = find_changes(session, known, 256, now, held)
    assert (
        found.searchable == whole.searchable
        and found.gone == whole.gone
        and sorted(found.changed) == sorted(whole.changed)
    )
    assert sorted(found.typical) == sorted(whole.typical)
    assert not {f"request:{number}" for number in others} & set(read)


def test_an_item_that_is_not_in_the_index_is_read_though_its_stamp_is_the_same(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    first, second = add_request("The printer"), add_request("The phone")
    with sessions() as session:
        now = stamps_of(session)
        known = Known.of({f"request:{first}": next(item_digest(item, 256) for item in items(session))})
        assert find_changes(session, known, 256, now, now).changed == [f"request:{second}"]


def test_only_the_stamps_of_blocks_are_read_in_which_something_was_changed(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "BLOCK", 3)
    for number in range(1, 8):  # in the blocks 1 and 2; 3 to 5; 6 and 7
        add_request(f"Request {number}", "Body.")
    add_document("How to print", "Press the button.", audience=["everyone"])
    with sessions() as session:
        held = stamps_of(session)
    assert sorted(held.of_blocks) == ["document:0", "request:0", "request:1", "request:2"]
    read: list[object] = []
    requests, documents = queries.requests, queries.documents
    monkeypatch.setattr(queries, "requests", lambda s, bounds: read.append(bounds) or requests(s, bounds))
    monkeypatch.setattr(queries, "documents", lambda s, bounds: read.append("documents") or documents(s, bounds))
    with sessions.begin() as session:
        assert stamps_of(session, held) == held and not read
        session.delete(_request(session, 4))
        _request(session, 7).title = "Another title"
    add_request("Request 8", "Body.")
    with sessions() as session:
        now = stamps_of(session, held)
    assert sorted(map(str, read)) == ["(3, 5)", "(6, 8)"]
    assert {key for key in held.of_items.keys() & now.of_items.keys() if held.of_items[key] != now.of_items[key]} == {
        "request:7"
    }
    assert now.of_items.keys() ^ held.of_items.keys() == {"request:4", "request:8"}


def test_a_block_that_is_empty_now_has_no_stamps_though_its_sum_was_not_held(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add
) -> None:
    add_request("The printer", "It blinks.")
    failed, other = (add_document(title, "Press the button.", audience=["everyone"]) for title in ("One", "Two"))
    with sessions() as session:
        held = stamps_of(session).without([f"document:{failed}"])
    with sessions.begin() as session:
        session.execute(delete(Document).where(Document.id.in_([failed, other])))
    with sessions() as session:
        assert stamps_of(session, held) == stamps_of(session)


def test_a_request_has_changed_when_the_one_arrives_that_it_was_merged_into(
    sessions: sessionmaker[Session], add_request: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "BLOCK", 1)
    merged, other = add_request("The printer"), add_request("The same printer")
    with sessions.begin() as session:
        session.add(RequestDetails(request_id=merged, merged_into="77"))
    with sessions() as session:
        held = stamps_of(session)
    with sessions.begin() as session:
        _request(session, other).external_id = "77"
    with sessions() as session:
        now = stamps_of(session, held)
        assert now == stamps_of(session)
    assert now.of_items[f"request:{merged}"] != held.of_items[f"request:{merged}"]


def test_the_stamps_of_an_earlier_version_are_not_used(
    run: Callable[..., ReindexReport], add_request: Add, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_request("The printer")
    live = run().generation
    held = read_stamps(settings)
    assert held.of_items and held.of_blocks
    with monkeypatch.context() as earlier:
        earlier.setattr(stamps, "_VERSION", stamps._VERSION - 1)
        write_stamps(settings, live, held)
    assert read_stamps(settings) == Stamps()
    assert run().items == 1 and read_stamps(settings) == held


@pytest.fixture
def run(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[..., ReindexReport]:
    """Brings the index up to date."""
    return lambda **how: reindex(settings, sessions, encoder, analyzer, by_times=True, **how)


def test_after_a_run_nothing_that_is_unchanged_is_read(
    run: Callable[..., ReindexReport], add_request: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_request("The printer")
    run()
    monkeypatch.setattr(changes, "items", lambda _session: pytest.fail("all items were read"))
    assert run().encoded == 0
    add_request("The phone")
    assert run().items == 2


def test_an_edit_by_hand_is_found_when_everything_is_compared(
    run: Callable[..., ReindexReport], add_request: Add, settings: Settings, sessions: sessionmaker[Session],
    encoder: FakeEncoder, analyzer: Analyzer,
) -> None:  # fmt: skip
    add_request("The printer")
    run()
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = 'The phone'"))
    assert run().encoded == 0
    assert reindex(settings, sessions, encoder, analyzer).encoded > 0


def test_an_edit_by_hand_is_also_found_where_no_time_says_that_something_has_changed(
    run: Callable[..., ReindexReport], add_request: Add, sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    add_request("The printer")
    run()
    with sessions.begin() as session:
        session.execute(text("UPDATE requests SET title = 'The phone'"))
    add_request("The door")
    with monkeypatch.context() as only_what_has_changed:
        only_what_has_changed.setattr(changes, "items", lambda _session: pytest.fail("all items were read"))
        assert run(or_all=True).items == 2
    before = run().generation
    assert run().generation == before  # nothing more is seen by the times
    assert run(or_all=True).encoded > 0


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda _content: b"",
    "broken": lambda _content: b"PK\x03\x04 broken",
    "missing": lambda _content: None,
    "marked as encrypted": lambda content: content.replace(LISTED, LISTED[:-2] + b"\x01\x00"),
    "cut": lambda content: content[: len(content) // 2],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_without_stamps_that_can_be_used_everything_is_compared(
    damage: Callable[[bytes], bytes | None], run: Callable[..., ReindexReport], add_request: Add, settings: Settings
) -> None:
    add_request("The printer")
    run()
    path = settings.index_dir / "stamps.npz"
    content = damage(before := path.read_bytes())
    assert content != before
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert read_stamps(settings) == Stamps()
    add_request("The phone")
    assert (run().items, len(read_stamps(settings).of_items)) == (2, 2)


def test_stamps_are_of_one_generation_and_one_way_of_cutting(
    run: Callable[..., ReindexReport], add_request: Add, settings: Settings
) -> None:
    add_request("The printer")
    first = run().generation
    held = read_stamps(settings).of_items
    assert list(held) == ["request:1"] and held["request:1"] % 2 == 1
    assert read_stamps(replace(settings, passage_tokens=64)) == Stamps()
    add_request("The phone")
    run()
    generations.roll_back(settings.index_dir)
    assert generations.live_name(settings.index_dir) == first and read_stamps(settings) == Stamps()
    written = Stamps.of({"request:1": 2**64 - 1, "document:1": 2}, {"request:0": 2**64 - 2})
    write_stamps(settings, first, written)
    assert read_stamps(settings) == written


def test_an_item_that_failed_is_tried_again_by_the_next_run(
    run: Callable[..., ReindexReport], add_request: Add, sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    number = add_request("The printer")
    run()
    with sessions.begin() as session:
        _request(session, number).title = "The phone"

    def fail(*_given: object) -> None:
        raise RuntimeError("too strange")

    with monkeypatch.context() as broken:
        broken.setattr(reindexing, "make_passages", fail)
        assert len(run().failed) == 1
    assert run().encoded > 0


def test_a_model_that_cannot_be_loaded_changes_nothing(
    run: Callable[..., ReindexReport], add_request: Add, encoder: FakeEncoder, settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    add_request("The printer")
    live = run().generation
    generations.ask_for_rewrite(settings.index_dir)

    def fail(_text: str) -> int:
        raise ModelError("no model")

    monkeypatch.setattr(encoder, "count_tokens", fail)
    with pytest.raises(ModelError):
        run()
    assert generations.live_name(settings.index_dir) == live


def test_the_fingerprint_that_comes_of_the_sums_is_the_one_of_the_tables(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "BLOCK", 2)
    for number in range(5):
        add_request(f"Request {number}", "Body.", audience=["everyone", "team:it"])
    document = add_document("How to print", "Press the button.", audience=["everyone"], owner="aino")
    with sessions.begin() as session:
        session.add_all([_file(request_id=1), _file("plan.pdf", document_id=document), _file("not sent yet")])
        session.execute(update(Reply).where(Reply.id == 2).values(updated_at=LONG_AGO))
    with sessions() as session:
        tables = stamps.sums_of(session).of_tables
        assert set(tables) == {HelpRequest, Document, Reply, RequestAudience, DocumentAudience}
        assert freshness.look(session, tables) == freshness.look(session)
        session.execute(delete(Document))
        assert Document not in (tables := stamps.sums_of(session).of_tables)
        assert freshness.look(session, tables) == freshness.look(session)
