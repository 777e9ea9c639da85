"""web/hooks.py: a signed webhook makes its source due, and nothing else does."""

import base64
import hmac
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.source_tables import SourceState

SECRET = "a-secret-of-enough-letters"
BODY = b'{"ticket": 17, "title": "nobody may read this"}'


def _hmac(kind: str, text: bytes = BODY) -> "hmac.HMAC":
    return hmac.new(SECRET.encode(), text, kind)


SIGNED = {
    "github": {"X-Hub-Signature-256": "sha256=" + _hmac("sha256").hexdigest(), "X-Hub-Signature": "sha1=wrong"},
    "jira": {"X-Hub-Signature": "sha256=" + _hmac("sha256").hexdigest()},
    "zammad": {"X-Hub-Signature": "sha1=" + _hmac("sha1").hexdigest()},
    "gitlab": {"X-Gitlab-Token": SECRET},
    "zendesk": {
        "X-Zendesk-Webhook-Signature-Timestamp": "2026-03-02T08:10:00Z",
        "X-Zendesk-Webhook-Signature": base64.b64encode(
            _hmac("sha256", b"2026-03-02T08:10:00Z" + BODY).digest()
        ).decode(),
    },
}


@pytest.fixture
def client(open_client: Callable[[], FlaskClient], monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setenv("KOLLEGA_HELP_DESK_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("KOLLEGA_SHORT_WEBHOOK_SECRET", "abc")
    return open_client()


def _due(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return [state.name for state in session.query(SourceState) if state.is_due]


@pytest.mark.parametrize("system", SIGNED)
def test_a_signed_webhook_of_each_system_makes_its_source_due(
    client: FlaskClient, sessions: sessionmaker[Session], system: str
) -> None:
    assert client.post("/hooks/help-desk", data=BODY, headers=SIGNED[system]).status_code == 204
    assert _due(sessions) == ["help-desk"]


@pytest.mark.parametrize("system", SIGNED)
def test_what_is_not_signed_with_the_secret_of_this_source_changes_nothing(
    client: FlaskClient, sessions: sessionmaker[Session], system: str
) -> None:
    changed = {name: value.replace("a", "b") for name, value in SIGNED[system].items()}
    answers = [
        client.post("/hooks/help-desk", data=BODY, headers=changed),
        client.post("/hooks/help-desk", data=BODY),
        client.post("/hooks/unknown", data=BODY, headers=SIGNED[system]),
        client.post("/hooks/short", data=BODY, headers={"X-Gitlab-Token": "abc"}),
    ]
    if system != "gitlab":
        answers.append(client.post("/hooks/help-desk", data=BODY + b" ", headers=SIGNED[system]))
    assert {answer.status_code for answer in answers} == {404}
    assert _due(sessions) == []
