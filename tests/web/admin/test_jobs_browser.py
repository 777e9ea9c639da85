"""The pages of the index, of sources and of jobs, in a real browser: no fault that axe finds, nothing wider than the
screen in either language, and progress that moves without loading the page again."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.source_tables import state_of
from recommender.database.tables import utc_now
from recommender.jobs import kinds, progress, queue
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
PAGES = (
    "/admin/index/", "/admin/sources/", "/admin/sources/desk", "/admin/jobs/", "/admin/system/",
    "/admin/quality/", "/admin/", "/admin/sources/_connect", "/admin/sources/_connect/gitlab", "/setup/knowledge",
    "/admin/jobs/1",
)  # fmt: skip


def _faults(page: Page, path: str, width: int) -> list[Any]:
    found = [(path, width, fault["id"], fault["nodes"][0]["html"]) for fault in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        found.append((path, width, "wider than the screen", ""))
    return found


def test_the_pages_have_no_faults_and_show_progress_by_themselves(
    browser: Browser, settings: Settings, sessions: sessionmaker[Session], add_person: Callable[..., int],
    add_request: Callable[..., int], open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    add_person("boss", "admin")
    add_request("VPN")
    settings.sources_file.write_text(
        '[desk]\nkind = "zammad"\nplace = "https://desk.example"\n[desk.teams]\n"A" = "it"\n'
    )
    with sessions.begin() as session:
        state = state_of(session, "desk")
        state.error, state.started_at = "desk: the token is refused (401): make a new one.", utc_now()
        number = queue.add(session, kinds.SYNC, "source:desk", {"source": "desk"}).id
        job = queue.claim(session, number)
        assert job is not None
        progress.report(session, number, 1, queue.LEASE, done=3, total=9, stage="reading")
        progress.note(session, number, "Begun.")
    app = create_app(settings, recommender=open_recommender())
    cookie = sign_in(app.test_client(), "boss").get_cookie("session")
    assert cookie is not None
    faults: list[Any] = []
    with served(app) as at:
        for width, scheme, language in ((1280, "light", "en"), (390, "light", "sv"), (390, "dark", "fi")):
            options: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
            context = open_context(browser, locale="en-GB", base_url=at, **options)
            context.add_cookies([{"name": "session", "value": cookie.value, "url": at}])
            page = context.new_page()
            for path in PAGES:
                answer = page.goto(f"{path}?lang={language}")
                assert answer and answer.ok, path
                faults += _faults(page, path, width)
            if language == "fi":  # the last page is that of the job
                with sessions.begin() as session:
                    queue.finish(session, number, {"added": 1}, 1)
                page.get_by_role("heading", name="Loki").wait_for()
                page.locator("#job:not([data-follow])").wait_for()
            context.close()
    assert faults == []
