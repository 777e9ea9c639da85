"""commands/erase.py: `kollega erase`, `kollega retention` and `kollega team --keep-days`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.database.tables import HelpRequest, Person, Reply, Team
from recommender.index import generations
from recommender.knowledge import erasure, retention
from recommender.settings import Settings
from tests.indexer.commands.conftest import Run
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines


def test_a_request_is_erased_after_a_question(
    run: Run, sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    number = add_request("printer jams")
    assert run("erase", f"request:{number}", typed="n\n").exit_code == 1
    shown = run("erase", f"request:{number}", "--dry-run")
    assert (shown.exit_code, shown.output) == (0, "printer jams\n")
    with sessions() as session:
        assert session.get(HelpRequest, number) is not None
    erased = run("erase", f"request:{number}", "--yes")
    assert erased.exit_code == 0 and erased.output.endswith(f"request:{number} is erased from the database\n")
    with sessions() as session:
        assert session.get(HelpRequest, number) is None
        assert [(entry.action, entry.via) for entry in audit.entries(session)] == [("request.erased", "command")]


@pytest.mark.parametrize("command", ["erase", "retention"])
def test_an_update_that_begins_before_the_commit_leaves_nothing_of_what_is_erased(
    run: Run,
    settings: Settings,
    sessions: sessionmaker[Session],
    reindexed: Callable[..., object],
    add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """Erasing waits for an import that writes the database, and `watch` goes on meanwhile."""
    add_request("printer jams")
    number = add_request("the zyxwvutword is broken", team="it", at=datetime(2020, 1, 1))
    with sessions.begin() as session:
        session.scalars(select(Team)).one().keep_days = 30
    erase_request = erasure.erase_request

    def erase_later(*given: Any) -> None:
        add_request("another change")
        reindexed()
        erase_request(*given)

    for module in (erasure, retention):
        monkeypatch.setattr(module, "erase_request", erase_later)
    monkeypatch.setattr("indexer.commands.erase.update_index", lambda *_given, **_named: None)
    arguments = [f"request:{number}", "--yes"] if command == "erase" else []
    assert run(command, *arguments).exit_code == 0
    reindexed()
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert [path for path in files if b"zyxwvutword" in path.read_bytes().lower()] == []
    assert not generations.rewrites_asked_for(settings.index_dir)


def test_what_does_not_exist_is_an_error_that_says_what_can_be_erased(run: Run) -> None:
    for subject in ("request:1", "document:9999999999", "person:nobody", "printer", "person:", "team:it"):
        refused = run("erase", subject, "--yes")
        assert refused.exit_code == 1, subject
        assert "Name what to delete as request:12, document:3 or person:aino." in refused.output


def test_a_person_is_erased_and_it_says_where_the_name_stays(
    run: Run, sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    number = add_request("printer jams", "ask aino", by="aino", asked_by="eero")
    erased = run("erase", "person:aino", "--yes")
    assert erased.output.splitlines() == [
        "Aino (aino), who asked 0 requests",
        f"the name stays in texts that contain it: request:{number}",
        "1 replies without their author",
        "person:aino is erased from the database",
    ]
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == ["eero"]
        assert session.scalars(select(Reply.author_id)).all() == [None]
    assert run("user", "add", "aino", typed="Correct-horse 9\n").exit_code == 0  # somebody with the same user name


def test_an_erased_item_is_in_no_index_and_the_answer_is_gone(kollega: Kollega, write_lines: WriteLines) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    assert "Printer on floor two" in kollega("ask", "printer is stuck").output
    erased = kollega("erase", "request:1", "--yes")
    assert erased.exit_code == 0, erased.output
    assert "items 0, passages 0" in erased.output
    assert "Printer on floor two" not in kollega("ask", "printer is stuck").output


def test_retention_erases_what_a_team_has_kept_long_enough(
    run: Run, sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    add_request("old", team="it", at=datetime(2020, 1, 1))
    assert run("retention").output == "0 requests deleted\n"
    assert run("team", "it", "--keep-days", "365").output == (
        "solved requests of it are kept for 365 days\n"
        "1 of them is older and will be deleted for good when `kollega watch` does so next, once a day\n"
    )
    assert run("retention", "--dry-run").output == "1 requests would be deleted\n"
    assert run("retention").output == "1 requests deleted\n"
    assert run("team", "it", "--keep-forever").output == "solved requests of it are kept forever\n"
    with sessions() as session:
        assert session.scalars(select(HelpRequest.id)).all() == []
        assert session.scalars(select(Team.keep_days)).all() == [None]
        actions = [entry.action for entry in audit.entries(session)]
    assert actions == ["team.keep_days", "request.erased", "team.keep_days"]


def test_a_team_is_not_changed_without_saying_what(run: Run) -> None:
    assert "Say what to set" in run("team", "it").output
    assert "Give either" in run("team", "it", "--keep-days", "3", "--keep-forever").output


def test_backups_that_have_what_was_erased_are_named_and_deleted_on_request(
    run: Run, settings: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    first, second, third = (add_request(f"printer {number}") for number in range(3))
    backup = settings.backups_dir / "before.zip"
    settings.backups_dir.mkdir()
    assert run("backup", str(backup)).exit_code == 0
    assert run("erase", f"request:{first}", "--dry-run", "--with-backups").exit_code == 0
    named = run("erase", f"request:{first}", "--yes").output
    assert f"still has what was in the database when it was made: {backup}\n" in named and backup.exists()
    assert f"deleted: {backup}\n" in run("erase", f"request:{second}", "--yes", "--with-backups").output
    assert not backup.exists()
    assert "backup" not in run("erase", f"request:{third}", "--yes", "--with-backups").output
    with sessions() as session:
        (entry,) = audit.entries(session, action="store.backups_deleted")
        assert entry.details == {"files": ["before.zip"], "account": audit.account()}


def test_retention_names_and_deletes_backups_only_when_it_erased_something(
    run: Run, settings: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    settings.backups_dir.mkdir()
    add_request("printer", "open the tray")
    assert run("backup", str(settings.backups_dir / "before.zip")).exit_code == 0
    assert run("retention", "--with-backups").output == "0 requests deleted\n"
    with sessions.begin() as session:
        row = session.scalars(select(HelpRequest)).one()
        row.team = Team(handle="it", name="IT", keep_days=1)
        row.resolved_at = row.created_at = datetime(2020, 1, 1)
        for reply in row.replies:
            reply.created_at = datetime(2020, 1, 1)
    assert run("retention", "--with-backups").output == (
        f"1 requests deleted\ndeleted: {settings.backups_dir / 'before.zip'}\n"
    )
