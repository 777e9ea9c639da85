"""web/chat: signed questions from Slack and Teams are answered to the asker only, as the person they are linked to."""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts, audit
from recommender.database.tables import Person
from recommender.datatypes import INDEX_MISSING
from recommender.errors import IndexRefused
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import sign_in
from web.app import create_app

Sessions = sessionmaker[Session]
SECRET, APP = "signing-secret-invented", "11111111-2222-3333-4444-555555555555"
SERVICE = "https://smba.example/emea/"
Ask = Callable[..., Any]


@pytest.fixture
def client(
    settings: Settings, open_recommender: Callable[[], Recommender], add_person: Callable[..., int],
    add_request: Callable[..., int], keys: str,
) -> Iterator[FlaskClient]:  # fmt: skip
    add_request(
        "VPN error 809 <!channel>", "It does not connect", "Use GlobalProtect & restart **twice**", by="aino", team="it"
    )
    add_request("Salary table of the VPN team", "VPN salaries", "It is in the vault", team="hr", audience=[])
    add_person("kaisa", "agent", "hr")
    add_person("matti", "staff")
    chosen = replace(settings, slack_signing_secret=SECRET, teams_app_id=APP, teams_keys=keys, anonymous_reading=True)
    app = create_app(chosen, recommender=open_recommender())
    app.config["WTF_CSRF_ENABLED"] = False
    yield app.test_client()
    close_app(app)


@pytest.fixture(scope="module")
def private_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def keys(private_key: RSAPrivateKey) -> Iterator[str]:
    """The address at which the key is published, as the Bot Framework does it."""
    public = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key.public_key())), "kid": "k1", "use": "sig"}

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": [public]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/keys"
    server.shutdown()
    server.server_close()


def _slack(client: FlaskClient, text: str, user: str = "U1", secret: str = SECRET, age: int = 0, body: str = "") -> Any:
    sent = urlencode({"team_id": "T1", "user_id": user, "user_name": "kaisa.k", "command": "/kollega", "text": text})
    at = str(int(time.time()) - age)
    signature = hmac.new(secret.encode(), f"v0:{at}:{sent}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={signature}"}
    kind = "application/x-www-form-urlencoded"
    return client.post("/chat/slack/command", data=body or sent, headers=headers, content_type=kind)


def _teams(
    client: FlaskClient, private_key: RSAPrivateKey, question: str, locale: str = "en-US", channel: str = "msteams",
    **claims: Any,
) -> Any:  # fmt: skip
    expires = datetime.now(UTC) + timedelta(minutes=5)
    claims = {"iss": "https://api.botframework.com", "aud": APP, "exp": expires, "serviceurl": SERVICE, **claims}
    token = jwt.encode(claims, private_key, algorithm="RS256", headers={"kid": "k1"})
    activity = {
        "type": "invoke", "name": "composeExtension/query", "locale": locale,
        "channelId": channel, "serviceUrl": SERVICE,
        "from": {"id": "29:x", "aadObjectId": "aad-1", "name": "Kaisa"}, "channelData": {"tenant": {"id": "t-1"}},
        "value": {"commandId": "search", "parameters": [{"name": "q", "value": question}]},
    }  # fmt: skip
    return client.post("/chat/teams/messages", json=activity, headers={"Authorization": f"Bearer {token}"})


def _link(client: FlaskClient, address: str, handle: str) -> Any:
    visitor = sign_in(client, handle)
    path = urlsplit(address).path
    assert "Go on only if you have just asked for this" in visitor.get(path).text
    return visitor.post(path, follow_redirects=True)


def _button(answer: Any) -> str:
    return str(answer.json["blocks"][-1]["elements"][0]["url"])


def test_an_account_is_linked_first_and_then_answered_with_the_rights_of_its_person(
    client: FlaskClient, sessions: Sessions
) -> None:
    first = _slack(client, "VPN error 809")
    assert (
        first.json["response_type"] == "ephemeral"
        and "809 &lt;" not in first.text
        and "GlobalProtect" not in first.text
    )
    assert "The account is linked" in _link(client, _button(first), "kaisa").text
    answer = _slack(client, "VPN salary table").json
    texts = json.dumps(answer)
    assert answer["response_type"] == "ephemeral" and "Salary table of the VPN team" in texts
    with sessions() as session:
        (entry,) = [entry for entry in audit.entries(session) if entry.action == "chat.linked"]
        assert entry.details == {"system": "slack"}


def test_what_the_person_may_not_read_is_not_answered_and_texts_mention_nobody(client: FlaskClient) -> None:
    _link(client, _button(_slack(client, "x", "U2")), "matti")
    answer = _slack(client, "VPN salary table error 809", "U2").json
    texts = json.dumps(answer, ensure_ascii=False)
    assert "Salary" not in json.dumps(answer["blocks"]) and "VPN error 809 &lt;!channel&gt;" in texts
    assert "<!channel>" not in texts and "GlobalProtect &amp; restart *twice*" in texts


def test_a_person_who_may_no_longer_sign_in_is_asked_to_link_again(client: FlaskClient, sessions: Sessions) -> None:
    _link(client, _button(_slack(client, "x")), "kaisa")
    with sessions.begin() as session:
        accounts.disable(session, session.query(Person).filter_by(handle="kaisa").one())
    assert "Link this account" in _slack(client, "VPN salary table").json["text"]


