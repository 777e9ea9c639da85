"""commands/people.py and commands/accounts.py: `kollega user` and `kollega team`."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import Result
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands import people, signing_in
from indexer.commands.accounts import open_demo
from recommender import accounts
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.account_tables import Account, APIToken
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Person, Team, utc_now
from recommender.settings import Settings
from tests.indexer.commands.conftest import Run
from tests.paths import ROOT

PASSWORD = "Correct-horse 9"


@pytest.fixture
def teams(sessions: sessionmaker[Session]) -> None:
    """The teams it and hr, as an import leaves them."""
    with sessions.begin() as session:
        session.add_all([Team(handle="it", name="IT"), Team(handle="hr", name="HR")])


def _output(result: Result) -> str:
    """What a command prints that succeeds."""
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def _error(result: Result) -> str:
    """The single sentence of a command that is refused."""
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").strip()


def _signs_in(sessions: sessionmaker[Session], handle: str, password: str = PASSWORD) -> bool:
    with sessions() as session:
        return accounts.sign_in(session, handle, password) is not None


def _stored_person(sessions: sessionmaker[Session], handle: str) -> tuple[str, str, list[str]]:
    with sessions() as session:
        person = session.scalars(select(Person).where(Person.handle == handle)).one()
        return person.name, person.role, [team.handle for team in person.teams]


# adding people


def test_a_new_person_is_added_with_a_password_and_can_sign_in(run: Run, sessions: sessionmaker[Session]) -> None:
    assert _output(run("user", "add", "aino", typed=f"{PASSWORD}\n")) == "aino may sign in as staff\n"
    assert _stored_person(sessions, "aino") == ("aino", "staff", [])
    assert _signs_in(sessions, "aino")


@pytest.mark.usefixtures("teams")
def test_a_new_person_has_the_given_name_role_and_teams(run: Run, sessions: sessionmaker[Session]) -> None:
    options = ("--name", "Aino Virtanen", "--role", "lead", "--team", "it", "--team", "hr")
    assert _output(run("user", "add", "aino", *options, typed=PASSWORD)) == "aino may sign in as lead\n"
    assert _stored_person(sessions, "aino") == ("Aino Virtanen", "lead", ["hr", "it"])


def test_an_existing_person_keeps_the_values_that_are_not_given(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number = add_person("aino", "agent", "it", "hr")
    assert _output(run("user", "add", "aino", typed=PASSWORD)) == "aino may sign in as agent\n"
    assert _stored_person(sessions, "aino") == ("Aino", "agent", ["hr", "it"])
    _output(run("user", "add", "aino", "--name", "Aino Lahti", typed=PASSWORD))
    assert _stored_person(sessions, "aino") == ("Aino Lahti", "agent", ["hr", "it"])
    _output(run("user", "add", "aino", "--role", "admin", "--team", "it", typed=PASSWORD))
    assert _stored_person(sessions, "aino") == ("Aino Lahti", "admin", ["it"])
    with sessions() as session:
        assert session.scalars(select(Person.id)).all() == [number]


def test_adding_without_a_password_makes_none_and_keeps_an_old_one(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "aino", "--no-password"))
    assert not _signs_in(sessions, "aino", "") and not _signs_in(sessions, "aino")
    _output(run("user", "password", "aino", typed=PASSWORD))
    _output(run("user", "add", "aino", "--no-password"))
    assert _signs_in(sessions, "aino")


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    screen, terminal = pytest.importorskip("pty").openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "indexer", "user", "add", "aino"],
        env=os.environ | {"KOLLEGA_HOME": str(settings.home), "KOLLEGA_DATABASE": settings.database},
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)  # so that reading fails once the command has ended
    shown = b""
    for prompt in (b"Password: ", b"Repeat for confirmation: "):
        while not shown.endswith(prompt):
            shown += os.read(screen, 1000)
        os.write(screen, f"{PASSWORD}\n".encode())
    while b"may sign in" not in shown:
        shown += os.read(screen, 1000)
    assert child.wait(300) == 0
    os.close(screen)
    assert PASSWORD.encode() not in shown
    assert _signs_in(sessions, "aino")


def test_a_service_is_guessed_by_its_name_until_its_kind_is_set(run: Run, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.add_all([Person(handle="x1", name="ServiceDesk Bot"), Person(handle="x2", name="Aino Virtanen")])
    assert _output(run("user", "services")) == "x1\tServiceDesk Bot\tguessed\n"
    assert _output(run("user", "kind", "x1", "person")) == "x1 is a person and may be suggested\n"
    assert _output(run("user", "kind", "x2", "service")) == "x2 is a service and is never suggested\n"
    assert _output(run("user", "services")) == "x2\tAino Virtanen\tset\n"
    assert _output(run("user", "kind", "x1", "guess")) == "x1 is a service and is never suggested\n"
    assert "There is no person 'x3'" in _error(run("user", "kind", "x3", "service"))


@pytest.mark.parametrize("password", ["", "123456789"])
@pytest.mark.parametrize("command", ["add", "password"])
def test_a_password_that_is_too_short_is_reported_in_one_sentence_and_changes_nothing(
    run: Run, sessions: sessionmaker[Session], command: str, password: str
) -> None:
    _output(run("user", "add", "aino", typed=PASSWORD))
    result = run("user", command, "aino", *(["--role", "admin"] if command == "add" else []), typed=f"{password}\n")
    assert _error(result) == "A password needs at least 10 characters."
    assert _signs_in(sessions, "aino") and _stored_person(sessions, "aino")[1] == "staff"
    _error(run("user", "add", "matti", typed=password))
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == ["aino"]


def _piped(settings: Settings, password: bytes) -> subprocess.CompletedProcess[bytes]:
    """`kollega user add aino` with these bytes as its real standard input, which CliRunner's is not."""
    return subprocess.run(
        [sys.executable, "-m", "indexer", "user", "add", "aino"],
        env=os.environ | {"KOLLEGA_HOME": str(settings.home), "KOLLEGA_DATABASE": settings.database, "PYTHONUTF8": "1"},
        cwd=ROOT,
        input=password,
        capture_output=True,
        timeout=300,
    )


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_end_of_a_piped_line_is_not_part_of_the_password(
    settings: Settings, sessions: sessionmaker[Session], ending: str
) -> None:
    assert _piped(settings, f"{PASSWORD}{ending}".encode()).returncode == 0
    assert _signs_in(sessions, "aino")


