"""views.py and app.py: the search page with and without a question, its fragment, languages and headers."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import HelpRequest, Team, utc_now
from recommender.datatypes import Expert, Heading, Kind, Verdict
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import MODELS, FakeEncoder, make_recommender
from tests.web.conftest import OpenWith, make_item, make_suggestion
from web.app import create_app
from web.formatting import expert_reason

OpenClient = Callable[[], FlaskClient]
AddRequest = Callable[..., int]
PAYLOAD = "<script>alert('x')</script> \"quoted\" & 'single'"


def _titles(html: str) -> list[str]:
    return re.findall(r'<h3><a href="/requests/\d+"[^>]*>(.*?)</a></h3>', html)


def _add_vpn_requests(add_request: AddRequest, count: int) -> None:
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    for number in range(count):
        add_request(f"VPN client drops at home {number}", f"variant{number} router", "Use port 443", by="matti")


def test_the_empty_page_counts_what_anyone_may_read(open_client: OpenClient, add_request: AddRequest) -> None:
    add_request("Printer stuck")
    add_request("Coffee is out")
    add_request("Salary table", audience=["team:hr"], team="hr")
    add_request("Still open", status="open")
    page = open_client().get("/").text
    assert "Search 2 solved requests and 0 guides." in page
    assert 'data-verdict="' not in page


def test_a_question_in_the_address_or_in_a_form_shows_the_same_results(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    number = add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover", by="aino")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    client = open_client()
    got = client.get("/", query_string={"q": "Printer on floor two is stuck"}).text
    answer = client.post("/", data={"q": "Printer on floor two is stuck"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?q=Printer+on+floor+two+is+stuck")
    sent = client.get(answer.headers["Location"]).text
    got, sent = (re.sub(r'name="csrf_token" value="[^"]+"', "", page) for page in (got, sent))  # it contains the time
    assert _titles(got) == _titles(sent) and got.partition("<main")[2] == sent.partition("<main")[2]
    assert _titles(got)[0] == "Printer on floor two is stuck"
    assert f'<a href="/requests/{number}" target="_blank" rel="noopener" lang="en">' in got
    assert '<h2 id="answers-heading">Found</h2>' in got
    assert '<a href="/people/aino" target="_blank" rel="noopener">Aino</a>' in got
    assert 'value="Printer on floor two is stuck"' in got


def test_three_suggestions_are_shown_and_the_rest_is_collapsed(open_with: OpenWith) -> None:
    items = [make_item(f"request:{number}", f"VPN client drops at home {number}") for number in range(1, 6)]
    page = open_with(*map(make_suggestion, items)).post("/suggest", data={"q": "VPN client drops at home"}).text
    shown, _, folded = page.partition('<details class="rest">')
    assert len(_titles(shown)) == 3 and len(_titles(folded)) == 2
    assert _titles(page) == [item.title for item in items]
    assert "Show 2 more" in folded and '<ol class="cards" start="4">' in folded
    assert 'data-announce="Found: 3 of 5 shown"' in page


def test_the_fragment_is_not_a_whole_page_and_is_empty_without_a_question(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    add_request("Printer stuck")
    client = open_client()
    assert "<html" not in client.post("/suggest", data={"q": "Printer stuck"}).text
    assert client.post("/suggest", data={"q": "  ", "body": " "}).text.strip() == (
        '<div class="empty" data-announce=""></div>'
    )


def test_a_question_whose_client_has_left_is_not_searched(open_with: OpenWith) -> None:
    client = open_with(make_suggestion(make_item("request:1")))
    for has_left, status in ((lambda: True, 499), (lambda: False, 200)):
        environment = {"waitress.client_disconnected": has_left}
        answer = client.post("/suggest", data={"q": "vpn"}, environ_overrides=environment)
        assert (answer.status_code, "VPN drops" in answer.text) == (status, status == 200)


def test_when_nothing_is_found_the_likely_team_is_named_with_how_it_is_reached(
    open_with: OpenWith, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        session.add(
            Team(handle="it", name="IT", name_fi="IT-tuki", phone="010 5", hours="weekdays", hours_fi="arkisin")
        )
        session.add(Team(handle="hr", name="HR", restricted=True, private_matters=True))
    near = (Heading("request:7", Kind.REQUEST, "Other screens <b>", "en", "it"),)
    client = open_with(verdict=Verdict.UNKNOWN, likely_teams=("it",), nearest=near)
    page = client.post("/suggest", data={"q": "zebra"}).text
    assert "Nothing that you can read answers this." in page and "Other screens &lt;b&gt;" in page
    assert "Ask IT</button>" in page and '<a href="tel:0105">010 5</a>' in page and "weekdays" in page
    assert "privately" not in page and 'formaction="/requests/new?team=it"' in page
    finnish = client.post("/suggest", data={"q": "zebra"}, headers={"Accept-Language": "fi"}).text
    assert "Kysy: IT-tuki" in finnish and "arkisin" in finnish and "weekdays" not in finnish
    private = client.post("/suggest", data={"q": "olen raskaana"}).text
    assert private.index("Ask HR privately") < private.index("Ask IT</button>")
    assert 'formaction="/requests/new?team=hr&amp;audience=team"' in private and 'data-address=""' in private


def test_the_details_of_a_question_are_searched_too(open_client: OpenClient, add_request: AddRequest) -> None:
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    page = open_client().post("/", data={"q": "Help", "body": "Printer on floor two is stuck"}).text
    assert _titles(page)[0] == "Printer on floor two is stuck"
    assert '<details class="more" open>' in page and ">Printer on floor two is stuck</textarea>" in page


def test_matching_words_are_marked_and_named(open_client: OpenClient, add_request: AddRequest) -> None:
    add_request("Stuck", "", "The printer on floor two needs paper")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    page = open_client().post("/suggest", data={"q": "printer paper"}).text
    assert "<p>The <mark>printer</mark> on floor two needs <mark>paper</mark></p>" in page
    assert re.search(r"Matches: (printer, paper|paper, printer)<", page)


def test_a_question_nobody_answered_shows_no_suggestion(open_client: OpenClient, add_request: AddRequest) -> None:
    _add_vpn_requests(add_request, 2)
    # words that share no hash with those of the requests
    page = open_client().post("/suggest", data={"q": "xyzzy plugh"}).text
    assert 'data-verdict="unknown"' in page and _titles(page) == []
    assert "Nothing found yet" in page and "Try other words, or tell a little more." in page


def test_script_in_titles_answers_names_and_the_question_is_escaped(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    add_request(f"Printer {PAYLOAD}", f"printer {PAYLOAD}", f"printer {PAYLOAD}", by="<i>eve</i>")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    page = open_client().get("/", query_string={"q": f'printer {PAYLOAD}" onfocus="alert(1)'}).text
    assert "Printer &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &#34;quoted&#34;" in page
    assert "<script>alert" not in page and "<i>eve" not in page.lower()
    # only the scripts of the page itself
    assert page.count("<script") == page.count('<script type="module" src="/static/') == 4
    assert '" onfocus="' not in page and "&#34; onfocus=&#34;alert(1)" in page
    assert "/people/%3Ci%3Eeve%3C/i%3E" in page


def test_items_for_other_readers_and_items_hidden_after_indexing_are_not_shown(
    open_client: OpenClient, add_request: AddRequest, sessions: sessionmaker[Session]
) -> None:
    add_request("Salary table of the board", "numbers", "secret sum", audience=["team:hr"], team="hr")
    number = add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    client = open_client()
    page = client.post("/suggest", data={"q": "Salary table of the board"}).text
    assert "secret sum" not in page and "Salary table" not in page
    question = {"q": "Printer on floor two is stuck"}
    assert _titles(client.post("/suggest", data=question).text)[0] == "Printer on floor two is stuck"
    with sessions.begin() as session:
        session.get_one(HelpRequest, number).hidden = True
    assert "Printer on floor two is stuck" not in _titles(client.post("/suggest", data=question).text)


def test_a_new_index_generation_is_loaded_without_a_restart(
    open_client: OpenClient, open_recommender: Callable[[], Recommender], add_request: AddRequest
) -> None:
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    client = open_client()
    question = {"q": "Printer on floor two is stuck"}
    assert "Printer on floor two is stuck" not in _titles(client.post("/suggest", data=question).text)
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover")
    open_recommender()  # indexes the new request
    recommender = client.application.extensions["kollega_recommender"]
    recommender.refresh(wait=True)
    assert _titles(client.post("/suggest", data=question).text)[0] == "Printer on floor two is stuck"


def test_a_language_chosen_in_the_address_is_remembered(open_client: OpenClient, add_request: AddRequest) -> None:
    add_request("Printer stuck")
    client = open_client()
    assert '<html lang="en">' in client.get("/").text
    chosen = client.get("/?lang=fi")
    assert '<html lang="fi">' in chosen.text and "Mitä haluat tietää?" in chosen.text
    assert "Hae 1 ratkaistusta pyynnöstä ja 0 ohjeesta." in chosen.text
    assert "lang=fi; " in chosen.headers["Set-Cookie"] and "HttpOnly" in chosen.headers["Set-Cookie"]
    assert '<html lang="fi">' in client.get("/").text
    assert '<html lang="en">' in client.get("/?lang=en").text


def test_the_browsers_language_is_used_when_none_was_chosen_and_unknown_ones_are_ignored(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    add_request("Printer stuck")
    client = open_client()
    assert '<html lang="fi">' in client.get("/", headers={"Accept-Language": "fi-FI,fi;q=0.9,en;q=0.5"}).text
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "de"}).text
    odd = client.get("/?lang=xx<script>")
    assert '<html lang="en">' in odd.text and "Set-Cookie" not in odd.headers


def test_the_settings_language_is_the_last_fallback(settings: Settings, analyzer: Analyzer) -> None:
    app = create_app(replace(settings, language="fi"), recommender=make_recommender(settings, analyzer, None, None))
    assert '<html lang="fi">' in app.test_client().get("/").text
    close_app(app)


def test_every_response_has_the_security_headers(open_client: OpenClient, add_request: AddRequest) -> None:
    add_request("Printer stuck")
    client = open_client()
    for path in ("/", "/requests/1", "/requests/404", "/api/v1/recommend", "/static/ask.js", "/health"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert (headers.get("Cache-Control") == "no-store") == (path != "/static/ask.js")


def test_the_page_has_no_inline_script_or_style_that_the_policy_would_block(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover")
    page = open_client().get("/?q=Printer+on+floor+two+is+stuck").text
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\bstyle=|\son\w+=", page) == []


def test_a_question_that_is_far_too_long_is_refused_with_a_page(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    add_request("Printer stuck")
    answer = open_client().post("/", data={"q": "x" * 1_100_000})
    assert answer.status_code == 413 and "The text is too long" in answer.text


def test_without_an_index_the_page_names_the_command_for_the_admin(settings: Settings) -> None:
    recommender = make_recommender(settings, Analyzer(MODELS / "dictionaries"), FakeEncoder(), None, ("index_missing",))
    app = create_app(settings, recommender=recommender)
    page = app.test_client().post("/suggest", data={"q": "printer"}).text
    assert "An admin can make the index with the command kollega reindex." in page
    close_app(app)


def test_while_the_server_of_the_index_is_away_the_page_says_that_it_comes_back(settings: Settings) -> None:
    recommender = make_recommender(settings, Analyzer(MODELS / "dictionaries"), FakeEncoder(), None, ("index_away",))
    app = create_app(settings, recommender=recommender)
    client = app.test_client()
    page = client.post("/suggest", data={"q": "printer"}).text
    assert "It comes back by itself: try again in a moment." in page and "kollega reindex" not in page
    page = client.post("/suggest", data={"q": "printer"}, headers={"Accept-Language": "fi"}).text
    assert "Haku ei toimi juuri nyt." in page
    app.extensions["kollega_sessions"].kw["bind"].dispose()


def test_two_apps_of_one_home_have_the_same_secret_key(settings: Settings, analyzer: Analyzer) -> None:
    keys = []
    for _ in range(2):
        app = create_app(settings, recommender=make_recommender(settings, analyzer, None, None))
        keys.append(app.config["SECRET_KEY"])
        close_app(app)
    assert keys[0] == keys[1] and len(keys[0]) == 64
    assert (settings.home / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_colleague_is_shown_with_what_they_did_and_is_not_compared_with_others(
    open_client: OpenClient, add_request: AddRequest
) -> None:
    for number in range(2):
        at = utc_now() - timedelta(days=400 + number)
        add_request(f"Printer is stuck {number}", "printer paper", "Open the printer", by="aino", at=at)
    add_request("Printer is stuck 4", "printer paper", "Open the printer", by="eero", at=utc_now() - timedelta(days=20))
    page = open_client().post("/suggest", data={"q": "printer is stuck"}).text
    reasons = re.findall(r'<p class="why">(Solved[^<]*)</p>', page)
    assert sorted(reasons) == [
        "Solved 2 similar cases, the last one a year ago",
        "Solved a similar case 20 days ago",
    ]


def _expert(days: int = 0, words: tuple[str, ...] = (), **counts: int) -> Expert:
    numbers = {"answered": 0, "replied": 0, "keeps": 0, "verified": 0, "answered_this_year": 0, **counts}
    at = utc_now() - timedelta(days=days)
    return Expert(1, "aino", "Aino", (), (), None, last_at=at, evidence=(), words=words, **numbers)


@pytest.mark.parametrize(
    ("make_expert", "english", "finnish"),
    [
        (
            partial(_expert, answered=3, answered_this_year=3, words=("vpn",)),
            "Solved 3 similar cases this year: vpn",
            "Ratkaissut tänä vuonna 3 vastaavaa tapausta: vpn",
        ),
        (
            partial(_expert, 60, answered=3, answered_this_year=2),
            "Solved 3 similar cases, the last one 2 months ago",
            "Ratkaissut 3 vastaavaa tapausta, viimeisimmän 2 kuukautta sitten",
        ),
        (
            partial(_expert, answered=1, answered_this_year=1, keeps=1),
            "Solved a similar case today",
            "Ratkaissut vastaavan tapauksen tänään",
        ),
        (
            partial(_expert, 2, keeps=1, replied=2),
            "Owns a guide on this, last verified 2 days ago",
            "Ylläpitää aihetta koskevaa ohjetta, tarkistettu 2 päivää sitten",
        ),
        (partial(_expert, verified=1), "Verified a guide on this today", "Tarkistanut aihetta koskevan ohjeen tänään"),
        (
            partial(_expert, 40, replied=2),
            "Helped with 2 similar cases, the last one a month ago",
            "Auttanut 2 vastaavassa tapauksessa, viimeksi kuukausi sitten",
        ),
    ],
)
def test_a_reason_is_what_a_colleague_would_say(
    open_client: OpenClient, make_expert: Callable[[], Expert], english: str, finnish: str
) -> None:
    application, expert = open_client().application, make_expert()
    for language, reason in (("en", english), ("fi", finnish)):
        with application.test_request_context(headers={"Accept-Language": language}):
            assert expert_reason(expert) == reason
