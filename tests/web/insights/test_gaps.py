"""web/insights/gaps.py: what is missing, the state of the guides, and who sees them."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.gap_tables import GapItem, GapRow, TopicAge
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.search_count_tables import SearchCount
from recommender.database.tables import Document, DocumentAudience, HelpRequest, RequestAudience, Team, utc_now
from recommender.insights.gaps.gap import GapKind
from recommender.insights.topics.topic import LEAST_ITEMS
from tests.chromium import CHROMIUM, open_context, served
from tests.conftest import sign_in

Add = Callable[..., int]


@pytest.fixture
def keys(sessions: sessionmaker[Session], add_request: Add, add_document: Add, add_person: Add) -> dict[str, list[str]]:
    """The items of a topic that the team "it" handles, with a gap of each kind; by kind of item."""
    requests = [
        f"request:{add_request(f'limit {n}', answer='Ten days.', team='it', by='eero')}" for n in range(LEAST_ITEMS)
    ]
    guide = f"document:{add_document('Limits', 'Twenty days.', team='it', owner='eero')}"
    add_person("aino", "lead", "it"), add_person("oskari", "agent", "it"), add_person("maija", "lead", "hr")
    with sessions.begin() as session:
        topic = TopicRow(audience=EVERYONE, name_fi="rajat", name_en="limits", made_on=date(2026, 6, 1))
        session.add(topic)
        session.flush()
        session.add_all(TopicItem(topic_id=topic.id, item=item) for item in [*requests, guide])
        team = session.query(Team).filter_by(handle="it").one().id
        session.add(TopicAge(topic_id=topic.id, team_id=team, changes=1, answers=6, computed_on=utc_now().date()))
        said = {
            "unit": "day", "newer": "20 days", "older": "10 days", "newer_sentence": "Twenty <b>days</b>.",
            "older_sentence": "Ten days.",
        }  # fmt: skip
        sent = {"requests": 3, "opened": 2, "shown": 1}
        for kind, items, counts, words in (
            (GapKind.CONTRADICTION, [guide, requests[0]], {}, said),
            (GapKind.CHANGED, [guide, requests[1]], {"changes": 1}, {}),
            (GapKind.CHANGED, [guide], {"days": 400, "half_life_days": 100}, {}),
            (GapKind.NOT_FOUND, [*requests[:3], guide], sent, {}),
            (GapKind.REPEATED, requests[:4], {"requests": 4, "unverified": 0}, {}),
            (GapKind.ONE_LANGUAGE, [guide, *requests[:2]], {"requests": 2}, {"language": "fi"}),
            (GapKind.UNSEEN, [guide], {"questions": 7}, {}),
        ):
            row = GapRow(topic_id=topic.id, kind=str(kind), team_id=team, counts=counts, said=words)
            session.add(row)
            session.flush()
            session.add_all(GapItem(gap_id=row.id, item=key, position=n, listed=True) for n, key in enumerate(items))
        week = utc_now().date() - timedelta(days=utc_now().weekday() + 7)
        session.add(SearchCount(topic_id=topic.id, week=week, verdict="unknown", people=10))
        session.add(SearchCount(topic_id=None, week=week, verdict="unknown", people=5))
    return {"requests": requests, "guides": [guide]}


@pytest.fixture
def visit(open_client: Callable[[], FlaskClient], keys: dict[str, list[str]]) -> Callable[[str], FlaskClient]:
    client = open_client()
    return lambda handle: sign_in(client, handle)


def test_people_of_the_team_see_each_kind_of_gap_with_its_items(visit: Callable[[str], FlaskClient]) -> None:
    for handle in ("aino", "oskari"):
        page = visit(handle).get("/insights/gaps/it?lang=en").text
        for text in (
            "The newer one says “20 days”, the older one “10 days”.",
            "Twenty &lt;b&gt;days&lt;/b&gt;.",
            "1 answer to the same questions has changed since the guide was last written or verified.",
            "Last written or verified 13 months ago; half of the answers on this topic change within 3.",
            "3 requests were sent although something was shown. In 2 cases it had been opened.",
            "Asked 4 times. No guide answers.",
            "Asked 2 times in Finnish, but the guide is only in another language.",
            "7 questions of this topic were tried.",
            "at least 10 people found nothing",
            "at least 5 people found nothing",
            "Of 1 topic too few changes are known to say (5 are needed).",
            ">limit 0</a>",
            ">Limits</a>",
        ):
            assert text in page, text


def test_nobody_else_sees_them(visit: Callable[[str], FlaskClient]) -> None:
    maija = visit("maija")
    assert [maija.get(f"/insights/gaps/{path}").status_code for path in ("it", "it/guides", "no", "no/guides")] == [
        404
    ] * 4
    assert "limits" not in maija.get("/insights/gaps/hr").text.lower().replace("limits of", "")
    visitor = maija.application.test_client()
    assert [visitor.get(f"/insights/gaps/{path}").status_code for path in ("", "it", "it/guides")] == [401] * 3


def test_the_index_leads_to_the_only_team_or_offers_a_choice(
    visit: Callable[[str], FlaskClient], add_person: Add
) -> None:
    assert visit("aino").get("/insights/gaps/").headers["Location"] == "/insights/gaps/it"
    add_person("aino", "lead", "it", "hr")
    page = visit("aino").get("/insights/gaps/").text
    assert "/insights/gaps/it" in page and "/insights/gaps/hr" in page
    add_person("oskari", "staff")
    assert "You are in no team" in visit("oskari").get("/insights/gaps/?lang=en").text


def test_a_gap_is_left_out_when_one_of_its_items_may_not_be_read_by_all_any_more(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], keys: dict[str, list[str]], add_document: Add
) -> None:
    aino = visit("aino")
    with sessions.begin() as session:
        document = session.get_one(Document, int(keys["guides"][0].partition(":")[2]))
        document.audience = [DocumentAudience(token="team:it")]
    page = aino.get("/insights/gaps/it?lang=en").text
    assert "Asked 4 times" not in page and "20 days" not in page  # the topic itself has to be computed anew


@pytest.mark.parametrize("hidden", [True, False])
def test_what_was_hidden_or_restricted_changes_what_is_shown_at_once(
    visit: Callable[[str], FlaskClient], sessions: sessionmaker[Session], add_request: Add, hidden: bool
) -> None:
    aino, more = visit("aino"), add_request("one more", team="it")
    with sessions.begin() as session:
        gap = session.query(GapRow).filter_by(kind="repeated").one()
        session.add(GapItem(gap_id=gap.id, item=f"request:{more}", position=9, listed=False))
    assert "Asked 4 times" in aino.get("/insights/gaps/it?lang=en").text
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, more)
        request.hidden = hidden
        request.audience = [] if not hidden else [RequestAudience(token=EVERYONE)]
    page = aino.get("/insights/gaps/it?lang=en").text
    assert "Asked 4 times" not in page and "7 questions of this topic" in page


def test_the_state_of_the_guides_names_what_may_be_wrong(
    visit: Callable[[str], FlaskClient], add_document: Add, sessions: sessionmaker[Session]
) -> None:
    add_document("Fine guide", "Text.", team="it", owner="eero", verified_by="eero", at=datetime(2026, 1, 5))
    add_document("Guide of hr", "Text.", team="hr", audience=["team:hr"])
    add_document("Draft guide", "Text.", team="it", draft=True)
    page = visit("oskari").get("/insights/gaps/it/guides?lang=en").text
    assert "2 guides" in page and "1 of them needs nothing now" in page
    for text in (
        "Answers have changed since",
        "Never verified",
        "No past question",
    ):
        assert text in page
    assert "Guide of hr" not in page and "Draft guide" not in page
    assert page.index(">Limits</a>") < page.index(">Fine guide</a>")


def test_without_topics_and_guides_the_pages_say_what_to_do(
    open_client: Callable[[], FlaskClient], add_person: Add
) -> None:
    add_person("maija", "lead", "hr")
    maija = sign_in(open_client(), "maija")
    assert "kollega insights update" in maija.get("/insights/gaps/hr?lang=en").text
    assert "This team has no published guides yet." in maija.get("/insights/gaps/hr/guides?lang=en").text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_the_pages_have_no_faults_and_fit_the_screen(visit: Callable[[str], FlaskClient], browser: Browser) -> None:
    aino = visit("aino")
    cookie, faults = aino.get_cookie("session"), []
    assert cookie is not None
    with served(aino.application) as at:
        for width, scheme, locale in ((1280, "light", "en-GB"), (390, "dark", "fi-FI")):
            options: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "locale": locale}
            context = open_context(browser, base_url=at, **options)
            context.add_cookies([{"name": "session", "value": cookie.value, "url": at}])
            page = context.new_page()
            for path in ("/insights/gaps/it", "/insights/gaps/it/guides"):
                answer = page.goto(path)
                assert answer and answer.ok, path
                page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
                faults += [(path, width, each["id"]) for each in Axe().run(page).response["violations"]]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    faults.append((path, width, "wider than the screen"))
            context.close()
    assert faults == []
