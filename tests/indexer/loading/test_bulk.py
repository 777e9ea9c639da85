"""loading/bulk.py: what is written at once is row for row what is written one by one."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from indexer.loading import load as loading
from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from indexer.sources.protocol import WholeSource
from indexer.sources.stackexchange import StackExchangeSource
from recommender.database.engine import open_database
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests import museum
from tests.indexer.loading.test_edits_stay import ALL, document, request, resolved
from tests.rows import all_rows

Lines = list[Any]
_NOT_THE_SAME = {"updated_at", "run", "earlier"}
"""Columns with the time of writing, or the number of the import."""


def _mixed(seed: int) -> Lines:
    """Many people and items, among them a few that are not plain."""
    random_ = random.Random(seed)  # noqa: S311
    lines: Lines = list(ALL)
    for number in range(100):
        address = random_.choice(
            [None, None, f"p{number}@example.org", f"p{number // 2}@example.org", "support@a.example"]
        )
        person = {
            "type": "person",
            "id": f"p{random_.choice([number, number, number // 3])}",
            "name": f"Person {number}",
        }
        person |= {} if address is None else {"email": address}
        person |= random_.choice([{}, {}, {"teams": ["it", "nowhere"], "role": "agent"}, {"left_on": "2026-02-01"}])
        lines.append(person)
    for number in range(100, 400):
        kind = random_.choice(["plain"] * 8 + ["odd"])
        values: Any = random_.choice([
            {"team": "nowhere"}, {"asked_by": "unknown"}, {"audience": ["team:it", "person:aino"]}, {"anonymous": True},
            {"audience": ["person:unknown"]}, {"merged_into": "r101"}, {"attachments": ["a.png"]}, {"id": "r100"},
            {"properties": {"priority": "high"}}, {"team": "hr", "language": "fi"}, {"audience": []}, {"team": None},
            {"replies": [{"id": "1", "body": "Psst", "created_at": "2026-01-02", "internal": True}]},
        ])  # fmt: skip
        make = random_.choice([request, resolved, resolved, document])
        if make is document:
            odd = {
                name: value for name, value in values.items() if name in ("team", "audience", "attachments", "language")
            }
            lines.append(document(number, **(odd if kind == "odd" and odd.get("audience") != [] else {})))
        else:
            lines.append(make(number, **(values if kind == "odd" else {})))
    return lines


def test_new_questions_and_people_need_few_statements(tmp_path: Path, analyzer: Analyzer) -> None:
    """However many they are: a statement for each would take most of the time of an import."""
    posts = [
        f'<row Id="{number}" PostTypeId="1" OwnerUserId="{number}" Title="Where is it {number}?" Body="&lt;p&gt;Where?'
        f'&lt;/p&gt;" CreationDate="2026-01-02T10:00:00.000" />'
        for number in range(1, 301)
    ]
    sessions = open_database(Settings(home=tmp_path / "home"))
    statements: list[str] = []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *found: statements.append(found[2]))
    report = load(_dump(tmp_path / "dump", posts), sessions, analyzer)
    sessions.kw["bind"].dispose()
    assert (report.added, [*report.problem_lines()]) == (300 + 29, [])
    assert len(statements) < 60


@pytest.fixture
def rows_of(tmp_path: Path, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Imports sources one after the other into an empty home, at once or one by one; its rows and the reports."""

    def imported(*sources: WholeSource, at_once: bool) -> Any:
        home = tmp_path / f"home-{at_once}"
        sessions = open_database(Settings(home=home))
        with monkeypatch.context() as patch:
            if not at_once:
                for name in ("write_people", "write_new", "write_answers", "write_names"):
                    patch.setattr(loading, name, lambda *_arguments: 0)
            reports = [load(source, sessions, analyzer) for source in sources]
        sessions.kw["bind"].dispose()
        rows = {
            table: [[pair for pair in row if pair[0] not in _NOT_THE_SAME] for row in found]
            for table, found in all_rows(home / "kollega.db").items()
        }
        told = [
            (each.line(), list(each.problem_lines()), sorted(each.change_lines()), sorted(each.readers.items()))
            for each in reports
        ]
        return rows, told

    return imported


def _file(path: Path, lines: Lines) -> JSONLSource:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return JSONLSource(path)


@pytest.mark.parametrize("lines", [list(museum.lines()), *map(_mixed, range(4))], ids=["museum", "0", "1", "2", "3"])
def test_items_written_at_once_are_row_for_row_those_written_one_by_one(
    tmp_path: Path, rows_of: Callable[..., Any], lines: Lines
) -> None:
    source = _file(tmp_path / "a.jsonl", lines)
    again = _file(tmp_path / "b.jsonl", [*lines, *(resolved(number) for number in range(900, 920))])
    at_once, one_by_one = (rows_of(source, again, at_once=each) for each in (True, False))
    assert at_once[1] == one_by_one[1]
    for table, rows in one_by_one[0].items():
        assert at_once[0][table] == rows, table


def _dump(folder: Path, posts: list[str]) -> StackExchangeSource:
    folder.mkdir()
    (folder / "Posts.xml").write_text(f"<posts>{''.join(posts)}</posts>")
    users = "".join(f'<row Id="{number}" DisplayName="Name {number}" />\n' for number in range(1, 30))
    (folder / "Users.xml").write_text(f"<users>{users}</users>")
    return StackExchangeSource(folder, "dump")


@pytest.mark.parametrize("seed", range(4))
def test_questions_and_answers_written_at_once_are_row_for_row_those_written_one_by_one(
    tmp_path: Path, rows_of: Callable[..., Any], seed: int
) -> None:
    random_ = random.Random(seed)  # noqa: S311
    first, more = [], []
    for number in range(1, 80):
        answers = [number * 100 + place for place in range(random_.randrange(4))]
        accepted = f'AcceptedAnswerId="{random_.choice([*answers, 7])}"' if random_.random() < 0.6 else ""
        owner = random_.choice(['OwnerUserId="3"', 'OwnerUserId="-1"', "", f'OwnerUserId="{number % 40}"'])
        first.append(
            f'<row Id="{number}" PostTypeId="1" Title="Printer {number}" Body="&lt;p&gt;It is stuck&lt;/p&gt;" {owner} '
            f'CreationDate="2024-01-02T10:00:00" {accepted} />\n'
        )
        for answer in answers:
            parent = number if random_.random() < 0.95 else 77777
            row = (
                f'<row Id="{answer}" PostTypeId="2" ParentId="{parent}" Body="So" Score="{random_.randrange(3)}"'
                f' OwnerUserId="{answer % 37}" CreationDate="2024-01-0{random_.randrange(1, 9)}T10:00:00" />\n'
            )
            (first if random_.random() < 0.7 else more).append(row)
    sources = _dump(tmp_path / "first", first), _dump(tmp_path / "second", [*first, *more])
    at_once, one_by_one = (rows_of(*sources, at_once=each) for each in (True, False))
    assert at_once[1] == one_by_one[1]
    for table, rows in one_by_one[0].items():
        assert at_once[0][table] == rows, table