def test_calls_that_slack_has_not_signed_are_refused(client: FlaskClient) -> None:
    refused = _slack(client, "VPN", secret="another secret entirely")
    assert (refused.status_code, refused.content_type) == (401, "text/plain") and "not signed" in refused.text
    assert _slack(client, "VPN", age=600).status_code == 401
    assert _slack(client, "VPN", body="team_id=T1&user_id=U9&text=VPN").status_code == 401
    assert client.post("/chat/slack/command", data={"text": "VPN"}).status_code == 401


def test_a_link_is_for_who_has_signed_in_and_only_while_it_is_new(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = urlsplit(_button(_slack(client, "VPN"))).path
    assert client.application.test_client().post(path).status_code == 401
    assert sign_in(client, "kaisa").post(path[:-3] + "abc").status_code == 404
    monkeypatch.setattr("web.chat.link_address.VALID", -1)
    assert sign_in(client, "kaisa").post(path).status_code == 404


def test_a_link_works_once_so_that_nobody_who_sees_its_address_takes_the_account_over(client: FlaskClient) -> None:
    path = urlsplit(_button(_slack(client, "VPN"))).path
    _link(client, path, "kaisa")
    matti = sign_in(client, "matti")
    assert (matti.get(path).status_code, matti.post(path).status_code) == (404, 404)
    assert "Slack: kaisa.k" in sign_in(client, "kaisa").get("/chat/").text


def test_a_person_sees_and_removes_their_own_links_only(client: FlaskClient) -> None:
    _link(client, _button(_slack(client, "VPN")), "kaisa")
    form = {"system": "slack", "workspace": "T1", "account": "U1"}
    sign_in(client, "matti").post("/chat/unlink", data=form)
    kaisa = sign_in(client, "kaisa")
    assert re.search(r"Slack: kaisa\.k", kaisa.get("/chat/").text)
    assert "You have linked no account" in kaisa.post("/chat/unlink", data=form, follow_redirects=True).text
    assert "Link this account" in _slack(client, "VPN").json["text"]


def test_teams_is_answered_in_its_language_with_cards_after_linking(
    client: FlaskClient, private_key: RSAPrivateKey
) -> None:
    first = _teams(client, private_key, "VPN error 809").json["composeExtension"]
    assert first["type"] == "auth"
    _link(client, first["suggestedActions"]["actions"][0]["value"], "kaisa")
    found = _teams(client, private_key, "VPN error 809").json["composeExtension"]
    card = found["attachments"][0]["content"]
    assert found["type"] == "result" and card["title"] == "VPN error 809 <!channel>"
    assert card["buttons"][0]["value"].endswith("/requests/1") and "restart <strong>twice</strong>" in card["text"]
    nothing = _teams(client, private_key, "tungsten boiling xyz", locale="fi-FI").json["composeExtension"]
    assert nothing["type"] == "message" and "Nothing" not in nothing["text"]
    first, *more = nothing["text"].split("\n")
    assert first == "Tähän ei löytynyt vielä vastausta" and more  # what one can do stands apart from it


def test_both_chats_say_what_to_do_when_there_is_no_question_or_no_index_or_it_refuses(
    client: FlaskClient, private_key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    _link(client, _button(_slack(client, "x")), "kaisa")
    first = _teams(client, private_key, "VPN").json["composeExtension"]
    _link(client, first["suggestedActions"]["actions"][0]["value"], "kaisa")
    assert _slack(client, "  ").json["text"] == "Write your question."
    assert _teams(client, private_key, " ").json["composeExtension"]["text"] == "Write your question."
    recommend = Recommender.recommend

    def without_index(*values: Any, **options: Any) -> Any:
        return replace(recommend(*values, **options), suggestions=(), notices=(INDEX_MISSING,))

    monkeypatch.setattr(Recommender, "recommend", without_index)
    for text in (
        _slack(client, "VPN error 809").json["text"],
        _teams(client, private_key, "VPN error 809").json["composeExtension"]["text"],
    ):
        assert text.startswith("There is nothing to search yet.") and "kollega reindex" in text

    def refuse(*_: Any, **__: Any) -> None:
        raise IndexRefused("Milvus at http://milvus:19530 does not understand this question.")

    monkeypatch.setattr(Recommender, "recommend", refuse)
    for text in (
        _slack(client, "VPN error 809").json["text"],
        _teams(client, private_key, "VPN error 809").json["composeExtension"]["text"],
    ):
        assert text == "This question could not be searched\nWrite it in other words."


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": datetime.now(UTC) - timedelta(hours=1)},
        {"serviceurl": "https://evil.example/"},
        {"serviceurl": None},
        {"channel": "directline"},
    ],
    ids=["app", "issuer", "time", "service", "no service", "a channel whose callers choose who they are"],
)
def test_a_token_for_something_else_is_refused(
    client: FlaskClient, private_key: RSAPrivateKey, claims: dict[str, Any]
) -> None:
    assert _teams(client, private_key, "VPN", **claims).status_code == 401


def test_a_token_with_another_key_or_none_is_refused(client: FlaskClient) -> None:
    other = generate_private_key(public_exponent=65537, key_size=2048)
    assert _teams(client, other, "VPN").status_code == 401
    assert client.post("/chat/teams/messages", json={}).status_code == 401


def test_without_the_settings_there_is_nothing_there(open_client: Callable[[], FlaskClient]) -> None:
    client = open_client()
    assert client.post("/chat/slack/command").status_code == 404
    assert client.post("/chat/teams/messages").status_code == 404
