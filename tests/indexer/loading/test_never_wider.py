"""loading/audiences.py: whatever a source says, an import lets nobody read what they could not read before."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.loading.report import LoadReport
from indexer.sources.jsonl import JSONLSource
from recommender import access, audit
from recommender.database.tables import (
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    RequestAudience,
    Team,
)
from recommender.language.analyzer import Analyzer

Line = dict[str, Any]
Import = Callable[..., LoadReport]
AT = "2026-01-02T10:00:00"
TEAMS, PEOPLE = ("it", "hr", "law"), ("aino", "riikka", "matti", "liisa", "eero")
TOKENS = ("everyone", *(f"team:{name}" for name in TEAMS), *(f"person:{name}" for name in PEOPLE))
ROLES = (*access.AGENTS, "staff")
WORLDS, IMPORTS = 25, 6


@pytest.fixture
def import_lines(tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer) -> Import:
    def run(*lines: Line) -> LoadReport:
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return load(JSONLSource(path), sessions, analyzer)

    return run


def _team(handle: str, restricted: bool = False) -> Line:
    return {"type": "team", "id": handle, "name": handle.upper(), "restricted": restricted}


def _person(handle: str, *teams: str, role: str = "staff") -> Line:
    return {"type": "person", "id": handle, "name": handle.title(), "teams": list(teams), "role": role}


def _request(**changes: Any) -> Line:
    return {"type": "request", "id": "r", "title": "Printer", "body": "is stuck", "created_at": AT} | changes


def _document(**changes: Any) -> Line:
    return {"type": "document", "id": "d", "title": "Guide", "body": "Text", "updated_at": AT} | changes


def _readers(session: Session, row: HelpRequest | Document) -> set[str]:
    """Who may read an item, and who may know who asked, as handles; the second ones with a question mark."""
    people = [(person, access.reader_of(person)) for person in session.query(Person)]
    if isinstance(row, Document):
        return {person.handle for person, reader in people if access.may_read(access.document_audience(row), reader)}
    audience = access.request_audience(row)
    found = {person.handle for person, reader in people if access.may_read(audience, reader)}
    asker = row.asked_by
    if asker is not None:
        found |= {f"{person.handle}?{asker.handle}" for person, reader in people if access.asker(row, reader) is asker}
    return found


def _random_world(chance: random.Random) -> list[Line]:
    def some(values: tuple[str, ...]) -> list[str]:
        return chance.sample(values, chance.randint(0, 3))

    lines = [_team(handle, chance.random() < 0.3) for handle in TEAMS]
    for number in range(4):
        line = _request(id=f"r{number}", anonymous=chance.random() < 0.3)
        line["team"] = chance.choice((*TEAMS, None))
        line["asked_by"] = chance.choice((*PEOPLE, None))
        if chance.random() < 0.6:
            line["audience"] = some(TOKENS)
        lines.append(line)
        line = _document(id=f"d{number}", team=chance.choice((*TEAMS, None)), owner=chance.choice((*PEOPLE, None)))
        if chance.random() < 0.6:
            line["audience"] = some(TOKENS) or ["everyone"]
        lines.append(line)
    return lines


def _edit(session: Session, chance: random.Random) -> None:
    """What people do here: other audiences, teams and owners, drafts, restricted teams."""
    teams = session.query(Team).all()
    for row in [*session.query(HelpRequest), *session.query(Document)]:
        if chance.random() < 0.4:
            table = RequestAudience if isinstance(row, HelpRequest) else DocumentAudience
            tokens = chance.sample(("everyone", "team:it", "agents"), chance.randint(0, 2))
            row.audience = [table(token=token) for token in tokens]  # type: ignore[assignment,misc]
        if chance.random() < 0.2:
            row.team = chance.choice([*teams, None])
        if isinstance(row, Document) and chance.random() < 0.3:
            row.draft = not row.draft
        if isinstance(row, HelpRequest) and chance.random() < 0.2:
            row.anonymous = not row.anonymous
    for team in teams:
        if chance.random() < 0.3:
            team.restricted = not team.restricted


@pytest.mark.parametrize("seed", range(WORLDS))
def test_no_import_lets_anybody_read_more_in_random_worlds(
    seed: int, import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    chance = random.Random(seed)  # noqa: S311
    people = [_team(handle) for handle in TEAMS]
    people += [_person(name, *chance.sample(TEAMS, chance.randint(0, 2)), role=chance.choice(ROLES))
               for name in PEOPLE]  # fmt: skip
    import_lines(*people, *_random_world(chance))
    narrowed = 0
    for _ in range(IMPORTS):
        with sessions.begin() as session:
            if chance.random() < 0.7:
                _edit(session, chance)
            session.flush()
            rows = [*session.query(HelpRequest), *session.query(Document)]
            before = {(type(row), row.id): _readers(session, row) for row in rows}
            restricted = {team.handle for team in session.query(Team) if team.restricted}
        world = _random_world(chance)
        assert import_lines(*world).problems == []
        with sessions() as session:
            for (table, number), readers in before.items():
                now = _readers(session, session.get_one(table, number))
                assert {entry for entry in now if "?" not in entry} <= readers, (table, number)
                assert _knows_no_more(readers, now), (table, number, readers, now)
                narrowed += now < readers
            assert restricted <= {team.handle for team in session.query(Team) if team.restricted}
            audited = [entry for entry in audit.entries(session) if entry.via == "import"]
            assert not [entry for entry in audited if "audience" in entry.action and (entry.details or {})["widened"]]
    assert narrowed > 0  # the source's own narrowing is taken


def _knows_no_more(before: set[str], now: set[str]) -> bool:
    """True when nobody learns who asked an anonymous request: as long as the asker stays the same, those who know the
    name are among those who knew it."""
    askers = [{entry.partition("?")[2] for entry in entries if "?" in entry} for entries in (before, now)]
    if askers[0] != askers[1]:
        return True
    return {entry for entry in now if "?" in entry} <= before


STAFF = [_team("it"), _team("hr", True), _person("aino", "it", role="agent"), _person("matti"), _person("liisa", "hr")]
PRIVATE = _request(team="it", asked_by="matti", audience=[])
SHARED = _request(team="it", asked_by="matti")
OPEN_DOCUMENT = _document(team="it", owner="aino")
TEAMS_DOCUMENT = _document(team="it", owner="aino", audience=["team:it"])


@pytest.mark.parametrize(
    ("before", "now", "readers", "not_widened"),
    [
        pytest.param(PRIVATE, PRIVATE | {"audience": ["everyone"]}, "aino matti", "audience", id="everyone"),
        pytest.param(PRIVATE, SHARED, "aino matti", "audience", id="the default is everyone"),
        pytest.param(PRIVATE, PRIVATE | {"audience": ["team:hr"]}, "aino matti", "audience", id="another team"),
        pytest.param(PRIVATE, PRIVATE | {"team": "hr"}, "aino matti", "team", id="moved to another team"),
        pytest.param(PRIVATE, PRIVATE | {"asked_by": "liisa"}, "aino matti", "asked_by", id="another asker"),
        pytest.param(PRIVATE, PRIVATE | {"team": None}, "matti", None, id="taken from its team"),
        pytest.param(SHARED, PRIVATE, "aino matti", None, id="narrowed"),
        pytest.param(SHARED, SHARED | {"audience": ["person:liisa"]}, "aino liisa matti", None, id="a person"),
        pytest.param(SHARED, SHARED | {"team": "hr"}, "liisa matti", None, id="moved to a restricted team"),
        pytest.param(
            SHARED | {"audience": ["team:hr"]}, SHARED | {"audience": ["person:liisa"]}, "aino liisa matti", None,
            id="one person of the team that could read",
        ),
        pytest.param(OPEN_DOCUMENT, TEAMS_DOCUMENT, "aino", None, id="a narrowed document"),
        pytest.param(TEAMS_DOCUMENT, OPEN_DOCUMENT, "aino", "audience", id="a document for everyone"),
        pytest.param(TEAMS_DOCUMENT, TEAMS_DOCUMENT | {"owner": "matti"}, "aino", "owner", id="another owner"),
        pytest.param(TEAMS_DOCUMENT, TEAMS_DOCUMENT | {"team": "hr"}, "aino", "team", id="a document of another team"),
    ],
)  # fmt: skip
def test_a_source_narrows_and_does_not_widen(
    import_lines: Import,
    sessions: sessionmaker[Session],
    before: Line,
    now: Line,
    readers: str,
    not_widened: str | None,
) -> None:
    import_lines(*STAFF, before)
    for expected in ([f"records.jsonl:6: {now['type']} {now['id']}: {not_widened} would let more people read"], []):
        assert import_lines(*STAFF, now).not_widened == (expected if not_widened else [])  # listed once
        with sessions() as session:
            row = session.query(HelpRequest if now["type"] == "request" else Document).one()  # type: ignore[arg-type]
            assert {entry for entry in _readers(session, row) if "?" not in entry} == set(readers.split())


def test_what_was_shared_here_stays_shared_until_the_source_narrows_it(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*STAFF, PRIVATE)
    with sessions.begin() as session:
        session.query(HelpRequest).one().audience = [RequestAudience(token="everyone")]
    for line, readers in (
        (PRIVATE, {"aino", "matti", "liisa"}),
        (PRIVATE | {"title": "Printer again"}, {"aino", "matti", "liisa"}),
        (PRIVATE | {"audience": ["team:it"]}, {"aino", "matti"}),
    ):
        import_lines(*STAFF, line)
        with sessions() as session:
            assert {
                entry for entry in _readers(session, session.query(HelpRequest).one()) if "?" not in entry
            } == readers


def test_the_asker_whom_the_source_named_all_the_time_gets_their_request_once_they_are_listed(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    line = PRIVATE | {"asked_by": "eero", "anonymous": True}
    import_lines(*STAFF, line)
    assert import_lines(*STAFF, _person("eero"), line).not_widened == []
    with sessions() as session:
        assert {"eero", "aino"} == {
            entry for entry in _readers(session, session.query(HelpRequest).one()) if "?" not in entry
        }


def test_an_anonymous_request_is_not_moved_and_keeps_its_asker(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*STAFF, SHARED | {"anonymous": True})
    report = import_lines(*STAFF, SHARED | {"anonymous": True, "team": "hr", "asked_by": "liisa"})
    assert report.not_widened == ["records.jsonl:6: request r: asked_by, team would let more people read"]
    with sessions() as session:
        row = session.query(HelpRequest).one()
        assert row.team is not None and row.asked_by is not None
        assert (row.team.handle, row.asked_by.handle) == ("it", "matti")


def test_the_audit_log_says_that_an_import_narrowed_an_audience_and_does_not_name_an_anonymous_asker(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(*STAFF, SHARED | {"anonymous": True}, OPEN_DOCUMENT)
    import_lines(*STAFF, PRIVATE | {"anonymous": True}, TEAMS_DOCUMENT)
    with sessions() as session:
        found = {entry.action: entry.details for entry in audit.entries(session) if entry.via == "import"}
        number = session.query(Person).filter_by(handle="aino").one().id
    account = {"account": audit.account()}
    assert found["request.audience"] == {"before": ["everyone"], "after": ["team:it"], "widened": False, **account}
    assert found["document.audience"] == {
        "before": ["everyone"], "after": [f"person:{number}", "team:it"], "widened": False, **account,
    }  # fmt: skip
    assert found["import.run"] == {
        "run": found["import.begun"]["run"], **account,
        "added": 0, "updated": 2, "unchanged": 5, "conflicts": 0, "not_widened": 0, "skipped_links": 0, "problems": 0,
    }  # fmt: skip
