"""sign_in/oidc.py: sign-in by OpenID Connect with a real provider on loopback."""

import base64
import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import oidc_provider_mock
import pytest
import requests
from authlib import jose
from flask.testing import FlaskClient
from oidc_provider_mock import _app as provider_app
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.account_tables import Account
from recommender.database.tables import Person
from recommender.errors import SettingsError
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from web.app import create_app

Sessions = sessionmaker[Session]
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the provider calls deprecated functions of Authlib
    pytest.mark.filterwarnings("ignore:JWS algorithm"),  # when a test makes the provider sign nothing
]


@pytest.fixture
def provider() -> Iterator[str]:
    """Address of a provider at which anybody may sign in under any subject."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def make_client(
    settings: Settings, open_recommender: Callable[[], Recommender], add_person: Callable[..., int]
) -> Iterator[Callable[..., FlaskClient]]:
    """A browser on the application with this issuer; aino and matti have accounts."""
    add_person("aino", "agent", "it")
    add_person("matti")
    apps = []

    def make(issuer: str, **changes: Any) -> FlaskClient:
        wanted = replace(
            settings, anonymous_reading=False, oidc_issuer=issuer, oidc_client_id="kollega",
            oidc_client_secret="secret", **changes,
        )  # fmt: skip
        app = create_app(wanted, recommender=open_recommender())
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        close_app(app)


def _authorise(provider: str, location: str, subject: str, handle: str, **form: str) -> str:
    """Sign in at the provider; returns the path and query that it sends the browser back to."""
    requests.put(f"{provider}/users/{subject}", json={"preferred_username": handle}, timeout=60).raise_for_status()
    answer = requests.post(location, data={"sub": subject, **form}, allow_redirects=False, timeout=60)
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/sign-in/oidc/back"
    return f"{back.path}?{back.query}"


def _sign_in(client: FlaskClient, provider: str, subject: str, handle: str, target: str = "") -> Any:
    location = client.get("/sign-in/oidc", query_string={"next": target} if target else {}).headers["Location"]
    assert location.startswith(provider)
    return client.get(_authorise(provider, location, subject, handle))


def test_a_known_person_signs_in_and_gets_to_the_page_they_wanted(
    make_client: Callable[..., FlaskClient], provider: str, sessions: Sessions
) -> None:
    client = make_client(provider, oidc_name="House key")
    assert "Sign in with House key" in client.get("/requests/").text
    answer = _sign_in(client, provider, "sub-1", "aino", "/requests/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/requests/")
    assert "Aino" in client.get("/requests/").text
    with sessions() as session:
        assert session.query(Account).one().subject == f"{provider} sub-1"


def test_the_provider_is_asked_with_pkce_state_and_nonce(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    query = parse_qs(urlsplit(make_client(provider).get("/sign-in/oidc").headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"] and len(query["code_challenge"][0]) >= 43
    assert query["state"][0] and query["nonce"][0] and query["response_type"] == ["code"]
    assert query["redirect_uri"] == ["http://localhost/sign-in/oidc/back"]


def test_the_provider_sends_people_back_to_the_public_address(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider, public_url="https://kollega.example/")
    query = parse_qs(urlsplit(client.get("/sign-in/oidc").headers["Location"]).query)
    assert query["redirect_uri"] == ["https://kollega.example/sign-in/oidc/back"]


def test_from_the_second_sign_in_on_the_subject_decides_and_not_the_handle(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider)
    _sign_in(client, provider, "sub-1", "aino")
    again = make_client(provider)
    _sign_in(again, provider, "sub-1", "matti")  # their user name was changed at the provider
    assert "Aino" in again.get("/requests/").text
    other = make_client(provider)
    assert _sign_in(other, provider, "sub-2", "aino").status_code == 403  # another person has that user name now
    assert other.get("/requests/").status_code == 401


def test_a_person_unlinked_by_an_admin_is_linked_again(
    make_client: Callable[..., FlaskClient], provider: str, sessions: Sessions
) -> None:
    client = make_client(provider)
    _sign_in(client, provider, "sub-1", "aino")
    with sessions.begin() as session:
        accounts.unlink(session, session.query(Person).filter_by(handle="aino").one())
    assert client.get("/requests/").status_code == 401
    again = make_client(provider)
    assert _sign_in(again, provider, "sub-2", "aino").status_code == 302
    assert "Aino" in again.get("/requests/").text


def test_an_unknown_person_sees_what_to_do_and_gets_no_account(
    make_client: Callable[..., FlaskClient], provider: str, sessions: Sessions
) -> None:
    client = make_client(provider)
    answer = _sign_in(client, provider, "sub-9", "stranger<b>")
    assert answer.status_code == 403 and "kollega user add stranger&lt;b&gt;" in answer.text
    assert client.get("/requests/").status_code == 401
    with sessions() as session:
        assert session.query(Account).count() == 0 and session.query(Person).count() == 2


@pytest.mark.parametrize("how", ["closed", "left"])
def test_closed_accounts_and_people_who_have_left_cannot_sign_in(
    make_client: Callable[..., FlaskClient], provider: str, sessions: Sessions, how: str
) -> None:
    client = make_client(provider)
    _sign_in(client, provider, "sub-1", "aino")
    for subject, handle in (("sub-1", "aino"), ("sub-2", "matti")):
        with sessions.begin() as session:
            person = session.query(Person).filter_by(handle=handle).one()
            if how == "closed":
                accounts.disable(session, person)
            else:
                person.left_on = date(2026, 1, 1)
        assert client.get("/requests/").status_code == 401
        answer = _sign_in(client, provider, subject, handle)
        assert answer.status_code == 403 and "You cannot sign in this way" in answer.text
        assert client.get("/requests/").status_code == 401


def test_a_response_that_this_browser_did_not_request_signs_nobody_in(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider)
    location = client.get("/sign-in/oidc").headers["Location"]
    back = _authorise(provider, location, "sub-1", "aino")
    stranger = make_client(provider)  # another browser opens the link
    answer = stranger.get(back)
    assert answer.status_code == 400 and "Sign-in failed" in answer.text
    assert stranger.get("/requests/").status_code == 401
    state = parse_qs(urlsplit(location).query)["state"][0]
    assert client.get(back.replace(state, "forged")).status_code == 400
    assert client.get("/requests/").status_code == 401


def test_a_code_can_be_used_once(make_client: Callable[..., FlaskClient], provider: str) -> None:
    client = make_client(provider)
    back = _authorise(provider, client.get("/sign-in/oidc").headers["Location"], "sub-1", "aino")
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 400


def test_a_denied_consent_is_a_page_that_says_what_to_do(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider)
    back = _authorise(provider, client.get("/sign-in/oidc").headers["Location"], "sub-1", "aino", action="deny")
    assert "error=access_denied" in back
    answer = client.get(back)
    assert answer.status_code == 400 and "Back to signing in" in answer.text


def test_a_provider_that_does_not_answer_gives_a_page_and_no_crash(make_client: Callable[..., FlaskClient]) -> None:
    answer = make_client("http://127.0.0.1:9").get("/sign-in/oidc")
    assert answer.status_code == 503 and "Sign-in failed" in answer.text


def test_without_an_issuer_there_is_no_sign_in_by_openid(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client("")
    assert client.get("/sign-in/oidc").status_code == 404
    assert client.get("/sign-in/oidc/back?code=x&state=y").status_code == 404
    assert "/sign-in/oidc" not in client.get("/sign-in").text


def test_people_are_redirected_to_pages_of_this_site_only(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    answer = _sign_in(make_client(provider), provider, "sub-1", "aino", "https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_the_session_before_signing_in_ends(make_client: Callable[..., FlaskClient], provider: str) -> None:
    client = make_client(provider)
    with client.session_transaction() as values:
        values["planted"] = "x"
    _sign_in(client, provider, "sub-1", "aino")
    with client.session_transaction() as values:
        assert "planted" not in values and "_user_id" in values


def test_an_issuer_without_a_client_id_is_an_error(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_OIDC_CLIENT_ID must be set when there is an issuer"):
        replace(settings, oidc_issuer="https://id.example")


def _change_tokens(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Make the provider issue its ID tokens with these settings."""
    original = provider_app.OpenIDCode.get_jwt_config
    monkeypatch.setattr(
        provider_app.OpenIDCode, "get_jwt_config", lambda *given, **named: {**original(*given, **named), **changes}
    )


