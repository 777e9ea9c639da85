"""Helpers for tests in a real browser: the path of the browser, pages that wait long enough, and a real server."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from waitress import create_server, wasyncore

from tests.apps import close_app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

TIMEOUT = 60_000
"""Milliseconds that a test waits for what a page should show: long enough for a busy machine, so that only a page that
hangs fails."""


def open_context(browser: Browser, **options: Any) -> BrowserContext:
    """Open a new browser profile like `browser.new_context`, whose pages wait for TIMEOUT."""
    context = browser.new_context(**options)
    context.set_default_timeout(TIMEOUT)
    return context


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve the application on a free local port and yield its address; stop the server at the end."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}/"
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join(timeout=TIMEOUT / 1000)
        server.task_dispatcher.shutdown()
        close_app(app)
        assert not thread.is_alive()


class HeldQuestions:
    """What a page asks waits here, and no time passes for the page but what the test lets pass."""

    def __init__(self, page: Page) -> None:
        self._page, self.asked = page, list[Route]()
        page.route("**/suggest", lambda route: self.asked.append(route))
        page.clock.install(time="2026-01-01T08:00:00")
        page.clock.pause_at("2026-01-01T08:00:10")

    def asks(self, milliseconds: int) -> None:
        """Expect a question when so much time has passed."""
        before = len(self.asked)
        with self._page.expect_request("**/suggest"):
            self._page.clock.run_for(milliseconds)
        while len(self.asked) == before:
            self._page.wait_for_timeout(20)  # until the request waits here
        assert len(self.asked) == before + 1

    def asks_nothing(self, milliseconds: int) -> None:
        """Expect no question while so much time passes."""
        before = len(self.asked)
        self._page.clock.run_for(milliseconds)
        self._page.wait_for_timeout(100)
        assert len(self.asked) == before

    def answer(self) -> None:
        """Answer the last question."""
        with self._page.expect_response("**/suggest"):
            self.asked[-1].continue_()
        expect(self._page.locator("#results[aria-busy=true]")).to_have_count(0)
