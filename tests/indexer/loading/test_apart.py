"""loading/apart.py: what another process reads and cleans is what this one would read and load."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.source_options import checked_options
from indexer.loading import apart
from indexer.loading.apart import SourceApart, apart_if_large
from indexer.loading.load import load
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Options
from indexer.texts.masking import SHIPPED, MaskingRules
from recommender.database.engine import open_database
from recommender.database.import_tables import ImportedRecord
from recommender.database.tables import HelpRequest, Reply
from recommender.errors import SourceError
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

_ROWS = (
    '{"type": "request", "id": "1", "title": "Salasana vanhentui", "body": "Uusi salasana: Kesakuu7 ei kelpaa enää",'
    ' "created_at": "2026-01-02T08:00:00", "replies": [{"id": "a", "body": "Vaihda se", "created_at": "2026-01-02"}]}',
    '{"type": "request", "id": "2", "title": "No id"',
    '{"type": "request", "id": "3", "title": "The printer is on fire again", "created_at": "2026-01-02T08:00:00"}',
    '{"type": "request", "id": "4", "title": "Later than now", "created_at": "2099-01-02T08:00:00"}',
    '{"type": "document", "id": "5", "title": "Så här gör du med skrivaren", "body": "Starta om den och vänta.",'
    ' "language": "sv", "updated_at": "2026-01-02T08:00:00"}',
)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Those of a small file with a broken line, personal data, three languages and a time in the future."""
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(_ROWS) + "\n", encoding="utf-8")
    return checked_options("jsonl", "s", {"place": str(path)})


def _apart(options: Options, mask: MaskingRules = SHIPPED) -> SourceApart:
    return SourceApart(KINDS["jsonl"].open("s", options), "jsonl", "s", options, mask)


def _stored(sessions: sessionmaker[Session]) -> list[object]:
    with sessions() as session:
        requests = session.execute(
            select(HelpRequest.external_id, HelpRequest.title, HelpRequest.body, HelpRequest.language,
                   HelpRequest.created_at).order_by(HelpRequest.id)
        ).all()  # fmt: skip
        said = session.execute(select(ImportedRecord.key, ImportedRecord.fields).order_by(ImportedRecord.key)).all()
        return [*requests, *session.scalars(select(Reply.body)), *said]


@pytest.mark.parametrize("mask", [SHIPPED, MaskingRules(frozenset())])
def test_the_same_is_loaded_and_told(
    options: Options, sessions: sessionmaker[Session], analyzer: Analyzer, mask: MaskingRules, tmp_path: Path
) -> None:
    other_sessions = open_database(Settings(home=tmp_path / "other"))
    here = load(KINDS["jsonl"].open("s", options), sessions, analyzer, mask=mask)
    there = load(_apart(options, mask), other_sessions, analyzer, mask=mask)
    assert _stored(other_sessions) == _stored(sessions)
    for report in (here, there):
        assert report.counts()["added"] == 4 and len(report.problems) == 1
    assert list(there.problem_lines()) == list(here.problem_lines())
    assert list(there.change_lines()) == list(here.change_lines()) != []
    other_sessions.kw["bind"].dispose()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that were started to read."""
    processes: list[Any] = []
    real = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> Any:
        processes.append(real(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def _large(path: Path, rows: int = 5_000) -> Options:
    """A file with more than the pipe holds."""
    row = {"type": "request", "title": "The printer is on fire", "body": "x" * 1_000, "created_at": "2026-01-02"}
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({**row, "id": str(number)}) + "\n" for number in range(rows))
    return checked_options("jsonl", "s", {"place": str(path)})


def test_what_was_read_before_the_process_was_killed_is_loaded(
    sessions: sessionmaker[Session], analyzer: Analyzer, started: list[Any], tmp_path: Path
) -> None:
    source = _apart(_large(tmp_path / "in.jsonl"))
    report = load(source, sessions, analyzer, lambda number: started[0].kill() if number == 1 else None)
    assert "the process that reads it was ended" in report.broken_off
    with sessions() as session:
        found = {int(name or "") for name in session.scalars(select(HelpRequest.external_id))}
    assert found == set(range(report.counts()["added"])) and 0 < len(found) < 5_000


def test_the_process_ends_with_whoever_takes_the_records(started: list[Any], tmp_path: Path) -> None:
    records = _apart(_large(tmp_path / "in.jsonl")).read()
    next(records)
    assert started[0].poll() is None  # it waits until more is taken
    records.close()  # type: ignore[attr-defined]
    assert started[0].poll() is not None


def test_an_error_of_the_source_is_raised_here(options: Options) -> None:
    source = _apart(options)
    Path(options.place).unlink()
    with pytest.raises(SourceError, match=r"items\.jsonl"):
        list(source.read())


def test_an_error_that_nobody_expected_is_raised_with_its_place(options: Options) -> None:
    source = SourceApart(KINDS["jsonl"].open("s", options), "no kind", "s", options, SHIPPED)
    with pytest.raises(KeyError) as raised:
        list(source.read())
    assert "apart.py" in raised.value.__notes__[0]


def test_only_a_large_file_is_read_by_another_process(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    source = KINDS["jsonl"].open("s", options)
    assert apart_if_large(source, "jsonl", "s", options, SHIPPED) is source
    monkeypatch.setattr(apart, "LARGE", Path(options.place).stat().st_size)
    assert isinstance(apart_if_large(source, "jsonl", "s", options, SHIPPED), SourceApart)
    standard_input = options.model_copy(update={"place": "/dev/stdin"})  # that of another process is another one
    assert apart_if_large(source, "jsonl", "s", standard_input, SHIPPED) is source
    assert apart_if_large(source, "documents", "s", options, SHIPPED) is source
    folder = options.model_copy(update={"place": str(Path(options.place).parent)})
    assert isinstance(apart_if_large(source, "stackexchange", "s", folder, SHIPPED), SourceApart)
