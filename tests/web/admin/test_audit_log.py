"""web/admin/audit_log.py: the audit log on a page and as a file."""

import ast
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.audit import ERASED, PRUNED, Actor
from recommender.membership.leaving import LEAVING, UNDONE
from recommender.membership.merging import MERGED
from tests.conftest import sign_in
from tests.paths import ROOT
from web.admin.audit_words import action_name

Sessions = sessionmaker[Session]
AT = "/admin/audit/"


@pytest.fixture
def admin(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int],
    sessions: Sessions,
) -> FlaskClient:  # fmt: skip
    """An admin, and a log with what two people did to two requests, one of which the admin may not read."""
    boss, aino = add_person("boss", "admin"), add_person("aino", "agent", "hr")
    for title in ("Open to all", "Kept to HR"):
        add_request(title, team="hr", by="aino", audience=("everyone",) if title == "Open to all" else ("team:hr",))
    with sessions.begin() as session:
        audit.record_audience(session, Actor(aino, "web"), "request:1", ["team:hr"], ["everyone"])
        audit.record_audience(session, Actor(aino, "web"), "request:2", ["everyone"], ["team:hr"])
        audit.record(session, Actor(boss, "web"), "team.added", "team:new")
        audit.record(
            session, Actor(boss, "web"), "person.role", f"person:{aino}", {"before": "staff", "after": "agent"}
        )
    return sign_in(open_client(), "boss")


def _rows(page: str) -> int:
    return page.count("<tr>") - 1 if "<table" in page else 0


def test_the_newest_comes_first_with_titles_of_what_the_admin_may_read(admin: FlaskClient) -> None:
    page = admin.get(AT).text
    assert _rows(page) == 4
    assert page.index("person.role") < page.index("team.added") < page.index("request.audience")
    assert "Open to all" in page and 'href="/requests/1"' in page
    assert "Kept to HR" not in page and "request:2" in page
    assert "person:aino" in page and "staff -&gt; agent" in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("by=aino", 2), ("by=boss", 2), ("action=team", 1), ("action=team.added", 1), ("action=tea", 0),
        ("subject=team:new", 1), ("subject=person:aino", 1), ("widened=1", 1), ("by=aino&widened=1", 1),
        ("since=2999-01-01", 0), ("until=2999-01-01", 4), ("until=2001-01-01", 0), ("by=99999", 0),
    ],
)  # fmt: skip
def test_filters_choose_entries_on_the_page_and_in_the_file(admin: FlaskClient, query: str, count: int) -> None:
    assert _rows(admin.get(f"{AT}?{query}").text) == count
    lines = admin.get(f"{AT}log.csv?{query}").text.splitlines()
    assert lines[0].lstrip("\ufeff").startswith("time (UTC),who") and len(lines) - 1 == count


def test_a_day_is_one_of_the_time_zone_of_the_pages(
    admin: FlaskClient, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "utc_now", lambda: datetime(2026, 3, 1, 23, 30))
    with sessions.begin() as session:
        audit.record(session, audit.SYSTEM, "test.late", "team:new")
    day = "2026-03-01"
    assert _rows(admin.get(f"{AT}?action=test&since={day}&until={day}").text) == 1  # the pages' zone is UTC here
    assert _rows(admin.get(f"{AT}?action=test&since=2026-03-02").text) == 0


def test_a_filter_that_cannot_be_used_is_said_at_its_field(admin: FlaskClient) -> None:
    for query, field in (("by=ghost", "by"), ("since=yesterday", "since"), ("until=0001-01-01", "until")):
        answer = admin.get(f"{AT}?{query}")
        assert answer.status_code == 422 and f'id="{field}-error"' in answer.text
        assert admin.get(f"{AT}log.csv?{query}").status_code == 422


def test_long_logs_come_in_pages(admin: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for number in range(60):
            audit.record(session, audit.SYSTEM, "test.done", f"team:t{number}")
    first, second = admin.get(f"{AT}?action=test").text, admin.get(f"{AT}?action=test&page=2").text
    assert (_rows(first), _rows(second)) == (50, 10)
    assert "action=test&amp;page=2" in first or "page=2&amp;action=test" in first
    assert "team:t59<" in first and "team:t0<" in second
    assert _rows(admin.get(f"{AT}?action=test&page=99").text) == 10
    assert len(admin.get(f"{AT}log.csv?action=test").text.splitlines()) == 61


def test_no_cell_of_the_file_is_a_formula(admin: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        audit.record(session, audit.SYSTEM, "test.done", "=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in admin.get(f"{AT}log.csv?action=test").text


def test_every_act_has_words_that_a_person_understands(admin: FlaskClient) -> None:
    codes = _codes()
    assert {"sign_in.done", "person.leaving_undone", "team.merged", "audit.pruned", "import.run"} <= codes
    assert len(codes) > 90
    with admin.application.test_request_context():
        assert {code for code in codes if action_name(code) == code} == set()
    page = admin.get(f"{AT}?lang=fi").text
    assert "Tiimi lisätty" in page and "<code>team.added</code>" in page


_CODE = re.compile(r"[a-z_]+\.(?!jsonl)[a-z_]+")


def _codes() -> set[str]:
    """The codes that the three packages record: in a call of a function that records or changes something, or as a
    constant; and what the beginnings of those that are put together stand for."""
    found: set[str] = set()
    for package in ("recommender", "indexer", "web"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and "record" in ast.unparse(node.func):
                    found |= {code for part in ast.walk(node) for code in _code_of(part)}
    return found | {MERGED, LEAVING, UNDONE, PRUNED, ERASED}


def _code_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if _CODE.fullmatch(node.value) else []
    if not isinstance(node, ast.JoinedStr) or len(node.values) != 2:
        return []
    begin, end = (part.value if isinstance(part, ast.Constant) else "" for part in node.values)
    if str(begin).endswith(".") and not end:
        return [f"{begin}anything"]
    kinds = ("request", "document")
    return [f"{kind}{end}" for kind in kinds] if not begin and _CODE.fullmatch(f"x{end}") else []
