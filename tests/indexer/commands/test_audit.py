"""commands/audit.py: `kollega audit`, after changes through pages, API and commands."""

import json
import os
import pwd
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import access, accounts, audit
from recommender.access import reader_of
from recommender.database.tables import Document, HelpRequest, Person, Team
from recommender.knowledge import documents, replacements, requests
from recommender.knowledge.documents import Content
from tests.conftest import sign_in
from tests.indexer.commands.conftest import Run


@pytest.fixture
def teams(sessions: sessionmaker[Session]) -> None:
    """The teams it and hr, each with an agent: aino and heta. eero is not in a team."""
    with sessions.begin() as session:
        it, hr = Team(handle="it", name="IT"), Team(handle="hr", name="HR", restricted=True)
        session.add_all([
            Person(handle="aino", name="Aino", role="agent", teams=[it]),
            Person(handle="heta", name="Heta", role="agent", teams=[hr]),
            Person(handle="eero", name="Eero"),
        ])  # fmt: skip


def _lines(run: Run, *options: str) -> list[list[str]]:
    """The columns of each line, without the time."""
    result = run("audit", *options)
    assert result.exit_code == 0, result.output
    return [line.split("\t")[1:] for line in result.stdout.splitlines()]


def _person(session: Session, handle: str) -> Person:
    person = session.scalar(select(Person).where(Person.handle == handle))
    assert person is not None
    return person


def _team(session: Session, handle: str) -> Team:
    team = session.scalar(select(Team).where(Team.handle == handle))
    assert team is not None
    return team


def _file(session: Session, *, anonymous: bool = False, shared: bool = False) -> HelpRequest:
    session.info["via"] = "web"
    asker = _person(session, "eero")
    return requests.file_request(
        session, asker, "A title", "A body", "en", _team(session, "it"), shared=shared, anonymous=anonymous
    )


