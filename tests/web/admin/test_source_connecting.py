"""web/admin/source_connecting.py: a source is connected without its secret, which no page ever gets."""

import html
import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.imports import import_group
from indexer.sources.configuration import sources_of
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Options
from recommender.database.job_tables import Job
from recommender.jobs import kinds
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import press
from web.admin.source_kinds import COMMANDS, SYSTEMS, SystemKind

Sessions = sessionmaker[Session]
CHOOSE = "/admin/sources/_connect"


@pytest.fixture
def admin(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> FlaskClient:
    add_person("boss", "admin", "it")
    return sign_in(open_client(), "boss")


def _jobs(sessions: Sessions) -> list[tuple[str, dict[str, object]]]:
    with sessions() as session:
        return [(job.kind, job.payload) for job in session.scalars(select(Job).order_by(Job.id))]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.kind)
def test_what_a_page_asks_of_a_system_are_options_of_its_kind(system: SystemKind) -> None:
    options: type[Options] = KINDS[system.kind].options()
    known = options.model_fields
    assert {f"{system.secret}_file", *([system.part] if system.part else [])} <= set(known)
    assert ("user" in known) == (system.user != "never")
    values: dict[str, object] = {"place": system.example}
    if system.part:
        values[system.part] = ["a"] if system.has_several_parts else "a"
    assert options.model_validate(values).place == system.example


def test_how_every_other_kind_is_read_is_said_with_its_command(admin: FlaskClient, tmp_path: Path) -> None:
    page = admin.get(CHOOSE).text
    assert {kind for kind, _command in COMMANDS} | {system.kind for system in SYSTEMS} == set(KINDS)
    commands = re.findall(r"<code>(kollega import [^<]+)</code>", page)
    assert len(commands) == len(COMMANDS) + 1
    for command in commands:
        _kollega, verb, kind, *rest = command.split()
        found = import_group.get_command(click.Context(import_group), kind)
        assert verb == "import" and found is not None
        found.make_context(kind, [str(tmp_path) if word in ("FILE", "FOLDER", "EXPORT") else word for word in rest])
    (table,) = re.findall(r"<code>(\[handbook\][^<]+)</code>", page)
    assert sources_of(tmp_path / "sources.toml", html.unescape(table).replace("TEAM", "it"))[0].kind == "documents"


def test_a_system_is_chosen_described_and_connected(admin: FlaskClient, sessions: Sessions, settings: Settings) -> None:
    assert 'href="/admin/sources/_connect"' in admin.get("/admin/sources/").text + admin.get("/setup/knowledge").text
    assert "GitLab" in admin.get(CHOOSE).text
    address = f"{CHOOSE}/gitlab"
    made = press(
        admin, address, address, name="desk", place="https://gitlab.example.org", part="it/help, it/hr", team="it"
    )
    assert made.status_code == 303 and made.location.startswith("/admin/jobs/")
    file = str(settings.sources_file.absolute().parent / "desk.token")
    table = {"kind": "gitlab", "place": "https://gitlab.example.org", "projects": ["it/help", "it/hr"], "team": "it"}
    assert _jobs(sessions) == [(kinds.CONNECT, {"source": "desk", "table": table | {"token_file": file}})]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "No Name"}, "name"),
        ({"name": "kollega"}, "name"),
        ({"name": "demo"}, "name"),
        ({"name": "wiki"}, "name"),
        ({"name": "mcp"}, "name"),
        ({"name": "metrics"}, "name"),
        ({"place": "/etc/passwd"}, "place"),
        ({"place": "http://desk.example"}, "place"),
        ({"place": "https://"}, "place"),
        ({"place": "https://me:secret@desk.example"}, "place"),
        ({"place": "https://desk.example/api?token=secret"}, "place"),
        ({"place": "https://desk.example/#secret"}, "place"),
        ({"team": "nowhere"}, "team"),
        ({"secret": "/etc/kollega/other"}, "secret"),
        ({"secret": "none"}, "secret"),
    ],
)
def test_what_is_wrong_stands_at_the_field_and_nothing_is_begun(
    change: dict[str, str], field: str, admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    settings.sources_file.write_text('[wiki]\nkind = "jsonl"\nplace = "wiki.jsonl"\n')
    sent = {"name": "desk", "place": "https://desk.example", "secret": "environment"} | change
    answer = admin.post(f"{CHOOSE}/zammad", data=sent)
    assert answer.status_code == 422 and f'href="#{field}"' in answer.text
    assert _jobs(sessions) == []


def test_a_part_that_has_to_be_said_is_asked_for(admin: FlaskClient, sessions: Sessions) -> None:
    answer = admin.post(f"{CHOOSE}/gitlab", data={"name": "desk", "place": "https://gitlab.com", "secret": "file"})
    assert answer.status_code == 422 and 'href="#part"' in answer.text and _jobs(sessions) == []


def test_the_page_of_a_new_source_says_how_to_store_the_token_and_sets_how_often(
    admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    settings.sources_file.write_text(
        '[desk]\nkind = "zammad"\nplace = "https://desk.example"\ntoken_file = "/srv/it\'s/desk.token"\n'
        '[post]\nkind = "mail"\nplace = "imaps://mail.example"\nuser = "me"\n'
    )
    page = admin.get("/admin/sources/desk").text
    assert "install -m 600 /dev/stdin &#39;/srv/it&#39;&#34;&#39;&#34;&#39;s/desk.token&#39;" in page
    assert "KOLLEGA_POST_PASSWORD=…" in admin.get("/admin/sources/post").text
    answer = press(admin, "/admin/sources/desk", "/admin/sources/desk/schedule", every="1h", full_every="7d")
    assert answer.status_code == 303
    assert _jobs(sessions) == [(kinds.SCHEDULE, {"source": "desk", "every": "1h", "full_every": "7d"})]
    assert admin.post("/admin/sources/desk/schedule", data={"every": "1s"}).status_code == 400
    assert admin.post("/admin/sources/gone/schedule", data={"every": "1h"}).status_code == 404


def test_an_unknown_system_is_not_found(admin: FlaskClient) -> None:
    assert admin.get(f"{CHOOSE}/jsonl").status_code == admin.post(f"{CHOOSE}/jsonl").status_code == 404
