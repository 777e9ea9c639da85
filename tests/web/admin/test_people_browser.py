"""The pages about people for admins in a real browser: no fault that axe finds, and nothing wider than the screen."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


def test_the_pages_have_no_faults_and_fit_the_screen(
    browser: Browser, settings: Settings, sessions: sessionmaker[Session], add_person: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    add_person("tuomas", "admin", "it")
    number = add_person("aino.virtanen-vainikainen@sahkoposti.example.org", "agent", "it", "hr", restricted=("hr",))
    with sessions.begin() as session:
        accounts.make_token(session, session.get_one(Person, number), "night job", ["read"])
    app = create_app(settings, recommender=open_recommender())
    cookie = sign_in(app.test_client(), "tuomas").get_cookie("session")
    assert cookie is not None
    paths = ("", "add", "import", f"{number}", f"{number}/leaving", f"{number}/merge")
    faults: list[Any] = []
    with served(app) as at:
        for width, scheme, language in ((1280, "light", "sv"), (390, "dark", "fi")):
            options: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
            context = open_context(browser, locale=f"{language}-FI", base_url=at, **options)
            context.add_cookies([{"name": "session", "value": cookie.value, "url": at}])
            page = context.new_page()
            for path in paths:
                answer = page.goto(f"/admin/people/{path}?lang={language}")
                assert answer and answer.ok, path
                wide = page.evaluate("document.documentElement.scrollWidth") > width
                found = Axe().run(page).response["violations"]
                faults += [(path, width, "too wide")] if wide else []
                faults += [(path, width, each["id"], each["nodes"][0]["html"]) for each in found]
            context.close()
    assert faults == []
