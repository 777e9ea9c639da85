"""Helpers for tests in a real browser: the path of the browser, pages that wait long enough, and a real server."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext
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
