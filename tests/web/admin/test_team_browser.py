"""The pages of teams, of the audit log and of signing in, in a real browser: no fault that axe finds, and nothing wider
than the screen, in both languages."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.recommender import Recommender
from recommender.settings import Settings
from recommender.teams import team
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
PAGES = {
    "boss": ("/admin/teams/", "/admin/teams/it", "/admin/audit/", "/admin/audit/?by=ghost", "/admin/sign-in/"),
    "eero": ("/admin/teams/", "/admin/teams/it"),
}
PICTURES = os.environ.get("KOLLEGA_TEST_PICTURES", "")
"""A folder for pictures of the pages; empty: none are taken."""


def test_the_pages_have_no_faults_and_fit_the_screen(
    browser: Browser, settings: Settings, sessions: sessionmaker[Session], add_person: Callable[..., int],
    add_request: Callable[..., int], open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    for handle, role, *teams in (
        ("boss", "admin"),
        ("eero", "lead", "it"),
        ("aino", "agent", "it"),
        ("olli", "staff", "hr"),
    ):
        add_person(handle, role, *teams)
    add_request("VPN", team="it", by="aino")
    with sessions.begin() as session:
        it = team.get_team(session, "it")
        team.rename(session, it, {"name": "IT support", "name_fi": "Tietohallinnon käyttäjätuki"}, audit.COMMAND)
        team.set_contact(session, it, {"phone": "010 555 1100", "hours": "weekdays 8-16"}, audit.COMMAND)
    app = create_app(settings, recommender=open_recommender())
    cookies = {}
    for who in PAGES:
        found = sign_in(app.test_client(), who).get_cookie("session")
        assert found is not None
        cookies[who] = found.value
    faults: list[Any] = []
    with served(app) as at:
        for width, scheme, language in ((1280, "light", "en"), (390, "dark", "fi")):
            for who, paths in PAGES.items():
                options: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
                context = open_context(browser, locale="en-GB", base_url=at, **options)
                context.add_cookies([{"name": "session", "value": cookies[who], "url": at}])
                page = context.new_page()
                for path in paths:
                    answer = page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
                    assert answer and (answer.ok or answer.status == 422), path
                    if PICTURES:
                        name = f"{who}{path.strip('/').replace('/', '-').replace('?', '-')}-{width}-{language}.png"
                        page.screenshot(path=Path(PICTURES) / name, full_page=True)
                    found_faults = Axe().run(page).response["violations"]
                    faults += [(path, width, fault["id"], fault["nodes"][0]["html"]) for fault in found_faults]
                    if page.evaluate("document.documentElement.scrollWidth") > width:
                        faults.append((path, width, "wider than the screen", ""))
                context.close()
    assert faults == []
