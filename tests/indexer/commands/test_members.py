"""commands/members.py: lists, one person, names, teams, the last day and invitations, as `kollega user` has them."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.accounts import password_links
from recommender.database.tables import HelpRequest, Person
from tests.indexer.commands.conftest import Run


def _output(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def _json(result: Result) -> Any:
    return json.loads(_output(result))


def test_everybody_is_listed_and_shown_as_json(run: Run, add_person: Callable[..., int]) -> None:
    add_person("vera", "lead", "it", "hr")
    _output(run("user", "add", "aino", "--name", "Aino Lahti", "--email", "aino@example.org", "--no-password"))
    listed = _json(run("user", "list", "--json"))
    assert [(each["user_name"], each["state"]) for each in listed] == [("aino", "no_password"), ("vera", "no_account")]
    assert _json(run("user", "show", "aino", "--json")) == listed[0] == {
        "user_name": "aino", "name": "Aino Lahti", "email": "aino@example.org", "role": "staff", "teams": [],
        "kind": "person", "kind_is_set": False, "left_on": None, "state": "no_password", "has_password": False,
        "is_linked": False, "second_factor": False,
    }  # fmt: skip
    assert "teams\thr, it\n" in _output(run("user", "show", "vera"))
    assert _output(run("user", "list", "--team", "it")) == "vera\tVera\tlead\thr,it\tno account\n"
    assert _json(run("user", "list", "--search", "lahti", "--role", "lead", "--json")) == []


def test_teams_are_joined_and_left_without_losing_the_others(run: Run, add_person: Callable[..., int]) -> None:
    add_person("vera", "lead", "it", "hr")
    add_person("aino", "agent", "it")
    assert _output(run("user", "teams", "aino", "--join", "hr")) == "aino is in hr, it\n"
    assert _json(run("user", "teams", "aino", "--leave", "it", "--json")) == {"user_name": "aino", "teams": ["hr"]}
    assert run("user", "teams", "aino", "--leave", "xx").stderr.startswith("Error: There is no team 'xx'")
    assert _output(run("user", "teams", "aino")) == "aino is in hr\n"


def test_a_last_day_is_set_and_taken_back(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "aino", "--no-password"))
    said = _output(run("user", "left", "aino", "2031-02-28")).splitlines()
    assert said[0].startswith("0 open requests") and said[-1] == "aino does not work here from 2031-02-28 on"
    with sessions() as session:
        assert session.scalars(select(Person.left_on)).one() == date(2031, 2, 28)
    assert _output(run("user", "left", "aino", "--undo")).startswith("aino works here")
    assert run("user", "left", "aino", "28.2.2031").exit_code == 2
    assert _output(run("user", "name", "aino", "Aino Lahti")) == "aino is called Aino Lahti\n"


@pytest.mark.parametrize("command", [("role", "aino", "staff"), ("disable", "aino"), ("left", "aino")])
def test_no_command_takes_the_last_admin_away(
    run: Run, sessions: sessionmaker[Session], command: tuple[str, ...]
) -> None:
    _output(run("user", "add", "aino", "--role", "admin", "--no-password"))
    refused = run("user", *command)
    assert refused.exit_code == 1 and refused.stderr.startswith(
        "Error: aino is the only admin who may sign in and stays."
    )
    with sessions() as session:
        account = accounts.find(session, "aino")
        assert account is not None and (account.disabled, account.person.role, account.person.left_on) == (
            False, "admin", None,
        )  # fmt: skip


def test_an_invitation_is_printed_where_no_mail_can_be_sent(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "aino", "--no-password"))
    link = _output(run("user", "invite", "aino")).strip()
    assert link.startswith("http://127.0.0.1:8080/sign-in/new-password/")
    with sessions() as session:
        invited = password_links.person_of(session, link.rpartition("/")[2])
        assert invited is not None and invited.handle == "aino"
    assert _json(run("user", "invite", "aino", "--json"))["email"] is None


def test_a_leaver_hands_over_their_work_after_it_was_said_in_numbers(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int], add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> None:  # fmt: skip
    for handle in ("aino", "vera"):
        add_person(handle, "agent", "it")
    with sessions.begin() as session:
        number = session.scalars(select(Person.id).where(Person.handle == "aino")).one()
    request = add_request("VPN", team="it", status="open")
    add_document("Guide", "Text", team="it", owner="aino")
    with sessions.begin() as session:
        session.get_one(HelpRequest, request).assigned_to_id = number
    chosen = ("user", "left", "aino", "2026-01-31", "--requests-to", "vera", "--documents-to", "team")
    assert _json(run(*chosen, "--dry-run", "--json")) == {
        "user_name": "aino", "left_on": "2026-01-31", "ends_access": False, "dry_run": True,
        "hanging": {"requests": 1, "documents": 1, "due": 0, "tokens": 0, "sessions": 0, "sources": [], "topics": []},
        "handed": {"requests": 1, "to_queue": 0, "documents": 0, "to_team": 1, "staying": 0},
    }  # fmt: skip
    assert run(*chosen, typed="n\n").exit_code == 1
    with sessions() as session:
        assert session.get_one(HelpRequest, request).assigned_to_id == number
    said = _output(run(*chosen, "--yes"))
    assert "1 open requests: 1 to the colleague, 0 back to the queue, 0 stay" in said
    with sessions() as session:
        assert session.get_one(HelpRequest, request).assigned_to_id != number
    back = _output(run("user", "left", "aino", "--undo"))
    assert back == "aino works here; 1 requests and 1 guides are theirs again\n"
    assert run("user", "left", "aino", "--requests-to", "nobody").stderr.startswith("Error: There is no person")


def test_two_accounts_become_one_after_it_was_said_what_moves(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int], add_request: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it")
    add_person("avi", "staff", "hr")
    add_request("VPN", asked_by="avi")
    seen = _json(run("user", "merge", "aino", "avi", "--dry-run", "--json"))
    assert (seen["kept"], seen["gone"], seen["requests"], seen["new_teams"]) == ("aino", "avi", 1, ["hr"])
    assert run("user", "merge", "aino", "avi", typed="n\n").exit_code == 1
    said = _output(run("user", "merge", "aino", "avi", "--yes"))
    assert said.splitlines()[-1] == "avi is aino now"
    assert _json(run("user", "show", "avi", "--json"))["user_name"] == "aino"
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == ["aino"]


def test_people_are_imported_from_a_file_and_refused_lines_are_told_by_the_exit_status(
    run: Run, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes("Käyttäjätunnus;Nimi;Rooli\r\naino;Äinö;käsittelijä\r\n".encode("cp1252"))
    assert _output(run("user", "import", str(file), "--dry-run")).splitlines() == [
        "line 2\tnew\taino\tÄinö", "1 new, 0 changed, 0 same, 0 refused; nothing was stored",
    ]  # fmt: skip
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == []
    _output(run("user", "import", str(file)))
    file.write_text("user name,name,role\naino,Aino,king\n", encoding="utf-8")
    refused = run("user", "import", str(file), "--json")
    assert refused.exit_code == 1 and json.loads(refused.stdout)["rows"][0]["reason"] == "role"
