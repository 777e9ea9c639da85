"""loading/: deleted and merged items, internal notes, names of files and other values, and authors who are gone."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.loading.report import LoadReport, stored_conflicts
from indexer.sources.protocol import WholeSource
from indexer.sources.records import AnswerRecord, DeletedRecord, Located, QuestionRecord, Record, ReplyRecord
from recommender.access import Reader, reader_of
from recommender.corpus import load_items, readable_items
from recommender.database.details_tables import RequestDetails
from recommender.database.request_tables import InternalNote
from recommender.database.tables import Document, HelpRequest, Person, Reply, RequestLink, utc_now
from recommender.knowledge import handling, notes
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from tests.indexer.loading.test_edits_stay import PEOPLE, document, resolved

Line = dict[str, Any]
Import = Callable[..., LoadReport]
NOTE = {"id": "n1", "author": "aino", "body": "He forgot it again.", "created_at": "2026-01-02T11:30:00"}


class Records(WholeSource):
    """A source of some records."""

    def __init__(self, records: Sequence[Record], name: str = "jsonl") -> None:
        self.name, self._records = name, records

    def records(self) -> Any:
        """All of them."""
        yield from (Located("list", number, record) for number, record in enumerate(self._records, 1))


@pytest.fixture
def import_records(sessions: sessionmaker[Session], analyzer: Analyzer) -> Import:
    """Imports records, or lines as the JSON Lines source reads them."""
    from indexer.sources.jsonl import _LINE

    def run(*records: Record | Line, source: str = "jsonl") -> LoadReport:
        made = [_LINE.validate_python(each) if isinstance(each, dict) else each for each in records]
        return load(Records(made, source), sessions, analyzer)

    return run


def with_note(number: int, **changes: Any) -> Line:
    """A request with two public replies and an internal note."""
    line = resolved(number)
    line["replies"] = [*line["replies"], {**NOTE, "internal": True}]
    return {**line, **changes}


def row_of(session: Session, external_id: str) -> HelpRequest:
    return session.scalars(select(HelpRequest).where(HelpRequest.external_id == external_id)).one()


def reader(session: Session, handle: str) -> Reader:
    return reader_of(session.scalars(select(Person).where(Person.handle == handle)).one())


def ids(session: Session) -> set[str]:
    return {*session.scalars(select(HelpRequest.external_id)), *session.scalars(select(Document.external_id))} - {None}


def test_an_internal_reply_is_a_note_of_the_team_and_nowhere_else(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    assert import_records(*PEOPLE, with_note(1)).problems == []
    with sessions() as session:
        row = row_of(session, "r1")
        assert [reply.external_id for reply in row.replies] == ["1a", "1b"]
        assert [each.body for each in notes.notes_of(session, row, reader(session, "aino"))] == [NOTE["body"]]
        for other in ("riikka", "matti", "liisa"):
            assert notes.notes_of(session, row, reader(session, other)) == []
        item = load_items(session, [f"request:{row.id}"])[f"request:{row.id}"]
        assert NOTE["body"] not in repr(item)
    assert import_records(*PEOPLE, with_note(1)).line() == "0 added, 0 updated, 7 unchanged"


def test_a_changed_note_is_taken_and_one_that_is_gone_is_deleted(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(*PEOPLE, with_note(1))
    changed = with_note(1)
    changed["replies"][-1]["body"] = "He lost it."
    assert import_records(*PEOPLE, changed).updated == 1
    with sessions() as session:
        assert session.scalars(select(InternalNote.body)).all() == ["He lost it."]
        notes.add_note(session, row_of(session, "r1"), reader(session, "aino"), "Written here.")
        session.commit()
    assert import_records(*PEOPLE, resolved(1)).updated == 1
    with sessions() as session:
        assert session.scalars(select(InternalNote.body)).all() == ["Written here."]


def test_a_note_without_a_team_is_left_out_until_there_is_one(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    report = import_records(*PEOPLE, with_note(1, team=None))
    assert [line for line in report.change_lines() if "internal notes" in line]
    with sessions() as session:
        assert session.scalars(select(InternalNote)).all() == []
        assert session.query(Reply).count() == 2
    import_records(*PEOPLE, with_note(1))
    with sessions() as session:
        assert session.query(InternalNote).count() == 1


def test_an_internal_answer_to_a_question_for_everyone_is_left_out(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    question = QuestionRecord(id="q", title="Where?", body="?", created_at=utc_now())
    answer = AnswerRecord(request="q", reply=ReplyRecord(id="a", body="s", created_at=utc_now(), internal=True))
    assert import_records(question, answer).problems == []
    with sessions() as session:
        assert (session.query(Reply).count(), session.query(InternalNote).count()) == (0, 0)


def test_a_reply_that_became_internal_is_a_note_and_one_that_became_public_stays_one(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    def bodies() -> tuple[list[str], list[str]]:
        with sessions() as session:
            replies = session.scalars(select(Reply.body).order_by(Reply.id)).all()
            return list(replies), list(session.scalars(select(InternalNote.body)))

    public = with_note(1)
    public["replies"][-1]["internal"] = False
    import_records(*PEOPLE, public)
    with sessions() as session:
        session.query(Reply).filter_by(external_id="n1").one().body = "Edited here."
        session.commit()
    import_records(*PEOPLE, with_note(1))
    assert bodies() == (["Open the back.", "Turn it off."], ["Edited here."])
    report = import_records(*PEOPLE, public)
    assert bodies() == (["Open the back.", "Turn it off."], ["Edited here."])
    assert [line.partition(": ")[2] for line in report.not_widened] == [
        "request r1: replies would let more people read"
    ]
    for _again in range(2):
        import_records(*PEOPLE, public)
        assert bodies() == (["Open the back.", "Turn it off."], ["Edited here."])


def test_what_was_deleted_in_its_source_is_removed_and_comes_back_with_it(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(*PEOPLE, with_note(1), resolved(2), document(1), document(2))
    gone = [DeletedRecord(type="request", id="r1"), DeletedRecord(type="document", id="d1")]
    unknown = DeletedRecord(type="request", id="never")
    report = import_records(*gone, unknown)
    assert report.line() == "0 added, 0 updated, 1 unchanged, 2 removed"
    with sessions() as session:
        assert ids(session) == {"r2", "d2"}
        assert session.query(InternalNote).count() == 0
    assert import_records(*gone).line() == "0 added, 0 updated, 2 unchanged"
    assert import_records(*PEOPLE, with_note(1), document(1)).added == 2
    with sessions() as session:
        assert ids(session) == {"r1", "r2", "d1", "d2"}


def _reply(session: Session) -> None:
    session.add(Reply(request=row_of(session, "r1"), body="Thanks", created_at=utc_now()))


def _edit(session: Session) -> None:
    row_of(session, "r1").replies[0].body = "Open the front."


def _note(session: Session) -> None:
    notes.add_note(session, row_of(session, "r1"), reader(session, "aino"), "Mind the dog.")


def _open_again(session: Session) -> None:
    row_of(session, "r1").status = "open"


def _title(session: Session) -> None:
    row_of(session, "r1").title = "Another one"


@pytest.mark.parametrize("act", [_reply, _edit, _note, _open_again, _title])
def test_what_was_changed_here_is_kept_and_listed_once_as_a_conflict(
    import_records: Import, sessions: sessionmaker[Session], act: Callable[[Session], None]
) -> None:
    import_records(*PEOPLE, with_note(1))
    with sessions() as session:
        act(session)
        session.commit()
    gone = DeletedRecord(type="request", id="r1")
    assert import_records(gone).conflicts == ["list:1: request r1: deleted in the source, and changed here"]
    assert import_records(gone).conflicts == []
    with sessions() as session:
        assert ids(session) == {"r1"}
        assert [line.split("\t")[2:5] for line in stored_conflicts(session)] == [["request", "r1", "kept: deleted"]]
    import_records(*PEOPLE, with_note(1))  # it is there again
    with sessions() as session:
        assert [line for line in stored_conflicts(session) if "deleted" in line] == []


def test_a_question_whose_answers_are_records_of_their_own_is_removed_with_them(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    question = QuestionRecord(id="q", title="Where?", body="?", created_at=utc_now(), accepted_reply="a")
    answer = AnswerRecord(request="q", reply=ReplyRecord(id="a", body="There.", created_at=utc_now()))
    import_records(question, answer)
    assert import_records(DeletedRecord(type="request", id="q")).removed == 1
    with sessions() as session:
        assert (ids(session), session.query(Reply).count()) == (set(), 0)


@pytest.mark.parametrize("target_first", [True, False])
def test_a_merged_request_leads_to_its_target_and_has_no_answer_of_its_own(
    import_records: Import, sessions: sessionmaker[Session], target_first: bool
) -> None:
    merged, target = resolved(1, merged_into="r2", status="open"), resolved(2)
    order = [target, merged] if target_first else [merged, target]
    assert import_records(*PEOPLE, *order).problems == []
    with sessions() as session:
        first, second = row_of(session, "r1"), row_of(session, "r2")
        links = [(link.from_id, link.to_id, link.kind) for link in session.query(RequestLink)]
        assert links == [(first.id, second.id, "duplicate")]
        item = load_items(session, [f"request:{first.id}"])[f"request:{first.id}"]
        assert (item.answer, item.contributions, item.merged_into) == ("", (), f"request:{second.id}")
        assert first.status == "resolved"
        assert [row.external_id for row in handling.same_as(session, first, reader(session, "aino"))] == ["r2"]
    assert import_records(*PEOPLE, *order).line() == "0 added, 0 updated, 8 unchanged"


def test_what_a_request_was_merged_into_is_not_named_to_those_who_may_not_read_it(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(*PEOPLE, resolved(2, audience=["team:it"]), resolved(1, merged_into="r2"))
    with sessions() as session:
        key = f"request:{row_of(session, 'r1').id}"
        named = [readable_items(session, [key], reader(session, name))[key].merged_into for name in ("aino", "liisa")]
        assert named == [f"request:{row_of(session, 'r2').id}", None]


def test_requests_that_are_merged_in_a_circle_are_both_kept_with_their_answers(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    lines = [resolved(1, merged_into="r2"), resolved(2, merged_into="r3"), resolved(3, merged_into="r1")]
    report = import_records(*PEOPLE, *lines, resolved(4, merged_into="r4"))
    assert report.problems == []
    (told,) = [line for line in report.change_lines() if "circle" in line]
    assert "(2 times, first at list:9: r3, r4)" in told
    with sessions() as session:
        stored = [session.get(RequestDetails, row_of(session, f"r{number}").id) for number in range(1, 5)]
        assert [details.merged_into if details else None for details in stored] == ["r2", "r3", None, None]
        key = f"request:{row_of(session, 'r3').id}"
        assert load_items(session, [key])[key].answer == "Open the back."
    assert import_records(*PEOPLE, *lines).updated == 0


def test_a_merge_that_is_taken_back_gives_the_answer_back(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(*PEOPLE, resolved(1, merged_into="r2"), resolved(2))
    assert import_records(*PEOPLE, resolved(1), resolved(2)).updated == 1
    with sessions() as session:
        key = f"request:{row_of(session, 'r1').id}"
        assert load_items(session, [key])[key].answer == "Open the back."
        assert session.query(RequestLink).count() == 0


def test_names_of_files_are_searched_with_the_item_and_follow_the_source(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    lines = [resolved(1, attachments=["counter.xlsx"], properties={"priority": "high"}), document(1)]
    import_records(*PEOPLE, *lines, document(2, attachments=["floor plan.pdf"]))
    with sessions() as session:
        rows = row_of(session, "r1"), session.scalars(select(Document).where(Document.external_id == "d2")).one()
        keys = [f"request:{rows[0].id}", f"document:{rows[1].id}"]
        loaded = load_items(session, keys)
        assert [loaded[key].attached[0].name for key in keys] == ["counter.xlsx", "floor plan.pdf"]
        details = session.get(RequestDetails, rows[0].id)
        assert details is not None and details.properties == {"priority": "high"}
        before = rows[0].updated_at
    changed = [resolved(1, attachments=["counter.xlsx", "log.txt"], properties={}), document(1)]
    assert import_records(*PEOPLE, *changed, document(2)).updated == 2
    with sessions() as session:
        loaded = load_items(session, keys)
        assert [[file.name for file in loaded[key].attached] for key in keys] == [["counter.xlsx", "log.txt"], []]
        assert row_of(session, "r1").updated_at > before


def test_a_reply_whose_author_was_deleted_in_the_source_stays_without_a_name(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(*PEOPLE, resolved(1))
    line = resolved(1)
    line["replies"][0]["author"] = None
    assert import_records(*PEOPLE, line).updated == 1
    with sessions() as session:
        first = row_of(session, "r1").replies[0]
        assert (first.body, first.author_id) == ("Open the back.", None)


def test_names_of_files_and_other_values_are_shown_on_the_page(
    import_records: Import, open_client: Callable[[], FlaskClient]
) -> None:
    values = {"priority": "high", "<b>": "x" * 300}
    import_records(*PEOPLE, resolved(1, attachments=["counter <1>.xlsx"], properties=values), document(1))
    import_records(document(2, attachments=["floor plan.pdf"]))
    client = open_client()
    page = client.get("/requests/1").text
    assert "counter &lt;1&gt;.xlsx" in page and "priority: high" in page
    assert "<b>: x" not in page and "x" * 201 not in page
    assert "floor plan.pdf" in client.get("/documents/2").text


def test_the_search_shows_the_target_in_place_of_what_was_merged_into_it(
    import_records: Import, sessions: sessionmaker[Session], open_recommender: Callable[[], Recommender]
) -> None:
    lines = [resolved(1, title="Toner of the copier leaks", merged_into="r2"), resolved(2, title="Copier is dirty")]
    import_records(*PEOPLE, *lines, resolved(3, title="Window is broken"))
    recommender = open_recommender()
    with sessions() as session:
        found = recommender.recommend("Toner of the copier leaks", reader_of(session.get_one(Person, 1)), session)
        assert "request:1" not in [each.item.key for each in found.suggestions]
        assert found.suggestions[0].item.key == "request:2"


def test_times_in_the_future_are_replaced_by_other_times_of_the_record(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    first, second, third, fourth = (resolved(number) for number in (1, 2, 3, 4))
    first["replies"][1]["created_at"] = "2099-01-01T00:00:00"
    second["created_at"] = second["resolved_at"] = "2099-01-01T00:00:00"
    third |= {"created_at": "2099-01-01", "replies": [], "resolution": "Off and on."}
    fourth["created_at"] = (utc_now() + timedelta(hours=20)).isoformat()  # a clock, or a zone, that is a little wrong
    fourth["replies"] = []
    fourth["resolution"] = "Off and on."
    pages = [
        document(1, updated_at="2099-01-01"),
        document(2, verified_on="2099-01-01"),
        document(3, updated_at="2099-01-01"),
    ]
    pages[2]["verified_on"] = None
    report = import_records(*PEOPLE, first, second, third, fourth, *pages)
    assert report.problems == []
    mended, kept = report.change_lines()
    assert "were replaced by others of their record: correct them in the source (5 times, first at list:7" in mended
    assert kept.endswith(
        "correct them in the source (2 times, first at list:9: created_at 2099-01-01, updated_at 2099-01-01)"
    )
    with sessions() as session:
        times = [[reply.created_at.hour for reply in row_of(session, name).replies] for name in ("r1", "r2")]
        assert times == [[11, 11], [11, 12]]
        assert row_of(session, "r2").created_at == row_of(session, "r2").replies[0].created_at
        assert row_of(session, "r2").resolved_at == row_of(session, "r2").replies[1].created_at
        days = {*session.scalars(select(Document.written_at))}
        assert days == {datetime(2026, 1, 3), datetime(2026, 1, 2, 10), datetime(2099, 1, 1)}
