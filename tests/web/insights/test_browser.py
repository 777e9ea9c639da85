"""The pages of a team, of what is computed and of what hangs on a person, in a real browser: no fault that axe finds,
nothing wider than the screen, and pictures that say what they show."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import TopicKnower
from recommender.database.tables import Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in
from tests.web.insights.figures import fill
from web.app import create_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
PAGES = (
    "/insights/teams/it", "/insights/", "/insights/people", "/insights/about", "/people/eero", "/insights/topics/1",
    "/insights/topics/1/split", "/insights/topics/1/end",
)  # fmt: skip


def test_the_pages_have_no_faults_and_fit_the_screen(
    browser: Browser, settings: Settings, sessions: sessionmaker[Session], add_person: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    for handle, role in (("eero", "lead"), ("pia", "agent"), ("aino", "agent"), ("olli", "agent")):
        add_person(handle, role, "it")
    with sessions.begin() as session:
        topic = session.get_one(TopicRow, fill(session))
        topic.name_fi = topic.name_en = "Kehityskeskustelulomakkeet, palvelussuhdelaskutus"
        knowers = session.scalars(select(Person).where(Person.handle.in_(("pia", "aino", "olli"))))
        for person in knowers:
            row = TopicKnower(topic_id=topic.id, person_id=person.id, share=0.1, answerable_without=0.8, leaving=0.1)
            session.merge(row)
    app = create_app(settings, recommender=open_recommender())
    visitor = sign_in(app.test_client(), "eero")
    for number, day in (("3", "2026-01-05"), ("7.5", "2026-02-05")):
        address = "/insights/teams/it/measures" + ("/1" if number != "3" else "")
        sent = {"sentence": "Laptops are ready.", "number": number, "day": day}
        assert visitor.post(address, data=sent).status_code == 302
    cookie = visitor.get_cookie("session")
    assert cookie is not None
    faults: list[Any] = []
    with served(app) as at:
        for width, scheme in ((1280, "light"), (390, "dark")):
            options: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
            context = open_context(browser, locale="en-GB", base_url=at, **options)
            context.add_cookies([{"name": "session", "value": cookie.value, "url": at}])
            page = context.new_page()
            for path in PAGES:
                answer = page.goto(path)
                assert answer and answer.ok, path
                page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
                faults += [(path, width, each["id"]) for each in Axe().run(page).response["violations"]]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    faults.append((path, width, "wider than the screen"))
            page.goto(PAGES[0])
            expect(page.get_by_role("img", name="Whose requests the team has got")).to_be_visible()
            context.close()
    assert faults == []
