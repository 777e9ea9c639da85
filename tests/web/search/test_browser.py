"""The search page in a real, headless Chromium with a real server."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import FirstSuggestion
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, HeldQuestions, open_context, served
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
QUESTION = "VPN client drops at home"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with which everything near a question counts as an answer, so that more than three are shown."""
    return replace(settings, answer_from=0.0, maybe_from=0.0)


@pytest.fixture
def address(
    settings: Settings, add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> Iterator[str]:
    """Address of a server on a free port, with five requests about a VPN, one about a printer, one about coffee."""
    for number in range(5):
        add_request(f"{QUESTION} {number}", f"variant{number} router", "Use port 443", by="matti")
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover", by="aino")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    with served(create_app(settings, recommender=open_recommender())) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The search page; any error in the console of the browser fails the test."""
    context = open_context(browser, locale="en-GB")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


def test_a_person_types_sees_three_suggestions_opens_one_in_a_new_tab_and_reads_it(page: Page, address: str) -> None:
    cards = page.locator(".answers .card:visible")
    expect(cards).to_have_count(0)
    page.locator("#q").press_sequentially(QUESTION, delay=10)
    expect(cards).to_have_count(3)
    expect(page.locator("#answers-heading")).to_have_text("Found")
    expect(page.locator("#announce")).to_have_text("Found: 3 of 5 shown")
    expect(page.locator(".people .person h3")).to_have_text("Matti")
    title = cards.first.locator("h3").inner_text()
    with page.context.expect_page() as opened:
        cards.first.locator("h3 a").click()
    tab = opened.value
    tab.wait_for_load_state()
    assert re.fullmatch(re.escape(address) + r"requests/\d+", tab.url)
    expect(tab.locator("h1")).to_have_text(title)
    expect(tab.locator(".reply.accepted").first).to_contain_text("Use port 443")
    assert tab.evaluate("window.opener") is None
    expect(page.locator("#q")).to_have_value(QUESTION)  # the question is still there


def test_collapsed_suggestions_can_be_opened_and_stay_open_while_typing_continues(page: Page) -> None:
    page.locator("#q").fill(QUESTION)
    cards = page.locator(".answers .card:visible")
    expect(cards).to_have_count(3)
    page.get_by_text("Show 2 more").click()
    expect(cards).to_have_count(5)
    with page.expect_response("**/suggest"):
        page.locator("#q").press_sequentially(" again")
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    expect(cards).to_have_count(5)


def test_a_card_that_stays_in_the_list_stays_the_same_element(page: Page) -> None:
    page.locator("#q").fill("Printer on floor two is stuck")
    card = page.locator(".answers .card h3 a", has_text="Printer on floor two is stuck")
    expect(card).to_be_visible()
    card.focus()
    card.evaluate("element => { element.kept = true; }")
    with page.expect_response("**/suggest"):
        page.evaluate(
            "() => { const body = document.getElementById('body');"
            " body.value = 'printer stuck'; body.dispatchEvent(new Event('input')); }"
        )
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    assert card.evaluate("element => element.kept === true")


@pytest.mark.parametrize("overtaken", [False, True], ids=["answered", "overtaken"])
def test_while_answers_take_long_a_question_waits_twice_as_long_before_it_is_sent(page: Page, overtaken: bool) -> None:
    held, field = HeldQuestions(page), page.locator("#q")
    field.press_sequentially("VPN ")
    held.asks(150)
    page.clock.run_for(400)
    if overtaken:
        field.press_sequentially("client")
        held.asks(400)
        wait = 1_000  # the longest
    else:
        held.answer()
        wait = 800
    field.press_sequentially(" drops ")
    held.asks_nothing(wait - 50)
    held.asks(50)
    held.answer()
    field.press_sequentially("at ")
    held.asks(150)
    held.answer()


def test_what_was_found_is_not_said_while_a_later_question_waits_to_be_sent(page: Page) -> None:
    held, field, said = HeldQuestions(page), page.locator("#q"), page.locator("#announce")
    field.press_sequentially("VPN ")
    held.asks(150)
    page.clock.run_for(1_000)
    field.press_sequentially("client")
    held.asks(400)  # overtakes the first question, which was waited for longer than a second
    field.press_sequentially(" drops ")
    held.answer()
    page.clock.run_for(950)
    expect(page.locator(".answers .card").first).to_be_visible()
    assert said.text_content() == ""
    held.asks(50)
    held.answer()
    expect(said).to_have_text("Found: 3 of 5 shown")


def test_an_answer_that_arrives_after_that_of_a_newer_question_is_ignored(page: Page) -> None:
    first_requests: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if not first_requests:
            first_requests.append(route)
        else:
            route.continue_()

    page.route("**/suggest", hold_the_first)
    with page.expect_request("**/suggest"):
        page.locator("#q").fill(QUESTION)
    page.locator("#q").fill("Printer on floor two is stuck")
    first = page.locator(".answers .card h3").first
    expect(first).to_have_text("Printer on floor two is stuck")
    assert "VPN" in (first_requests[0].request.post_data or "")
    first_requests[0].fulfill(body='<p id="stale">stale</p>', content_type="text/html")
    page.wait_for_timeout(300)
    expect(page.locator("#stale")).to_have_count(0)
    expect(first).to_have_text("Printer on floor two is stuck")
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")


def test_an_outdated_answer_is_ignored_even_when_its_request_could_not_be_cancelled(
    browser: Browser, address: str
) -> None:
    context = open_context(browser, locale="en-GB")
    page = context.new_page()
    page.add_init_script(
        """
        const real = window.fetch;
        let asked = 0;
        window.fetch = async (url, options) => {
          const first = asked++ === 0;
          const answer = await real(url, {...options, signal: undefined});
          if (first) {
            await new Promise((resolve) => {
              window.releaseTheFirst = resolve;
              document.documentElement.classList.add("first-is-held");
            });
          }
          return answer;
        };
        """
    )
    page.goto(address)
    page.locator("#q").fill(QUESTION)
    expect(page.locator("html.first-is-held")).to_have_count(1)
    page.locator("#q").fill("Printer on floor two is stuck")
    first = page.locator(".answers .card h3").first
    expect(first).to_have_text("Printer on floor two is stuck")
    page.evaluate("window.releaseTheFirst()")
    page.wait_for_timeout(300)
    expect(first).to_have_text("Printer on floor two is stuck")
    context.close()


def test_a_question_is_counted_once_for_the_first_colleague_when_the_person_acts_on_it(
    page: Page, sessions: sessionmaker[Session]
) -> None:
    def stored_counts() -> list[int]:
        with sessions() as session:
            return [row.count for row in session.query(FirstSuggestion)]

    page.locator("#q").press_sequentially(QUESTION, delay=10)
    colleague = page.locator(".people .person h3 a")
    expect(colleague).to_have_text("Matti")
    assert stored_counts() == []
    with page.expect_request("**/asked") as asked, page.context.expect_page():
        colleague.click()
    assert asked.value.response() is not None and stored_counts() == [1]
    page.get_by_role("button", name="Search").click()  # the same question again
    page.locator("#q").fill(f"{QUESTION} 2")
    with page.expect_request("**/asked") as asked:
        page.get_by_role("button", name="Search").click()
    assert asked.value.response() is not None and stored_counts() == [2]


def test_emptying_the_search_field_shows_the_first_page_again(page: Page) -> None:
    page.locator("#q").fill(QUESTION)
    expect(page.locator(".answers .card").first).to_be_visible()
    page.locator("#q").fill("")
    expect(page.locator(".answers")).to_have_count(0)
    expect(page.locator("#results .empty")).to_contain_text("7 solved requests and 0 guides")


def test_when_the_server_cannot_be_reached_the_page_says_so_and_asking_again_works(
    browser: Browser, address: str
) -> None:
    context = open_context(browser, locale="en-GB")
    page = context.new_page()
    page.goto(address)
    page.route("**/suggest", lambda route: route.abort())
    page.locator("#q").fill(QUESTION)
    expect(page.locator(".notice")).to_contain_text("The answers could not be loaded")
    page.unroute("**/suggest")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    expect(page.locator(".notice")).to_have_count(0)
    context.close()


def test_without_javascript_submitting_the_form_works(browser: Browser, address: str) -> None:
    context = open_context(browser, java_script_enabled=False, locale="fi-FI")
    page = context.new_page()
    page.goto(address)
    page.locator("#q").fill(QUESTION)
    page.get_by_role("button", name="Hae").click()
    page.wait_for_load_state()
    cards = page.locator(".answers .card")
    assert [cards.nth(number).is_visible() for number in range(5)] == [True, True, True, False, False]
    assert page.locator("#answers-heading").inner_text() == "Löytyi"
    assert page.locator("#q").input_value() == QUESTION
    context.close()


def test_script_in_a_title_does_not_run(
    browser: Browser, address: str, add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> None:
    payload = '<img src=x onerror="document.title=\'broken in\'"> zebra "quoted"'
    number = add_request(payload, payload, payload)
    context = open_context(browser, locale="en-GB")
    page = context.new_page()
    page.goto(f"{address}requests/{number}")
    expect(page.locator("h1")).to_have_text(payload)
    open_recommender()  # indexes the request; the server loads the new generation by itself
    page.goto(address)
    for attempt in itertools.count():  # until it is loaded; otherwise the time limit of a test ends the loop
        page.locator("#q").fill(f"zebra quoted{'!' * (attempt % 20)}")
        page.get_by_role("button", name="Search").click()
        page.wait_for_timeout(200)
        titles = page.locator(".answers .card h3")
        if titles.count() and titles.first.inner_text() == payload:  # the generation before shows other items
            break
    assert page.locator("main img").count() == 0
    assert page.title() != "broken in"
    context.close()


def test_the_page_fits_a_phone_without_horizontal_scrolling(browser: Browser, address: str) -> None:
    context = open_context(browser, viewport={"width": 360, "height": 740}, locale="en-GB")
    page = context.new_page()
    page.goto(address)
    page.locator("#q").fill(QUESTION)
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
