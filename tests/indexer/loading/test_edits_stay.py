"""loading/: what people change in Kollega stays when its source is imported again."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands import accounts as commands
from indexer.commands import team_sentences
from indexer.loading.load import load
from indexer.loading.report import LoadReport, stored_conflicts
from indexer.sources.jsonl import JSONLSource
from recommender import accounts, audit
from recommender.access import may_read, reader_of, request_audience
from recommender.database.import_tables import ImportedRecord, record_key
from recommender.database.tables import Base, Document, HelpRequest, Person, RequestAudience, Team
from recommender.knowledge import erasure
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.rows import rows_of_store
from tests.web.forms import press

Line = dict[str, Any]
Import = Callable[..., LoadReport]
Rows = dict[str, list[tuple[Any, ...]]]

AT = "2026-01-02T10:00:00"
PEOPLE: list[Line] = [
    {"type": "team", "id": "it", "name": "IT"},
    {"type": "team", "id": "hr", "name": "HR", "restricted": False},
    {"type": "person", "id": "aino", "name": "Aino", "teams": ["it"], "role": "agent", "languages": ["fi"]},
    {"type": "person", "id": "riikka", "name": "Riikka", "teams": ["hr"], "role": "agent"},
    {"type": "person", "id": "matti", "name": "Matti", "teams": [], "role": "staff"},
    {"type": "person", "id": "liisa", "name": "Liisa", "teams": [], "role": "staff", "kind": "person"},
]


def request(number: int, **changes: Any) -> Line:
    """A request of Matti's to IT that everyone may read, with two replies."""
    replies = [
        {"id": f"{number}a", "author": "aino", "body": "Open the back.", "created_at": "2026-01-02T11:00:00"},
        {"id": f"{number}b", "author": "liisa", "body": "Turn it off.", "created_at": "2026-01-02T12:00:00"},
    ]
    line = {"type": "request", "id": f"r{number}", "title": f"Printer {number} is stuck", "body": "On floor two",
            "team": "it", "status": "open", "asked_by": "matti", "created_at": AT, "tags": ["printer"],
            "replies": replies}  # fmt: skip
    return {**line, **changes}


def resolved(number: int, **changes: Any) -> Line:
    """The same, resolved by its first reply."""
    line = request(number, status="resolved")
    line["replies"][0]["accepted"] = True
    return {**line, **changes}


def document(number: int, **changes: Any) -> Line:
    """A document of Aino's in IT that everyone may read."""
    line = {"type": "document", "id": f"d{number}", "title": f"Printing guide {number}", "body": "Use the upper tray.",
            "team": "it", "owner": "aino", "language": "en", "updated_at": AT, "verified_on": "2026-01-03"}  # fmt: skip
    return {**line, **changes}


ALL = [
    *PEOPLE,
    *[request(n) for n in (1, 2, 3)],
    *[resolved(n) for n in (4, 5, 6)],
    resolved(7, replies=[], resolution="Change the tray."),
    *[document(n) for n in (1, 2, 3, 4)],
]


@pytest.fixture
def import_lines(tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer) -> Import:
    """Imports lines as one JSON Lines file."""

    def run(*lines: Line, source: str = "jsonl") -> LoadReport:
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return load(JSONLSource(path, source), sessions, analyzer)

    return run


@pytest.fixture
def visit(open_client: Callable[[], FlaskClient], import_lines: Import) -> Iterator[Callable[[str], FlaskClient]]:
    """Browsers of people, after everything was imported."""
    assert import_lines(*ALL).problems == []
    client = open_client()
    yield lambda handle: sign_in(client, handle)