def test_a_piped_password_that_is_not_utf_8_is_reported_in_one_sentence(settings: Settings) -> None:
    ran = _piped(settings, "salasanani on ä\n".encode("latin-1"))
    assert ran.returncode == 1 and ran.stderr.startswith(b"Error: ") and b"Traceback" not in ran.stderr


@pytest.mark.usefixtures("teams")
@pytest.mark.parametrize("arguments", [("user", "add", "aino"), ("user", "role", "matti", "agent")])
def test_an_unknown_team_is_reported_in_one_sentence_that_lists_the_known_ones(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int], arguments: tuple[str, ...]
) -> None:
    add_person("matti")
    sentence = "There is no team 'xx'; there are: hr, it. Make it with: kollega team add xx --name NAME"
    assert _error(run(*arguments, "--team", "it", "--team", "xx", typed=PASSWORD)) == sentence
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == ["matti"]
    assert _stored_person(sessions, "matti") == ("Matti", "staff", [])


def test_an_unknown_team_is_reported_when_there_are_no_teams(run: Run) -> None:
    assert "there are: none yet" in _error(run("team", "xx", "--shared"))


@pytest.mark.parametrize(
    "handle", ["", " ", "ai no", "ai/no", "ai\tno", "ai\u200bno", "\u202eoina", "..", "me", "x" * 121]
)
def test_a_user_name_that_cannot_be_used_is_reported_in_one_sentence(
    run: Run, sessions: sessionmaker[Session], handle: str
) -> None:
    rule = "without spaces, invisible characters and / ? # %"
    sentence = f"A user name has 1 to 120 characters, {rule}. Choose another one."
    assert _error(run("user", "add", handle, typed=PASSWORD)) == sentence
    with sessions() as session:
        assert session.query(Person).count() == 0


@pytest.mark.parametrize("handle", [" aino", "aino ", "aino\n"])
def test_a_user_name_with_a_space_at_an_end_is_refused_too(run: Run, handle: str) -> None:
    assert "1 to 120 characters" in _error(run("user", "add", handle, typed=PASSWORD))


def test_the_longest_user_name_signs_in(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "x" * 64, typed=PASSWORD))
    assert _signs_in(sessions, "x" * 64)


# passwords, roles, disabling


def test_a_new_password_replaces_the_old_one_and_ends_sessions(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "aino", typed=PASSWORD))
    with sessions.begin() as session:
        person = session.scalars(select(Person)).one()
        _row, identity = sign_in_sessions.begin(session, person, "password", days=1)
        token = accounts.make_token(session, person, "t", ["read"])
    kept = run("user", "password", "aino", "--keep-tokens", typed="Another horse 6\n")
    assert _output(kept) == "aino has a new password\n"
    with sessions() as session:
        assert accounts.token_of(session, token, utc_now().date()) is not None
    assert _output(run("user", "password", "aino", typed="Another horse 7\n")) == "aino has a new password\n"
    assert (_signs_in(sessions, "aino"), _signs_in(sessions, "aino", "Another horse 7")) == (False, True)
    with sessions() as session:
        assert sign_in_sessions.find(session, identity, idle_days=7) is None
        assert accounts.token_of(session, token, utc_now().date()) is None


