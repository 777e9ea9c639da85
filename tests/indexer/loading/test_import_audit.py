"""loading/: what the audit log says about imports."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import Located
from recommender import audit
from recommender.database.tables import HelpRequest
from recommender.language.analyzer import Analyzer

Line = dict[str, Any]
Import = Callable[..., None]
AT = "2026-01-02T10:00:00"
TEAMS: list[Line] = [
    {"type": "team", "id": "it", "name": "IT"},
    {"type": "team", "id": "hr", "name": "HR", "restricted": True},
]


def _person(handle: str, **changes: Any) -> Line:
    return {"type": "person", "id": handle, "name": handle.title()} | changes


def _request(**changes: Any) -> Line:
    return {"type": "request", "id": "r", "title": "Printer", "body": "is stuck", "created_at": AT} | changes


class _Killed(JSONLSource):
    """A source whose import is killed after its last record."""

    def records(self) -> Iterator[Located]:
        yield from super().records()
        raise KeyboardInterrupt


@pytest.fixture
def import_lines(tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer) -> Import:
    def run(*lines: Line, source: type[JSONLSource] = JSONLSource) -> None:
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        load(source(path), sessions, analyzer)

    return run


def _found(sessions: sessionmaker[Session], action: str) -> list[dict[str, Any]]:
    with sessions() as session:
        return [entry.details or {} for entry in audit.entries(session, action=action)]


def test_an_import_that_is_killed_has_left_an_entry_if_it_wrote_something(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        import_lines(source=_Killed)
    assert (_found(sessions, "import"), _written(sessions)) == ([], 0)
    with pytest.raises(KeyboardInterrupt):
        import_lines(*TEAMS, _request(), _request(id="2"), {**TEAMS[0], "name": "x"}, source=_Killed)
    assert _written(sessions) > 0
    (begun,) = _found(sessions, "import")
    assert (begun["account"], len(begun["run"])) == (audit.account(), 16)
    import_lines(*TEAMS, _request(id="3"))
    last = _found(sessions, "import")[-2:]
    assert last[0]["run"] == last[1]["run"] != begun["run"]


def _written(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.query(HelpRequest).count()


def test_an_import_says_for_whom_its_new_items_are_without_naming_an_asker(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    guide = {"type": "document", "id": "d", "title": "Guide", "body": "Text", "updated_at": AT}
    lines = [
        *TEAMS, _person("aino"), _request(id="1", team="it"), _request(id="2", team="it"), _request(id="3", team="hr"),
        _request(id="4", team="hr", asked_by="aino", anonymous=True), {**guide, "audience": ["team:hr"]},
        {**guide, "id": "e", "audience": ["everyone"]},
    ]  # fmt: skip
    import_lines(*lines)
    import_lines(*lines)
    first, second = _found(sessions, "import.run")
    assert first["new"] == {
        "document for everyone": 1, "document for team:hr": 1, "request for everyone": 2,
        "request for people and team:hr": 1, "request for team:hr": 1,
    }  # fmt: skip
    assert first["added"] == 9 and "new" not in second and second["unchanged"] == 9


def test_a_last_day_that_a_source_sets_moves_or_takes_away_is_in_the_log(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    import_lines(_person("aino", role="admin"))
    for day in ("2026-01-01", "2026-02-01", "2025-01-01", None):
        import_lines(_person("aino", role="admin", left_on=day))
    found = _found(sessions, "person.left_on")
    assert [(entry["before"], entry["after"], entry.get("widened", False)) for entry in found] == [
        (None, "2026-01-01", False),
        ("2026-01-01", "2026-02-01", True),
        ("2026-02-01", "2025-01-01", False),
        ("2025-01-01", None, True),
    ]
