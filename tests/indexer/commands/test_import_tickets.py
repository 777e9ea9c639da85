"""`kollega import` and `kollega sync` with ticket systems, from the command line to the database."""

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest
from recommender.settings import Settings
from tests.indexer.conftest import Kollega
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.jira import USER, JiraServer
from tests.indexer.sources.servers.server import TOKEN, serving
from tests.indexer.sources.servers.systems import SYSTEMS
from tests.indexer.sources.test_jira import XML


def test_an_export_of_jira_is_imported_once(kollega: Kollega, tmp_path: Path) -> None:
    file = tmp_path / "export.xml"
    file.write_text(XML.format(security=""), encoding="utf-8")
    first = kollega("import", "jira", str(file))
    assert first.exit_code == 0 and "4 added" in first.stdout  # two issues, two people
    assert "0 added, 0 updated, 4 unchanged" in kollega("import", "jira", str(file)).stdout


def test_a_system_is_imported_over_the_network(kollega: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(JiraServer(Desk(8))) as server:
        without = kollega("import", "jira", server.url, "--user", USER)
        assert without.exit_code == 1
        assert "jira: there is no token. Set KOLLEGA_JIRA_TOKEN" in without.stderr
        monkeypatch.setenv("KOLLEGA_JIRA_TOKEN", TOKEN)
        result = kollega("import", "jira", server.url, "--user", USER)
        assert result.exit_code == 0 and "0 updated" in result.stdout
        assert TOKEN not in result.output
        wrong = kollega("import", "jira", "ftp://jira.example")
        assert wrong.exit_code == 1 and "no address that can be asked" in wrong.stderr


def readers_of(number: str) -> list[str]:
    """The tokens of those who may read a ticket."""
    sessions = open_database(Settings.from_environment())
    with sessions() as session:
        row = session.scalar(select(HelpRequest).where(HelpRequest.external_id == number))
        tokens = sorted(each.token for each in row.audience) if row else []
    sessions.kw["bind"].dispose()
    return tokens


def test_what_is_private_deleted_or_changed_there_is_so_here_after_a_sync(
    kollega: Kollega, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    known, desk = SYSTEMS["zendesk"], Desk(12)
    with serving(known.serve(desk)) as server:
        rules = '[desk.audiences]\nIT = ["everyone"]\n'
        table = known.table(server.url) + rules
        (Path(os.environ["KOLLEGA_HOME"]) / "sources.toml").write_text(table, encoding="utf-8")
        assert kollega("sync").exit_code == 0
        assert readers_of("4") == readers_of("5") == ["everyone"]
        desk.change(1, "Muuttui")
        desk.delete(2)
        desk.end(3, "merged", into=1)
        desk.hide(4)
        result = kollega("sync")
        assert result.exit_code == 0 and "desk: 0 added, 3 updated" in result.stdout and "1 removed" in result.stdout
        assert "everyone" not in readers_of("4") and readers_of("5") == ["everyone"]
        assert "0 added, 0 updated" in kollega("sync").stdout
