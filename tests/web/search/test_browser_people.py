"""The colleagues beside the answers of the search page, which follow when the typing rests, in a real Chromium."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import FirstSuggestion, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, HeldQuestions, open_context, served
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
REST = 900  # milliseconds, as in ask.js


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with which everything near a question counts as an answer."""
    return replace(settings, answer_from=0.0, maybe_from=0.0)


@pytest.fixture
def page(
    browser: Browser,
    settings: Settings,
    add_request: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> Iterator[Page]:
    """The search page, with requests about a VPN that Matti has answered, and about a printer that Aino has."""
    add_request("VPN client drops at home", "router", "Use port 443", by="matti")
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover", by="aino")
    with served(create_app(settings, recommender=open_recommender())) as address:
        context = open_context(browser, locale="en-GB")
        page = context.new_page()
        page.goto(address)
        yield page
        context.close()


def _asked_for_people(page: Page) -> list[Request]:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/suggest/people") else None)
    return asked


def test_colleagues_are_asked_for_once_the_typing_rests(page: Page) -> None:
    held, asked = HeldQuestions(page), _asked_for_people(page)
    page.locator("#q").press_sequentially("VPN client drops ")
    held.asks(150)
    held.answer()
    expect(page.locator(".answers .card").first).to_be_visible()
    page.clock.run_for(REST - 200)
    expect(page.locator(".people")).to_have_count(0)
    assert asked == []
    page.clock.run_for(100)
    expect(page.locator(".people .person h3")).to_have_text("Matti")
    assert len(asked) == 1
    page.clock.run_for(5 * REST)
    assert len(asked) == 1


def test_the_colleagues_of_the_answers_before_stay_until_the_new_ones_are_there(page: Page) -> None:
    held, asked = HeldQuestions(page), _asked_for_people(page)
    person = page.locator(".people .person h3")
    page.locator("#q").press_sequentially("VPN client drops ")
    held.asks(150)
    held.answer()
    page.clock.run_for(REST)
    expect(person).to_have_text("Matti")
    page.locator("#q").fill("Printer on floor two is stuck ")
    held.asks(150)
    held.answer()
    expect(page.locator(".answers .card h3").first).to_contain_text("Printer")
    expect(person).to_have_text("Matti")
    expect(page.locator(".people[aria-busy=true]")).to_have_count(1)
    person.locator("a").focus()
    page.clock.run_for(REST)
    expect(person.first).to_have_text("Aino")
    expect(page.locator(".people[aria-busy=true]")).to_have_count(0)
    assert len(asked) == 2
    assert page.evaluate("document.activeElement !== document.body")


def test_enter_asks_for_colleagues_at_once_and_counts_the_first(page: Page, sessions: sessionmaker[Session]) -> None:
    held = HeldQuestions(page)
    page.locator("#q").press_sequentially("VPN client drops ")
    held.asks(150)
    held.answer()
    with page.expect_response("**/asked"):
        page.locator("#q").press("Enter")
    expect(page.locator(".people .person h3")).to_have_text("Matti")
    with sessions() as session:
        first = select(Person.handle).join(FirstSuggestion, FirstSuggestion.person_id == Person.id)
        assert session.scalars(first).all() == ["matti"]


def test_enter_makes_an_address_before_the_colleagues_are_there(page: Page) -> None:
    people: list[Route] = []
    page.route("**/suggest/people", lambda route: people.append(route))
    held = HeldQuestions(page)
    page.locator("#q").press_sequentially("VPN client drops ")
    held.asks(150)
    held.answer()
    page.locator("#q").press("Enter")
    page.wait_for_url("**/?q=VPN+client+drops")
    with page.expect_request("**/asked"):
        people[0].continue_()


def test_colleagues_of_other_answers_go_when_the_new_ones_cannot_be_loaded(page: Page) -> None:
    person = page.locator(".people .person h3")
    page.locator("#q").fill("VPN client drops at home")
    expect(person).to_have_text("Matti")
    page.route("**/suggest/people", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.locator("#q").fill("Printer on floor two is stuck")
    expect(page.locator(".answers .card h3").first).to_contain_text("Printer")
    expect(page.locator("[data-trouble], .people")).to_have_count(0)
    page.unroute("**/suggest/people")
    page.locator("#q").press_sequentially(" again")
    expect(person.first).to_have_text("Aino")
