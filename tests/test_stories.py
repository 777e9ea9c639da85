"""What staff and agents do with Kollega, from start to end in a real Chromium, in English and in Finnish, and the first
story in Swedish too.

Every page on the way is checked in the light and the dark theme, wide and narrow: nothing may be wider than the window,
and axe-core may find no violation of WCAG 2.2 AA (`AXE` names the variants in which it runs). When
`KOLLEGA_SCREENSHOTS` names a folder, a picture of each variant is stored there.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from babel.support import Translations
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.accounts.secret_key import load_secret_key
from recommender.database.tables import Event, HelpRequest, Person
from recommender.knowledge import requests
from recommender.notifications.unsubscribing import make_token
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.paths import ROOT
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
SCREENSHOTS = os.environ.get("KOLLEGA_SCREENSHOTS")
PASSWORD = "a long enough password"
VARIANTS = (("light", 1280), ("light", 360), ("dark", 1280))
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = {
    ("en", "light", 1280): {"runOnly": ALL_RULES},
    ("en", "dark", 1280): {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
    ("fi", "light", 360): {"runOnly": ALL_RULES},
    ("sv", "light", 360): {"runOnly": ALL_RULES},
}
"""The variants of a page that axe-core checks, with its options. A page has the same structure in all languages, so
one width is checked in each; the dark theme differs from the light one only in its colours."""
TRANSLATIONS = ROOT / "web" / "translations"


class Walk:
    """One person in one browser. `t` translates a text of the pages into the language of this walk."""

    def __init__(self, page: Page, address: str, language: str) -> None:
        self.page, self.address, self.language = page, address, language
        self._catalogue = Translations.load(str(TRANSLATIONS), [language])

    def t(self, text: str) -> str:
        return str(self._catalogue.gettext(text))

    def button(self, text: str) -> None:
        self.page.get_by_role("button", name=self.t(text), exact=True).first.click()

    def follow(self, link: Locator) -> None:
        """Click, and wait for the next page: axe-core cannot run on a page that is being left."""
        with self.page.expect_navigation():
            link.click()

    def sign_in(self, handle: str) -> None:
        self.page.goto(f"{self.address}sign-in?lang={self.language}")
        self.page.get_by_label(self.t("User name")).fill(handle)
        self.page.get_by_label(self.t("Password")).fill(PASSWORD)
        self.button("Sign in")
        expect(self.page.get_by_role("button", name=self.t("Sign out"))).to_be_visible()

    def sign_out(self) -> None:
        self.button("Sign out")
        expect(self.page.get_by_role("link", name=self.t("Sign in"))).to_be_visible()

    def check_page(self, name: str) -> None:
        """Check the open page in all variants."""
        for scheme, width in VARIANTS:
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": width, "height": 900})
            if options := AXE.get((self.language, scheme, width)):
                result = self._run_axe(options)
                assert result.violations_count == 0, f"{name}, {scheme}, {width}: {result.generate_report()}"
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide in a window of {width}"
            if SCREENSHOTS:
                self.page.screenshot(path=f"{SCREENSHOTS}/{self.language}-{name}-{scheme}-{width}.png", full_page=True)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def _run_axe(self, options: dict[str, Any]) -> AxeResults:
        """Load axe-core into the page, unless it is there already, and run it, in a window as high as the page: in a
        lower one the bar at its bottom lies over a button that people would scroll to."""
        size = self.page.viewport_size or {"width": 1280, "height": 900}
        height = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(Axe().axe_script)
        return AxeResults(self.page.evaluate("options => axe.run(options)", {**options, "resultTypes": ["violations"]}))


@pytest.fixture
def address(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> Iterator[str]:
    """Address of a server request_url people have to sign in: matti and kaisa are staff, aino is agent of IT."""
    solved = "Hold the power button for ten seconds."
    add_request("Screen is black after update", "The screen of the laptop stays black.", solved, by="aino", team="it")
    add_request("Screen is black: internal", "Black screen", "The vendor's phone", by="aino", team="it", audience=[])
    add_request("Coffee machine is empty", "No beans", "Call facilities", by="kaisa")
    add_document("Black screen guide", "## After an update\n\nHold the **power** button.", team="it", owner="aino")
    for handle, role, teams in (("matti", "staff", []), ("kaisa", "staff", []), ("aino", "agent", ["it"])):
        number = add_person(handle, role, *teams)
        with sessions.begin() as session:
            accounts.set_password(session, session.get_one(Person, number), PASSWORD)
    app = create_app(replace(settings, anonymous_reading=False), recommender=open_recommender())
    with served(app) as server_address:
        yield server_address


@pytest.fixture(params=["en", "fi"])
def walk(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Walk]:
    """A browser; any unexpected error in its console fails the test."""
    context = open_context(browser, locale={"en": "en-GB", "fi": "fi-FI", "sv": "sv-FI"}[request.param])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield Walk(page, address, request.param)
    context.close()
    expected = ("401 (UNAUTHORIZED)", "404 (NOT FOUND)", "403 (FORBIDDEN)", "409 (CONFLICT)", "422 (UNPROCESSABLE")
    assert [text for text in complaints if not any(status in text for status in expected)] == []


@pytest.mark.parametrize("walk", ["en", "fi", "sv"], indirect=True)
def test_staff_find_an_answer_or_send_a_request_and_follow_it(walk: Walk, sessions: sessionmaker[Session]) -> None:
    page = walk.page
    page.goto(f"{walk.address}?lang={walk.language}")
    walk.check_page("sign-in")
    walk.sign_in("matti")
    walk.check_page("ask-empty")
    page.locator("#q").press_sequentially("Screen is black after update", delay=5)
    card = page.locator(".answers .card").first
    expect(card).to_contain_text("Hold the power button")
    expect(page.locator(".people .person")).to_be_visible()  # they come when the typing rests, and make the page longer
    walk.check_page("ask")
    card.get_by_role("button", name=walk.t("This solved it")).click()
    expect(page.locator(".thanks")).to_be_focused()
    with sessions() as session:
        assert [(event.kind, event.item) for event in session.query(Event)] == [("solved", "request:1")]

    walk.button("Ask a team")
    expect(page.locator("#title")).to_have_value("Screen is black after update")
    expect(page.locator("#team option:checked")).to_have_text("IT")
    walk.check_page("request-new")
    page.locator("#title").fill("")
    walk.button("Send to the team")
    expect(page.locator("#title-error")).to_be_visible()
    walk.check_page("request-problem")
    page.locator("#title").fill("Screen stays black")
    page.get_by_label(walk.t("Hide my name from colleagues")).check()
    walk.button("Send to the team")
    expect(page.get_by_role("status").first).to_be_visible()
    walk.check_page("request-sent")
    request_url = page.url.partition("?")[0]
    page.get_by_role("link", name=walk.t("My requests")).click()
    expect(page.locator(".row")).to_contain_text("Screen stays black")
    walk.check_page("my-requests")
    walk.sign_out()

    walk.sign_in("aino")
    page.wait_for_load_state("load")
    expect(page.locator("#q")).to_have_value("")  # what matti typed in this tab is not shown to aino
    page.goto(request_url)
    page.locator("#body").fill("Try the other cable")
    walk.button("Send and mark as solved")
    expect(page.locator("#solution")).to_contain_text("Try the other cable")
    walk.sign_out()

    walk.sign_in("kaisa")
    page.goto(request_url)
    if page.get_by_role("heading", level=1).inner_text() == "Screen stays black":  # if it was sent to colleagues too
        expect(page.locator("main")).not_to_contain_text("Matti")
    walk.sign_out()

    walk.sign_in("matti")
    page.goto(request_url)
    expect(page.locator("#solution")).to_contain_text("Try the other cable")
    walk.check_page("request-resolved")
    walk.button("It did not help: open it again")
    expect(page.locator(".kind.open")).to_be_visible()


def test_an_agent_answers_with_the_keyboard_and_drafts_a_document(walk: Walk, sessions: sessionmaker[Session]) -> None:
    page = walk.page
    walk.sign_in("matti")
    page.goto(f"{walk.address}requests/new?q=Screen is black after update&lang={walk.language}")
    page.get_by_label(walk.t("Colleagues too")).check()
    walk.button("Send to the team")
    request_url = page.url.partition("?")[0]
    walk.sign_out()

    walk.sign_in("aino")
    page.keyboard.press("Escape")  # leave the search field
    walk.follow(page.get_by_role("link", name=re.compile(f"^{walk.t('Queue')}")))
    walk.check_page("queue")
    page.keyboard.press("?")
    expect(page.locator("kbd").first).to_be_visible()
    walk.check_page("keys")
    page.keyboard.press("g")
    page.wait_for_url("**/desk/")
    page.keyboard.press("j")
    expect(page.locator(".requests .title a")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(request_url)
    walk.check_page("request-panel")
    internal = page.locator("[data-card]", has_text="internal")
    expect(internal.locator(".restricted")).to_be_visible()
    cards = page.locator("[data-card]:visible")
    at = next(n for n in range(cards.count()) if cards.nth(n).get_attribute("data-key") == "request:1")
    for _ in range(at + 1):
        page.keyboard.press("j")
    expect(cards.nth(at)).to_be_focused()
    page.keyboard.press("o")
    expect(cards.nth(at).locator(".preview .prose")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#body")).to_have_value("Hold the power button for ten seconds.")
    internal.locator('[data-act="link"]').click()
    expect(page.locator("#body-error")).to_be_visible()
    walk.check_page("request-warning")
    page.locator("#body").fill("Hold the power button for ten seconds.")
    page.locator("#body").press("Control+Shift+Enter")
    expect(page.locator("#solution")).to_contain_text("Hold the power button")
    page.wait_for_load_state("load")  # then the keyboard shortcuts work
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.wait_for_url("**/documents/new**")
    walk.check_page("document-draft")
    walk.button("Preview")
    expect(page.locator("#preview")).to_be_visible()
    walk.button("Publish")
    expect(page.locator(".kind.document")).to_be_visible()
    walk.check_page("document")
    walk.button("Mark as verified")
    page.get_by_role("link", name=walk.t("Guides"), exact=True).click()
    expect(page.locator(".row")).to_have_count(2)
    walk.check_page("library")
    walk.follow(page.get_by_role("banner").get_by_role("link", name="Aino", exact=True))
    walk.check_page("own-profile")
    page.locator("main form button", has_text=walk.t("Not my topic")).first.click()
    expect(page.locator("main")).to_contain_text(walk.t("You are not suggested because of this."))
    with sessions() as session:
        row = session.query(HelpRequest).filter_by(status="resolved").order_by(HelpRequest.id.desc()).first()
        assert row is not None and row.title == "Screen is black after update"


def test_an_owner_finds_a_document_edits_it_with_a_preview_and_restores_what_it_said(walk: Walk) -> None:
    page = walk.page
    walk.sign_in("aino")
    page.goto(f"{walk.address}documents/")
    page.get_by_role("searchbox").fill("screens")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    walk.check_page("library-search")
    walk.follow(page.locator(".row > a"))
    walk.follow(page.get_by_role("link", name=walk.t("Edit"), exact=True))
    beside = page.locator("#beside")
    expect(beside.locator("strong")).to_have_text("power")
    page.locator("#body").fill("## After an update\n\n" + "Hold the *power* button.\n\n" * 60 + "## Then\n\n## Last")
    expect(beside.locator("em").first).to_have_text("power")
    walk.check_page("document-edit-split")
    walk.button("Preview beside the text")
    expect(beside).to_be_hidden()
    walk.button("Publish")
    expect(page.locator(".contents a")).to_have_count(3)
    walk.check_page("document-long")
    page.locator(".contents a").nth(1).click()
    expect(page.locator("#section-2")).to_be_in_viewport()
    walk.follow(page.get_by_role("link", name=walk.t("History"), exact=True))
    expect(page.locator("ol.list > li")).to_have_count(2)
    walk.check_page("history")
    walk.follow(page.locator("ol.list a").first)
    expect(page.locator(".diff del")).to_contain_text("**power**")
    walk.check_page("version")
    walk.follow(page.get_by_role("link", name=walk.t("All versions")))
    walk.follow(page.locator("ol.list > li").last.locator("a").first)
    walk.follow(page.get_by_role("link", name=walk.t("Restore this version")))
    walk.check_page("document-restore")
    walk.button("Publish")
    expect(page.locator(".prose strong")).to_have_text("power")


def test_error_pages_and_the_pages_of_colleagues_are_accessible_too(walk: Walk) -> None:
    page = walk.page
    walk.sign_in("matti")
    page.goto(f"{walk.address}requests/4040?lang={walk.language}")
    walk.check_page("not-found")
    page.goto(f"{walk.address}people/aino")
    walk.check_page("profile")
    page.goto(f"{walk.address}people/?q=black+screen")
    expect(page.locator("#helping")).to_be_visible()
    walk.check_page("people")
    page.goto(f"{walk.address}documents/1")
    page.get_by_text(walk.t("Is it wrong or outdated?")).click()
    walk.check_page("document-reader")
    page.locator("#note").fill("old")
    walk.follow(page.get_by_role("button", name=walk.t("Flag it"), exact=True))
    walk.check_page("flagged")
    page.goto(f"{walk.address}desk/")
    walk.check_page("forbidden")


def test_a_colleague_sees_why_they_are_suggested_sets_limits_and_erases_them(walk: Walk) -> None:
    page = walk.page
    walk.sign_in("aino")
    page.goto(f"{walk.address}people/aino?lang={walk.language}")
    page.locator(".topics summary").first.click()
    expect(page.locator(".topics details[open] li").first).to_be_visible()
    walk.check_page("own-page")
    page.get_by_role("link", name=walk.t("Settings for suggestions")).click()
    page.get_by_label(walk.t("Times a week I may be suggested first")).fill("many")
    page.get_by_label(walk.t("Deputy")).fill("matti")
    page.get_by_label(walk.t("Don't suggest me for")).fill("tulostin\nVPN")
    page.get_by_label(walk.t("I can also help with")).fill("black screen\nsalary")
    walk.button("Save")
    expect(page.get_by_role("alert")).to_be_visible()
    walk.check_page("settings-refused")
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#capacity")).to_be_focused()
    page.locator("#capacity").fill("3")
    walk.button("Save")
    expect(page.get_by_role("status")).to_have_text(walk.t("Saved."))
    expect(page.locator("#deputy")).to_have_value("matti")
    expect(page.locator("#muted")).to_have_value("tulostin\nVPN")
    walk.check_page("settings")
    page.goto(f"{walk.address}people/aino")
    expect(page.get_by_text(walk.t("Confirmed"), exact=True)).to_have_count(1)
    walk.follow(page.get_by_role("link", name=walk.t("Erase")))
    walk.check_page("erase")
    walk.button("Erase")
    expect(page.get_by_role("status")).to_have_text(walk.t("Your settings, topics and counts have been erased."))
    walk.check_page("erased")


def test_a_colleague_sets_a_second_factor_up_with_the_keyboard_and_signs_in_with_it(walk: Walk) -> None:
    page = walk.page
    walk.sign_in("kaisa")
    page.goto(f"{walk.address}people/me/security")
    walk.check_page("security")
    page.locator("#current_password").fill("not this one")
    page.locator("#new_password").fill("another long password")
    page.keyboard.press("Enter")
    expect(page.locator("#current_password-error")).to_be_visible()
    walk.check_page("security-problem")
    page.locator("#set_up_password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_visible()
    walk.check_page("second-factor")
    app = pyotp.TOTP("".join((page.locator(".secret").text_content() or "").split()))
    page.locator("#code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("#code").fill(app.now())
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    walk.check_page("recovery-codes")
    code = page.locator(".codes code").first.text_content() or ""
    walk.follow(page.get_by_role("link", name=walk.t("I have saved them, continue")))
    walk.sign_out()
    page.goto(f"{walk.address}sign-in?lang={walk.language}")
    page.get_by_label(walk.t("User name")).fill("kaisa")
    page.get_by_label(walk.t("Password")).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_visible()
    walk.check_page("code")
    page.locator("#code").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=walk.t("Sign out"))).to_be_visible()


def test_people_are_told_follow_a_request_and_set_their_mail(
    walk: Walk, sessions: sessionmaker[Session], settings: Settings
) -> None:
    page = walk.page
    with sessions.begin() as session:
        people = {person.handle: person for person in session.query(Person)}
        it = people["aino"].teams[0]
        request = requests.file_request(session, people["matti"], "Screen flickers", "", "en", it, shared=True)
        request_url = f"{walk.address}requests/{request.id}"
    walk.sign_in("kaisa")
    page.goto(f"{walk.address}inbox/")
    walk.check_page("inbox-empty")
    page.goto(request_url)
    walk.button("Follow")
    walk.button("I have this problem too")
    expect(page.get_by_text(walk.t("You follow this request."))).to_be_visible()
    walk.check_page("request-followed")
    walk.sign_out()

    walk.sign_in("aino")
    expect(page.get_by_role("link", name=walk.t("Queue")).locator(".count")).to_contain_text("1")
    page.goto(request_url)
    page.locator("#body").fill("Try the other cable, @matti")
    walk.button("Send and mark as solved")
    walk.sign_out()

    walk.sign_in("kaisa")
    page.get_by_role("link", name=walk.t("Notifications")).click()
    said = {"en": "Aino solved a problem you have too", "fi": "Aino ratkaisi sinuakin koskevan ongelman"}
    expect(page.locator(".row.unread")).to_contain_text(said[walk.language])
    walk.check_page("inbox")
    page.get_by_role("link", name="Screen flickers").click()
    expect(page.locator("#solution")).to_contain_text("Try the other cable")
    expect(page.locator(".count")).to_have_count(0)
    page.goto(f"{walk.address}people/me/settings")
    page.locator("#quiet_from").select_option("20")
    walk.button("Save e-mail settings")
    expect(page.get_by_role("alert")).to_be_visible()
    walk.check_page("mail-settings-refused")
    page.locator("#quiet_until").select_option("7")
    page.locator("#when_reply").select_option("daily")
    walk.button("Save e-mail settings")
    expect(page.get_by_role("status")).to_have_text(walk.t("Saved."))
    expect(page.locator("#when_reply")).to_have_value("daily")
    walk.check_page("mail-settings")
    walk.sign_out()
    with sessions() as session:
        kaisa = session.query(Person).filter_by(handle="kaisa").one().id
    token = make_token(load_secret_key(settings.home), kaisa, ["reply"])
    page.goto(f"{walk.address}inbox/unsubscribe/{token}?lang={walk.language}")
    walk.check_page("unsubscribe")
    walk.button("Turn off")
    expect(page.get_by_role("status")).to_have_text(walk.t("You will get no more e-mail of this kind:"))
    walk.check_page("unsubscribed")
