"""Sign-in by OpenID Connect against a real provider on loopback."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.errors import SettingsError
from recommender.models import Account, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from web.app import create_app

Sessions = sessionmaker[Session]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider, which calls Authlib's old ways


@pytest.fixture
def provider() -> Iterator[str]:
    """Address of a provider at which anybody may sign in under any subject."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def make_client(
    settings: Settings, open_recommender: Callable[[], Recommender], add_person: Callable[..., int]
) -> Iterator[Callable[..., FlaskClient]]:
    """A browser on the application with this issuer; aino and matti are known."""
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
        app.extensions["kollega_sessions"].kw["bind"].dispose()


def _authorise(provider: str, location: str, subject: str, handle: str, **form: str) -> str:
    """What somebody does at the provider; the path and query that they come back with."""
    requests.put(f"{provider}/users/{subject}", json={"preferred_username": handle}, timeout=10).raise_for_status()
    answer = requests.post(location, data={"sub": subject, **form}, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/sign-in/oidc/back"
    return f"{back.path}?{back.query}"


def _sign_in(client: FlaskClient, provider: str, subject: str, handle: str, target: str = "") -> Any:
    location = client.get("/sign-in/oidc", query_string={"next": target} if target else {}).headers["Location"]
    assert location.startswith(provider)
    return client.get(_authorise(provider, location, subject, handle))


def test_a_known_person_signs_in_and_comes_where_they_wanted_to(
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
    asked = parse_qs(urlsplit(make_client(provider).get("/sign-in/oidc").headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and len(asked["code_challenge"][0]) >= 43
    assert asked["state"][0] and asked["nonce"][0] and asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == ["http://localhost/sign-in/oidc/back"]


def test_behind_a_public_address_one_comes_back_to_it(make_client: Callable[..., FlaskClient], provider: str) -> None:
    client = make_client(provider, public_url="https://kollega.example/")
    asked = parse_qs(urlsplit(client.get("/sign-in/oidc").headers["Location"]).query)
    assert asked["redirect_uri"] == ["https://kollega.example/sign-in/oidc/back"]


def test_from_the_second_time_on_the_subject_counts_and_not_the_handle(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider)
    _sign_in(client, provider, "sub-1", "aino")
    again = make_client(provider)
    _sign_in(again, provider, "sub-1", "matti")  # somebody renamed at the provider
    assert "Aino" in again.get("/requests/").text
    other = make_client(provider)
    assert _sign_in(other, provider, "sub-2", "aino").status_code == 403  # another with that name now
    assert other.get("/requests/").status_code == 401


def test_someone_unknown_is_told_what_to_do_and_is_not_made_up(
    make_client: Callable[..., FlaskClient], provider: str, sessions: Sessions
) -> None:
    client = make_client(provider)
    answer = _sign_in(client, provider, "sub-9", "stranger<b>")
    assert answer.status_code == 403 and "kollega user add stranger&lt;b&gt;" in answer.text
    assert client.get("/requests/").status_code == 401
    with sessions() as session:
        assert session.query(Account).count() == 0 and session.query(Person).count() == 2


@pytest.mark.parametrize("how", ["closed", "left"])
def test_a_closed_account_and_someone_who_left_do_not_get_in(
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
        assert _sign_in(client, provider, subject, handle).status_code == 403
        assert client.get("/requests/").status_code == 401


def test_an_answer_that_was_not_asked_for_signs_nobody_in(
    make_client: Callable[..., FlaskClient], provider: str
) -> None:
    client = make_client(provider)
    location = client.get("/sign-in/oidc").headers["Location"]
    back = _authorise(provider, location, "sub-1", "aino")
    stranger = make_client(provider)  # another browser, which is sent the link
    answer = stranger.get(back)
    assert answer.status_code == 400 and "Signing in did not work" in answer.text
    assert stranger.get("/requests/").status_code == 401
    state = parse_qs(urlsplit(location).query)["state"][0]
    assert client.get(back.replace(state, "forged")).status_code == 400
    assert client.get("/requests/").status_code == 401


def test_a_code_is_good_once(make_client: Callable[..., FlaskClient], provider: str) -> None:
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


def test_a_provider_that_is_away_is_a_page_and_no_crash(make_client: Callable[..., FlaskClient]) -> None:
    answer = make_client("http://127.0.0.1:9").get("/sign-in/oidc")
    assert answer.status_code == 503 and "Signing in did not work" in answer.text


def test_without_an_issuer_there_is_nothing_of_it(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client("")
    assert client.get("/sign-in/oidc").status_code == 404
    assert client.get("/sign-in/oidc/back?code=x&state=y").status_code == 404
    assert "/sign-in/oidc" not in client.get("/sign-in").text


def test_one_comes_to_pages_of_this_site_only(make_client: Callable[..., FlaskClient], provider: str) -> None:
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