def test_a_role_changes_and_teams_only_when_they_are_given(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    add_person("aino", "staff", "it")
    add_person("vera", "agent", "hr")
    assert _output(run("user", "role", "aino", "agent")) == "aino is agent of it\n"
    assert _output(run("user", "role", "aino", "lead", "--team", "hr", "--team", "it")) == "aino is lead of hr, it\n"
    said = _output(run("user", "role", "aino", "staff", "--team", "hr"))
    assert said == "aino is staff of hr, and no longer of it\n"
    assert (_stored_person(sessions, "aino"), _stored_person(sessions, "vera")) == (
        ("Aino", "staff", ["hr"]),
        ("Vera", "agent", ["hr"]),
    )


def test_a_person_without_a_team_has_only_a_role(run: Run, add_person: Callable[..., int]) -> None:
    add_person("aino")
    assert _output(run("user", "role", "aino", "admin")) == "aino is admin\n"


def test_disabling_ends_password_and_tokens_and_undo_restores_the_password_only(
    run: Run, sessions: sessionmaker[Session]
) -> None:
    _output(run("user", "add", "aino", typed=PASSWORD))
    _output(run("user", "token", "aino"))
    assert _output(run("user", "disable", "aino")) == "aino may no longer sign in; their tokens are deleted\n"
    with sessions() as session:
        assert session.query(APIToken).count() == 0
    assert not _signs_in(sessions, "aino")
    assert _output(run("user", "disable", "aino", "--undo")) == "aino may sign in again\n"
    assert _signs_in(sessions, "aino")


def test_adding_a_disabled_person_opens_their_account_again(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "aino", typed=PASSWORD))
    _output(run("user", "disable", "aino"))
    again = run("user", "add", "aino", typed=PASSWORD)
    assert again.stdout == "aino may sign in as staff\n" and _signs_in(sessions, "aino")


# tokens


def test_a_token_is_printed_only_once_and_belongs_to_its_person(run: Run, sessions: sessionmaker[Session]) -> None:
    _output(run("user", "add", "aino", typed=PASSWORD))
    (token,) = _output(run("user", "token", "aino")).splitlines()
    with sessions() as session:
        last = utc_now().date() + timedelta(days=90)
        row = accounts.token_of(session, token, last)
        assert row is not None and (row.person.handle, row.name, row.scopes) == ("aino", "API", ["read"])
        assert row.expires_on == last
    assert token not in _output(run("user", "list"))
    assert _output(run("user", "token", "aino")).strip() != token


def test_a_token_has_the_scopes_days_and_name_given(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    add_person("robot")
    options = ("--scope", "write", "--scope", "read", "--days", "7", "--name", "night job")
    token = _output(run("user", "token", "robot", *options)).strip()
    last = utc_now().date() + timedelta(days=7)
    with sessions() as session:
        row = accounts.token_of(session, token, last)
        assert row is not None and (row.name, row.scopes) == ("night job", ["read", "write"])
        assert accounts.token_of(session, token, last + timedelta(days=1)) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "token", "aino", "--scope", "admin"),
        ("user", "token", "aino", "--days", "-1"),
        ("user", "role", "aino", "boss"),
        ("user", "add", "aino", "--role", "boss"),
        ("team", "it"),
    ],
)
@pytest.mark.usefixtures("teams")
def test_an_invalid_choice_is_a_usage_error_and_changes_nothing(
    run: Run, sessions: sessionmaker[Session], add_person: Callable[..., int], arguments: tuple[str, ...]
) -> None:
    add_person("aino")
    result = run(*arguments, typed=PASSWORD)
    assert result.exit_code == 2 and "Usage: " in result.stderr
    assert _stored_person(sessions, "aino") == ("Aino", "staff", [])
    with sessions() as session:
        assert session.query(Account).count() == session.query(APIToken).count() == 0


# the list of accounts


def test_the_list_has_a_line_for_everybody(run: Run, add_person: Callable[..., int]) -> None:
    assert _output(run("user", "list")) == ""
    add_person("zeppo")  # imported, without an account
    add_person("vera", "lead", "it", "hr")
    _output(run("user", "add", "vera", typed=PASSWORD))
    _output(run("user", "add", "aino", "--name", "Aino Lahti", "--no-password"))
    _output(run("user", "add", "matti", typed=PASSWORD))
    _output(run("user", "disable", "matti"))
    assert _output(run("user", "list")).splitlines() == [
        "aino\tAino Lahti\tstaff\t\tno password",
        "matti\tmatti\tstaff\t\tdisabled",
        "vera\tVera\tlead\thr,it\tpassword",
        "zeppo\tZeppo\tstaff\t\tno account",
    ]


