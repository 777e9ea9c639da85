"""commands/teams.py: `kollega team` and its commands."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from recommender import audit
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Team
from recommender.first_run import ready_teams
from recommender.first_run.ready_teams import ChosenTeam
from recommender.language.analyzer import Analyzer
from recommender.membership import people
from recommender.provisioning import teams as provisioned
from recommender.provisioning.teams import ProvidedGroup
from tests.indexer.commands.conftest import Run


def _output(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def _refused(result: Result, status: int = 1) -> str:
    assert (result.exit_code, result.stdout) == (status, "")
    return result.stderr


def test_a_team_is_made_before_anything_is_imported_as_the_refusal_says(run: Run) -> None:
    refused = _refused(run("user", "add", "aino", "--no-password", "--team", "it"))
    assert refused == (
        "Error: There is no team 'it'; there are: none yet. Make it with: kollega team add it --name NAME\n"
    )
    assert _output(run("team", "add", "it", "--name", "IT", "--restricted")).splitlines() == [
        "it is the new team IT", "new requests to it are by default for those in the request",
    ]  # fmt: skip
    _output(run("user", "add", "aino", "--no-password", "--team", "it"))
    assert "aino" in _output(run("team", "show", "it"))


def test_a_team_is_renamed_and_keeps_its_handle(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("team", "add", "it", "--name", "IT"))
    assert _output(run("team", "rename", "it", "Help desk", "--name-fi", "IT-tuki")) == (
        "it is called Help desk and IT-tuki\n"
    )
    _output(run("team", "rename", "it", "Help desk", "--name-fi", ""))
    with sessions() as session:
        row = session.scalars(select(Team)).one()
        assert (row.handle, row.name, row.name_fi) == ("it", "Help desk", None)
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["team.added", "team.name", "team.name_fi", "team.name_fi"]


def test_adding_a_team_that_is_there_and_setting_one_that_is_not_are_refused(run: Run) -> None:
    _output(run("team", "add", "it", "--name", "IT"))
    assert "There is already a team it." in _refused(run("team", "add", "it", "--name", "Other"))
    assert "kollega team add hr --name NAME" in _refused(run("team", "set", "hr", "--name", "HR"))
    assert "kollega team add hr --name NAME" in _refused(run("team", "rename", "hr", "HR"))


def test_the_form_without_a_command_goes_on_working(run: Run) -> None:
    assert _output(run("team", "it", "--name", "IT")) == "it is the new team IT\n"
    assert _output(run("team", "it", "--name", "IT desk")) == "it is called IT desk\n"
    assert _output(run("team", "it", "--shared")) == "new requests to it are by default for everyone\n"
    said = _refused(run("team", "it"), 2)
    assert "kollega team show it" in said and "kollega team --help" in said


def test_a_team_whose_handle_is_the_name_of_a_command_is_reached_by_team_set(run: Run) -> None:
    _output(run("team", "add", "list", "--name", "Lists"))
    assert _output(run("team", "set", "list", "--phone", "010 1")) == "list is reached at: 010 1\n"


def test_lists_and_single_teams_are_printed_as_json(
    run: Run, add_person: Callable[..., int], add_request: Callable[..., int], add_document: Callable[..., int]
) -> None:
    assert "kollega team add it" in run("team", "list").stderr
    add_person("aino", "agent", "it")
    add_request("VPN", team="it")
    add_document("Guide", "Text", team="it")
    _output(run("team", "set", "it", "--send-to", "https://hooks.example.org/services/T0/s3cret"))
    lines = [json.loads(line) for line in _output(run("team", "list", "--json")).splitlines()]
    shown = json.loads(_output(run("team", "show", "it", "--json")))
    assert shown == lines[0] | {"people": ["aino"]}
    counts = shown["members"], shown["open_requests"], shown["solved_requests"], shown["documents"]
    assert counts == (1, 0, 1, 1)
    assert shown["send_to"] == "https://hooks.example.org/…"
    assert _output(run("team", "list")).split("\t")[0] == "it"
    assert "s3cret" not in _output(run("team", "show", "it"))
    assert json.loads(_output(run("team", "set", "it", "--keep-days", "30", "--json")))["keep_days"] == 30


def test_who_keeps_requests_for_fewer_days_is_told_how_many_are_deleted(
    run: Run, add_request: Callable[..., int]
) -> None:
    for title in ("VPN", "Printer"):
        add_request(title, team="it")
    assert _output(run("team", "set", "it", "--keep-days", "1")).splitlines() == [
        "solved requests of it are kept for 1 day",
        "2 of them are older and will be deleted for good when `kollega watch` does so next, once a day",
    ]
    assert _output(run("team", "set", "it", "--keep-forever")) == "solved requests of it are kept forever\n"


def test_removing_shows_what_would_move_and_asks(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int], add_request: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it")
    add_request("VPN", team="it", audience=("team:it",), status="open")
    _output(run("team", "add", "hr", "--name", "HR"))
    assert "--merge-into HANDLE" in run("team", "remove", "it", "--yes").stderr
    asked = run("team", "remove", "it", "--merge-into", "hr", typed="n\n")
    assert asked.exit_code == 1 and "1 members, 1 open and 0 solved requests" in asked.stdout
    assert "1 people join hr" in asked.stdout
    with sessions() as session:
        assert len(session.scalars(select(Team)).all()) == 2
    assert "--json needs --yes" in _refused(run("team", "remove", "it", "--json"), 2)
    done = json.loads(_output(run("team", "remove", "it", "--merge-into", "hr", "--yes", "--json")))
    assert (done["merged_into"], done["moved"]["open_requests"]) == ("hr", 1)
    _output(run("team", "add", "spare", "--name", "Spare"))
    assert _output(run("team", "remove", "spare", "--yes")) == "spare was removed\n"


@pytest.mark.parametrize("handle", ["a b", "", "x" * 65, "a/b"])
def test_a_handle_that_cannot_be_used_is_refused(run: Run, handle: str) -> None:
    assert "Choose another one" in _refused(run("team", "add", handle, "--name", "IT"))


def _restricted(session: Session) -> dict[str, bool]:
    return {handle: restricted for handle, restricted in session.execute(select(Team.handle, Team.restricted))}


def test_however_a_team_comes_it_is_restricted_once_new_ones_are(
    run: Run, sessions: sessionmaker[Session], analyzer: Analyzer, tmp_path: Path
) -> None:
    said = json.loads(_output(run("team", "new-ones", "--restricted", "--json")))
    assert said == {"new_teams_restricted": True}
    _output(run("team", "add", "it", "--name", "IT"))
    _output(run("team", "add", "pr", "--name", "PR", "--shared"))
    file = tmp_path / "teams.jsonl"
    records = [{"type": "team", "id": "hr", "name": "HR"}, {"type": "team", "id": "shop", "name": "Shop"}]
    records[1]["restricted"] = False  # type: ignore[assignment]
    file.write_text("\n".join(map(json.dumps, records)))
    load(JSONLSource(file), sessions, analyzer)
    with sessions.begin() as session:
        provided = ProvidedGroup("Legal", "77", frozenset())
        person = people.add(session, "provisioner")
        provisioned.create(session, provided, person.id)
        ready_teams.make(session, [ChosenTeam("lab", {"en": "Lab"}, restricted=None)], audit.COMMAND)
    with sessions() as session:
        restricted = _restricted(session)
    assert restricted == {"it": True, "pr": False, "hr": True, "shop": False, "legal": True, "lab": True}
    load(JSONLSource(file), sessions, analyzer)
    with sessions() as session:
        assert _restricted(session) == restricted
    assert _output(run("team", "new-ones", "--shared")) == "new teams are shared at first\n"
    _output(run("team", "add", "new", "--name", "New"))
    with sessions() as session:
        assert not session.scalars(select(Team.restricted).where(Team.handle == "new")).one()
