"""`kollega user`: every command that lists or changes somebody also prints JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from indexer.commands.people_import import user_group
from tests.indexer.commands.conftest import Run

PASSWORD = "Correct-horse 9\n"


def _json(run: Run, *arguments: str, typed: str = "") -> Any:
    result = run("user", *arguments, "--json", typed=typed)
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_every_command_has_the_option() -> None:
    without = [
        name for name, command in user_group.commands.items() if not any(p.name == "as_json" for p in command.params)
    ]
    assert without == []


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("role", "aino", "agent", "--team", "it"), {"role": "agent", "teams": ["it"]}),
        (("kind", "aino", "service"), {"kind": "service", "kind_is_set": True}),
        (("disable", "aino"), {"state": "disabled"}),
        (("name", "aino", "Aino Lahti"), {"name": "Aino Lahti"}),
        (("email", "aino", "aino@example.org"), {"email": "aino@example.org"}),
        (("password", "aino"), {"has_password": True}),
        (("reset-second-factor", "aino"), {"second_factor": False}),
        (("unlink", "aino"), {"is_linked": False}),
        (("left", "aino", "--undo"), {"left_on": None}),
    ],
)
def test_a_change_shows_the_person_as_they_are_now(
    run: Run, add_person: Callable[..., int], arguments: tuple[str, ...], shown: dict[str, Any]
) -> None:
    add_person("vera", "lead", "it")
    assert _json(run, "add", "aino", "--no-password")["user_name"] == "aino"
    said = _json(run, *arguments, typed=PASSWORD)
    assert said["user_name"] == "aino" and {name: said[name] for name in shown} == shown
    assert _json(run, "show", "aino") == said


def test_lists_and_what_ends_are_told_as_json(run: Run) -> None:
    _json(run, "add", "desk", "--no-password")
    _json(run, "kind", "desk", "service")
    assert _json(run, "services") == [{"user_name": "desk", "name": "desk", "known": "set"}]
    made = _json(run, "token", "desk", "--name", "bot", "--days", "0")
    assert (made["user_name"], made["name"], made["scopes"]) == ("desk", "bot", ["read"]) and len(made["token"]) > 20
    (token,) = _json(run, "tokens", "desk")
    assert (token["name"], token["expires_on"], token["last_used_on"]) == ("bot", None, None)
    assert _json(run, "revoke", str(token["token"])) == {"token": token["token"], "name": "bot"}
    assert _json(run, "sessions", "desk") == _json(run, "mail") == _json(run, "tokens") == []
    assert _json(run, "sign-out", "desk") == {"user_name": "desk", "sessions_ended": 0}
    assert _json(run, "sign-out", "--everybody") == {"user_name": None, "sessions_ended": 0}
