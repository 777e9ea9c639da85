"""views.py, attached.py, uploads.py: files come with forms, and only the readers of their page get them."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from recommender import accounts
from recommender.database.attachment_tables import FAILED, NOT_CHECKED, PASSED, REFUSED, Attachment
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import HelpRequest, Person, Reply
from recommender.files import folder
from recommender.knowledge.requests import LONGEST_BODY
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.files import pdf, png

Add = Callable[..., int]
Sessions = sessionmaker[Session]
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"


@pytest.fixture
def client(
    settings: Settings, sessions: Sessions, open_client: Callable[[], FlaskClient], add_person: Add, add_request: Add,
    add_document: Add,
) -> FlaskClient:  # fmt: skip
    """Request 1 is for everyone, request 2 for HR and its asker riikka; document 1 is of IT. Nobody reads unless they
    have signed in."""
    add_request("Screen is black", "after update", team="it", status="open", asked_by="matti", audience=["everyone"])
    add_request("My pay", "is wrong", team="hr", status="open", asked_by="riikka", audience=[])
    add_document("Screen guide", "Press.", team="it", owner="aino")
    for handle, role, teams in (
        ("matti", "staff", ()), ("aino", "agent", ("it",)), ("hanna", "agent", ("hr",)), ("riikka", "staff", ()),
    ):  # fmt: skip
        add_person(handle, role, *teams, restricted=["hr"])
    client = open_client()
    client.application.extensions["kollega_settings"] = replace(settings, anonymous_reading=False)
    return client


def _file(content: bytes = b"", name: str = "screen.png") -> FileStorage:
    return FileStorage(BytesIO(content or png()), name)


def _post(visitor: FlaskClient, path: str, data: dict[str, Any]) -> TestResponse:
    boundary, body = encode_multipart(data)
    return visitor.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def _reply(visitor: FlaskClient, request_id: int, *files: FileStorage, **fields: Any) -> TestResponse:
    data = {"body": "See the picture.", "files": list(files), **fields}
    return _post(visitor, f"/requests/{request_id}/replies", data)


def _get(visitor: FlaskClient, path: str) -> TestResponse:
    """An answer whose file has been read and closed."""
    with visitor.get(path) as answer:
        assert isinstance(answer.data, bytes)
        return answer


def _rows(sessions: Sessions) -> list[Attachment]:
    with sessions() as session:
        return list(session.query(Attachment).order_by(Attachment.id))


def _set(sessions: Sessions, state: str) -> None:
    with sessions.begin() as session:
        session.query(Attachment).update({"state": state})


def _change_settings(client: FlaskClient, **changes: Any) -> None:
    extensions = client.application.extensions
    extensions["kollega_settings"] = replace(extensions["kollega_settings"], **changes)


def test_files_come_with_a_request_without_any_script(client: FlaskClient, sessions: Sessions) -> None:
    matti = sign_in(client, "matti")
    page = matti.get("/requests/new").text
    assert 'enctype="multipart/form-data"' in page and 'type="file" name="files" multiple' in page
    sent = {"title": "Printer", "body": "", "team": "it", "audience": "everyone", "files": [_file(), _file(pdf("a"))]}
    address = matti.post("/requests/", data=sent, content_type="multipart/form-data").headers["Location"]
    assert [(row.request_id, row.reply_id, row.name) for row in _rows(sessions)] == [
        (3, None, "screen.png"),
        (3, None, "screen.png.pdf"),
    ]
    assert re.findall(r'<a href="(/attachments/\d)"', matti.get(address).text) == ["/attachments/1", "/attachments/2"]


def test_a_file_alone_is_a_reply_with_a_sentence_in_the_language_of_the_request(
    client: FlaskClient, sessions: Sessions
) -> None:
    aino = sign_in(client, "aino")
    assert _reply(aino, 1, body=" ").status_code == 422
    assert _reply(aino, 1, _file(), body=" ").status_code == 302
    with sessions.begin() as session:
        session.get_one(HelpRequest, 1).language = "fi"
    assert _reply(aino, 1, _file(), _file(pdf("a")), body="", then="resolve").status_code == 302
    with sessions() as session:
        replies = session.query(Reply).filter_by(request_id=1).order_by(Reply.id).all()[1:]
        assert [reply.body for reply in replies] == ["See the attached file.", "Katso liitetiedostot."]
        assert replies[1].accepted
    assert [row.reply_id for row in _rows(sessions)] == [replies[0].id, replies[1].id, replies[1].id]


def test_a_file_is_sent_as_a_download_in_which_nothing_runs(client: FlaskClient) -> None:
    matti = sign_in(client, "matti")
    _reply(matti, 1, _file(b"<script>alert(1)</script>", "työ.html"))
    answer = _get(matti, "/attachments/1")
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''ty%C3%B6.html.txt" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Cache-Control"] == "no-store"
    assert _get(matti, "/attachments/1/picture").status_code == 404  # no picture


def test_a_picture_is_shown_with_its_own_type_and_nothing_in_it_runs(client: FlaskClient) -> None:
    matti = sign_in(client, "matti")
    _reply(matti, 1, _file(b"GIF89a<script>alert(1)</script>", "x.html"))
    assert '<img src="/attachments/1/picture"' in matti.get("/requests/1").text
    answer = _get(matti, "/attachments/1/picture")
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_exists_only_for_those_who_may_read_its_page(client: FlaskClient, sessions: Sessions) -> None:
    hanna, riikka, matti, aino = (sign_in(client, who) for who in ("hanna", "riikka", "matti", "aino"))
    _reply(hanna, 2, _file(name="salary of riikka.png"))
    for path in ("/attachments/1", "/attachments/1/picture"):
        assert [_get(who, path).status_code for who in (hanna, riikka)] == [200, 200]
        for outsider in (matti, aino):
            refused, unknown = outsider.get(path), outsider.get(path.replace("1", "99"))
            pages = [re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text) for answer in (refused, unknown)]
            assert refused.status_code == 404 and pages[0] == pages[1].replace("attachments/99", "attachments/1")
        assert client.get(path).status_code == client.get(path.replace("1", "99")).status_code == 401
    assert matti.post("/attachments/1/remove").status_code == 404
    with sessions.begin() as session:  # it was moved out of sight for its own readers too
        session.get_one(HelpRequest, 2).hidden = True
    assert [_get(who, "/attachments/1").status_code for who in (hanna, riikka)] == [404, 404]
    _reply(matti, 1, _file())
    with sessions.begin() as session:  # everyone could read it, and now only the team and the asker can
        session.get_one(HelpRequest, 1).audience = []
    assert [_get(who, "/attachments/2").status_code for who in (matti, aino, hanna)] == [200, 200, 404]


def test_the_file_of_a_draft_or_hidden_document_is_for_its_keepers(client: FlaskClient, sessions: Sessions) -> None:
    aino, matti = sign_in(client, "aino"), sign_in(client, "matti")
    fields = {"title": "Guide", "body": "Look", "team": "it", "audience": "everyone", "then": "draft"}
    sent = {**fields, "files": [_file()]}
    assert aino.post("/documents/", data=sent, content_type="multipart/form-data").status_code == 302
    assert [_get(who, "/attachments/1").status_code for who in (aino, matti)] == [200, 404]
    seen = re.search(r'name="seen" value="([^"]+)"', aino.get("/documents/2/edit").text)
    assert seen is not None
    more = {**fields, "then": "publish", "seen": seen[1], "files": [_file(pdf("x"), "manual.pdf")]}
    assert aino.post("/documents/2", data=more, content_type="multipart/form-data").status_code == 302
    assert [_get(who, f"/attachments/{n}").status_code for who in (aino, matti) for n in (1, 2)] == [200] * 4
    assert "manual.pdf" in matti.get("/documents/2").text
    aino.post("/documents/2/hidden", data={"hidden": "1"})
    assert [_get(who, "/attachments/2").status_code for who in (aino, matti)] == [200, 404]


def test_an_uploaded_file_is_its_uploaders_alone_until_the_form_is_sent(
    client: FlaskClient, sessions: Sessions
) -> None:
    hanna, matti = sign_in(client, "hanna"), sign_in(client, "matti")
    sent = hanna.post("/attachments/", data={"files": [_file(), _file(b"log")]}, content_type="multipart/form-data")
    assert sent.status_code == 201
    assert sent.json == {
        "files": [
            {"id": 1, "name": "screen.png", "size": "1\N{NO-BREAK SPACE}kB"},
            {"id": 2, "name": "screen.png.txt", "size": "1\N{NO-BREAK SPACE}kB"},
        ]
    }
    assert [_get(who, "/attachments/1").status_code for who in (hanna, matti)] == [200, 404]
    _reply(matti, 1, attachment=["1", "2", "x", "99999999999"])  # somebody else's are not attached
    assert [row.request_id for row in _rows(sessions)] == [None, None]
    _reply(hanna, 2, attachment=["1"])
    assert [(row.request_id, row.reply_id) for row in _rows(sessions)] == [(2, 4), (None, None)]
    _reply(hanna, 1, attachment=["1"])  # it stays where it is
    assert [(row.request_id, row.reply_id) for row in _rows(sessions)] == [(2, 4), (None, None)]
    assert client.post("/attachments/", data={"files": [_file()]}).status_code == 401


def test_what_was_uploaded_is_kept_when_something_else_is_wrong_with_the_form(
    client: FlaskClient, sessions: Sessions
) -> None:
    matti = sign_in(client, "matti")
    wrong = matti.post("/requests/", data={"title": "", "files": [_file()]}, content_type="multipart/form-data")
    assert wrong.status_code == 422
    (box,) = re.findall(r'<input type="checkbox" name="attachment" value="(\d+)" checked>', wrong.text)
    assert "screen.png" in wrong.text
    right = {"title": "Printer", "team": "it", "audience": "everyone", "attachment": box}
    assert matti.post("/requests/", data=right).status_code == 302
    assert [row.request_id for row in _rows(sessions)] == [3]
    long = _reply(matti, 1, _file(), body="x" * (LONGEST_BODY + 1))
    assert long.status_code == 422 and 'name="attachment" value="2" checked' in long.text
    unticked = _reply(matti, 1)  # the person has taken the tick away
    assert unticked.status_code == 302 and [row.request_id for row in _rows(sessions)] == [3, None]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tool.exe", b"MZ\x90\0" + b"\0" * 60, "tool.exe cannot be attached"),
        ("empty.txt", b"", "empty.txt is empty"),
        ("big.txt", b"x" * 2_000_001, "big.txt is larger than 2 MB"),
        ("<b>&.exe", b"\0", "&lt;b&gt;&amp;.exe cannot be attached"),
    ],
)
def test_what_cannot_be_attached_is_said_in_a_sentence_and_the_text_stays(
    client: FlaskClient, sessions: Sessions, name: str, content: bytes, said: str
) -> None:
    _change_settings(client, attachment_mb=2)
    matti = sign_in(client, "matti")
    refused = _reply(matti, 1, FileStorage(BytesIO(content), name))
    assert refused.status_code == 422
    assert said in refused.text and "See the picture." in refused.text
    uploaded = _post(matti, "/attachments/", {"files": FileStorage(BytesIO(content), name)})
    assert uploaded.status_code == 422 and "problem" in (uploaded.json or {})
    assert _rows(sessions) == []
    with sessions() as session:
        assert session.query(Reply).count() == 2  # as before


def test_the_number_of_files_is_limited_also_over_several_edits(client: FlaskClient, sessions: Sessions) -> None:
    _change_settings(client, attachment_count=2)
    aino = sign_in(client, "aino")
    three = _reply(aino, 1, _file(), _file(), _file())
    assert three.status_code == 422 and "Attach at most 2 files." in three.text
    fields = {"title": "Screen guide", "body": "Press.", "team": "it", "owner": "aino", "audience": "everyone"}
    for number, status in ((2, 302), (1, 422)):
        seen = re.search(r'name="seen" value="([^"]+)"', aino.get("/documents/1/edit").text)
        assert seen is not None
        sent = {**fields, "seen": seen[1], "files": [_file() for _ in range(number)]}
        assert aino.post("/documents/1", data=sent, content_type="multipart/form-data").status_code == status
    assert len(_rows(sessions)) == 2


def test_names_are_shown_as_text(client: FlaskClient) -> None:
    matti = sign_in(client, "matti")
    _reply(matti, 1, _file(name="<img src=x onerror=alert(1)>\u202egpj.png"))
    page = matti.get("/requests/1").text
    assert "&lt;img src=x onerror=alert(1)&gt;gpj.png" in page and "<img src=x" not in page and "\u202e" not in page


def test_a_file_is_removed_by_its_uploader_and_by_those_who_look_after_the_page(
    client: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    matti, aino, hanna = (sign_in(client, who) for who in ("matti", "aino", "hanna"))
    _reply(matti, 1, _file(), _file(b"one"), _file(b"two"))
    assert "/attachments/1/remove" in matti.get("/requests/1").text
    assert "/attachments/1/remove" not in hanna.get("/requests/1").text
    assert hanna.post("/attachments/1/remove").status_code == 403
    assert matti.post("/attachments/1/remove").headers["Location"] == "/requests/1"
    assert aino.post("/attachments/2/remove").status_code == 302
    assert [row.id for row in _rows(sessions)] == [3]
    assert [path.read_bytes() for path in folder.files(settings.attachments_dir)] == [b"two"]
    with sessions() as session:  # what somebody else has removed is recorded
        entries = session.query(AuditEntry).filter_by(action="attachment.removed").all()
        assert [(entry.subject, entry.details) for entry in entries] == [("request:1", {"file": 2})]
    assert _get(matti, "/attachments/1").status_code == 404


def test_nothing_is_given_away_until_the_check_has_passed_and_the_uploader_is_told(
    client: FlaskClient, sessions: Sessions
) -> None:
    _change_settings(client, attachment_scan="scanner")
    matti, hanna = sign_in(client, "matti"), sign_in(client, "hanna")
    _reply(matti, 1, _file())
    said = {
        NOT_CHECKED: ("It can be opened once it has been scanned", "It can be opened once it has been scanned"),
        FAILED: ("It could not be scanned yet", "It can be opened once it has been scanned"),
        REFUSED: ("The file scan has blocked it", None),
    }
    for state, (to_uploader, to_others) in said.items():
        _set(sessions, state)
        assert [_get(who, "/attachments/1").status_code for who in (matti, hanna)] == [404, 404]
        assert to_uploader in matti.get("/requests/1").text
        page = hanna.get("/requests/1").text
        assert (to_others or "") in page and ("screen.png" in page) is bool(to_others)
    _set(sessions, PASSED)
    assert [_get(who, "/attachments/1").status_code for who in (matti, hanna)] == [200, 200]


def test_the_same_form_sent_twice_attaches_its_files_once_but_another_file_makes_another_reply(
    client: FlaskClient, sessions: Sessions
) -> None:
    matti = sign_in(client, "matti")
    first, second = (_reply(matti, 1, _file(), sent_as="k") for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(_rows(sessions)) == 1
    _reply(matti, 1, _file(b"other", "other.txt"), sent_as="k")
    with sessions() as session:
        assert session.query(Reply).count() == 4


def test_only_forms_that_take_files_may_be_large_and_only_of_those_who_have_signed_in(client: FlaskClient) -> None:
    large = b"x" * 3_000_000
    matti = sign_in(client, "matti")
    assert _reply(matti, 1, _file(large, "log.txt")).status_code == 302
    assert _reply(client, 1, _file(large, "log.txt")).status_code == 401
    assert _post(matti, "/requests/1/resolve", {"files": _file(large, "log.txt")}).status_code == 413
    assert _reply(matti, 1, body="x" * 1_100_000).status_code == 413  # texts are no files
    three = [_file(b"x" * 9_000_000, "log.txt") for _ in range(3)]
    assert _reply(matti, 1, *three).status_code == 413  # more than 26 MB


def test_nobody_can_attach_files_when_the_admin_has_turned_them_off(client: FlaskClient) -> None:
    _change_settings(client, attachment_mb=0)
    matti = sign_in(client, "matti")
    assert 'type="file"' not in matti.get("/requests/new").text
    assert matti.post("/attachments/", data={"files": [_file()]}).status_code == 404
    assert _reply(matti, 1, _file()).status_code == 422


def test_uploads_of_one_person_are_limited(client: FlaskClient) -> None:
    matti = sign_in(client, "matti")
    sent = [matti.post("/attachments/", data={"files": [_file()]}).status_code for _ in range(62)]
    assert sent[:60] == [201] * 60 and sent[60:] == [429] * 2


def test_a_lost_file_is_not_found_and_the_log_says_so(
    client: FlaskClient, sessions: Sessions, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    matti = sign_in(client, "matti")
    _reply(matti, 1, _file())
    folder.path_of(settings.attachments_dir, _rows(sessions)[0].digest).unlink()
    assert _get(matti, "/attachments/1").status_code == 404
    assert "kollega verify" in caplog.text


def test_the_api_lists_files_and_gives_them_to_readers(client: FlaskClient, sessions: Sessions) -> None:
    hanna = sign_in(client, "hanna")
    _reply(hanna, 2, _file())

    def call(handle: str, path: str) -> TestResponse:
        with sessions.begin() as session:
            person = session.query(Person).filter_by(handle=handle).one()
            token = accounts.make_token(session, person, "test", ("read",))
        with client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert isinstance(answer.data, bytes)
            return answer

    (listed,) = call("riikka", "/requests/2/attachments").json["attachments"]
    assert {key: listed[key] for key in ("id", "name", "media_type", "size", "reply", "available")} == {
        "id": 1, "name": "screen.png", "media_type": "image/png", "size": len(png()), "reply": 3, "available": True,
    }  # fmt: skip
    answer = call("riikka", "/attachments/1")
    assert (answer.data, answer.headers["Content-Security-Policy"]) == (png(), POLICY)
    assert answer.headers["Content-Disposition"] == "attachment; filename=screen.png"
    unknown = call("matti", "/attachments/99")
    refused = call("matti", "/attachments/1")
    assert refused.status_code == unknown.status_code == 404 and refused.data == unknown.data
    assert call("matti", "/requests/2/attachments").status_code == 404
    assert call("matti", "/documents/1/attachments").json == {"attachments": []}
    _change_settings(client, attachment_scan="scanner")
    assert call("riikka", "/attachments/1").status_code == 409
    hanna.post("/attachments/", data={"files": [_file()]})
    assert call("hanna", "/attachments/2").status_code == 404  # not attached to anything


def test_undoing_a_solution_keeps_its_files_and_its_text(client: FlaskClient, sessions: Sessions) -> None:
    aino = sign_in(client, "aino")
    _reply(aino, 1, _file(), then="resolve")
    with sessions() as session:
        number = session.query(Reply).filter_by(body="See the picture.").one().id
    undone = aino.post("/desk/1/undo", data={"reply": str(number)}).text
    assert 'name="attachment" value="1" checked' in undone and "See the picture.</textarea>" in undone
    assert [(row.request_id, row.reply_id) for row in _rows(sessions)] == [(None, None)]
    assert _get(sign_in(client, "matti"), "/attachments/1").status_code == 404
    # the answer may have been lost by a second click: the text is in the history
    assert "See the picture." in sign_in(client, "aino").get("/requests/1").text
    assert "See the picture." not in sign_in(client, "matti").get("/requests/1").text
    _reply(sign_in(client, "aino"), 1, attachment=["1"])
    assert _get(sign_in(client, "matti"), "/attachments/1").status_code == 200


def test_files_that_come_with_a_request_sent_before_are_offered_for_a_reply(
    client: FlaskClient, sessions: Sessions
) -> None:
    matti = sign_in(client, "matti")
    sent = {"title": "Printer", "body": "", "team": "it", "audience": "everyone"}
    address = matti.post("/requests/", data=sent).headers["Location"]
    again = _post(matti, "/requests/", {**sent, "files": _file()})
    assert "You have already sent this." in again.text and 'name="attachment" value="1" checked' in again.text
    assert [(row.request_id, row.reply_id) for row in _rows(sessions)] == [(None, None)]
    number = int(re.findall(r"/requests/(\d+)", address)[0])
    _reply(matti, number, attachment=["1"])
    assert [row.request_id for row in _rows(sessions)] == [number]
