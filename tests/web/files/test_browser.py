"""Files in a real Chromium: a pasted screenshot, a chosen file, no script, accessible pages in both languages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.attachment_tables import NOT_CHECKED, REFUSED, Attachment
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from tests.files import pdf, png
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
# A screenshot reaches a page as a file in the clipboard.
PASTE = """([field, base64, name]) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
  document.querySelector(field).dispatchEvent(
    new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
Sessions = sessionmaker[Session]


@pytest.fixture
def address(
    settings: Settings, sessions: Sessions, add_person: Callable[..., int], add_request: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """(the address of a server, the cookie of matti, who has asked request 1)."""
    add_request("Screen is black", "after update", team="it", status="open", asked_by="matti")
    add_person("matti")
    app = create_app(settings, recommender=open_recommender())
    visitor = sign_in(app.test_client(), "matti")
    cookie = visitor.get_cookie("session")
    assert cookie is not None
    app.config["WTF_CSRF_ENABLED"] = True  # as it is for real
    with served(app) as served_at:
        yield served_at, cookie.value


def _context(browser: Browser, address: tuple[str, str], **options: object) -> BrowserContext:
    context = open_context(browser, **options)
    context.add_cookies([{"name": "session", "value": address[1], "url": address[0]}])
    return context


def _paste(page: Page, field: str, content: bytes, name: str) -> None:
    import base64

    page.evaluate(PASTE, [field, base64.b64encode(content).decode(), name])


def test_a_pasted_screenshot_and_a_chosen_file_go_along_with_a_reply(
    browser: Browser, address: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "manual.pdf").write_bytes(pdf("Turn the knob"))
    (tmp_path / "tool.exe").write_bytes(b"MZ\x90\0" + b"\0" * 60)
    context = _context(browser, address, locale="en-GB")
    page = context.new_page()
    page.goto(f"{address[0]}requests/1")
    _paste(page, "#body", png(), "image.png")
    expect(page.locator(".uploaded .choice")).to_have_text(["image.png 1 kB"])
    expect(page.locator(".said")).to_have_text("image.png is attached.")
    page.locator("#files").set_input_files([tmp_path / "manual.pdf", tmp_path / "tool.exe"])
    expect(page.locator(".said")).to_contain_text("tool.exe cannot be attached.")
    expect(page.locator(".uploaded .choice")).to_have_count(2)
    _paste(page, "#body", png(3, 3), "second.png")
    expect(page.locator(".uploaded .choice")).to_have_count(3)
    page.locator(".uploaded input").last.uncheck()
    page.locator("#body").fill("See the picture.")
    page.locator("[data-send=reply]").click()
    reply = page.locator(".reply", has_text="See the picture.").first
    expect(reply.locator(".files a")).to_have_text(["image.png", "manual.pdf"])
    assert (
        reply.locator(".files img").evaluate("async (image) => { await image.decode(); return image.naturalWidth; }")
        == 2
    )
    with page.expect_download() as download:
        reply.locator(".files a", has_text="manual.pdf").click()
    assert download.value.suggested_filename == "manual.pdf"
    assert Path(download.value.path()).read_bytes() == pdf("Turn the knob")
    reply.get_by_role("button", name="image.png").click()
    expect(page.locator(".reply", has_text="See the picture.").first.locator(".files a")).to_have_text(["manual.pdf"])
    page.wait_for_load_state("networkidle")  # pictures are being loaded
    context.close()


def test_the_form_waits_until_a_file_that_is_being_uploaded_has_arrived(
    browser: Browser, address: tuple[str, str], sessions: Sessions
) -> None:
    context = _context(browser, address, locale="en-GB")
    page = context.new_page()
    page.goto(f"{address[0]}requests/1")
    page.evaluate("const fetch_ = window.fetch; window.fetch = async (...all) => {"
                  " await new Promise((done) => setTimeout(done, 700)); return fetch_(...all); };")  # fmt: skip
    page.locator("#body").fill("Sent at once.")
    _paste(page, "#body", png(), "slow.png")
    page.locator("[data-send=reply]").click()
    expect(page.locator(".reply", has_text="Sent at once.").first.locator(".files a")).to_have_text(["slow.png"])
    page.wait_for_load_state("networkidle")  # pictures are being loaded
    context.close()


def test_files_are_attached_without_a_script(browser: Browser, address: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("error 809\n")
    context = _context(browser, address, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{address[0]}requests/1")
    expect(page.get_by_text("You can also paste a screenshot into the text.")).to_be_hidden()
    page.locator("#files").set_input_files(tmp_path / "log.txt")
    page.locator("[data-send=reply]").click()  # a file alone is a reply
    expect(page.locator(".reply .files a", has_text="log.txt")).to_have_count(1)
    page.wait_for_load_state("networkidle")  # pictures are being loaded
    context.close()


@pytest.mark.parametrize("language", ["en", "fi"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_with_files_are_accessible_and_fit_the_screen(
    browser: Browser, address: tuple[str, str], sessions: Sessions, language: str, width: int
) -> None:
    context = _context(browser, address, locale="en-GB", viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(f"{address[0]}requests/1?lang={language}")
    long_name = "a_very_long_name_without_any_space_in_it_" * 3
    for name in ("picture.png", f"{long_name}.png", "waits.png", "refused.png"):
        with page.expect_response("**/attachments/"):
            _paste(page, "#body", png(200, 100), name)
    expect(page.locator(".uploaded .choice")).to_have_count(4)
    _check(page)
    page.locator("#body").fill("Files in every state.")
    page.locator("[data-send=reply]").click()
    expect(page.locator(".files li")).to_have_count(4)
    with sessions.begin() as session:
        for name, state in (("waits.png", NOT_CHECKED), ("refused.png", REFUSED)):
            session.query(Attachment).filter_by(name=name).update({"state": state})
    page.goto(f"{address[0]}requests/1?lang={language}")
    expect(page.locator(".files .away")).to_have_count(1)
    _check(page)
    page.goto(f"{address[0]}requests/new?lang={language}")
    _check(page)
    page.wait_for_load_state("networkidle")  # pictures are being loaded
    context.close()


def _check(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
