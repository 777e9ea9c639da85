"""`kollega init`: a new installation is set up in the terminal, with options or questions."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from indexer.cli import main
from recommender import accounts
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Person, Team
from recommender.organisation.values import Organisation
from recommender.settings import Settings
from tests.indexer.conftest import Kollega
from tests.indexer.loading.test_uploaded import TABLE
from tests.timing import LONG

PASSWORD = "correct horse battery staple"
GIVEN = (
    "--name", "Esimerkki Oy", "--language", "fi", "--language", "en", "--admin", "aino", "--admin-name", "Aino",
)  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    path.write_bytes(TABLE)
    return path


def _init(*arguments: str, typed: str = PASSWORD + "\n") -> Result:
    return CliRunner().invoke(main, ["init", *arguments], input=typed)


def _home() -> Settings:
    return Settings.from_environment()


def test_with_options_nothing_is_asked(kollega: Kollega, table: Path) -> None:
    done = _init(*GIVEN, "--team", "it", "--team", "lab=Laboratory", "--file", str(table), "--file-team", "it", "--yes")
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert "Otsikko: title" in done.output and "2 added" in done.output and "items 2" in done.output
    assert "Left out: " in done.output and "no title and no text" in done.output
    sessions = open_database(_home())
    with sessions() as session:
        made = Organisation.read(session, _home())
        assert (made.name, made.languages, made.settings.language) == ("Esimerkki Oy", ("en", "fi"), "fi")
        assert made.settings.time_zone == "Europe/Helsinki"
        person = session.scalars(select(Person).where(Person.role == "admin")).one()
        assert person.handle == "aino" and accounts.sign_in(session, "aino", PASSWORD) is not None
        assert {team.handle: team.name for team in session.scalars(select(Team))} == {
            "it": "IT support", "lab": "Laboratory"
        }  # fmt: skip
        assert len(session.scalars(select(HelpRequest)).all()) == 2
    sessions.kw["bind"].dispose()
    assert not list((_home().home / "uploads").glob("*/file*")) and table.is_file()


def test_what_no_option_says_is_asked_with_a_proposal(kollega: Kollega) -> None:
    typed = "Esimerkki Oy\nfi\n\naino\nAino\n\n" + PASSWORD + "\nit hr\n\n"
    done = _init(typed=typed)
    assert done.exit_code == 0, done.output
    assert "Time zone, such as Europe/Helsinki [Europe/Helsinki]" in done.output
    assert "team hr: Human resources (restricted)" in done.output
    assert "Set up. Start it with: kollega serve" in done.output


def test_what_was_mistyped_is_asked_again_at_a_terminal(kollega: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda stream: stream.name == "<stdin>")
    twice = f"{PASSWORD}\n{PASSWORD}\n"
    typed = f"Esimerkki Oy\nfinnish\nfi, en\nHelsinki\nEurope/Helsinki\nai no\nAino\n\n{twice}"
    typed += f"aino\nAino\nno address\n{twice}aino\nAino\n\nshort\nshort\n{twice}sales\nit, hr\nnowhere.csv\n\n"
    done = _init(typed=typed)
    assert done.exit_code == 0, done.output
    for said in (
        "at least one of the languages",
        "no address",
        "10 characters",
        "sales is none of it, hr",
        "nowhere.csv",
    ):
        assert said in done.output
    assert PASSWORD not in done.output
    sessions = open_database(_home())
    with sessions() as session:
        assert [person.handle for person in session.scalars(select(Person))] == ["aino"]
        assert {team.handle for team in session.scalars(select(Team))} == {"it", "hr"}
        assert Organisation.read(session, _home()).settings.time_zone == "Europe/Helsinki"
    sessions.kw["bind"].dispose()


@pytest.mark.parametrize(
    "lines",
    (
        ("finnish", "Europe/Helsinki", "aino", "Aino", "", PASSWORD, "it"),
        ("fi", "Helsinki", "aino", "Aino", "", PASSWORD, "it"),
        ("fi", "", "ai no", "Aino", "", PASSWORD, "it", "", ""),
        ("fi", "", "aino", "Aino", "no address", PASSWORD, "aino", "Aino", "", PASSWORD, "it"),
        ("fi", "", "aino", "Aino", "", PASSWORD, "sales", "it"),
    ),
)  # fmt: skip
def test_a_refused_line_of_a_pipe_ends_it_and_no_later_line_is_taken_for_it(
    lines: tuple[str, ...], kollega: Kollega
) -> None:
    done = _init(typed="\n".join(("Esimerkki Oy", *lines)))
    assert done.exit_code == 1 and done.stderr.startswith("Error: ") and len(done.stderr.splitlines()) == 1
    assert PASSWORD not in done.output
    sessions = open_database(_home())
    with sessions() as session:
        assert session.scalars(select(Person)).all() == []
    sessions.kw["bind"].dispose()


def test_a_real_pipe_is_no_terminal(kollega: Kollega) -> None:
    typed = f"Esimerkki Oy\nfi\n\naino\nAino\nno address\n{PASSWORD}\n{PASSWORD}\n"
    ran = subprocess.run(
        (sys.executable, "-m", "indexer", "init"),
        input=typed, capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert ran.returncode == 1 and "no address" in ran.stderr and PASSWORD not in ran.stdout + ran.stderr


def test_a_store_in_use_is_left_as_it_is(kollega: Kollega) -> None:
    assert _init(*GIVEN, "--no-teams", "--yes").exit_code == 0
    again = _init("--name", "Other", "--yes")
    assert again.exit_code == 1 and "set up already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    (
        ((*GIVEN, "--yes"), "short\n", "at least 10 characters"),
        ((*GIVEN, "--time-zone", "Nowhere", "--yes"), PASSWORD, "time zone"),
        (("--name", ""), "", "name"),
        ((*GIVEN, "--time-zone", ""), "", "time zone"),
        (("--name", "Esimerkki Oy", "--language", ""), "", "at least one of the languages"),
        ((*GIVEN, "--team", "unknown", "--yes"), PASSWORD, "--team unknown=NAME"),
        (("--language", "xx", "--admin", "aino", "--yes"), PASSWORD, "at least one of the languages"),
    ),
)
def test_what_cannot_be_used_stores_nothing(
    kollega: Kollega, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    done = _init(*arguments, typed=typed + "\n")
    assert done.exit_code == 1 and said in done.stderr
    sessions = open_database(_home())
    with sessions() as session:
        assert session.scalars(select(Person)).all() == []
        assert Organisation.read(session, _home()).name == ""
    sessions.kw["bind"].dispose()
