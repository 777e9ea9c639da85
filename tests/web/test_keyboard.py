"""Each kind of page with the Tab key only, in a real Chromium, light and dark: focus is always seen, comes in the order
of the page and is never caught; and all text has enough contrast."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
PAGES = (
    "/", "/?q=printer+is+stuck", "/desk/", "/requests/1", "/requests/3", "/requests/new", "/requests/", "/documents/",
    "/documents/1", "/documents/1/edit", "/documents/new", "/people/", "/people/aino", "/inbox/", "/inbox/settings",
    "/people/matti", "/people/me/settings", "/people/me/erase", "/people/me/security", "/desk/keys", "/desk/canned",
    "/insights/teams/it", "/insights/about", "/nowhere",
)  # fmt: skip
LONG = (
    "It was long ago. " * 60 + "\n\nOpen the lid.\n\n- Item\n- [Page](https://a.example/)\n\n" + "That was all. " * 30
)
_FROM_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}"""
_STOPPED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  element.dataset.stop ??= String(document.querySelectorAll("[data-stop]").length);
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  const wrapped = element.closest(".chip");
  const ringed = wrapped ? getComputedStyle(wrapped) : style;
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  return {
    stop: element.dataset.stop,
    what: `${element.tagName} ${element.id || element.name || ""} ${element.textContent.trim().slice(0, 30)}`,
    outline: ringed.outlineStyle !== "none" && parseFloat(ringed.outlineWidth) >= 2,
    inView: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    uncovered: Boolean(top) && (element.contains(top) || top.contains(element) || Boolean(top.closest("label"))),
    follows: window.lastStop ? Boolean(window.lastStop.compareDocumentPosition(element) & 4) : true,
    noted: (window.lastStop = element, true),
  };
}"""


@pytest.fixture
def address(
    settings: Settings,
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> Iterator[tuple[str, str]]:
    """(address of the pages, session of an agent): answers, a long document and an open request."""
    add_request("Printer is stuck", "Paper everywhere", LONG, by="aino", team="it")
    add_request("Printer is stuck again", "Paper", "Open the lid", by="aino", team="it")
    add_request("Printer is stuck", "today", "?", by="matti", asked_by="matti", team="it", status="open")
    add_document("Printers", f"# One\n\n{LONG}\n\n# Two\n\nText", team="it", owner="aino", verified_by="aino")
    add_person("aino", "agent", "it")
    app = create_app(replace(settings, answer_from=0.0, maybe_from=0.0), recommender=open_recommender())
    cookie = sign_in(app.test_client(), "aino").get_cookie("session")
    assert cookie is not None
    app.config["WTF_CSRF_ENABLED"] = True
    with served(app) as at:
        yield at, cookie.value


def _open(browser: Browser, address: tuple[str, str], **options: Any) -> Page:
    at, cookie = address
    context = open_context(browser, locale="en-GB", base_url=at, **options)
    context.add_cookies([{"name": "session", "value": cookie, "url": at}])
    return context.new_page()


def _walk(page: Page) -> list[dict[str, Any]]:
    """What the Tab key stops at, until it leaves the page or comes back to where it was."""
    stops: list[dict[str, Any]] = []
    inside = 0
    page.evaluate(_FROM_THE_TOP)
    for _press in range(300):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOPPED)
        if stop is None or (stops and stop["stop"] == stops[0]["stop"]):
            return stops
        if stops and stop["stop"] == stops[-1]["stop"]:  # the parts of a date
            inside += 1
            assert inside < 6, f"caught in {stop['what']}"
            continue
        assert stop["stop"] not in {each["stop"] for each in stops}, f"caught at {stop['what']}"
        stops, inside = [*stops, stop], 0
    pytest.fail("the Tab key does not come to the end of the page")


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["wide", "phone"])
def test_focus_is_always_seen_in_order_and_never_caught(
    browser: Browser, address: tuple[str, str], size: tuple[int, int]
) -> None:
    page = _open(browser, address, viewport={"width": size[0], "height": size[1]})
    wrong = []
    for path in PAGES:
        answer = page.goto(path)
        assert answer and answer.ok == (path != "/nowhere"), f"{path}: {answer.status if answer else ''}"
        page.wait_for_load_state("load")
        stops = _walk(page)
        assert len(stops) >= 3, path
        for fault in ("outline", "inView", "uncovered", "follows"):
            wrong += [f"{path}: {fault}: {stop['what']}" for stop in stops if not stop[fault]]
    page.context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(browser: Browser, address: tuple[str, str], scheme: Any) -> None:
    page = _open(browser, address, color_scheme=scheme, viewport={"width": 1280, "height": 800})
    wrong = []
    for path in PAGES:
        answer = page.goto(path)
        assert answer and answer.ok == (path != "/nowhere"), f"{path}: {answer.status if answer else ''}"
        page.wait_for_load_state("load")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        found = Axe().run(page, options={"runOnly": {"type": "rule", "values": ["color-contrast"]}})
        wrong += [f"{path}: {each['nodes'][0]['html'][:120]}" for each in found.response["violations"]]
    page.context.close()
    assert not wrong, "\n".join(wrong)


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard_and_gives_the_focus_back(
    browser: Browser, address: tuple[str, str]
) -> None:
    page = _open(browser, address, viewport={"width": 390, "height": 844})
    page.goto("/desk/")
    button = page.get_by_role("button", name="Menu")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#menu")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#menu') !== null")
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()
    expect(button).to_be_focused()
    page.context.close()


def test_the_parts_of_a_request_on_a_phone_are_changed_by_keyboard(browser: Browser, address: tuple[str, str]) -> None:
    page = _open(browser, address, viewport={"width": 390, "height": 844})
    page.goto("/requests/3")
    page.locator('[data-pane="suggestions"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#suggestions")).to_be_visible()
    stops = _walk(page)
    assert not any("Your reply" in stop["what"] or "TEXTAREA body" in stop["what"] for stop in stops)
    assert all(stop["outline"] and stop["inView"] and stop["follows"] for stop in stops)
    page.locator('[data-pane="conversation"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#body")).to_be_visible()
    page.context.close()


def test_an_answer_is_unfolded_and_folded_by_keyboard(browser: Browser, address: tuple[str, str]) -> None:
    page = _open(browser, address, viewport={"width": 390, "height": 844})
    page.goto("/?q=printer+is+stuck")
    summary = page.locator(".whole > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".whole .prose").first).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.whole') !== null")  # the link in the answer
    page.keyboard.press("Shift+Tab")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".whole .prose").first).to_be_hidden()
    expect(summary).to_be_focused()
    page.context.close()
