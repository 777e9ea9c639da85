"""sign_in/session.py: signing in and out, drafts that are kept when a session ends, the trusted proxy, CSRF."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Event, HelpRequest, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import sign_in
from tests.routes import values_of
from web.app import create_app

Sessions = sessionmaker[Session]
PASSWORD = "correct horse battery"


@pytest.fixture
def aino(sessions: Sessions, add_person: Callable[..., int], add_request: Callable[..., int]) -> str:
    """Handle of an agent of IT who may sign in with PASSWORD; there is one request to read."""
    add_request("Printer stuck")
    number = add_person("aino", "agent", "it")
    with sessions.begin() as session:
        accounts.set_password(session, session.get_one(Person, number), PASSWORD)
    return "aino"


def _token(page: str) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert match is not None
    return match[1]


def _sign_in(client: FlaskClient, handle: str, password: str, **more: str) -> tuple[int, str]:
    token = _token(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"csrf_token": token, "handle": handle, "password": password, **more})
    return answer.status_code, answer.headers.get("Location", "") or answer.text


def test_a_password_opens_a_session_and_signing_out_ends_it(open_client: Callable[[], FlaskClient], aino: str) -> None:
    client = open_client()
    assert _sign_in(client, aino, PASSWORD, next="/requests/") == (302, "/requests/")
    page = client.get("/").text
    assert "Sign out" in page and "Aino" in page
    client.post("/sign-out", data={"csrf_token": _token(page)})
    assert "Sign out" not in client.get("/").text
    assert client.get("/requests/").status_code == 401


def test_a_late_response_does_not_restore_a_session_that_has_ended(
    open_client: Callable[[], FlaskClient], aino: str
) -> None:
    visitor = open_client()
    assert _sign_in(visitor, aino, PASSWORD) == (302, "/")
    visitor.get("/")  # this puts the form token into the session
    late_responses = [visitor.get("/"), visitor.post("/suggest", data={"q": "printer"}), visitor.get("/requests/")]
    assert [late.status_code for late in late_responses] == [200, 200, 200]
    assert not any("session=" in cookie for late in late_responses for cookie in late.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(("handle", "password"), [("aino", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_give_the_same_message(
    open_client: Callable[[], FlaskClient], aino: str, handle: str, password: str
) -> None:
    status, page = _sign_in(open_client(), handle, password)
    assert status == 401 and "Wrong user name or password." in page


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\\\\evil", "x"]
)
def test_people_are_redirected_to_pages_of_this_site_only(
    open_client: Callable[[], FlaskClient], aino: str, target: str
) -> None:
    assert _sign_in(open_client(), aino, PASSWORD, next=target) == (302, "/")


def test_the_eleventh_attempt_in_a_minute_has_to_wait(open_client: Callable[[], FlaskClient], aino: str) -> None:
    client = open_client()
    tries = [_sign_in(client, aino, "wrong password")[0] for _ in range(10)]
    assert set(tries) == {401}
    token = _token(client.get("/sign-in").text)
    refused = client.post("/sign-in", data={"csrf_token": token, "handle": aino, "password": PASSWORD})
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0


def test_a_new_password_and_a_closed_account_end_the_session(
    open_client: Callable[[], FlaskClient], aino: str, sessions: Sessions
) -> None:
    visitor = sign_in(open_client(), aino)
    assert visitor.get("/requests/").status_code == 200
    with sessions.begin() as session:
        accounts.set_password(session, session.query(Person).filter_by(handle=aino).one(), "another long one")
    assert visitor.get("/requests/").status_code == 401
    visitor = sign_in(visitor, aino)
    assert visitor.get("/requests/").status_code == 200
    with sessions.begin() as session:
        accounts.disable(session, session.query(Person).filter_by(handle=aino).one())
    assert visitor.get("/requests/").status_code == 401


def test_a_form_sent_while_signed_out_is_shown_again_after_sign_in(
    open_client: Callable[[], FlaskClient], aino: str, sessions: Sessions
) -> None:
    client = open_client()
    written = {"title": "Screen <black>", "body": "line one\r\nline two", "team": "it", "audience": "team"}
    page = client.post("/requests/", data=written)
    assert page.status_code == 401 and "Sign in" in page.text
    drafts = dict(re.findall(r'name="(draft:[^"]+)" value="([^"]*)"', page.text))
    assert drafts["draft:title"] == "Screen &lt;black&gt;"
    fields = {f"draft:{name}": value for name, value in written.items()}
    again = client.post(
        "/sign-in",
        data={"csrf_token": _token(page.text), "handle": aino, "password": PASSWORD, "next": "/requests/", **fields},
    )
    assert again.status_code == 200 and "Screen &lt;black&gt;" in again.text and "line two" in again.text
    with sessions() as session:
        assert session.query(HelpRequest).filter_by(status="open").count() == 0  # only when the person sends it again
    sent = client.post("/requests/", data={**written, "csrf_token": _token(again.text)})
    assert sent.status_code == 302
    with sessions() as session:
        assert session.query(HelpRequest).filter_by(status="open").one().title == "Screen <black>"


def test_a_form_without_fields_leads_back_to_its_page(open_client: Callable[[], FlaskClient], aino: str) -> None:
    client = open_client()
    assert 'name="next" value="/requests/1/reopen"' in client.post("/requests/1/reopen").text
    assert _sign_in(client, aino, PASSWORD, next="/requests/1/reopen") == (302, "/requests/1")


def test_a_form_that_another_site_sent_is_not_kept(open_client: Callable[[], FlaskClient], aino: str) -> None:
    page = open_client().post("/requests/", data={"title": "planted"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 401 and "planted" not in page.text


def test_a_form_without_its_token_changes_nothing_and_keeps_the_typed_text(
    open_client: Callable[[], FlaskClient], aino: str, sessions: Sessions
) -> None:
    visitor = sign_in(open_client(), aino)
    visitor.application.config["WTF_CSRF_ENABLED"] = True
    page = visitor.post("/requests/", data={"title": "Typed", "team": "it", "audience": "team"})
    assert page.status_code == 400 and "Typed" in page.text and "Send it now" in page.text
    with sessions() as session:
        assert session.query(HelpRequest).filter_by(title="Typed").count() == 0


def test_every_form_that_changes_something_needs_a_token(
    open_client: Callable[[], FlaskClient], aino: str, sessions: Sessions
) -> None:
    """All POST routes except those that only read, and the API and SCIM, which ignore cookies."""
    visitor = sign_in(open_client(), aino)
    visitor.application.config["WTF_CSRF_ENABLED"] = True
    rules = [rule for rule in visitor.application.url_map.iter_rules() if "POST" in (rule.methods or ())]
    tried = 0
    for rule in rules:
        # a mail program ends mail with the signed address alone, without a page
        if rule.endpoint in (
            "ask.search",
            "ask.suggest",
            "ask.suggest_people",
            "embed.suggest",
            "inbox.stop_mail",
            "hooks.changed",  # other systems sign these calls
            "slack.command",
            "teams.messages",
        ) or rule.endpoint.startswith(("api.", "flask-api", "scim.")):
            continue
        with visitor.application.test_request_context():
            path = visitor.application.url_map.bind("localhost").build(rule.endpoint, values_of(rule), method="POST")
        assert visitor.post(path, data={"item": "request:1"}).status_code == 400, rule
        tried += 1
    assert tried >= 18
    with sessions() as session:
        assert session.query(Event).count() == 0


def test_nobody_reads_anything_before_signing_in_unless_the_settings_allow_it(
    settings: Settings, open_recommender: Callable[[], Recommender], aino: str
) -> None:
    app = create_app(replace(settings, anonymous_reading=False), recommender=open_recommender())
    client = app.test_client()
    for path in ("/", "/?q=printer", "/requests/1", "/people/aino", "/documents/1", "/desk/", "/documents/"):
        answer = client.get(path)
        assert answer.status_code == 401 and "Printer stuck" not in answer.text, path
    assert client.post("/suggest", data={"q": "printer"}).status_code == 401
    close_app(app)


def test_a_trusted_proxy_names_the_person_and_other_addresses_are_ignored(
    settings: Settings, open_recommender: Callable[[], Recommender], aino: str
) -> None:
    with_proxy = replace(settings, proxy_header="X-Remote-User", trusted_proxies="10.0.0.7, 10.0.0.8")
    app = create_app(with_proxy, recommender=open_recommender())
    client = app.test_client()
    header = {"X-Remote-User": aino}

    def visit(address: str, **headers: str) -> int:
        return client.get(
            "/requests/", headers={**header, **headers}, environ_overrides={"REMOTE_ADDR": address}
        ).status_code

    assert visit("10.0.0.8") == 200
    assert visit("10.0.0.9") == 401
    assert visit("10.0.0.9", **{"X-Forwarded-For": "10.0.0.7"}) == 401
    header = {"X-Remote-User": "nobody"}
    assert visit("10.0.0.8") == 401
    close_app(app)


def test_closed_accounts_and_people_who_have_left_are_refused_behind_a_proxy(
    settings: Settings, open_recommender: Callable[[], Recommender], aino: str, sessions: Sessions
) -> None:
    app = create_app(replace(settings, proxy_header="X-Remote-User"), recommender=open_recommender())
    with sessions.begin() as session:
        accounts.disable(session, session.query(Person).filter_by(handle=aino).one())
    assert app.test_client().get("/requests/", headers={"X-Remote-User": aino}).status_code == 401
    close_app(app)


def test_without_the_setting_the_proxy_header_is_ignored(open_client: Callable[[], FlaskClient], aino: str) -> None:
    assert open_client().get("/requests/", headers={"X-Remote-User": aino}).status_code == 401


def test_cookies_are_for_https_only_behind_a_public_https_address(
    settings: Settings, open_recommender: Callable[[], Recommender], aino: str
) -> None:
    app = create_app(replace(settings, public_url="https://kollega.example"), recommender=open_recommender())
    client = app.test_client()
    page = client.get("/sign-in", base_url="https://localhost")
    cookie = page.headers["Set-Cookie"]
    assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    close_app(app)


def test_the_people_of_the_demo_are_offered_in_the_demo_only(
    settings: Settings, open_recommender: Callable[[], Recommender], aino: str
) -> None:
    recommender = open_recommender()
    for demo in (True, False):
        app = create_app(replace(settings, demo=demo), recommender=recommender)
        client = app.test_client()
        page = client.get("/sign-in").text
        assert ('action="/sign-in/demo"' in page) is demo
        entered = client.post("/sign-in/demo", data={"csrf_token": _token(page), "handle": aino})
        assert entered.status_code == (302 if demo else 404)
        assert ("Sign out" in client.get("/").text) is demo
        close_app(app)


def test_a_body_of_a_megabyte_is_refused_with_a_page(open_client: Callable[[], FlaskClient], aino: str) -> None:
    visitor = sign_in(open_client(), aino)
    page = visitor.post("/people/me/settings", data={"muted": "x" * 1_000_001})
    assert page.status_code == 413 and "too long" in page.text.lower()
