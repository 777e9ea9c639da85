"""results.py: what the pages say of a recommendation, on the search page, beside requests and in the embedded box."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape

import pytest

from recommender.database.tables import utc_now
from recommender.datatypes import Heading, Kind, Suggestion, Verdict
from tests.conftest import sign_in
from tests.web.conftest import OpenWith, make_item, make_suggestion

INTRANET = "https://intranet.example"
NEWER = Heading("document:9", Kind.DOCUMENT, "VPN since 2026 <b>", "en", None)
FINNISH = Heading("document:8", Kind.DOCUMENT, "VPN kotoa", "fi", None)
LONG_AGO = datetime(2020, 5, 4)


def _recent() -> datetime:
    return utc_now() - timedelta(days=2)


def _suggestions(count: int) -> list[Suggestion]:
    return [make_suggestion(make_item(f"request:{number}", f"VPN drops {number}")) for number in range(1, count + 1)]


def _results(open_with: OpenWith, *suggestions: Suggestion, language: str = "en", **more: object) -> str:
    client = open_with(*suggestions, **more)
    headers = {"Accept-Language": language}
    return unescape(client.post("/suggest", data={"q": "vpn"}, headers=headers).text)


@pytest.mark.parametrize(
    ("verdict", "count", "english", "finnish"),
    [
        (Verdict.ANSWER, 1, "Found", "Löytyi"),
        (Verdict.MAYBE, 3, "Possibly related", "Nämä voivat liittyä aiheeseen"),
        (Verdict.UNKNOWN, 0, "Nothing found yet", "Tähän ei löytynyt vielä vastausta"),
    ],
)
def test_each_verdict_has_its_heading_on_the_page_and_in_the_box(
    open_with: OpenWith, verdict: Verdict, count: int, english: str, finnish: str
) -> None:
    suggestions = _suggestions(count)
    for language, heading in (("en", english), ("fi", finnish)):
        page = _results(open_with, *suggestions, verdict=verdict, language=language)
        assert f'<h2 id="answers-heading">{heading}</h2>' in page and page.count('<li class="card"') == count
        assert f'data-announce="{heading}' in page
        client = open_with(*suggestions, verdict=verdict, settings_changed={"embed_origins": INTRANET})
        sent = {"q": "vpn", "lang": language}
        box = client.post("/embed/suggest", data=sent, headers={"Origin": INTRANET}).json
        assert box is not None and (box["heading"], len(box["suggestions"])) == (heading, count)


@pytest.mark.parametrize(
    ("count", "codes", "english", "finnish"),
    [
        (3, ("807",), "None of these mentions 807", "Missään näistä ei mainita tätä: 807"),
        (
            2,
            ("807", "<E-52>"),
            "None of these mentions 807 or <E-52>",
            "Missään näistä ei mainita tätä: 807 tai <E-52>",
        ),
        (2, ("1", "2", "3"), "None of these mentions 1, 2 or 3", "Missään näistä ei mainita tätä: 1, 2 tai 3"),
        (1, ("807",), "This does not mention 807", "Tässä ei mainita tätä: 807"),
    ],
)
def test_codes_that_no_suggestion_mentions_are_named(
    open_with: OpenWith, count: int, codes: tuple[str, ...], english: str, finnish: str
) -> None:
    for language, line in (("en", english), ("fi", finnish)):
        more = {"verdict": Verdict.MAYBE, "missing": codes}
        assert f'<p class="check">{line}</p>' in _results(open_with, *_suggestions(count), language=language, **more)
    raw = open_with(*_suggestions(count), verdict=Verdict.MAYBE, missing=codes).get("/?q=vpn").text
    assert "<E-52>" not in raw


def test_without_missing_codes_or_suggestions_no_codes_are_named(open_with: OpenWith) -> None:
    assert 'class="check"' not in _results(open_with, *_suggestions(2), verdict=Verdict.MAYBE)
    assert "mention" not in _results(open_with, verdict=Verdict.UNKNOWN, missing=("807",))


def test_a_vague_question_is_answered_with_a_question(open_with: OpenWith) -> None:
    page = _results(open_with, verdict=Verdict.UNKNOWN, vague=True)
    assert ">Tell a little more</h2>" in page and "Which program, device or matter is it about?" in page
    assert "Nothing found yet" not in page and "Try other words" not in page
    finnish = _results(open_with, verdict=Verdict.UNKNOWN, vague=True, language="fi")
    assert ">Kerro hieman lisää</h2>" in finnish and "Mistä ohjelmasta, laitteesta tai asiasta on kyse?" in finnish
    client = open_with(verdict=Verdict.UNKNOWN, vague=True, settings_changed={"embed_origins": INTRANET})
    box = client.post("/embed/suggest", data={"q": "apua"}, headers={"Origin": INTRANET}).json
    assert box is not None and box["heading"] == "Tell a little more" and box["hint"].startswith("Which program")


@pytest.mark.parametrize(
    ("asked", "last", "english", "finnish"),
    [
        (12, datetime(2026, 5, 4), "Asked 12 times, last in May 2026", "Kysytty 12 kertaa, viimeksi toukokuussa 2026"),
        (2, None, "Asked 2 times, last in January 2026", "Kysytty 2 kertaa, viimeksi tammikuussa 2026"),
        (1, datetime(2026, 5, 4), "", ""),
    ],
)
def test_a_card_says_how_often_the_same_was_asked(
    open_with: OpenWith, asked: int, last: datetime | None, english: str, finnish: str
) -> None:
    suggestion = make_suggestion(make_item("request:1"), asked=asked, last_at=last)
    for language, fact in (("en", english), ("fi", finnish)):
        page = _results(open_with, suggestion, language=language)
        assert f"<span>{fact}</span>" in page if fact else "Asked 1" not in page and "Kysytty" not in page


def test_an_older_item_links_to_the_newer_one_instead_of_its_age(open_with: OpenWith) -> None:
    page = open_with(make_suggestion(make_item("request:1", at=LONG_AGO), newer=NEWER)).get("/?q=vpn").text
    link = '<a href="/documents/9" target="_blank" rel="noopener" lang="en">VPN since 2026 &lt;b&gt;</a>'
    assert f'<p class="note check">There is a newer answer: {link}</p>' in page
    assert "check that it is still right" not in page


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Also in English:"), ("fi", "Also in Finnish:"), ("sv", "Also in Swedish:"),
                           ("de", "Also in another language (German):")],
)  # fmt: skip
def test_a_card_links_to_the_version_in_another_language(open_with: OpenWith, language: str, text: str) -> None:
    other = replace(FINNISH, language=language)
    page = _results(open_with, make_suggestion(make_item("document:4", at=_recent()), other_language=other))
    link = f'<a href="/documents/8" target="_blank" rel="noopener" lang="{language}">VPN kotoa</a>'
    assert f'<p class="note">{text} {link}</p>' in page


@pytest.mark.parametrize(
    ("key", "english", "finnish"),
    [
        ("request:1", "Answered over 18 months ago", "Vastattu yli 18 kuukautta sitten"),
        ("document:1", "Not verified for over 18 months", "Tarkistettu yli 18 kuukautta sitten"),
    ],
)
def test_an_answer_older_than_the_setting_says_so(open_with: OpenWith, key: str, english: str, finnish: str) -> None:
    old, recent = make_suggestion(make_item(key, at=LONG_AGO)), make_suggestion(make_item(key, at=_recent()))
    assert english in _results(open_with, old) and finnish in _results(open_with, old, language="fi")
    assert "still right" not in _results(open_with, recent)
    assert "still right" not in _results(open_with, old, settings_changed={"old_after_months": 0})
    assert "over 60 months" in _results(open_with, old, settings_changed={"old_after_months": 60})


def test_the_box_has_the_same_notes_as_the_page(open_with: OpenWith) -> None:
    suggestion = make_suggestion(
        make_item("document:4", at=LONG_AGO), asked=3, last_at=datetime(2026, 5, 4), other_language=FINNISH
    )
    client = open_with(suggestion, missing=("807",), settings_changed={"embed_origins": INTRANET})
    box = client.post("/embed/suggest", data={"q": "vpn"}, headers={"Origin": INTRANET}).json
    assert box is not None and box["hint"] == "This does not mention 807"
    (card,) = box["suggestions"]
    assert card["facts"] == "Guide · May 4, 2020 · Asked 3 times, last in May 2026"
    link = {"title": "VPN kotoa", "url": "http://localhost/documents/8", "language": "fi"}
    assert card["notes"] == [
        {"text": "Not verified for over 18 months: check that it is still right", "link": None},
        {"text": "Also in Finnish:", "link": link},
    ]


@pytest.fixture
def numbers(add_request: Callable[..., int], add_person: Callable[..., int]) -> dict[str, int]:
    """An open and a resolved request to IT, whose agent is Aino."""
    made = {
        status: add_request("VPN", "It drops", team="it", by="matti", status=status) for status in ("open", "resolved")
    }
    add_person("aino", "agent", "it")
    return made


def test_the_panel_beside_a_request_has_the_verdict_and_the_notes(open_with: OpenWith, numbers: dict[str, int]) -> None:
    suggestion = make_suggestion(make_item("request:71", at=LONG_AGO), asked=4)
    found = open_with(suggestion, verdict=Verdict.MAYBE, missing=("807",))
    page = sign_in(found, "aino").get(f"/requests/{numbers['open']}").text
    panel = page.partition('<aside class="panel"')[2]
    assert "<strong>Possibly related</strong>" in panel and "This does not mention 807" in panel
    assert "Asked 4 times" in panel and "Answered over 18 months ago" in panel and "Solved requests" in panel


def test_the_panel_says_when_a_request_says_little_or_nothing_is_found(
    open_with: OpenWith, numbers: dict[str, int]
) -> None:
    vague, nothing = open_with(verdict=Verdict.UNKNOWN, vague=True), open_with(verdict=Verdict.UNKNOWN)
    assert "Ask which program, device or matter" in sign_in(vague, "aino").get(f"/requests/{numbers['open']}").text
    page = sign_in(nothing, "aino").get(f"/requests/{numbers['open']}").text
    assert "<strong>Nothing found yet</strong>" in page and "draft a guide from it." in page
    solved = sign_in(nothing, "aino").get(f"/requests/{numbers['resolved']}").text
    assert "Nothing similar was found." in solved and "Nothing found yet" not in solved


def test_the_form_of_a_new_request_asks_back_or_shows_what_was_found(
    open_with: OpenWith, numbers: dict[str, int]
) -> None:
    vague = sign_in(open_with(verdict=Verdict.UNKNOWN, vague=True), "aino").get("/requests/new?q=apua").text
    assert ">Tell a little more</h2>" in vague and "A few words are enough." in vague
    near = sign_in(open_with(*_suggestions(2), verdict=Verdict.MAYBE, missing=("807",)), "aino")
    page = near.get("/requests/new?q=vpn").text
    assert "Before you send: is it one of these?" in page and "None of these mentions 807" in page
    answered = sign_in(open_with(*_suggestions(2)), "aino").get("/requests/new?q=vpn").text
    assert "Before you send: this has been answered before" in answered
