"""What the tests in a real browser need: the path of the browser, pages that wait patiently, and a real server."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext
from waitress import create_server, wasyncore

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PATIENCE = 60_000
"""Milliseconds that a test waits for what a page should show: a busy machine may be slow, so only a page that hangs
fails."""


def open_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser profile of its own, as `browser.new_context`, whose pages wait for PATIENCE."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve the application on a free port of this machine; gives its address, and stops the server at the end."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}/"
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join(timeout=PATIENCE / 1000)
        server.task_dispatcher.shutdown()
        app.extensions["kollega_sessions"].kw["bind"].dispose()
        assert not thread.is_alive()
