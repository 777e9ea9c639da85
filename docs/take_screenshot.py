"""Takes docs/images/search.png: the search page of the demo organisation, with the answers to a question.

It serves the demo that is loaded and indexed under KOLLEGA_HOME on loopback, asks in Chromium through Playwright, and
stops the server. Usage: python docs/take_screenshot.py
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "images" / "search.png"
QUESTION = "I cannot connect to the VPN from home"
WIDTH, HEIGHT = 1280, 860
LARGEST = 200_000
_START_WITHIN = 120.0


def main() -> None:
    """Take the picture; raises SystemExit when there is no browser, no answer, or the picture is too large."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("There is no Chromium. Install it, for example: apt-get install chromium")
    PICTURE.parent.mkdir(exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB", color_scheme="light", reduced_motion="reduce"
        )
        page.goto(address)
        page.locator("[name=q]").fill(QUESTION)
        page.locator("#answers-heading").wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURE)
        browser.close()
    size = PICTURE.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{PICTURE} has {size} bytes, more than {LARGEST}.")
    print(f"{PICTURE}: {size} bytes")


@contextmanager
def served() -> Iterator[str]:
    """The address of `kollega serve` on a free port, as `kollega demo --serve` serves: everybody may read."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"KOLLEGA_ANONYMOUS_READING": "1", "KOLLEGA_DEMO": "1"}
    command = [sys.executable, "-m", "indexer", "serve", "--no-watch", "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:  # noqa: S603 - our own command
        try:
            _wait_until_ready(server, f"{address}health")
            yield address
        finally:
            server.terminate()


def _wait_until_ready(server: subprocess.Popen[bytes], health: str) -> None:
    end = time.monotonic() + _START_WITHIN
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(health, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The server did not become ready. Load and index the demo first: make demo")


if __name__ == "__main__":
    main()
