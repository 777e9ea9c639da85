"""notes.py: internal notes are read by the agents of the team and by nobody else, on no surface; canned replies."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.export import export
from recommender import accounts
from recommender.accounts import tokens
from recommender.database.request_tables import CannedReply, InternalNote
from recommender.database.tables import HelpRequest, Person
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import forms_of

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]
SECRET = "Zanzibarnote"


@pytest.fixture
def number(
    add_person: Callable[..., int], add_request: Callable[..., int], open_client: Callable[[], FlaskClient]
) -> int:
    """An open request of matti to IT, which everyone may read."""
    made = add_request(
        "Screen stays black", "after update", "?", by="kaisa", asked_by="matti", team="it", status="open"
    )
    for handle, role, teams in (
        ("matti", "staff", ()), ("kaisa", "staff", ()), ("aino", "agent", ("it",)), ("pekka", "agent", ("it",)),
        ("riikka", "agent", ("hr",)), ("sami", "staff", ("it",)),
    ):  # fmt: skip
        add_person(handle, role, *teams)
    return made


@pytest.fixture
def visit(number: int, open_client: Callable[[], FlaskClient]) -> Visit:
    client = open_client()
    return lambda handle: sign_in(client, handle)


def test_a_note_is_read_by_the_agents_of_the_team_and_by_nobody_else(visit: Visit, number: int) -> None:
    for name, status in (("matti", 403), ("kaisa", 403), ("sami", 403), ("riikka", 403), ("aino", 302)):
        assert visit(name).post(f"/desk/{number}/notes", data={"note": SECRET}).status_code == status, name
    readers = {name: SECRET in visit(name).get(f"/requests/{number}").text for name in
               ("matti", "kaisa", "sami", "riikka", "aino", "pekka")}  # fmt: skip
    assert readers == {"matti": False, "kaisa": False, "sami": False, "riikka": False, "aino": True, "pekka": True}


def test_a_note_stays_with_the_team_when_the_request_moves(visit: Visit, number: int) -> None:
    visit("aino").post(f"/desk/{number}/notes", data={"note": SECRET})
    visit("aino").post(f"/desk/{number}/move", data={"team": "hr"})
    assert SECRET not in visit("riikka").get(f"/requests/{number}").text


def test_an_agent_who_asked_does_not_read_the_notes_on_their_own_request(
    visit: Visit, number: int, sessions: Sessions
) -> None:
    visit("aino").post(f"/desk/{number}/notes", data={"note": SECRET})
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, number)
        row.asked_by = session.query(Person).filter_by(handle="pekka").one()
    assert SECRET not in visit("pekka").get(f"/requests/{number}").text
    assert visit("pekka").post(f"/desk/{number}/notes", data={"note": "x"}).status_code == 403


def test_no_other_surface_has_a_note(
    visit: Visit, number: int, sessions: Sessions, settings: Settings, open_client: Callable[[], FlaskClient],
    tmp_path: Path,
) -> None:  # fmt: skip
    visit("aino").post(f"/desk/{number}/notes", data={"note": SECRET})
    visit("aino").post(f"/requests/{number}/replies", data={"body": "Hold the button", "then": "resolve"})
    client = open_client()  # the index is made anew, with the note in the database
    with sessions.begin() as session:
        aino = session.query(Person).filter_by(handle="aino").one()
        accounts.open_account(session, aino)
        secret = tokens.make_token(session, aino, "test", ["read"])
    agent = sign_in(client, "aino")
    pages = ("/desk/?state=all", "/requests/", "/documents/", f"/documents/new?from={number}",
             "/people/aino")  # fmt: skip
    for page in pages:
        assert SECRET not in agent.get(page).text.replace(f'value="{SECRET}"', ""), page
    assert f"/requests/{number}" not in agent.get(f"/desk/?state=all&words={SECRET}").text
    assert f"/requests/{number}" not in agent.post("/suggest", data={"q": SECRET}).text
    assert f"/requests/{number}" not in agent.get(f"/?q={SECRET}").text  # which shows the words of the question itself
    header = {"Authorization": f"Bearer {secret}"}
    for path in (f"/api/v1/requests/{number}", "/api/v1/requests", f"/api/v1/recommend?q={SECRET}",
                 f"/api/v1/requests/{number}/similar", f"/api/v1/items/request:{number}"):  # fmt: skip
        answer = client.get(path, headers=header)
        assert answer.status_code == 200, path
        assert SECRET not in answer.text.replace(f'"question":"{SECRET}"', ""), path
    for path in settings.index_dir.rglob("*"):
        assert not path.is_file() or SECRET.lower().encode() not in path.read_bytes().lower(), path
    with sessions() as session:
        for table in HelpRequest.metadata.sorted_tables:
            rows = session.execute(table.select()).all()
            assert table.name == "internal_notes" or SECRET not in repr(rows), table.name  # so no mail has it either


def test_the_export_of_the_whole_store_has_a_note_only_in_its_own_table(
    visit: Visit, number: int, sessions: Sessions, tmp_path: Path
) -> None:
    visit("aino").post(f"/desk/{number}/notes", data={"note": SECRET})
    with sessions() as session:
        note = session.query(InternalNote).one()
        assert (note.body, note.request_id) == (SECRET, number)
    with sessions() as session:
        export(session, tmp_path / "store.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "store.jsonl").read_text().splitlines() if SECRET in line]
    assert [(line["type"], line["table"]) for line in lines] == [("row", "internal_notes")]


def test_a_canned_reply_is_changed_by_its_team_and_nothing_typed_is_lost(visit: Visit, number: int) -> None:
    aino = visit("aino")
    new = {"team": "it", "title": "Restart", "body": "Please restart it."}
    refused = aino.post("/desk/canned", data={**new, "title": ""})
    assert refused.status_code == 422 and "Please restart it.</textarea>" in refused.text
    aino.post("/desk/canned", data=new)
    (form,) = [form for form in forms_of(aino.get("/desk/canned").text) if form.action == "/desk/canned/1"]
    assert dict(form.fields)["title"] == "Restart" and dict(form.fields)["body"].strip() == "Please restart it."
    changed = {**dict(form.fields), "title": "Start again", "body": "Please start it again."}
    assert visit("riikka").post("/desk/canned/1", data=changed).status_code == 404
    assert visit("matti").post("/desk/canned/1", data=changed).status_code == 403
    refused = aino.post("/desk/canned/1", data={**changed, "title": " "})
    assert refused.status_code == 422 and "Please start it again.</textarea>" in refused.text
    assert "<details open" in refused.text and 'aria-describedby="changed-1-error"' in refused.text
    assert [aino.post("/desk/canned/1", data=changed).status_code for _ in range(2)] == [302, 302]  # a second click
    page = aino.get("/desk/canned").text
    assert "<h2>Start again</h2>" in page and "Please restart" not in page
    late = aino.post("/desk/canned/1", data={**changed, "body": "Mine."})  # a colleague has changed it
    assert late.status_code == 422 and "Mine.</textarea>" in late.text and "somebody else has changed" in late.text
    assert "Please start it again." in aino.get("/desk/canned").text


def test_a_canned_reply_belongs_to_a_team_and_is_put_into_a_reply(
    visit: Visit, number: int, sessions: Sessions
) -> None:
    new = {"team": "it", "title": "Restart", "body": "Please restart it."}
    assert visit("riikka").post("/desk/canned", data=new).status_code == 403
    assert visit("matti").get("/desk/canned").status_code == 403
    assert visit("aino").post("/desk/canned", data={**new, "body": ""}).status_code == 422
    assert visit("aino").post("/desk/canned", data=new).status_code == 302
    with sessions() as session:
        canned = session.query(CannedReply).one().id
    page = visit("pekka").get(f"/requests/{number}").text
    assert 'data-body="Please restart it."' in page
    inserted = visit("pekka").post(
        f"/desk/{number}/insert", data={"insert": "canned", "canned": str(canned), "body": "Hi"}
    )
    assert "Hi\n\nPlease restart it.</textarea>" in inserted.text
    visit("riikka").post("/desk/canned/remove", data={"canned": str(canned)})
    assert "Please restart" in visit("aino").get("/desk/canned").text
    assert "Restart" not in visit("riikka").get("/desk/canned").text
    visit("aino").post("/desk/canned/remove", data={"canned": str(canned)})
    assert "Please restart" not in visit("aino").get("/desk/canned").text


def test_agents_see_for_a_minute_that_a_colleague_is_writing(
    visit: Visit, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/desk/{number}/writing"
    assert [visit(name).post(path).status_code for name in ("matti", "kaisa", "riikka")] == [403, 403, 403]
    assert visit("aino").post(path).get_json() == {"said": []}
    assert visit("pekka").get(path).get_json() == {"said": ["Aino is writing a reply."]}
    monkeypatch.setattr("web.desk.writing.SECONDS", 0)
    assert visit("pekka").get(path).get_json() == {"said": []}