def rows(sessions: sessionmaker[Session]) -> Rows:
    """Every row of every table except the audit log, which gets an entry for each import."""
    with sessions() as session:
        return {
            table.name: sorted(map(tuple, session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name != "audit_log"
        }


def row_of(session: Session, external_id: str) -> HelpRequest:
    return session.scalars(select(HelpRequest).where(HelpRequest.external_id == external_id)).one()


def readers(session: Session, external_id: str = "r1") -> set[str]:
    """Handles of the people who may read a request."""
    audience = request_audience(row_of(session, external_id))
    return {person.handle for person in session.query(Person) if may_read(audience, reader_of(person))}


def _edit_document(visitor: FlaskClient, number: int, **changes: str) -> None:
    page = visitor.get(f"/documents/{number}/edit").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen is not None
    form = {"title": f"Printing guide {number}", "body": "Use the upper tray.", "language": "en", "team": "it",
            "owner": "aino", "audience": "everyone", "review_days": "90", "then": "publish",
            "seen": seen[1]}  # fmt: skip
    assert visitor.post(f"/documents/{number}", data={**form, **changes}).status_code == 302


def _edit_everything(visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session]) -> None:
    """Change what people can change, through the pages, the API and the commands."""
    matti, aino = visit("matti"), visit("aino")
    found = [
        matti.post("/requests/1/audience", data={"audience": "team"}),
        aino.post("/requests/1/replies", data={"body": "Empty the tray.", "then": "resolve"}),
        aino.post("/desk/2/move", data={"team": "hr"}),
        aino.post("/desk/3/assign", data={"person": "aino"}),
        matti.post("/requests/4/reopen"),
        aino.post("/items/request:6/replaced", data={"by": "document:3"}),
        aino.post("/documents/2/hidden", data={"hidden": "1"}),
        press(aino, "/documents/3", "/documents/3/verify"),
    ]
    with sessions.begin() as session:
        token = accounts.make_token(session, session.query(Person).filter_by(handle="matti").one(), "t", ["write"])
    bearer = {"Authorization": f"Bearer {token}"}
    client = matti.application.test_client()
    for number in (5, 7):  # a reply to a resolved request opens it again
        found.append(client.post(f"/api/v1/requests/{number}/replies", json={"body": "Again."}, headers=bearer))
    assert [answer.status_code for answer in found] == [302] * 8 + [201] * 2, [answer.text[:300] for answer in found]
    _edit_document(aino, 1, body="Use the lower tray.", title="Guide for printers", audience="team")
    _edit_document(aino, 4, then="draft", owner="")
    with sessions.begin() as session:
        commands.set_role(session, "liisa", "agent", ["it"])
        commands.set_role(session, "aino", "lead", ["it", "hr"])
        commands.set_kind(session, "liisa", "service")
        team_sentences.restrict(session, "hr", True)
        commands.add(session, "riikka", "Riikka Salonen", "", [], None)


def test_an_unchanged_file_changes_no_row_after_edits_in_pages_api_and_commands(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import
) -> None:
    _edit_everything(visit, sessions)
    before = rows(sessions)
    report = import_lines(*ALL)
    assert report.line() == f"0 added, 0 updated, {len(ALL)} unchanged"
    after = rows(sessions)
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
    with sessions() as session:
        assert readers(session, "r1") == {"matti", "aino", "liisa"}
        assert [row_of(session, f"r{n}").status for n in (1, 4, 5, 7)] == ["resolved", "open", "open", "open"]
        assert session.get_one(Document, 1).body == "Use the lower tray."


def test_an_edited_text_stays_when_the_source_changes_it_too_and_the_conflict_is_listed_once(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import
) -> None:
    _edit_document(visit("aino"), 1, body="Use the lower tray.")
    changed = document(1, title="Guide for all printers", body="Use the middle tray.")
    report = import_lines(*PEOPLE, changed)
    assert report.conflicts == ["records.jsonl:7: document d1: body changed both here and in the source"]
    assert report.line() == "0 added, 1 updated, 6 unchanged, 1 conflict"
    with sessions() as session:
        row = session.get_one(Document, 1)
        assert (row.title, row.body) == ("Guide for all printers", "Use the lower tray.")
        assert [line.split("\t")[1:] for line in stored_conflicts(session)] == [
            ["jsonl", "document", "d1", "kept: body", "records.jsonl:7"]
        ]
    before = rows(sessions)
    assert import_lines(*PEOPLE, changed).line() == "0 added, 0 updated, 7 unchanged"
    assert rows(sessions) == before
    _edit_document(visit("aino"), 1, body="Use the best tray.", title="Guide for all printers")
    assert import_lines(*PEOPLE, document(1, title="Guide for all printers", body="Use the best tray.")).conflicts == []
    with sessions() as session:
        assert list(stored_conflicts(session)) == []  # both say the same again


def _conflicts(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return [line.split("\t")[4] for line in stored_conflicts(session)]


def test_a_conflict_is_settled_when_it_is_changed_here_to_what_the_source_says(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import, settings: Settings
) -> None:
    _edit_document(visit("aino"), 1, body="Use the lower tray.", title="My guide")
    changed = (*PEOPLE, document(1, title="Guide for all printers", body="Use the middle tray."))
    import_lines(*changed)
    assert _conflicts(sessions) == ["kept: body, title"]
    before = rows_of_store(settings)
    import_lines(*changed)
    assert rows_of_store(settings) == before
    _edit_document(visit("aino"), 1, body="Use the lower tray.", title="Guide for all printers")
    assert import_lines(*changed).line() == "0 added, 0 updated, 7 unchanged"
    assert _conflicts(sessions) == ["kept: body"]
    _edit_document(visit("aino"), 1, body="Use the middle tray.", title="Guide for all printers")
    assert import_lines(*changed).line() == "0 added, 0 updated, 7 unchanged"
    assert _conflicts(sessions) == []


def test_conflicts_about_readers_status_and_replies_are_settled_here_too(
    sessions: sessionmaker[Session], import_lines: Import
) -> None:
    import_lines(*PEOPLE, request(1), request(2))
    with sessions.begin() as session:
        first, second = row_of(session, "r1"), row_of(session, "r2")
        first.audience = []
        first.status = "resolved"
        edited = next(reply for reply in second.replies if reply.external_id == "2a")
        edited.body = "Open the front."
    theirs = request(2)
    theirs["replies"][0]["body"] = "Open the side."
    changed = [*PEOPLE, request(1, audience=["team:hr"], status="resolved"), theirs]
    assert import_lines(*changed).problems == []
    assert _conflicts(sessions) == ["kept: status; not widened: audience", "kept: replies"]
    theirs["replies"].append({"id": "2c", "author": "aino", "body": "New", "created_at": AT})
    import_lines(*changed)  # another reply settles nothing
    assert _conflicts(sessions) == ["kept: status; not widened: audience", "kept: replies"]
    with sessions.begin() as session:
        first, second = row_of(session, "r1"), row_of(session, "r2")
        first.audience = [RequestAudience(token="team:hr")]
        first.resolved_at = max(reply.created_at for reply in first.replies)
        next(reply for reply in second.replies if reply.external_id == "2a").body = "Open the side."
    assert import_lines(*changed).line() == "0 added, 0 updated, 8 unchanged"
    assert _conflicts(sessions) == []


def test_a_request_that_was_resolved_or_opened_again_here_stays_so_while_its_source_goes_on(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import
) -> None:
    assert visit("aino").post("/requests/1/replies", data={"body": "Empty it.", "then": "resolve"}).status_code == 302
    assert visit("matti").post("/requests/4/reopen").status_code == 302
    new = {"id": "9", "author": "liisa", "body": "Me too.", "created_at": "2026-02-01T10:00:00", "accepted": True}
    lines = [request(1, status="resolved"), resolved(4)]
    for line in lines:
        line["replies"] = [*line["replies"][:1], {**line["replies"][1], "body": "Turn it off and on."}, new]
    report = import_lines(*PEOPLE, *lines)
    assert report.conflicts == [
        f"records.jsonl:{n}: request {name}: status changed both here and in the source"
        for n, name in ((7, "r1"), (8, "r4"))
    ]
    with sessions() as session:
        first, fourth = row_of(session, "r1"), row_of(session, "r4")
        assert (first.status, fourth.status, fourth.resolved_at) == ("resolved", "open", None)
        assert [(reply.external_id, reply.accepted) for reply in first.replies] == [
            ("1a", False), ("1b", False), ("9", False), (None, True),
        ]  # fmt: skip
        assert [(reply.body, reply.accepted) for reply in fourth.replies] == [
            ("Open the back.", False), ("Turn it off and on.", False), ("Me too.", False),
        ]  # fmt: skip


def test_a_reply_that_was_accepted_here_stays_when_the_source_deletes_it(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import
) -> None:
    with sessions() as session:
        number = next(reply.id for reply in row_of(session, "r1").replies if reply.external_id == "1b")
    assert visit("matti").post("/requests/1/resolve", data={"reply": number}).status_code == 302
    report = import_lines(*PEOPLE, request(1, replies=request(1)["replies"][:1]))
    assert report.conflicts == ["records.jsonl:7: request r1: replies changed both here and in the source"]
    for _ in range(2):  # nor by a later import
        with sessions() as session:
            row = row_of(session, "r1")
            assert [(reply.external_id, reply.accepted) for reply in row.replies] == [("1a", False), ("1b", True)]
            assert row.status == "resolved"
        import_lines(*PEOPLE, request(1, title="Printer", replies=request(1)["replies"][:1]))


def test_role_and_teams_that_an_admin_gave_stay_and_those_of_others_follow_the_source(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import
) -> None:
    with sessions.begin() as session:
        commands.set_role(session, "liisa", "staff", [])
        commands.set_role(session, "aino", "staff", ["hr"])
    changed = [{**PEOPLE[2], "role": "admin", "teams": ["it", "hr"]}, {**PEOPLE[4], "role": "agent", "teams": ["hr"]}]
    report = import_lines(*PEOPLE[:2], *changed)
    assert report.conflicts == ["records.jsonl:3: person aino: role, teams changed both here and in the source"]
    with sessions() as session:
        people = {row.handle: (row.role, [team.handle for team in row.teams]) for row in session.query(Person)}
        assert (people["aino"], people["matti"]) == (("staff", ["hr"]), ("agent", ["hr"]))
        audited = [
            (entry.action, entry.details) for entry in audit.entries(session, action="person") if entry.via == "import"
        ]
        number = session.query(Person).filter_by(handle="matti").one().id
        assert [entry.subject for entry in audit.entries(session, action="person.role")][-1] == f"person:{number}"
    account = {"account": audit.account()}
    assert audited[-2:] == [
        ("person.role", {"before": "staff", "after": "agent", "widened": True, **account}),
        ("person.teams", {"before": [], "after": ["hr"], "widened": True, **account}),
    ]


def test_how_a_team_is_reached_comes_from_the_source_until_it_is_set_here(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    def imported(**team: Any) -> tuple[str | None, str | None, bool]:
        import_lines({"type": "team", "id": "hr", "name": "HR", **team})
        with sessions() as session:
            row = session.scalars(select(Team).where(Team.handle == "hr")).one()
            return row.phone, row.hours, row.private_matters

    assert imported() == (None, None, False)
    assert imported(phone="010 1", hours="9-15", private_matters=True) == ("010 1", "9-15", True)
    assert imported(phone="010 2") == ("010 2", "9-15", True)  # what is left out stays
    with sessions.begin() as session:
        team_sentences.contact(session, "hr", {"phone": "010 9"})
        team_sentences.handle_private_matters(session, "hr", False)
    assert imported(phone="010 3", private_matters=True) == ("010 9", "9-15", False)


def test_people_of_two_sources_stay_the_same_when_both_are_imported_in_turn(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    here, there = {**PEOPLE[2], "role": "agent"}, {**PEOPLE[2], "role": "lead"}
    assert import_lines(*PEOPLE[:2], here, source="a").added == 3
    assert import_lines(there, source="b").updated == 1  # nobody has changed it here
    before = rows(sessions)
    assert import_lines(*PEOPLE[:2], here, source="a").unchanged == 3
    assert import_lines(there, source="b").unchanged == 1
    assert rows(sessions) == before


@pytest.mark.parametrize("is_logged", [True, False])  # the audit log is kept for a set time
def test_a_further_source_does_not_give_back_what_an_admin_took_away(
    import_lines: Import, sessions: sessionmaker[Session], is_logged: bool
) -> None:
    person = {"type": "person", "id": "aino", "name": "Aino"}
    lower, higher = {**person, "role": "staff", "teams": ["it"]}, {**person, "role": "admin", "teams": ["it", "hr"]}
    import_lines(*PEOPLE[:2], lower, source="a")
    assert import_lines(higher, source="b").updated == 1
    with sessions.begin() as session:
        commands.set_role(session, "aino", "staff", ["it"])
    if not is_logged:
        with sessions.begin() as session:
            session.execute(text("DELETE FROM audit_log"))
    others = [{**higher, "role": "lead", "teams": ["hr"]}] if is_logged else []
    for number, line in enumerate([higher, *others]):
        report = import_lines(line, source=f"c{number}")
        assert report.conflicts == ["records.jsonl:1: person aino: role, teams changed both here and in the source"]
    with sessions() as session:
        row = session.query(Person).filter_by(handle="aino").one()
        assert (row.role, [team.handle for team in row.teams]) == ("staff", ["it"])


def test_an_id_that_a_file_has_several_times_changes_nothing_the_second_time(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    lines = [*PEOPLE, request(1, title="First"), request(1, title="Second"), request(1, title="Third")]
    assert import_lines(*lines).line() == "7 added, 2 updated, 0 unchanged"
    before = rows(sessions)
    assert import_lines(*lines).line() == "0 added, 0 updated, 9 unchanged"
    assert rows(sessions) == before
    assert import_lines(*PEOPLE, request(1, title="First")).line() == "0 added, 1 updated, 6 unchanged"
    with sessions() as session:
        assert row_of(session, "r1").title == "First"


def _forget_what_was_imported(sessions: sessionmaker[Session]) -> None:
    """Make the database as it was before Kollega remembered what was imported."""
    with sessions.begin() as session:
        session.execute(text("DELETE FROM imported_records"))


def test_what_an_older_version_imported_and_people_changed_stays_and_is_listed_once(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], import_lines: Import
) -> None:
    _edit_everything(visit, sessions)
    _forget_what_was_imported(sessions)
    tables = ("requests", "replies", "documents", "people", "teams", "request_audience", "document_audience")
    before = rows(sessions)
    report = import_lines(*ALL)
    assert (report.added, report.updated, len(report.conflicts)) == (0, 0, 11)
    after = rows(sessions)
    assert {name: after[name] for name in tables if after[name] != before[name]} == {}
    assert import_lines(*ALL).line() == f"0 added, 0 updated, {len(ALL)} unchanged"
    assert rows(sessions) == after


def test_what_could_only_change_in_the_source_is_taken_for_what_an_older_version_imported(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*ALL)
    _forget_what_was_imported(sessions)
    left = {**PEOPLE[4], "left_on": "2026-02-01"}
    changed = request(1, title="Printer 1 is on fire", replies=request(1)["replies"][:1])
    report = import_lines(*PEOPLE[:4], left, changed)
    assert report.line() == "0 added, 2 updated, 4 unchanged"
    with sessions() as session:
        row = row_of(session, "r1")
        assert (row.title, [reply.external_id for reply in row.replies]) == ("Printer 1 is on fire", ["1a"])
        assert str(session.query(Person).filter_by(handle="matti").one().left_on) == "2026-02-01"


def test_what_was_erased_here_does_not_come_back(import_lines: Import, sessions: sessionmaker[Session]) -> None:
    import_lines(*ALL)
    with sessions.begin() as session:
        erasure.erase_request(session, row_of(session, "r1"), audit.COMMAND)
        erasure.erase_document(session, session.get_one(Document, 2), audit.COMMAND)
        erasure.erase_person(session, session.query(Person).filter_by(handle="matti").one(), audit.COMMAND)
        assert (
            session.scalars(select(ImportedRecord.key).where(ImportedRecord.key == record_key("request", "r1"))).all()
            == []
        )
    before = rows(sessions)
    for lines in (ALL, [*PEOPLE, request(1, title="Changed"), *ALL[7:]]):
        report = import_lines(*lines)
        assert (report.added, report.updated, report.problems) == (0, 0, [])
        assert any(
            line.startswith("records of what was deleted here were left out (3 times") for line in report.change_lines()
        )
        assert rows(sessions) == before
    with sessions() as session:
        assert row_of(session, "r2").asked_by_id is None