# teams, and unknown people


@pytest.mark.usefixtures("teams")
def test_the_new_requests_of_a_team_can_be_restricted_and_shared_again(
    run: Run, sessions: sessionmaker[Session]
) -> None:
    for option, whom, flags in (
        ("--restricted", "those in the request", {"hr": True, "it": False}),
        ("--shared", "everyone", {"hr": False, "it": False}),
    ):
        assert _output(run("team", "hr", option)) == f"new requests to hr are by default for {whom}\n"
        with sessions() as session:
            assert {team.handle: team.restricted for team in session.scalars(select(Team))} == flags


def test_a_name_makes_a_team_and_renames_it(run: Run, sessions: sessionmaker[Session]) -> None:
    made = _output(run("team", "it", "--name", "IT support", "--name-fi", "IT-tuki", "--restricted"))
    assert made.splitlines()[0] == "it is the new team IT support"
    assert _output(run("team", "it", "--name", "IT desk")) == "it is called IT desk\n"
    assert _output(run("team", "it", "--name-sv", "IT-stöd")) == "it is called IT desk and IT-stöd\n"
    with sessions() as session:
        team = session.scalars(select(Team)).one()
        assert (team.handle, team.name, team.name_fi, team.restricted) == ("it", "IT desk", "IT-tuki", True)
        assert team.name_sv == "IT-stöd"
        done = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert done == ["team.added", "team.restricted", "team.name", "team.name_sv"]
    assert "Choose another one" in _error(run("team", "a b", "--name", "IT"))
    assert "--name needs a text" in _error(run("team", "hr", "--name", " "))
    assert "Make it with" in _error(run("team", "hr", "--name-fi", "HR"))


@pytest.mark.parametrize(
    "arguments", [("password",), ("role", "agent"), ("disable",), ("disable", "--undo"), ("token",), ("unlink",)]
)
def test_an_unknown_person_is_reported_in_one_sentence_that_says_how_to_add_them(
    run: Run, sessions: sessionmaker[Session], arguments: tuple[str, ...]
) -> None:
    command, *rest = arguments
    result = run("user", command, "nobody", *rest, typed=PASSWORD)
    assert _error(result) == "There is no person 'nobody'. Make one with: kollega user add nobody"
    with sessions() as session:
        assert session.query(Account).count() == 0


def test_the_roles_and_scopes_that_can_be_chosen_are_those_of_accounts() -> None:
    assert (people.ROLES, signing_in.SCOPES) == (accounts.ROLES, accounts.SCOPES)


def test_how_a_team_is_reached_is_set_and_taken_away(run: Run, teams: None, sessions: sessionmaker[Session]) -> None:
    def stored() -> tuple[object, ...]:
        with sessions() as session:
            row = session.query(Team).filter_by(handle="hr").one()
            return row.phone, row.hours, row.hours_fi, row.private_matters

    result = run(
        "team", "hr", "--phone", "010 555", "--hours", "weekdays 9-15", "--hours-fi", "arkisin", "--private-matters"
    )
    assert result.output.splitlines() == [
        "hr is reached at: 010 555, weekdays 9-15, arkisin",
        "private matters are offered to hr first",
    ]
    assert stored() == ("010 555", "weekdays 9-15", "arkisin", True)
    run("team", "hr", "--phone", "", "--no-private-matters")
    assert stored() == (None, "weekdays 9-15", "arkisin", False)
    assert "Shorten the text of --phone to 64 characters." in _error(run("team", "hr", "--phone", "1" * 65))
    assert "There is no team 'xx'" in _error(run("team", "xx", "--hours", "always"))


# the demo's accounts


def test_people_of_the_demo_get_new_passwords_at_each_start(
    sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    add_person("aino")
    vera = add_person("vera")
    with sessions.begin() as session:
        accounts.disable(session, session.get_one(Person, vera))
    opened = []
    for _ in range(2):
        with sessions.begin() as session:
            opened.append({person.handle: password for person, password in open_demo(session, ["aino", "vera"])})
    first, second = opened
    assert [list(passwords) for passwords in opened] == [["aino"], ["aino"]]  # a disabled account stays disabled
    assert _signs_in(sessions, "aino", second["aino"]) and not _signs_in(sessions, "aino", first["aino"])


def test_the_demo_s_accounts_are_only_for_people_who_were_not_erased(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        assert open_demo(session, ["aino"]) == []
