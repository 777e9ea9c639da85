"""knowledge/erasure.py and knowledge/retention.py: nothing of what is erased is left in any file."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import reindex as reindexing
from indexer.indexing.reindex import reindex
from recommender import accounts, audit
from recommender.audit import COMMAND
from recommender.database.attachment_tables import Attachment
from recommender.database.item_tables import Replacement
from recommender.database.request_tables import WithdrawnRequest
from recommender.database.tables import (
    Document,
    DocumentAudience,
    Event,
    FirstSuggestion,
    HelpRequest,
    Person,
    PersonSettings,
    PersonTopic,
    Reply,
    RequestAttempt,
    RequestAudience,
    RequestLink,
    Team,
    utc_now,
)
from recommender.index import generations
from recommender.knowledge import erasure, outcomes
from recommender.knowledge.outcomes import EventKind
from recommender.knowledge.retention import due, erase_due
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder

Add = Callable[..., int]
SECRET = "zyxwvutword"


def _files_with(folder: Path, word: str) -> list[str]:
    """Names of the files that contain a word, in any case."""
    found = [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes().lower()]
    return sorted(str(path.relative_to(folder)) for path in found)


def _rows(session: Session) -> dict[str, int]:
    tables = inspect(session.connection()).get_table_names()
    return {name: session.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in tables}  # noqa: S608


def test_nothing_of_an_erased_request_is_left_in_any_file(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer, add_request: Add
) -> None:
    """Also not in the free pages of the database, its write-ahead log, or the previous generation of the index."""
    kept = [add_request(f"printer {number} jams", answer=f"open tray {number}") for number in range(5)]
    number = add_request(f"the {SECRET} is broken", f"body {SECRET}", f"answer {SECRET}")
    reindex(settings, sessions, encoder, analyzer)
    add_request("one more", answer="so that there are two generations")
    reindex(settings, sessions, encoder, analyzer)
    assert len(_files_with(settings.index_dir, SECRET)) >= 2  # in both generations
    assert _files_with(settings.home, SECRET) != _files_with(settings.index_dir, SECRET)  # and in the database
    key = f"request:{number}"
    with sessions.begin() as session:
        outcomes.record(session, EventKind.FLAGGED, key, note=f"note {SECRET}")
        outcomes.record(session, EventKind.USED, f"request:{kept[0]}", request_id=number)
        audit.record(session, COMMAND, "request.tags", key, {"before": [SECRET], "after": []})
        session.add_all([
            RequestLink(from_id=number, to_id=kept[0], kind="related"),
            RequestAttempt(request_id=kept[1], item=key, position=0, opened=True),
            Replacement(item=f"request:{kept[2]}", by=key),
            Document(title="Guide", body="Text", language="en", written_at=utc_now(), drafted_from_id=number),
        ])  # fmt: skip
    generations.ask_for_rewrite(settings.index_dir)
    with sessions() as session:
        erasure.erase_request(session, session.get_one(HelpRequest, number), COMMAND)
        session.commit()
        generations.ask_for_rewrite(settings.index_dir)
        erasure.forget_pages(session)
        assert session.scalars(select(Event)).all() == []
        assert session.scalars(select(Document.drafted_from_id)).all() == [None]
        assert {_rows(session)[name] for name in ("request_links", "request_attempts", "replacements")} == {0}
        assert [entry.action for entry in audit.entries(session, subject=key)] == ["request.tags", "request.erased"]
        assert audit.verify(session) == []
        assert erasure.was_erased(session, "request", "elsewhere", "x") is False
    report = reindex(settings, sessions, encoder, analyzer)
    assert (report.encoded, report.items) == (2, 7)  # the new document; all other vectors were taken over
    assert _files_with(settings.home, SECRET) == []
    assert generations.finished(settings.index_dir) == [report.generation]
    assert not generations.rewrites_asked_for(settings.index_dir)
    assert reindex(settings, sessions, encoder, analyzer).generation == report.generation


def test_an_item_erased_while_the_index_is_written_anew_is_left_in_no_file(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Add,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(5):
        add_request(f"printer {number} jams", answer=f"open tray {number}")
    first, second = add_request("first to go"), add_request(f"the {SECRET} is broken", answer=f"answer {SECRET}")
    reindex(settings, sessions, encoder, analyzer)
    _erase(settings, sessions, first)
    write = reindexing._write

    def write_while_somebody_erases(*given: Any) -> None:
        write(*given)
        _erase(settings, sessions, second)

    with monkeypatch.context() as patch:
        patch.setattr(reindexing, "_write", write_while_somebody_erases)
        reindex(settings, sessions, encoder, analyzer)
    assert _files_with(settings.index_dir, SECRET) != []
    assert reindex(settings, sessions, encoder, analyzer).items == 5
    assert _files_with(settings.home, SECRET) == []
    assert not generations.rewrites_asked_for(settings.index_dir)


def _erase(settings: Settings, sessions: sessionmaker[Session], number: int) -> None:
    """Erase a request as `kollega erase` does."""
    generations.ask_for_rewrite(settings.index_dir)
    with sessions() as session:
        erasure.erase_request(session, session.get_one(HelpRequest, number), COMMAND)
        session.commit()
        generations.ask_for_rewrite(settings.index_dir)
        erasure.forget_pages(session)


def test_a_person_is_erased_and_what_they_wrote_stays_without_their_name(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add, add_person: Add
) -> None:
    add_person("aino", "agent", "it")
    number = add_request("printer jams", "ask Aino Virtanen", by="aino", asked_by="eero", team="it")
    asked = add_request("my own question", by="eero", asked_by="aino")
    written = add_document("guide", "text")
    with sessions.begin() as session:
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        aino.name = "Aino Virtanen"
        document = session.get_one(Document, written)
        document.owner, document.verified_by = aino, aino
        document.audience.append(DocumentAudience(token=f"person:{aino.id}"))
        session.add(RequestAudience(request_id=asked, token=f"person:{aino.id}"))
        request = session.get_one(HelpRequest, number)
        request.assigned_to = aino
        accounts.set_password(session, aino, "Correct-horse 9")
        accounts.make_token(session, aino, "API", ["read"])
        session.add_all([
            PersonSettings(person_id=aino.id, paused=True),
            PersonTopic(person_id=aino.id, kind="muted", topic="printers", created_on=utc_now().date()),
            FirstSuggestion(person_id=aino.id, day=utc_now().date(), count=3),
        ])  # fmt: skip
        outcomes.record(session, EventKind.NOT_MY_TOPIC, f"request:{number}", subject_id=aino.id)
        audit.record(session, COMMAND, "person.email", f"person:{aino.id}", {"after": "aino@example.org"})
        assert list(erasure.mentions(session, aino)) == [f"request:{number}"]
    with sessions.begin() as session:
        before = _rows(session)
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        done = erasure.erase_person(session, aino, COMMAND)
    assert done == {
        "requests without their asker": 1,
        "requests without the colleague they were assigned to": 1,
        "replies without their author": 1,
        "documents without their owner": 1,
        "documents without the colleague who verified them": 1,
    }
    with sessions() as session:
        after = _rows(session)
        gone = {name: before[name] - after[name] for name in before if before[name] != after[name]}
        assert gone.pop("audit_log") == -2 and gone.pop("erased") == -3  # the user name and two words of the name
        assert gone == {
            "people": 1, "accounts": 1, "api_tokens": 1, "person_settings": 1, "person_topics": 1, "events": 1,
            "first_suggestions": 1, "team_members": 1, "request_audience": 1, "document_audience": 1,
        }  # fmt: skip
        assert session.scalars(select(Reply.body).where(Reply.request_id == number)).all() == ["It works now."]
        assert "aino@example.org" not in str([entry.details for entry in audit.entries(session)])
        assert audit.verify(session) == []
        assert erasure.was_erased(session, erasure.PERSON, "aino")
        assert not erasure.was_erased(session, erasure.PERSON, "eero")


def test_the_requests_of_a_person_can_be_erased_with_them(sessions: sessionmaker[Session], add_request: Add) -> None:
    asked = add_request("my own question", by="eero", asked_by="aino")
    other = add_request("printer jams", by="aino", asked_by="eero")
    with sessions.begin() as session:
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        assert erasure.erase_person(session, aino, COMMAND, with_requests=True)["requests deleted"] == 1
    with sessions() as session:
        assert session.scalars(select(HelpRequest.id)).all() == [other]
        assert asked != other


def test_a_team_keeps_resolved_requests_for_its_days(sessions: sessionmaker[Session], add_request: Add) -> None:
    now = datetime(2026, 11, 1)
    old, new = now - timedelta(days=40), now - timedelta(days=20)
    erased = add_request("old", team="it", at=old)
    staying = {
        add_request("new", team="it", at=new),
        add_request("old, of a team that keeps all", team="hr", at=old),
        add_request("old, of no team", at=old),
        add_request("old and open", team="it", at=old, status="open"),
    }
    replied = add_request("old, with a new reply", team="it", at=old)
    staying.add(replied)
    with sessions.begin() as session:
        session.scalars(select(Team).where(Team.handle == "it")).one().keep_days = 30
        session.add(Reply(request_id=replied, body="thanks", created_at=new))
        for request in session.scalars(select(HelpRequest)):
            request.resolved_at = request.created_at if request.status == "resolved" else None
    with sessions() as session:
        assert list(due(session, now)) == [erased]
        audit.record(session, COMMAND, "team.keep_days", "team:it")
        assert erase_due(session, now, 0) == 1
        assert set(session.scalars(select(HelpRequest.id))) == staying
        assert [entry.action for entry in audit.entries(session)] == ["team.keep_days", "request.erased"]
        assert erase_due(session, utc_now() + timedelta(days=400), 365) == len(staying) - 3
        assert [entry.action for entry in audit.entries(session)][-1] == audit.PRUNED
        assert audit.verify(session) == []


def test_a_withdrawn_request_is_not_kept_longer_than_a_resolved_one(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    now = datetime(2026, 11, 1)
    old, new = now - timedelta(days=40), now - timedelta(days=20)
    numbers = [add_request(title, team="it", at=old, status="open") for title in ("long ago", "of late", "only open")]
    with sessions.begin() as session:
        session.scalars(select(Team).where(Team.handle == "it")).one().keep_days = 30
        for number, at in zip(numbers[:2], (old, new), strict=True):
            session.get_one(HelpRequest, number).hidden = True
            session.add(WithdrawnRequest(request_id=number, withdrawn_at=at))
    with sessions() as session:
        assert list(due(session, now)) == [numbers[0]]
        assert erase_due(session, now, 0) == 1 and session.get(WithdrawnRequest, numbers[0]) is None


def test_the_entry_about_an_erased_person_says_what_was_done(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        person = Person(handle="aino", name="Aino")
        session.add(person)
        session.flush()
        audit.record(session, COMMAND, "person.added", f"person:{person.id}", {"n": 1})
        erasure.erase_person(session, person, COMMAND)
    with sessions() as session:
        found = {entry.action: entry.details for entry in audit.entries(session)}
    assert found["person.added"] is None
    assert found["person.erased"] == {"with requests": False, "account": audit.account()}


def test_a_name_is_found_in_attached_files_too(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add, add_person: Add
) -> None:
    number, written, third = add_request("pay slip"), add_document("guide", "text"), add_request("other")
    add_person("aino")
    with sessions.begin() as session:
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        aino.name = "Aino Virtanen"
        made = {"kind": "pdf", "size": 1, "digest": "0" * 64}
        session.add_all([
            Attachment(request_id=number, name="Pay slip of Aino Virtanen.pdf", **made),
            Attachment(document_id=written, name="plan.pdf", text="Signed by aino virtanen", **made),
            Attachment(request_id=third, name="other.pdf", **made),
        ])  # fmt: skip
        assert list(erasure.mentions(session, aino)) == [f"request:{number}", f"document:{written}"]
