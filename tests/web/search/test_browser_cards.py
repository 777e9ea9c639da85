"""Cards and filters in a real, headless Chromium: the whole answer in place, what people say of it, and narrowing."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.knowledge import outcomes
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
LONG = "It was long ago. " * 60 + "\n\nOpen the back cover of the printer.\n\n" + "That was all of it. " * 40


@pytest.fixture
def page(
    settings: Settings, add_request: Callable[..., int], open_recommender: Callable[[], Recommender], browser: Browser
) -> Iterator[Page]:
    """The search page on a phone, with requests of two teams; any error in the console fails the test."""
    add_request("Printer is stuck", "Paper everywhere", LONG, by="aino", team="it")
    add_request("Printer in the warehouse is stuck", "Paper", "Call the warehouse", by="matti", team="warehouse")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    with served(create_app(settings, recommender=open_recommender())) as address:
        context = open_context(browser, locale="en-GB", viewport={"width": 390, "height": 844})
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}?q=Printer+is+stuck")
        yield page
        context.close()
        assert complaints == []


def _counted(sessions: sessionmaker[Session]) -> tuple[int, int]:
    with sessions() as session:
        usage = outcomes.usage(session, ["request:1"], ANYONE)["request:1"]
    return usage.used, usage.unhelpful


def test_the_whole_answer_takes_the_place_of_its_part(page: Page) -> None:
    card = page.locator('[data-key="request:1"]')
    part, whole = card.locator(".part.on-narrow"), card.locator(".whole .prose")
    expect(part).to_contain_text("Open the back cover")
    expect(whole).to_be_hidden()
    card.get_by_text("Show all").click()
    expect(whole).to_be_visible()
    expect(part).to_be_hidden()
    card.get_by_text("Show less").click()
    expect(part).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_phone_shows_a_few_lines_and_a_wide_screen_more(page: Page) -> None:
    card = page.locator('[data-key="request:1"]')
    part = card.locator(".part.on-narrow .prose")
    expect(part).to_contain_text("Open the back cover")
    expect(card.locator(".part.on-wide")).to_be_hidden()
    box = part.bounding_box()
    assert box and 5 <= box["height"] / 22 <= 13  # lines, with the spaces between paragraphs
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(part).to_be_hidden()
    expect(card.locator(".part.on-wide .prose")).to_contain_text("Open the back cover")


def test_not_helpful_is_thanked_for_and_taken_back_with_the_keyboard(
    page: Page, sessions: sessionmaker[Session]
) -> None:
    card = page.locator('[data-key="request:1"]')
    button = card.get_by_role("button", name="Not helpful")
    button.focus()
    page.keyboard.press("Enter")
    expect(card.locator(".thanks")).to_be_focused()
    expect(card.locator(".thanks")).to_have_text("Thanks. Counted anonymously.")
    expect(button).to_be_hidden()
    assert _counted(sessions) == (0, 1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(button).to_be_focused()
    expect(card.locator(".thanks")).to_have_count(0)
    assert _counted(sessions) == (0, 0)
    card.get_by_role("button", name="This solved it").click()
    expect(card.locator(".thanks")).to_be_focused()
    assert _counted(sessions) == (1, 0)


def test_a_changed_filter_searches_again_and_can_be_cleared(page: Page) -> None:
    titles = page.locator(".answers .card h3")
    expect(titles.first).to_have_text("Printer is stuck")
    page.get_by_label("Team").select_option("warehouse")
    expect(titles.first).to_have_text("Printer in the warehouse is stuck")
    expect(page.locator('[data-key="request:1"]')).to_have_count(0)
    page.get_by_role("button", name="Clear filters").click()
    expect(titles.first).to_have_text("Printer is stuck")
    expect(page.get_by_role("button", name="Clear filters")).to_be_hidden()
