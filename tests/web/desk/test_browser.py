"""The desk in a real Chromium: how many rows a screen has, and how many keys and how long solving a request takes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from recommender.database.tables import HelpRequest
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from web.app import create_app, warm_up

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
OPEN = 20
ANSWER = "Hold the power button for ten seconds."


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with which everything near a question counts as an answer."""
    return replace(settings, answer_from=0.0, maybe_from=0.0)


@pytest.fixture
def page(
    browser: Browser,
    settings: Settings,
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> Iterator[Page]:
    """The browser of aino, an agent of IT with 20 open requests; any error in its console fails the test."""
    add_request("Screen is black after update", "The screen stays black.", ANSWER, by="aino", team="it")
    for number in range(OPEN):
        add_request(
            f"Screen is black after update {number}", "since today", "?", by="matti", asked_by="matti", team="it",
            status="open",
        )  # fmt: skip
    add_person("aino", "agent", "it")
    add_person("matti")
    app = create_app(settings, recommender=open_recommender())
    warm_up(app)  # as `kollega serve` does
    with app.extensions["kollega_sessions"].begin() as session:  # the only reply is the asker's own
        for row in session.query(HelpRequest).filter_by(status="open"):
            row.replies.clear()
    cookie = sign_in(app.test_client(), "aino").get_cookie("session")
    app.config["WTF_CSRF_ENABLED"] = True
    with served(app) as address:
        context = open_context(browser, locale="en-GB", base_url=address, viewport={"width": 1280, "height": 900})
        assert cookie is not None
        context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
        opened = context.new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type == "error" and "422" not in message.text else None
            ),
        )
        yield opened
        context.close()
    assert complaints == []


def test_at_least_14_rows_of_44_pixels_are_on_a_screen_of_900(page: Page) -> None:
    page.goto("/desk/")
    boxes = [box for row in page.locator("[data-row]").all() if (box := row.bounding_box())]
    assert len(boxes) == OPEN and {round(box["height"]) for box in boxes} <= {44, 45}
    seen = [box for box in boxes if box["y"] + box["height"] <= 900]
    assert len(seen) >= 14


def test_a_request_is_solved_with_an_earlier_solution_by_four_keys_and_then_undone(
    page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    page.goto("/desk/")
    page.wait_for_load_state("load")
    began, keys = time.perf_counter(), ("j", "Enter", "c", "Control+Shift+Enter")
    page.keyboard.press(keys[0])
    page.keyboard.press(keys[1])
    page.wait_for_url("**/requests/*")
    page.wait_for_load_state("load")
    page.keyboard.press(keys[2])
    expect(page.locator("#body")).to_have_value(ANSWER)
    page.keyboard.press(keys[3])
    expect(page.locator("#solution")).to_contain_text(ANSWER)
    took = time.perf_counter() - began
    with capsys.disabled():
        print(f"\nopen request -> resolved: {len(keys)} keys, {took:.2f} s")
    page.wait_for_load_state("load")
    others, conversation = (page.locator(each).bounding_box() for each in (".others", "#conversation"))
    assert others and conversation and others["x"] + others["width"] <= conversation["x"]  # still beside it
    beside = page.locator(".panel .next")
    expect(beside).to_contain_text("Screen is black after update")
    box = beside.bounding_box()
    assert box and box["x"] >= conversation["x"] + conversation["width"] and box["y"] < 300  # the third column
    page.locator("h1").click()  # out of the field
    solved = page.locator("h1").inner_text()
    page.keyboard.press("z")
    expect(page.locator("#body")).to_have_value(ANSWER)
    expect(page.locator(".kind.open").first).to_be_visible()
    page.locator("#body").press("Control+Shift+Enter")
    expect(page.locator("[data-next]")).to_be_visible()
    page.wait_for_load_state("load")
    page.locator("h1").click()
    page.keyboard.press("n")
    expect(page.locator("h1")).not_to_have_text(solved)


def test_the_panel_and_the_reply_stay_in_view_and_a_phone_shows_one_part_at_a_time(page: Page) -> None:
    page.goto("/requests/2")
    height = page.evaluate("innerHeight")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#body")).to_be_in_viewport()
    reply = page.locator(".stays").bounding_box()
    assert reply and reply["height"] < height * 0.45  # more than half of the window is the conversation
    expect(page.locator("#files")).to_be_hidden()
    page.get_by_text("Attach files").click()
    expect(page.locator("#files")).to_be_visible()
    expect(page.locator("#suggestions")).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#suggestions")).to_be_hidden()
    page.locator('[data-pane="suggestions"]').click()
    expect(page.locator("#conversation")).to_be_hidden()
    page.locator('[data-act="answer"]').first.click()
    expect(page.locator("#body")).to_have_value(ANSWER)  # and the reply is shown again
    expect(page.locator("#body")).to_be_visible()
    page.locator('[data-pane="suggestions"]').click()
    page.locator('[data-act="used"]').first.click()
    expect(page.get_by_text("Counted as used.").first).to_be_visible()


def test_who_may_read_a_new_request_follows_the_team_until_it_is_chosen(
    page: Page, add_person: Callable[..., int]
) -> None:
    add_person("riikka", "agent", "hr", restricted=["hr"])
    page.goto("/requests/new")
    everyone, team = page.locator("input[value=everyone]"), page.locator("input[name=audience][value=team]")
    expect(team).to_be_checked()
    page.locator("#team").select_option("it")
    expect(everyone).to_be_checked()
    page.locator("#team").select_option("hr")
    expect(team).to_be_checked()
    expect(page.locator("#audience-said")).to_contain_text("private")
    everyone.check()
    page.locator("#title").fill("Shared on purpose")
    page.get_by_role("button", name="Send to the team").click()
    expect(page.get_by_role("status").first).to_contain_text("Colleagues can read it too.")


def test_what_is_wrong_with_a_number_is_seen_above_the_reply_that_stays_in_view(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 700})
    page.goto("/requests/2")
    page.locator("details.more > summary").click()
    page.locator("#same-form > summary").click()
    number = page.locator("#same-form [name=number]")
    number.fill("9999")
    with page.expect_navigation():
        page.evaluate("document.querySelector('#same-form form').noValidate = true")
        page.locator("#same-form button").first.click()
    expect(number).to_be_focused()
    for shown in (number, page.locator("#same-error")):
        covered = """each => {
          const box = each.getBoundingClientRect();
          const top = document.elementFromPoint(box.x + box.width / 2, box.bottom - 3);
          return !top || !(each === top || each.contains(top));
        }"""
        assert not shown.evaluate(covered)