@pytest.mark.usefixtures("teams")
def test_the_log_says_who_widened_an_audience(run: Run, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        request = _file(session)
        requests.share(session, request, reader_of(_person(session, "eero")), True)
        requests.share(session, request, reader_of(_person(session, "aino")), False)
        requests.move(session, request, reader_of(_person(session, "aino")), _team(session, "hr"))
    assert _lines(run) == [
        ["eero", "web", "request.filed", "request:1", "audience: person:eero, team:it"],
        ["eero", "web", "request.audience", "request:1", "person:eero, team:it -> everyone; WIDENED"],
        ["aino", "web", "request.audience", "request:1", "everyone -> person:eero, team:it"],
        ["aino", "web", "request.team", "request:1", "it -> hr"],
        ["aino", "web", "request.audience", "request:1", "person:eero, team:it -> person:eero, team:hr; WIDENED"],
    ]
    assert [line[0] for line in _lines(run, "--widened")] == ["eero", "aino"]


@pytest.mark.usefixtures("teams")
def test_the_log_does_not_name_an_anonymous_asker(run: Run, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        request = _file(session, anonymous=True)
        requests.share(session, request, reader_of(_person(session, "eero")), True)
    assert _lines(run) == [
        ["-", "web", "request.filed", "request:1", "audience: asker, team:it"],
        ["-", "web", "request.audience", "request:1", "asker, team:it -> everyone; WIDENED"],
    ]
    with sessions() as session:
        eero = _person(session, "eero").id
    assert f'"person:{eero}"' not in run("audit", "--json").output
    assert _lines(run, "--by", "eero") == []


@pytest.mark.usefixtures("teams")
def test_the_log_has_the_life_of_a_document(run: Run, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.info["via"] = "web"
        request = _file(session)
        aino, it = _person(session, "aino"), _team(session, "it")
        reader = reader_of(aino)
        content = Content("A title", "A body", "en", it, aino, True, None, True)
        document = documents.write(session, reader, content, request)
        published = Content("A title", "A body", "en", it, None, True, None, False)
        documents.edit(session, document, reader, published, document.updated_at)
        documents.verify(session, document, reader, aino, document.updated_at, 0)
        documents.hide(session, document, reader, True)
        documents.hide(session, document, reader, True)
        documents.hide(session, document, reader, False)
        newer = documents.write(session, reader, published)
        replacements.mark(session, document, reader, aino, replacements.key_of(newer))
        replacements.unmark(session, document, reader)
    assert [line[2:] for line in _lines(run, "--subject", "document:1")] == [
        ["document.written", "document:1", "audience: person:aino, team:it; draft: yes; from: request:1"],
        ["document.draft", "document:1", "yes -> no"],
        ["document.owner", "document:1", "person:aino -> none"],
        ["document.audience", "document:1", "person:aino, team:it -> everyone; WIDENED"],
        ["document.verified", "document:1"],
        ["document.hidden", "document:1"],
        ["document.shown", "document:1", "WIDENED"],
        ["document.replaced", "document:1", "by: document:2"],
        ["document.not_replaced", "document:1", "by: document:2"],
    ]


@pytest.mark.usefixtures("teams")
def test_the_log_has_what_admins_do_with_commands(run: Run) -> None:
    run("user", "role", "aino", "lead", "--team", "hr")
    run("user", "kind", "eero", "service")
    run("team", "hr", "--shared")
    run("team", "hr", "--shared")
    assert _lines(run, "--since", "2020-01-01", "--until", "2999-01-01") == [
        [f"{audit.account()} (account)", "command", "person.role", "person:aino", "agent -> lead"],
        [f"{audit.account()} (account)", "command", "person.teams", "person:aino", "it -> hr; WIDENED"],
        [f"{audit.account()} (account)", "command", "person.kind", "person:eero", "none -> service; WIDENED"],
        [f"{audit.account()} (account)", "command", "team.restricted", "team:hr", "yes -> no; WIDENED"],
    ]
    assert _lines(run, "--until", "2020-01-01") == []
    assert [line[2] for line in _lines(run, "--action", "person.role")] == ["person.role"]
    assert [line[2] for line in _lines(run, "--subject", "person:eero")] == ["person.kind"]
    refused = run("audit", "--by", "nobody")
    assert refused.exit_code == 1 and "There is no person 'nobody'" in refused.output


@pytest.mark.usefixtures("teams")
def test_a_page_and_the_command_write_the_same_log(
    run: Run, sessions: sessionmaker[Session], open_client: Callable[[], FlaskClient]
) -> None:
    with sessions.begin() as session:
        _file(session)
    client = sign_in(open_client(), "eero")
    assert client.post("/requests/1/audience", data={"audience": "everyone"}).status_code == 302
    with sessions() as session:
        assert access.EVERYONE in access.request_audience(session.get_one(HelpRequest, 1))
    _filed, entry = [json.loads(line) for line in run("audit", "--json").output.splitlines()]
    assert (entry["via"], entry["action"], entry["details"]["after"]) == ("web", "request.audience", ["everyone"])
    with sessions() as session:
        assert audit.verify(session) == []
        assert session.scalars(select(Document)).all() == []


@pytest.mark.usefixtures("teams")
def test_what_lets_somebody_read_more_is_marked_whatever_it_is(run: Run, sessions: sessionmaker[Session]) -> None:
    """Showing a hidden document, an anonymous asker's name, and letting somebody sign in again."""
    with sessions.begin() as session:
        request = _file(session, anonymous=True)
        aino, hr = _person(session, "aino"), _team(session, "hr")
        requests.move(session, request, reader_of(aino), hr)
        requests.show_name(session, request, reader_of(_person(session, "eero")), "hr")
        content = Content("A title", "A body", "en", _team(session, "it"), None, True, None, False)
        document = documents.write(session, reader_of(aino), content)
        documents.hide(session, document, reader_of(aino), True)
        documents.hide(session, document, reader_of(aino), False)
        for change in (accounts.enable, accounts.disable, accounts.enable):
            change(session, aino)
    assert [line[2] for line in _lines(run, "--widened")] == [
        "request.audience", "request.name", "document.shown", "account.enabled",
    ]  # fmt: skip
    assert all(line[-1].endswith("WIDENED") or "WIDENED; " in line[-1] for line in _lines(run, "--widened"))


def test_the_log_says_which_account_ran_a_command(
    run: Run, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    own = pwd.getpwuid(os.getuid()).pw_name
    with sessions.begin() as session:
        audit.record(session, audit.COMMAND, "a.plain", "x:1")
        monkeypatch.setenv("SUDO_USER", "liisa")
        audit.record(session, audit.COMMAND, "a.sudo", "x:1", {"n": 1})
        audit.record(session, audit.actor(session, None), "a.page", "x:1")
        monkeypatch.delenv("SUDO_USER")
        monkeypatch.setattr("pwd.getpwuid", lambda _number: {}["unknown"])
        audit.record(session, audit.COMMAND, "a.container", "x:1")
    assert [(line[0], line[2], line[4:]) for line in _lines(run)] == [
        (f"{own} (account)", "a.plain", []),
        ("liisa (account)", "a.sudo", ["n: 1"]),
        ("-", "a.page", []),
        (f"uid {os.getuid()} (account)", "a.container", []),
    ]


@pytest.mark.usefixtures("teams")
def test_what_an_erased_person_did_is_found_by_their_number(run: Run, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        request = _file(session)
        requests.share(session, request, reader_of(_person(session, "eero")), True)
        number, aino = _person(session, "eero").id, _person(session, "aino").id
    assert run("erase", "person:eero", "--yes").exit_code == 0
    assert [line[2] for line in _lines(run, "--by", str(number))] == ["request.filed", "request.audience"]
    assert [line[2] for line in _lines(run, "--subject", f"person:{number}")] == ["person.erased"]
    assert run("audit", "--by", str(aino)).exit_code == 1  # somebody who is there has a user name


def test_when_nothing_fits_it_says_so(run: Run, sessions: sessionmaker[Session]) -> None:
    for options in ((), ("--subject", "foo"), ("--action", "nosuch"), ("--json",)):
        result = run("audit", *options)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No entry of the audit log fits.\n")