def _change_metadata(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change values in the discovery document of the provider."""
    original = flask.jsonify
    monkeypatch.setattr(
        provider_app.flask,
        "jsonify",
        lambda values, **named: original({**values, **changes} if "jwks_uri" in values else values, **named),
    )


def _is_refused(client: FlaskClient, provider: str) -> bool:
    answer = _sign_in(client, provider, "sub-1", "aino")
    return answer.status_code == 400 and client.get("/requests/").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"exp": -1000},
        {"key": jose.RSAKey.generate_key(is_private=True).as_dict(is_private=True)},
    ],
    ids=["issuer", "audience", "expired", "signature"],
)
def test_an_id_token_for_another_recipient_signs_nobody_in(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    client = make_client(provider)
    _change_tokens(monkeypatch, **change)
    assert _is_refused(client, provider)
    monkeypatch.undo()
    assert not _is_refused(client, provider)


def test_the_id_token_of_another_sign_in_signs_nobody_in(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_app.AuthorizationCode, "get_nonce", lambda _self: "another")
    assert _is_refused(make_client(provider), provider)


def test_an_id_token_for_another_client_signs_nobody_in(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = {"sub": "sub-1", "preferred_username": "aino", "aud": "other", "azp": "kollega"}
    monkeypatch.setattr(provider_app.OpenIDCode, "generate_user_info", lambda *_given: claims)
    assert _is_refused(make_client(provider), provider)


def test_an_unsigned_id_token_signs_nobody_in_even_where_the_provider_offers_it(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _change_metadata(monkeypatch, id_token_signing_alg_values_supported=["RS256", "none"])
    _change_tokens(monkeypatch, alg="none")
    assert _is_refused(make_client(provider), provider)


def test_without_an_id_token_nobody_is_signed_in(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsigned(_self: object, _grant: object, response: Any) -> Any:
        response[1]["userinfo"] = {"iss": provider, "sub": "sub-1", "preferred_username": "aino"}
        return response[1]

    monkeypatch.setattr(provider_app.OpenIDCode, "process_token", unsigned)
    assert _is_refused(make_client(provider), provider)


def test_a_provider_that_names_another_issuer_is_refused(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _change_metadata(monkeypatch, issuer="https://other.example")
    _change_tokens(monkeypatch, iss="https://other.example")
    assert _is_refused(make_client(provider), provider)


def test_an_email_address_is_used_only_when_the_provider_has_verified_it(
    make_client: Callable[..., FlaskClient], provider: str, add_person: Callable[..., int]
) -> None:
    add_person("aino@example.com")
    client = make_client(provider, oidc_claim="email")
    for verified, status in ((False, 400), (True, 302)):
        location = client.get("/sign-in/oidc").headers["Location"]
        claims = {"email": "aino@example.com", "email_verified": verified}
        requests.put(f"{provider}/users/sub-3", json=claims, timeout=60).raise_for_status()
        answer = requests.post(location, data={"sub": "sub-3"}, allow_redirects=False, timeout=60)
        assert client.get(answer.headers["Location"].removeprefix("http://localhost")).status_code == status


def test_sign_ins_that_were_not_finished_do_not_fill_the_cookie(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider)
    lengths = [len(client.get("/sign-in/oidc").headers["Set-Cookie"]) for _ in range(25)]
    assert max(lengths) < 1000


def test_the_code_is_exchanged_with_the_verifier_of_its_challenge(
    make_client: Callable[..., FlaskClient], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    original = provider_app.AuthorizationCodeGrant.validate_token_request

    def seen(grant: Any) -> None:
        sent.append(flask.request.form["code_verifier"])
        original(grant)

    monkeypatch.setattr(provider_app.AuthorizationCodeGrant, "validate_token_request", seen)
    client = make_client(provider)
    location = client.get("/sign-in/oidc").headers["Location"]
    client.get(_authorise(provider, location, "sub-1", "aino"))
    digest = base64.urlsafe_b64encode(hashlib.sha256(sent[0].encode()).digest()).rstrip(b"=").decode()
    assert parse_qs(urlsplit(location).query)["code_challenge"] == [digest]


def test_what_stands_in_the_address_is_not_logged_except_a_code_of_the_protocol(
    make_client: Callable[..., FlaskClient], provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(provider)
    assert client.get("/sign-in/oidc/back?error=x%0aforged&error_description=secret").status_code == 400
    assert "A sign-in by OpenID Connect failed: authlib.integrations.base_client.errors.OAuthError" in caplog.text
    assert "forged" not in caplog.text and "secret" not in caplog.text
    client.get("/sign-in/oidc/back?error=access_denied&error_description=secret")
    assert "OAuthError access_denied" in caplog.text and "secret" not in caplog.text


def test_without_authlib_the_setting_is_an_error(
    make_client: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "authlib.integrations.flask_client", None)
    with pytest.raises(SettingsError, match="KOLLEGA_OIDC_ISSUER needs Authlib"):
        make_client("https://id.example")
