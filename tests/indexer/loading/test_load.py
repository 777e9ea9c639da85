"""loading/: what is added, updated and left unchanged in a real database, and what is reported."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading import load as load_module
from indexer.loading.load import load
from indexer.loading.report import LoadReport
from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import Located
from recommender.access import may_read, reader_of, request_audience
from recommender.database.tables import Document, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import MODELS

Line = dict[str, Any]
Import = Callable[..., LoadReport]

TEAM: Line = {"type": "team", "id": "it", "name": "IT", "name_fi": "IT-tuki", "name_sv": "IT-stöd"}
AINO: Line = {"type": "person", "id": "aino", "name": "Aino Virtanen", "teams": ["it"], "languages": ["fi", "en"]}
MATTI: Line = {"type": "person", "id": "matti", "name": "Matti Laine"}
REQUEST: Line = {
    "type": "request",
    "id": "r1",
    "title": "Tulostin ei toimi",
    "body": "Paperi jää jumiin toisessa kerroksessa.",
    "team": "it",
    "status": "resolved",
    "asked_by": "matti",
    "audience": ["team:it", "person:matti"],
    "created_at": "2026-01-02T10:00:00",
    "replies": [
        {"id": "a1", "author": "aino", "body": "Avaa takaluukku.", "created_at": "2026-01-02T11:00:00"},
        {"id": "a2", "author": "aino", "body": "Nyt toimii.", "created_at": "2026-01-02T12:00:00", "accepted": True},
    ],
}
DOCUMENT: Line = {
    "type": "document",
    "id": "d1",
    "title": "Printing guide",
    "body": "## Paper\nUse the upper tray.",
    "team": "it",
    "owner": "aino",
    "updated_at": "2026-01-05T00:00:00",
    "verified_on": "2026-02-01",
}
ALL = [TEAM, AINO, MATTI, REQUEST, DOCUMENT]


@pytest.fixture
def import_lines(tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer) -> Import:
    """Imports lines as one JSON Lines file."""

    def run(*lines: Line, source: str = "jsonl") -> LoadReport:
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return load(JSONLSource(path, source), sessions, analyzer)

    return run


def _counts(report: LoadReport) -> tuple[int, int, int, list[str]]:
    return report.added, report.updated, report.unchanged, report.problems


def _request(session: Session, external_id: str = "r1") -> HelpRequest:
    return session.scalars(select(HelpRequest).where(HelpRequest.external_id == external_id)).one()


def test_importing_twice_changes_nothing(import_lines: Import, sessions: sessionmaker[Session]) -> None:
    first = import_lines(*ALL)
    assert _counts(first) == (5, 0, 0, [])
    assert first.line() == "5 added, 0 updated, 0 unchanged"
    with sessions() as session:
        before = _request(session).updated_at
    again = import_lines(*ALL)
    assert _counts(again) == (0, 0, 5, [])
    with sessions() as session:
        assert _request(session).updated_at == before
        assert session.query(Reply).count() == 2
        assert session.query(RequestAudience).count() == 2


def test_a_record_is_stored_with_all_its_parts(import_lines: Import, sessions: sessionmaker[Session]) -> None:
    import_lines(*ALL)
    with sessions() as session:
        row = _request(session)
        aino, matti = [session.query(Person).filter_by(handle=name).one() for name in ("aino", "matti")]
        assert (row.title, row.language, row.status) == ("Tulostin ei toimi", "fi", "resolved")
        assert row.team is not None and (row.team.name_fi, row.team.name_sv) == ("IT-tuki", "IT-stöd")
        assert (row.asked_by_id, [reply.author_id for reply in row.replies]) == (matti.id, [aino.id, aino.id])
        assert [(reply.external_id, reply.accepted) for reply in row.replies] == [("a1", False), ("a2", True)]
        assert {entry.token for entry in row.audience} == {"team:it", f"person:{matti.id}"}
        assert row.resolved_at == datetime(2026, 1, 2, 12)  # none is given, so it is the time of the last reply
        guide = session.query(Document).one()
        assert (guide.owner_id, guide.language, guide.written_at) == (aino.id, "en", datetime(2026, 1, 5))
        assert aino.languages == ["fi", "en"] and [team.handle for team in aino.teams] == ["it"]


def test_the_kind_of_a_person_is_guessed_until_a_record_says_it(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    def kinds() -> dict[str, str]:
        with sessions() as session:
            return {person.handle: person.kind for person in session.query(Person)}

    desk: Line = {"type": "person", "id": "desk", "name": "IT-tuki"}
    import_lines(desk, MATTI)
    assert kinds() == {"desk": "service", "matti": "person"}
    assert _counts(import_lines({**desk, "kind": "person"}, {**MATTI, "kind": "service"})) == (0, 2, 0, [])
    assert kinds() == {"desk": "person", "matti": "service"}
    assert _counts(import_lines(desk, MATTI)) == (0, 0, 2, [])  # what was said stays
    assert kinds() == {"desk": "person", "matti": "service"}
    (problem,) = import_lines({**MATTI, "kind": "robot"}).problems
    assert "kind: write 'person' or 'service'" in problem


def test_a_changed_record_is_updated_and_the_others_are_not(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*ALL)
    with sessions() as session:
        row, guide = _request(session), session.query(Document).one()
        before = (row.id, row.updated_at, guide.updated_at)
    report = import_lines(TEAM, AINO, MATTI, {**REQUEST, "title": "Tulostin jumissa"}, DOCUMENT)
    assert _counts(report) == (0, 1, 4, [])
    with sessions() as session:
        row, guide = _request(session), session.query(Document).one()
        assert (row.id, row.title, guide.updated_at) == (before[0], "Tulostin jumissa", before[2])
        assert row.updated_at > before[1]


def test_a_changed_reply_updates_its_request_so_that_the_watcher_notices(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*ALL)
    with sessions() as session:
        row = _request(session)
        before, ids = row.updated_at, [reply.id for reply in row.replies]
    changed = deepcopy(REQUEST)
    changed["replies"][0]["body"] = "Avaa etuluukku."
    assert _counts(import_lines(changed)) == (0, 1, 0, [])
    with sessions() as session:
        row = _request(session)
        assert [reply.id for reply in row.replies] == ids
        assert [reply.body for reply in row.replies] == ["Avaa etuluukku.", "Nyt toimii."]
        assert row.updated_at > before


def test_a_reply_deleted_in_the_source_is_deleted_and_one_written_in_kollega_stays(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*ALL)
    with sessions.begin() as session:
        row = _request(session)
        row.replies.append(Reply(body="Kiitos!", created_at=datetime(2026, 1, 3)))
    assert _counts(import_lines({**REQUEST, "replies": REQUEST["replies"][1:]})) == (0, 1, 0, [])
    with sessions() as session:
        assert [reply.body for reply in _request(session).replies] == ["Nyt toimii.", "Kiitos!"]


def test_a_narrowed_audience_removes_the_old_readers(import_lines: Import, sessions: sessionmaker[Session]) -> None:
    import_lines(*ALL)
    assert _counts(import_lines({**REQUEST, "audience": ["team:it"]})) == (0, 1, 0, [])
    with sessions() as session:
        assert [entry.token for entry in session.query(RequestAudience)] == ["team:it"]


def test_a_person_who_changes_team_or_leaves_is_updated(import_lines: Import, sessions: sessionmaker[Session]) -> None:
    import_lines(*ALL)
    other = {"type": "team", "id": "hr", "name": "HR"}
    report = import_lines(other, {**AINO, "teams": ["hr"], "left_on": "2026-05-01"})
    assert _counts(report) == (1, 1, 0, [])
    with sessions() as session:
        aino = session.query(Person).filter_by(handle="aino").one()
        assert [team.handle for team in aino.teams] == ["hr"] and str(aino.left_on) == "2026-05-01"


def test_the_same_id_from_two_sources_is_two_requests(import_lines: Import, sessions: sessionmaker[Session]) -> None:
    import_lines(*ALL)
    assert _counts(import_lines(REQUEST, source="helpdesk")) == (1, 0, 0, [])
    with sessions() as session:
        assert sorted(row.source for row in session.query(HelpRequest)) == ["helpdesk", "jsonl"]


NO_TEAM = (
    "there is no team 'xx'. Correct its name, put the team's line before this one, or make it with: "
    "kollega team add xx --name NAME"
)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"team": "xx"}, f"team: {NO_TEAM}"),
        ({"audience": ["team:xx"]}, f"audience: {NO_TEAM}"),
        ({"audience": ["person:xx"]}, "audience: there is no person 'xx'. Put the person's line before this one"),
        ({"status": "unclear"}, "status: write 'open', 'resolved' or 'closed'"),
    ],
)
def test_a_bad_record_is_reported_with_its_line_and_the_others_are_loaded(
    import_lines: Import, sessions: sessionmaker[Session], changes: Line, problem: str
) -> None:
    report = import_lines(TEAM, AINO, MATTI, {**REQUEST, "id": "bad", **changes}, REQUEST, DOCUMENT)
    assert _counts(report) == (5, 0, 0, [f"records.jsonl:4: {problem}"])
    assert report.line() == "5 added, 0 updated, 0 unchanged, 1 could not be loaded"
    with sessions() as session:
        assert [row.external_id for row in session.query(HelpRequest)] == ["r1"]


def test_people_who_are_not_listed_are_left_out_and_told_once_with_a_count(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    replies = [{**reply, "author": name} for reply, name in zip(REQUEST["replies"], ("xx", "yy"), strict=True)]
    lines = [{**REQUEST, "asked_by": "xx", "replies": replies}, {**REQUEST, "id": "r2", "replies": replies[:1]}]
    person = {**AINO, "teams": ["it", "none"]}
    report = import_lines(TEAM, person, MATTI, *lines, {**DOCUMENT, "owner": "zz"})
    assert _counts(report) == (6, 0, 0, [])
    assert list(report.change_lines()) == [
        "teams of a person without a team line before the record were left out (once, at records.jsonl:2: none)",
        "askers without a person line before the record were left out (once, at records.jsonl:4: xx)",
        "authors without a person line before the record were left out (3 times, first at records.jsonl:4: xx (2), yy)",
        "owners without a person line before the record were left out (once, at records.jsonl:6: zz)",
    ]
    with sessions() as session:
        row = _request(session)
        assert (row.asked_by_id, [reply.author_id for reply in row.replies]) == (None, [None, None])
        assert [team.handle for team in session.query(Person).filter_by(handle="aino").one().teams] == ["it"]
        assert session.query(Document).one().owner_id is None
    assert _counts(import_lines({**AINO, "id": "xx", "teams": []}, *lines)) == (1, 2, 0, [])
    with sessions() as session:
        assert _request(session).asked_by_id is not None and _request(session).replies[0].author_id is not None


@pytest.mark.parametrize(
    ("changes", "resolved_at"),
    [
        ({"replies": []}, datetime(2026, 1, 2, 10)),
        ({}, datetime(2026, 1, 2, 12)),
        ({"replies": [], "resolution": "x"}, datetime(2026, 1, 2, 10)),
    ],
)
def test_a_closed_request_is_resolved_with_an_answer_or_without(
    import_lines: Import, sessions: sessionmaker[Session], changes: Line, resolved_at: datetime
) -> None:
    assert import_lines(TEAM, AINO, MATTI, {**REQUEST, "status": "closed", **changes}).problems == []
    with sessions() as session:
        assert (_request(session).status, _request(session).resolved_at) == ("resolved", resolved_at)


def test_the_language_is_found_from_the_words_and_not_from_a_pasted_picture(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAthe+and/of" * 100
    body = f"![]({picture})\n\nTulostin on jumissa toisessa kerroksessa, eikä kukaan tiedä mitä tehdä."
    import_lines(
        {**REQUEST, "title": "HP 4350", "body": body, "team": None, "audience": None, "replies": [], "status": "open"}
    )
    with sessions() as session:
        assert (_request(session).language, picture in _request(session).body) == ("fi", True)


def test_a_number_too_large_for_its_column_is_a_bad_record_and_the_others_are_loaded(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    bad = deepcopy(REQUEST) | {"id": "bad"}
    bad["replies"][0]["score"] = 10**30
    report = import_lines(TEAM, AINO, MATTI, bad, REQUEST)
    assert len(report.problems) == 1 and report.problems[0].startswith("records.jsonl:4: ")
    with sessions() as session:
        assert [row.external_id for row in session.query(HelpRequest)] == ["r1"]


def test_records_over_several_batches_are_all_loaded_and_progress_is_reported(
    tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "_BATCH", 2)
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in ALL), encoding="utf-8")
    progress: list[int] = []
    assert _counts(load(JSONLSource(path), sessions, analyzer, progress.append)) == (5, 0, 0, [])
    assert progress == [1, 2, 3, 4, 5]
    assert _counts(load(JSONLSource(path), sessions, analyzer)) == (0, 0, 5, [])


def test_when_a_source_breaks_off_the_records_before_are_loaded_and_the_error_is_reported(
    tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer
) -> None:
    teams = "".join(json.dumps({"type": "team", "id": f"t{n}", "name": f"{n:x}" * 60}) + "\n" for n in range(3000))
    compressed = gzip.compress(teams.encode())
    (tmp_path / "cut.gz").write_bytes(compressed[: len(compressed) // 2])
    report = load(JSONLSource(tmp_path / "cut.gz"), sessions, analyzer)
    assert 0 < report.added < 3000
    (problem,) = report.problems
    assert f"cut short or damaged after line {report.added}" in problem
    with sessions() as session:
        assert session.query(Team).count() == report.added


@pytest.mark.parametrize("bad", [{"body": "a\ud800b"}, {"title": "\udfff"}, {"url": "x\0"}, {"tags": ["\ud800"]}])
def test_unpaired_surrogates_and_null_characters_are_a_bad_record_and_the_others_are_loaded(
    import_lines: Import, sessions: sessionmaker[Session], bad: Line
) -> None:
    line = REQUEST | {"id": "r2"} | bad
    report = import_lines(TEAM, AINO, MATTI, REQUEST, line, DOCUMENT)
    assert (report.added, len(report.problems)) == (5, 1)
    assert f":5: {next(iter(bad))}" in report.problems[0]
    with sessions() as session:
        assert session.query(HelpRequest).count() == session.query(Document).count() == 1


def test_an_edited_document_counts_as_updated(import_lines: Import) -> None:
    import_lines(*ALL)
    report = import_lines(TEAM, AINO, MATTI, DOCUMENT | {"body": "Use the lower tray."})
    assert (report.added, report.updated, report.unchanged) == (0, 1, 3)


def test_fields_that_are_missing_in_a_person_s_record_stay_unchanged(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(TEAM, AINO | {"role": "agent"})
    report = import_lines({"type": "person", "id": "aino", "name": "Aino Lahti"})
    assert report.updated == 1
    with sessions() as session:
        aino = session.query(Person).filter_by(handle="aino").one()
        assert (aino.name, aino.role, [team.handle for team in aino.teams]) == ("Aino Lahti", "agent", ["it"])
    import_lines({"type": "person", "id": "aino", "name": "Aino Lahti", "teams": []})
    with sessions() as session:
        assert session.query(Person).filter_by(handle="aino").one().teams == []


HR: Line = {"type": "team", "id": "hr", "name": "HR", "restricted": True}
VERA: Line = {"type": "person", "id": "vera", "name": "Vera", "teams": ["hr"]}
LIISA: Line = {"type": "person", "id": "liisa", "name": "Liisa", "role": "lead"}
WITHOUT_AUDIENCE: Line = {name: value for name, value in REQUEST.items() if name != "audience"}


@pytest.mark.parametrize(
    ("request_line", "readers"),
    [
        (WITHOUT_AUDIENCE | {"team": "hr"}, {"matti", "vera"}),
        (WITHOUT_AUDIENCE | {"team": "hr", "status": "open"}, {"matti", "vera"}),
        (WITHOUT_AUDIENCE | {"team": "hr", "audience": ["everyone"]}, {"aino", "liisa", "matti", "vera"}),
        (WITHOUT_AUDIENCE | {"team": "hr", "audience": ["team:it"]}, {"aino", "matti", "vera"}),
        (WITHOUT_AUDIENCE | {"team": "hr", "audience": []}, {"matti", "vera"}),
        (WITHOUT_AUDIENCE | {"team": "it"}, {"aino", "liisa", "matti", "vera"}),
        (WITHOUT_AUDIENCE | {"team": "it", "audience": []}, {"aino", "matti"}),
        (WITHOUT_AUDIENCE | {"team": "it", "audience": ["person:liisa"]}, {"aino", "liisa", "matti"}),
        (WITHOUT_AUDIENCE | {"team": None}, {"aino", "liisa", "matti", "vera"}),
    ],
)
def test_an_imported_request_has_its_given_audience_or_the_default_of_its_team(
    import_lines: Import, sessions: sessionmaker[Session], request_line: Line, readers: set[str]
) -> None:
    assert import_lines(TEAM, HR, AINO, MATTI, VERA, LIISA, request_line).problems == []
    with sessions() as session:
        audience = request_audience(_request(session))
        assert {row.handle for row in session.query(Person) if may_read(audience, reader_of(row))} == readers


def test_a_team_stays_restricted_when_a_later_import_leaves_it_out(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(HR, MATTI)
    hr_without_restricted = {name: value for name, value in HR.items() if name != "restricted"}
    assert _counts(
        import_lines(hr_without_restricted, WITHOUT_AUDIENCE | {"team": "hr", "status": "open", "replies": []})
    ) == (1, 0, 1, [])
    with sessions() as session:
        assert session.query(Team).one().restricted is True
        assert _request(session).audience == []
    report = import_lines(HR | {"restricted": False})  # nobody reads more because of an import
    assert report.line() == "0 added, 0 updated, 1 unchanged, 1 audience not widened"
    with sessions() as session:
        assert session.query(Team).one().restricted is True


def test_a_request_whose_team_has_become_restricted_loses_readers_at_the_next_import(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(TEAM, AINO, MATTI, WITHOUT_AUDIENCE)
    assert _counts(import_lines(TEAM | {"restricted": True}, WITHOUT_AUDIENCE)) == (0, 2, 0, [])
    with sessions() as session:
        assert _request(session).audience == []


def test_an_import_hides_the_name_of_an_asker_and_never_shows_it_again(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    anonymous = REQUEST | {"anonymous": True}
    for line, counts, hidden in (
        (REQUEST, (4, 0, 0), False),
        (anonymous, (0, 1, 3), True),
        (anonymous, (0, 0, 4), True),
        (REQUEST, (0, 0, 4), True),
    ):
        report = import_lines(TEAM, AINO, MATTI, line)
        assert (report.added, report.updated, report.unchanged) == counts
        with sessions() as session:
            row = _request(session)
            assert row.anonymous is hidden
            assert row.asked_by is not None and row.asked_by.handle == "matti"
    assert report.not_widened == ["records.jsonl:4: request r1: anonymous would let more people read"]


class _Watched(JSONLSource):
    """A source that writes to the database through another connection before each of its records."""

    def __init__(self, path: Path, write: Callable[[], None]) -> None:
        super().__init__(path)
        self._write = write

    def records(self) -> Iterator[Located]:
        for located in super().records():
            self._write()
            yield located


class _WatchedAnalyzer(Analyzer):
    """An analyser that writes to the database through another connection before it finds languages."""

    write: Callable[[], None]
    texts = 0

    def detect_all(self, texts: Sequence[str], fallback: str = "en") -> list[str]:
        self.write()
        self.texts += len(texts)
        return super().detect_all(texts, fallback)


@pytest.mark.sqlite_only
def test_others_can_write_while_records_are_read_and_languages_are_found(
    tmp_path: Path, settings: Settings, sessions: sessionmaker[Session]
) -> None:
    path = tmp_path / "records.jsonl"
    lines = [TEAM, AINO, MATTI, *({**REQUEST, "id": f"r{n}"} for n in range(120))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    written = 0
    with closing(sqlite3.connect(settings.home / "kollega.db", timeout=0, isolation_level=None)) as other:

        def write() -> None:
            nonlocal written
            other.execute("UPDATE teams SET name_fi = name_fi")  # fails at once while somebody else is writing
            written += 1

        analyzer = _WatchedAnalyzer(MODELS / "dictionaries")
        analyzer.write = write
        assert _counts(load(_Watched(path, write), sessions, analyzer)) == (123, 0, 0, [])
        assert analyzer.texts >= 120 and written > 123


def test_the_lock_is_left_free_after_some_time_of_writing_so_that_who_waits_for_it_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, slept = 100.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(round(seconds, 2))
        now += seconds

    monkeypatch.setattr(load_module, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    turns = load_module._Turns()
    for _ in range(20):
        turns.wait()
        begun, now = now, now + 0.125
        turns.release(begun)
        now += 0.01
    assert slept == [0.1] * 6  # after each 0.3 seconds of writing
    now += 0.2  # free for long enough by itself
    turns.wait()
    assert len(slept) == 6


def test_the_team_that_an_anonymous_request_was_imported_for_is_the_only_one_that_knows_who_asked(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    hr, line = {"type": "team", "id": "hr", "name": "HR"}, {**REQUEST, "anonymous": True}
    import_lines(TEAM, hr, AINO, MATTI, line)
    import_lines(TEAM, hr, AINO, MATTI, {**line, "team": "hr"})
    with sessions() as session:
        row = session.query(HelpRequest).one()
        known = [session.get_one(Team, number).handle for number in row.name_known_to]
        assert row.team is not None and (row.team.handle, known) == ("it", ["it"])
