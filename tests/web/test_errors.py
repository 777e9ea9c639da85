"""errors.py: an unexpected error becomes a page or JSON that gives no details away."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from recommender.errors import IndexRefused, TooBusy
from recommender.settings import Settings
from tests.conftest import sign_in
from web import errors


@pytest.fixture
def broken_client(open_client: Callable[[], FlaskClient]) -> Iterator[FlaskClient]:
    """A client whose recommender always raises; errors become pages as in production."""
    client = open_client()
    client.application.config["PROPAGATE_EXCEPTIONS"] = False

    class BrokenRecommender:
        index = None

        def refresh(self) -> None:
            raise ZeroDivisionError("a secret detail")

    client.application.extensions["kollega_recommender"] = BrokenRecommender()
    yield client


def test_a_crash_is_logged_and_shown_without_its_details(
    broken_client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    page = broken_client.get("/?q=printer")
    assert (
        page.status_code == 500 and "Something went wrong on our side" in page.text and "secret detail" not in page.text
    )
    answer = broken_client.get("/api/v1/recommend?q=printer")
    assert answer.status_code == 500 and answer.json is not None and answer.json["error"]["status"] == 500
    assert "secret detail" not in answer.text
    assert caplog.text.count("ZeroDivisionError: a secret detail") == 2


@pytest.mark.parametrize(("path", "code"), [("/?q=printer", 500), ("/nowhere", 404)])
def test_an_error_page_that_fails_itself_is_a_sentence(
    broken_client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str, code: int
) -> None:
    def fail(*_: object, **_more: object) -> str:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(errors, "render_template", fail)
    page = broken_client.get(path)
    assert (page.status_code, page.mimetype) == (code, "text/plain") and "out of range" not in page.text
    assert "The error page could not be made" in caplog.text


@pytest.mark.sqlite_only
def test_a_write_that_the_database_refuses_is_a_page_too(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    number = add_request("Printer stuck", status="open")
    add_person("aino")
    client = open_client()
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    person = sign_in(client, "aino")
    with client.application.extensions["kollega_sessions"].begin() as session:
        session.execute(text("CREATE TRIGGER no BEFORE INSERT ON replies BEGIN SELECT RAISE(FAIL, 'refused'); END"))
    page = person.post(f"/requests/{number}/replies", data={"body": "Open the back"})
    assert page.status_code == 500 and "Something went wrong on our side" in page.text


@pytest.mark.parametrize(
    ("code", "heading", "seconds"),
    [
        ("SQLITE_FULL", "Kollega cannot use its database", 60),
        ("SQLITE_READONLY_DBMOVED", "Kollega cannot use its database", 60),
        ("SQLITE_CORRUPT", "Kollega cannot use its database", 60),
        ("SQLITE_BUSY", "Kollega is busy saving something else", 5),
    ],
)
def test_the_page_says_why_nothing_could_be_stored(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int], add_person: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch, code: str, heading: str, seconds: int,
) -> None:  # fmt: skip
    add_request("Printer stuck")
    add_person("aino")
    visitor = sign_in(open_client(), "aino")

    def refuse(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("no")
        error.sqlite_errorname = code
        raise OperationalError("INSERT", {}, error)

    monkeypatch.setattr("recommender.knowledge.requests.file_request", refuse)
    page = visitor.post("/requests/", data={"title": "x", "team": "unknown", "audience": "team"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, str(seconds))
    assert heading in page.text and "Nothing was saved." in page.text and "Too many people" not in page.text
    finnish = visitor.post("/requests/?lang=fi", data={"title": "x", "team": "unknown", "audience": "team"})
    assert "Mitään ei tallennettu." in finnish.text


@pytest.mark.parametrize(
    ("language", "heading", "advice"),
    [
        ("en", "This question could not be searched", "Go back and write it in other words"),
        ("fi", "Tällä kysymyksellä ei voitu hakea", "Palaa takaisin ja kirjoita kysymys toisin sanoin"),
        ("sv", "Det gick inte att söka med den här frågan", "Gå tillbaka och skriv frågan med andra ord"),
    ],
)
def test_a_question_that_the_index_does_not_understand_gets_a_page_that_says_what_to_do(
    open_client: Callable[[], FlaskClient], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    language: str, heading: str, advice: str,
) -> None:  # fmt: skip
    client = open_client()
    client.application.config["PROPAGATE_EXCEPTIONS"] = False

    def refuse(*_: object, **__: object) -> None:
        raise IndexRefused("Milvus at http://milvus:19530 does not understand this question.")

    monkeypatch.setattr(client.application.extensions["kollega_recommender"], "recommend_with_open", refuse)
    monkeypatch.setattr(client.application.extensions["kollega_recommender"], "recommend", refuse)
    page = client.get(f"/?q=printer&lang={language}")
    assert page.status_code == 422 and heading in page.text and advice in page.text and "milvus" not in page.text
    assert client.post("/suggest", data={"q": "printer"}).status_code == 422
    answer = client.get("/api/v1/recommend?q=printer")
    assert answer.status_code == 422 and answer.json is not None
    assert answer.json["error"]["detail"] == "This question cannot be searched as it is written. Ask in other words."
    assert caplog.text.count("does not understand this question") == 3 and "Traceback" not in caplog.text


def test_too_many_at_once_is_another_page(open_client: Callable[[], FlaskClient]) -> None:
    client = open_client()

    def refuse() -> None:
        raise TooBusy("Too many at this moment.")

    client.application.view_functions["ask.index"] = refuse
    page = client.get("/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "Too many people at once" in page.text and "Wait a few seconds and try again." in page.text


@pytest.mark.sqlite_only
def test_when_the_database_is_damaged_the_answer_is_503_and_the_log_has_one_sentence(
    open_client: Callable[[], FlaskClient], settings: Settings, sessions: sessionmaker[Session],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    client = open_client()
    for factory in (sessions, client.application.extensions["kollega_sessions"]):
        factory.kw["bind"].dispose()
    (settings.home / "kollega.db").write_text("no database " * 1000)
    answer = client.get("/api/v1/recommend?q=printer", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 503
    assert answer.json == {"error": {"status": 503, "title": "Service Unavailable", "detail": errors._DATABASE_FAILED}}
    page = client.get("/")
    assert (page.status_code, page.content_type) == (503, "text/html; charset=utf-8")
    said = [record for record in caplog.records if record.name == "web.errors"]
    assert all("is damaged, or it is not a database" in record.getMessage() for record in said[:2])
    assert not any(record.exc_info for record in said)
