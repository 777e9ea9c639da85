"""web/admin/signing_in.py and recommender/accounts/provider.py: how people sign in, and the test of a provider."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.accounts import provider
from recommender.database.audit_table import AuditEntry
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.openid_provider import Answers, openid_provider
from tests.web.conftest import OpenWith
from tests.web.forms import press

AT = "/admin/sign-in/"


@pytest.fixture
def answers() -> Answers:
    """What the provider answers, by path: (status, body); a text is sent as it is. To be changed by a test."""
    return {}


@pytest.fixture
def issuer(answers: Answers) -> Iterator[str]:
    """A provider on this machine that has no fault."""
    with openid_provider(answers) as at:
        yield at


def _settings(issuer: str, **more: Any) -> Settings:
    return Settings(oidc_issuer=issuer, oidc_client_id="kollega", public_url="https://kollega.example.org", **more)


def _wrong(issuer: str, **more: Any) -> list[tuple[str, str]]:
    return [(each.code, each.about) for each in provider.examine(_settings(issuer, **more)) if not each.fine]


def test_a_provider_without_faults_is_in_order(issuer: str) -> None:
    found = provider.examine(_settings(issuer))
    assert [(each.fine, each.code, each.about) for each in found] == [
        (True, "answers", issuer), (True, "issuer", issuer), (True, "keys", "1"),
    ]  # fmt: skip
    assert _wrong(f"{issuer}/") == []


@pytest.mark.parametrize(
    ("described", "wrong"),
    [
        ({"issuer": "https://other.example.org"}, ("other_issuer", "https://other.example.org")),
        ({"token_endpoint": None}, ("no_endpoint", "token_endpoint")),
        ({"authorization_endpoint": "http://plain.example.org"}, ("no_endpoint", "authorization_endpoint")),
        ({"code_challenge_methods_supported": ["plain"]}, ("no_pkce", "")),
        ({"response_types_supported": ["id_token"]}, ("no_code", "")),
        ({"claims_supported": ["sub"]}, ("no_claim", "preferred_username")),
    ],
)
def test_faults_of_its_description_are_named(
    issuer: str, answers: Answers, described: dict[str, Any], wrong: tuple[str, str]
) -> None:
    answers[provider.DISCOVERY][1].update(described)
    assert _wrong(issuer) == [wrong]


def test_what_does_not_answer_like_a_provider_is_named(issuer: str, answers: Answers) -> None:
    answers["/keys"] = (200, {"keys": [{"kty": "oct"}]})
    assert _wrong(issuer) == [("no_keys", "")]
    answers["/keys"] = (500, "")
    assert _wrong(issuer) == [("status", f"500 {issuer}/keys")]
    answers[provider.DISCOVERY] = (200, "<html>")
    assert _wrong(issuer) == [("no_json", issuer + provider.DISCOVERY)]
    answers[provider.DISCOVERY] = (404, "")
    assert _wrong(issuer)[0][0] == "status"
    assert _wrong("http://127.0.0.1:1") == [("away", "127.0.0.1")]
    assert _wrong("https://nowhere.invalid")[0][0] in ("unknown_host", "away")
    assert _wrong("http://plain.example.org") == [("not_https", "http://plain.example.org")]


def test_the_page_shows_what_is_set_and_never_a_secret(
    open_with: OpenWith, add_person: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person("boss", "admin")
    monkeypatch.setenv("KOLLEGA_SESSION_DAYS", "3")
    changed = {
        "oidc_issuer": "https://id.example.org", "oidc_client_id": "kollega-1", "oidc_client_secret": "s3cret",
        "public_url": "https://kollega.example.org", "session_days": 3.0, "session_idle_days": 1.0,
    }  # fmt: skip
    page = sign_in(open_with(settings_changed=changed), "boss").get(AT).text
    for text in (
        "https://id.example.org", "kollega-1", "https://kollega.example.org/sign-in/oidc/back", "3 days",
        "KOLLEGA_SESSION_DAYS, set on the server", "nobody has to; whoever wants to can", "1 day ",
    ):  # fmt: skip
        assert text in page, text
    assert "s3cret" not in page and "set, and not shown" in page


def test_the_button_says_in_words_what_is_wrong_and_is_audited(
    open_with: OpenWith, add_person: Callable[..., int], issuer: str, answers: Answers, sessions: sessionmaker[Session]
) -> None:
    add_person("boss", "admin")
    changed = {"oidc_issuer": issuer, "oidc_client_id": "kollega", "public_url": "https://kollega.example.org"}
    admin = sign_in(open_with(settings_changed=changed), "boss")
    assert "No fault was found." in press(admin, AT, f"{AT}test").text
    answers[provider.DISCOVERY][1]["issuer"] = "https://other.example.org"
    said = press(admin, AT, f"{AT}test").text
    assert "The provider calls itself https://other.example.org." in said and "No fault" not in said
    with sessions() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_in.tested")).all()
        assert [entry.details for entry in entries] == [{"wrong": []}, {"wrong": ["other_issuer"]}]


def test_without_a_provider_there_is_no_button(open_with: OpenWith, add_person: Callable[..., int]) -> None:
    add_person("boss", "admin")
    admin = sign_in(open_with(), "boss")
    page = admin.get(AT).text
    assert f'action="{AT}test"' not in page and "KOLLEGA_PUBLIC_URL is not set" in page
    assert admin.post(f"{AT}test").status_code == 200
