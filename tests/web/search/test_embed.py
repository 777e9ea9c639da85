"""embed.py: the suggestion box in another page, in a real Chromium, and which items it shows to whom."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect

from recommender.errors import IndexRefused
from recommender.index import generations
from recommender.index.generations import Manifest
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from tests.chromium import CHROMIUM, HeldQuestions, served
from tests.conftest import FakeEncoder
from web.app import create_app

INTRANET = "https://intranet.example"
FOUND = {
    "en": "Found|Possibly related",
    "fi": "Löytyi|Nämä voivat liittyä aiheeseen",
}
PAYLOAD = "<img src=x onerror=alert(1)>"


@pytest.fixture
def make_client(
    settings: Settings, open_recommender: Callable[[], Recommender], add_request: Callable[..., int]
) -> Iterator[Callable[[str], FlaskClient]]:
    """A client of an application where people have to sign in, with these allowed origins."""
    add_request(f"Screen is black {PAYLOAD}", "after an update", f"Hold the power button {PAYLOAD}")
    add_request("Screen is black for HR", "after an update", "Secret", team="hr", audience=[])
    apps = []

    def make(origins: str) -> FlaskClient:
        wanted = replace(settings, anonymous_reading=False, embed_origins=origins)
        apps.append(create_app(wanted, recommender=open_recommender()))
        return apps[-1].test_client()

    yield make
    for app in apps:
        close_app(app)


def test_an_allowed_page_gets_only_items_that_everyone_may_read(make_client: Callable[[str], FlaskClient]) -> None:
    client = make_client(f"https://other.example, {INTRANET}/")
    answer = client.post("/embed/suggest", data={"q": "Screen is black"}, headers={"Origin": INTRANET})
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == INTRANET
    assert "Access-Control-Allow-Credentials" not in answer.headers and "Origin" in answer.headers["Vary"]
    assert answer.json is not None
    (suggestion,) = answer.json["suggestions"]
    assert (
        suggestion["url"] == "http://localhost/requests/1" and "Secret" not in answer.text and "HR" not in answer.text
    )
    finnish = client.post("/embed/suggest", data={"q": "Screen is black", "lang": "fi"}, headers={"Origin": INTRANET})
    assert finnish.json is not None and finnish.json["suggestions"][0]["facts"].startswith("Ratkaistu pyyntö")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "https://intranet.example.evil", "http://intranet.example"]
)
def test_other_pages_are_refused(make_client: Callable[[str], FlaskClient], origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = make_client(INTRANET).post("/embed/suggest", data={"q": "Screen"}, headers=headers)
    assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers
    assert "Hold the power" not in answer.text


def test_without_allowed_origins_there_is_no_box(make_client: Callable[[str], FlaskClient]) -> None:
    client = make_client("")
    assert client.get("/embed/kollega.js").status_code == 404
    assert client.post("/embed/suggest", data={"q": "Screen"}, headers={"Origin": INTRANET}).status_code == 404


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("en", "There is nothing to search yet. An admin can make the index with the command kollega reindex."),
        ("fi", "Vielä ei ole mitään, mistä hakea. Pääkäyttäjä voi tehdä hakuindeksin komennolla kollega reindex."),
    ],
)
def test_without_an_index_the_box_says_that_there_is_nothing_to_search(
    make_client: Callable[[str], FlaskClient], settings: Settings, language: str, heading: str
) -> None:
    client = make_client(INTRANET)
    shutil.rmtree(settings.index_dir)
    client.application.extensions["kollega_recommender"].refresh(wait=True)
    sent = {"q": "Screen is black", "lang": language}
    answer = client.post("/embed/suggest", data=sent, headers={"Origin": INTRANET})
    assert answer.json is not None and (answer.json["heading"], answer.json["suggestions"]) == (heading, [])
    empty = client.post("/embed/suggest", data={"q": " "}, headers={"Origin": INTRANET})
    assert empty.json is not None and empty.json["heading"] == ""


@pytest.mark.parametrize(
    ("language", "heading", "hint"),
    [
        ("en", "This question could not be searched", "Write it in other words."),
        ("fi", "Tällä kysymyksellä ei voitu hakea", "Kirjoita kysymys toisin sanoin."),
        ("sv", "Det gick inte att söka med den här frågan", "Skriv frågan med andra ord."),
    ],
)
def test_the_box_says_that_the_index_does_not_understand_a_question(
    make_client: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch, language: str, heading: str, hint: str
) -> None:
    client = make_client(INTRANET)
    monkeypatch.setattr(Recommender, "answers", _refuse)
    sent = {"q": "Screen is black", "lang": language}
    answer = client.post("/embed/suggest", data=sent, headers={"Origin": INTRANET})
    assert answer.json is not None and answer.status_code == 200 and answer.json["suggestions"] == []
    assert (answer.json["heading"], answer.json["hint"]) == (heading, hint) and "milvus" not in answer.text


def _refuse(*_: object, **__: object) -> None:
    raise IndexRefused("Milvus at http://milvus:19530 does not understand this question.")


def test_the_box_says_when_only_words_are_searched(
    make_client: Callable[[str], FlaskClient], settings: Settings, encoder: FakeEncoder
) -> None:
    client = make_client(INTRANET)
    live = generations.live(settings.index_dir)
    shutil.copytree(live, live.with_name("gen-000099"))
    replace(Manifest.read(live), generation="gen-000099").write(live.with_name("gen-000099"))
    (settings.index_dir / "CURRENT").write_text("gen-000099", encoding="ascii")
    encoder.card = replace(encoder.card, name="other")  # so that the index belongs to another model
    client.application.extensions["kollega_recommender"].refresh(wait=True)
    answer = client.post("/embed/suggest", data={"q": "Screen is black"}, headers={"Origin": INTRANET})
    assert answer.json is not None and len(answer.json["suggestions"]) == 1
    assert answer.json["heading"].startswith("Search works by words only right now")
    assert re.search(f" ({FOUND['en']})$", answer.json["heading"])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("language", ["en", "fi"])
def test_a_person_types_in_another_page_and_sees_the_suggested_answer(
    make_client: Callable[[str], FlaskClient], browser: Browser, language: str
) -> None:
    host = Flask("host")
    with served_without_database(host) as host_address:
        origin = host_address.rstrip("/")
        kollega = make_client(origin).application
        with served(kollega) as address:
            host.view_functions["page"] = lambda: host_page(address, language)
            page = browser.new_context().new_page()
            complaints: list[str] = []
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            page.goto(host_address)
            page.locator("[data-kollega] input").press_sequentially("Screen is black", delay=5)
            expect(page.locator("[data-kollega] li a")).to_have_text(f"Screen is black {PAYLOAD}")
            expect(page.locator("[data-kollega] [role=status]")).to_have_text(re.compile(f"^({FOUND[language]})$"))
            expect(page.locator("[data-kollega] li img")).to_have_count(0)
            page.locator("[data-kollega] input").fill("")
            expect(page.locator("[data-kollega] li")).to_have_count(0)
            page.context.close()
            assert [text for text in complaints if "favicon" not in text] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_while_answers_take_long_the_box_waits_twice_as_long_before_it_asks(
    make_client: Callable[[str], FlaskClient], browser: Browser
) -> None:
    host = Flask("host")
    with served_without_database(host) as host_address, served(make_client(host_address.rstrip("/")).application) as at:
        host.view_functions["page"] = lambda: host_page(at, "en")
        page = browser.new_context().new_page()
        held = HeldQuestions(page)
        page.goto(host_address)
        box = page.locator("[data-kollega] input")
        box.press_sequentially("Screen")
        held.asks(250)
        page.clock.run_for(400)
        held.answer()
        expect(page.locator("[data-kollega] li a")).to_have_count(1)
        box.press_sequentially(" is")
        held.asks_nothing(750)
        held.asks(50)
        page.context.close()


def host_page(address: str, language: str) -> tuple[str, dict[str, str]]:
    """A page of another site with the box of Kollega at `address`, and the headers with which it allows only that."""
    return (
        f'<!doctype html><title>x</title><h1>Intranet</h1><div data-kollega data-lang="{language}"></div>'
        f'<script type="module" src="{address}embed/kollega.js"></script>',
        {"Content-Security-Policy": f"default-src 'none'; script-src {address}; connect-src {address}"},
    )


def served_without_database(host: Flask):  # type: ignore[no-untyped-def]
    """A page of another site, on a free port."""
    host.add_url_rule("/", "page", lambda: "")
    return served(host)
