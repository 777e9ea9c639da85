"""The flow of asking in a real Chromium: Enter, addresses, keys, calm while typing, the phone, whom to ask instead."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import FirstSuggestion, Person, Team
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from web.app import create_app
from web.search.door import tone

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
QUESTION = "VPN client drops at home"
TYPED = "VPN client drops at home since the update"  # 41 characters
WATCH = """() => {
  window.redraws = window.announced = 0;
  const results = document.getElementById("results"), status = document.getElementById("announce");
  const options = { childList: true, subtree: true, characterData: true };
  new MutationObserver(() => { window.redraws += 1; }).observe(results, options);
  new MutationObserver(() => { if (status.textContent) window.announced += 1; }).observe(status, options);
}"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with which everything near a question counts as an answer."""
    return replace(settings, answer_from=0.0, maybe_from=0.0)


@pytest.fixture
def address(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    add_person: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> Iterator[str]:
    """Address of a server with five requests about a VPN and one about a printer, and a team for private matters."""
    for number in range(5):
        told = " ".join(f"detail{number}x{each}" for each in range(30))
        add_request(f"{QUESTION} {number}", f"variant{number} router", f"Use port 443 {told}", by="matti", team="it")
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover", by="aino")
    add_person("heli", "agent", "hr", restricted=["hr"])
    with sessions.begin() as session:
        team = session.query(Team).filter_by(handle="hr").one()
        team.name, team.name_fi, team.private_matters = "HR", "Henkilöstö", True
        team.phone, team.hours, team.hours_fi = "010 555 1200", "weekdays 9-15", "arkisin klo 9-15"
    with served(create_app(settings, recommender=open_recommender())) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the search page in a browser of its own; any error in its console fails the test."""
    contexts, complaints = [], list[str]()

    def opened(path: str = "", **options: Any) -> Page:
        context = open_context(browser, **{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_enter_searches_and_makes_a_page_that_can_be_shared_and_gone_back_to(
    open_page: Callable[..., Page], address: str, script: bool
) -> None:
    page = open_page(java_script_enabled=script)
    page.locator("#q").fill(QUESTION)
    page.locator("#q").press("Enter")
    page.wait_for_url("**/?q=*")
    assert page.url == f"{address}?q=VPN+client+drops+at+home"
    assert page.title() == f"{QUESTION} · Kollega" and page.locator("html").get_attribute("lang") == "en"
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    page.locator("#q").fill("Printer on floor two is stuck")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/?q=Printer*")
    expect(page.locator(".answers .card h3").first).to_have_text("Printer on floor two is stuck")
    page.go_back()
    expect(page.locator("#q")).to_have_value(QUESTION)
    expect(page.locator(".answers .card h3").first).to_contain_text("VPN")
    shared = open_page("?q=VPN+client+drops+at+home", locale="fi-FI")
    expect(shared.locator("#answers-heading")).to_have_text("Löytyi")


@pytest.mark.parametrize("text", ["my salary is wrong", "VPN " * 60], ids=["private", "long"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_private_or_long_question_stands_in_no_address(
    open_page: Callable[..., Page], address: str, text: str, script: bool
) -> None:
    page = open_page(java_script_enabled=script)
    page.locator("#q").fill(text)
    page.locator("#q").press("Enter")
    expect(page.locator("#answers-heading")).to_be_visible()
    expect(page.locator("#q")).to_have_value(text if script else text.strip())
    assert page.url == address and "salary" not in page.title()


def test_the_language_changes_with_its_button_and_what_was_typed_stays(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.locator("#q").fill(QUESTION)
    page.get_by_role("button", name="Suomi").click()
    expect(page.locator("html")).to_have_attribute("lang", "fi")
    expect(page.locator("#q")).to_have_value(QUESTION)


def test_escape_keeps_what_was_typed_and_the_arrow_keys_walk_the_answers(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.locator("#q").fill(QUESTION)
    links = page.locator(".answers .card h3 a")
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_have_value(QUESTION)
    page.locator("#q").focus()
    for number in range(3):
        page.keyboard.press("ArrowDown")
        expect(links.nth(number)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".rest > summary")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value(QUESTION)


def test_the_logo_starts_anew_and_a_reload_does_not(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.locator("#q").fill(QUESTION)
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    page.reload()
    expect(page.locator("#q")).to_have_value(QUESTION)
    page.locator(".brand").click()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#results .empty")).to_be_visible()


def test_who_comes_back_later_types_over_the_old_question_and_who_reloads_types_on(
    open_page: Callable[..., Page], address: str
) -> None:
    page = open_page()
    page.locator("#q").fill(QUESTION)
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    page.reload()
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(" again")
    expect(page.locator("#q")).to_have_value(f"{QUESTION} again")
    page.goto(f"{address}/desk/keys")
    page.goto(address)
    expect(page.locator("#q")).to_have_value(f"{QUESTION} again")
    page.keyboard.type("Printer")
    expect(page.locator("#q")).to_have_value("Printer")


def test_slow_typing_redraws_little_and_speaks_when_it_rests(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.evaluate(WATCH)
    assert len(TYPED) == 41
    page.locator("#q").press_sequentially(TYPED, delay=260)
    expect(page.locator("#announce")).to_have_text(re.compile("Found"))
    expect(page.locator("#answers-heading")).to_have_text("Found")
    page.wait_for_timeout(1_000)
    redraws, announced = page.evaluate("[window.redraws, window.announced]")
    assert 1 <= redraws <= 12 and 1 <= announced <= 3, (redraws, announced)


def test_nothing_is_searched_before_a_whole_word_or_three_letters(open_page: Callable[..., Page]) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/suggest" in request.url else None)
    page.locator("#q").press_sequentially("VP", delay=20)
    page.wait_for_timeout(1_200)
    expect(page.locator("#results .empty")).to_be_visible()
    assert asked == []
    with page.expect_response("**/suggest"):
        page.locator("#q").press_sequentially(" ")
    page.locator("#q").fill("")
    with page.expect_response("**/suggest"):
        page.locator("#q").press_sequentially("VPN")


def test_the_heading_waits_until_the_typing_rests(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.clock.install(time="2026-01-01T08:00:00")
    page.clock.pause_at("2026-01-01T08:00:10")  # so that no time passes while the server answers
    page.locator("#q").press_sequentially(f"{QUESTION} ")
    page.clock.run_for(200)
    page.locator(".answers .card").first.wait_for()
    assert page.locator("#answers-heading").inner_text() == "While you type"
    assert page.locator("#announce").inner_text() == ""
    page.clock.run_for(800)
    expect(page.locator("#answers-heading")).to_have_text("Found")
    expect(page.locator("#announce")).to_have_text("Found: 3 of 5 shown")


def test_letters_that_an_input_method_has_not_finished_are_not_searched(open_page: Callable[..., Page]) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/suggest" in request.url else None)
    page.locator("#q").evaluate(
        "field => { field.value = 'VPN client';"
        " field.dispatchEvent(new InputEvent('input', { isComposing: true, bubbles: true })); }"
    )
    page.wait_for_timeout(1_000)
    assert asked == []
    with page.expect_response("**/suggest"):
        page.locator("#q").dispatch_event("compositionend")


def _fragment(*cards: tuple[str, float], first: str = "") -> str:
    """Results as the server sends them, with these titles and matches."""
    listed = "".join(
        f'<li class="card" data-item data-key="{key}"><h3><a href="#">{key}</a></h3></li>' for key, _ in cards
    )
    matches = " ".join(str(match) for _, match in cards)
    return (
        f'<div class="columns" data-announce="Found" data-address="" data-first="{first}" data-matches="{matches}">'
        f'<section class="answers"><div class="verdict"><h2 id="answers-heading">Found</h2></div>'
        f'<ol class="cards">{listed}</ol></section></div>'
    )


def test_answers_that_match_about_as_well_keep_their_order(open_page: Callable[..., Page]) -> None:
    page = open_page()
    answers = iter(
        [
            _fragment(("a", 0.80), ("b", 0.79), ("c", 0.40)),
            _fragment(("b", 0.81), ("a", 0.80), ("c", 0.40)),  # barely better: stays second
            _fragment(("c", 0.95), ("b", 0.81), ("a", 0.60)),  # clearly better
        ]
    )
    page.route("**/suggest", lambda route: route.fulfill(body=next(answers), content_type="text/html"))
    titles = page.locator(".answers .card h3")
    for text, order in (("one", ["a", "b", "c"]), ("one two", ["a", "b", "c"]), ("one two three", ["c", "b", "a"])):
        with page.expect_response("**/suggest"):
            page.locator("#q").fill(text)
        expect(titles).to_have_text(order)


def test_what_is_counted_is_the_colleague_of_the_list_that_was_shown(
    open_page: Callable[..., Page], sessions: sessionmaker[Session]
) -> None:
    page = open_page()
    page.locator("#q").fill(QUESTION)
    colleague = page.locator(".people .person h3 a")
    expect(colleague).to_have_text("Matti")
    held: list[Route] = []
    page.route("**/suggest", lambda route: held.append(route))
    page.locator("#q").fill("Printer on floor two is stuck")  # whose answer, with Aino, does not arrive in time
    with page.expect_request("**/asked") as asked, page.context.expect_page():
        colleague.click()
    assert asked.value.response() is not None
    with sessions() as session:
        rows = session.query(FirstSuggestion).all()
        matti = page.locator(".people .person").first.get_attribute("data-key")
        assert len(rows) == 1 and matti == "person:matti"
        assert session.get_one(Person, rows[0].person_id).handle == "matti"


@pytest.mark.parametrize("language", ["en-GB", "fi-FI"])
def test_on_a_phone_the_first_answer_is_seen_above_an_open_keyboard(
    open_page: Callable[..., Page], language: str
) -> None:
    page = open_page(locale=language, viewport={"width": 390, "height": 508})
    page.locator("#q").fill(QUESTION)
    expect(page.locator(".answers .card:visible")).to_have_count(3)
    expect(page.locator("#announce")).not_to_have_text("")
    bar = page.locator("#send").bounding_box()
    title = page.locator(".answers .card h3").first.bounding_box()
    text = page.locator(".answers .card .part .prose").first.bounding_box()
    field = page.locator("#q").bounding_box()
    assert bar and title and text and field
    assert title["y"] >= field["y"] + field["height"] and title["y"] + title["height"] <= bar["y"]
    assert text["y"] + min(text["height"], 3 * 24) <= bar["y"]
    page.mouse.wheel(0, 900)
    expect(page.locator("#q")).to_be_in_viewport(ratio=1)
    expect(page.locator("#send button")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_many_filters_do_not_make_the_page_wider(open_page: Callable[..., Page]) -> None:
    page = open_page(locale="fi-FI", viewport={"width": 390, "height": 844})
    page.locator("#q").fill(QUESTION)
    filters = page.locator("[data-filters]")
    filters.evaluate("(part) => part.append(...[1, 2, 3].map(() => part.querySelector('.chip').cloneNode(true)))")
    assert filters.evaluate("(part) => part.scrollWidth > part.clientWidth")  # they can be scrolled
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_on_a_phone_the_header_is_one_row_with_a_menu(open_page: Callable[..., Page], script: bool) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, java_script_enabled=script)
    header = page.locator("header.top").bounding_box()
    assert header and header["height"] < 60
    finnish = page.get_by_role("button", name="Suomi")
    expect(finnish).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(finnish).to_be_visible()
    page.keyboard.press("Escape")
    expect(finnish).to_be_hidden()


def test_the_field_the_answers_and_the_people_line_up(open_page: Callable[..., Page]) -> None:
    page = open_page(f"?q={QUESTION}", viewport={"width": 1280, "height": 800})
    boxes = [
        page.locator(each).first.bounding_box() for each in (".ask .field", ".answers", ".people", "header.top .menu")
    ]
    field, answers, people, menu = boxes
    assert field and answers and people and menu
    assert abs(field["x"] - answers["x"]) < 1 and abs(field["width"] - answers["width"]) < 1
    assert people["x"] > answers["x"] + answers["width"]
    assert abs(people["x"] + people["width"] - menu["x"] - menu["width"]) < 1


def test_a_private_question_offers_the_team_that_few_can_read_first(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.locator("#q").fill("my salary is wrong")
    expect(page.locator(".offer.private")).to_contain_text("Only HR and you see it.")
    expect(page.locator(".offer.private .contact")).to_contain_text("010 555 1200 weekdays 9-15")
    with page.expect_request("**/requests/new*") as asked:
        page.get_by_role("button", name="Ask HR privately").click()
    assert asked.value.url.endswith("/requests/new?team=hr&audience=team")
    assert "q=my+salary+is+wrong" in (asked.value.post_data or "")


def test_a_colleague_is_asked_with_what_was_typed(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.locator("#q").fill(QUESTION)
    with page.expect_request("**/requests/new*") as asked:
        page.get_by_role("button", name="Ask Matti").click()
    assert asked.value.url.endswith("/requests/new?person=matti") and "q=VPN+client+drops+at+home" in (
        asked.value.post_data or ""
    )


def test_faces_keep_their_colour() -> None:
    tones = {tone(handle) for handle in ("aino", "matti", "kaisa", "eero", "liisa", "otto", "tuomas", "mikko")}
    assert tone("aino") == "tone-4" and len(tones) > 2
