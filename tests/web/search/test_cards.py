"""cards.py, results.py and the template of cards: what a card shows of an answer, and that nothing in it runs."""

from dataclasses import replace
from datetime import date
from html import unescape

import pytest

from recommender.datatypes import AnswerPart, Heading, Kind, Suggestion, Why
from tests.web.conftest import OpenWith, make_item, make_suggestion

GUIDE = "## VPN\n\n1. Open **Settings**\n2. Press `Reset`\n\n| Error | Do |\n| --- | --- |\n| 809 | Call us |\n\nSee https://a.example/vpn."
PAYLOAD = (
    "<script>alert('x')</script><img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](https://a.example/b.png)"
)


def _card(open_with: OpenWith, suggestion: Suggestion, language: str = "en") -> str:
    page = open_with(suggestion).post("/suggest", data={"q": "vpn"}, headers={"Accept-Language": language}).text
    return page[page.index('<li class="card"') :].partition("</section>")[0]


def _request(**more: object) -> Suggestion:
    """A resolved request whose answer is shown in part."""
    item = replace(make_item("request:1"), body="Moi!\n\n*Why* does it drop at home? " + "Since Monday. " * 40)
    part = AnswerPart("Use port `443` then.", True, True, frozenset({"port"}))
    return replace(
        make_suggestion(replace(item, answer="First.\n\nUse port `443` then.\n\nLast.")), answer=part, **more
    )


def test_the_answer_comes_first_and_the_question_is_one_line(open_with: OpenWith) -> None:
    card = _card(open_with, _request())
    part = '<div class="prose"><p>Use <mark>port</mark> <code>443</code> then.</p>\n</div>'
    assert '<div class="part before after">' in card and part in card
    line = card[card.index('<p class="question">') :].partition("</p>")[0]
    assert "Moi! Why does it drop at home? Since Monday." in line and line.endswith(" …</span>") and len(line) < 280
    assert card.index(part) < card.index('<p class="question">')


def test_the_whole_answer_unfolds_in_place_without_a_script(open_with: OpenWith) -> None:
    card = _card(open_with, _request())
    details = card[card.index('<details class="whole">') : card.index("</details>")]
    assert "Show all" in details and "<p>First.</p>" in details and "<p>Last.</p>" in details
    whole = replace(_request(), answer=AnswerPart("First.\n\nUse port 443 then.\n\nLast."))
    assert "<details" not in _card(open_with, whole)
    endless = _request()
    endless = replace(endless, item=replace(endless.item, answer="Long. " * 5_000))
    assert "<details" not in _card(open_with, endless)


def test_lists_tables_code_and_addresses_keep_their_form(open_with: OpenWith) -> None:
    item = replace(make_item("document:4", "VPN guide"), body=GUIDE, answer="")
    card = _card(open_with, replace(make_suggestion(item), answer=AnswerPart(GUIDE, marked=frozenset({"809"}))))
    for form in (
        "<li>Open <strong>Settings</strong></li>", "<code>Reset</code>", "<td><mark>809</mark></td>", "<th>Error</th>",
        '<a href="https://a.example/vpn" rel="noopener noreferrer nofollow">https://a.example/vpn</a>.',
    ):  # fmt: skip
        assert form in card
    assert 'class="question"' not in card


def test_nothing_written_in_an_item_runs_or_loads_from_its_card(open_with: OpenWith) -> None:
    item = replace(make_item("request:1", PAYLOAD), body=PAYLOAD, answer=f"{PAYLOAD}\n\n{PAYLOAD}")
    part = AnswerPart(PAYLOAD, cut_after=True, marked=frozenset({"script", "alert", "img", "lt", "x"}))
    why = Why((PAYLOAD, "port"), 0.5, ((PAYLOAD, f"{{0}}{PAYLOAD}"),), "fi")
    newer = Heading("document:9", Kind.DOCUMENT, PAYLOAD, "en", None)
    suggestion = replace(make_suggestion(item), answer=part, why=why, replaced_by=newer)
    card = _card(open_with, suggestion)
    for tag in ("<script", "<img", 'javascript:alert(1)"', " onerror=alert(1)>"):
        assert tag not in card
    assert "&lt;<mark>script</mark>&gt;" in card
    assert card.count("Image not shown: ") == 3 and 'href="https://a.example/b.png"' in card


def test_the_language_is_named_when_it_is_not_that_of_the_page(open_with: OpenWith) -> None:
    finnish = make_suggestion(make_item("request:1", "VPN katkeaa", "fi"))
    assert "<span>Finnish</span>" in _card(open_with, finnish)
    assert "<span>suomi</span>" not in _card(open_with, finnish, "fi")
    assert "<span>englanti</span>" in _card(open_with, make_suggestion(make_item("request:1")), "fi")


@pytest.mark.parametrize(
    ("language", "asked_in", "english", "finnish"),
    [
        ("fi", "en", 'Matches: pääse ("access" in Finnish), vpn', "Osumat: pääse (suomeksi ”access”), vpn"),
        ("en", "fi", 'Matches: pääse ("access" in English), vpn', "Osumat: pääse (englanniksi ”access”), vpn"),
        ("en", "en", 'Matches: pääse (for "access"), vpn', "Osumat: pääse (hakusanalle ”access”), vpn"),
        ("de", "en", 'Matches: pääse (for "access"), vpn', "Osumat: pääse (hakusanalle ”access”), vpn"),
    ],
)
def test_a_word_that_stands_for_another_one_says_which(
    open_with: OpenWith, language: str, asked_in: str, english: str, finnish: str
) -> None:
    why = Why(("pääse", "vpn"), 0.5, (("pääse", "access"),), asked_in)
    suggestion = replace(make_suggestion(make_item("request:1", language=language)), why=why)
    assert f'<p class="why">{english}</p>' in unescape(_card(open_with, suggestion))
    assert f'<p class="why">{finnish}</p>' in unescape(_card(open_with, suggestion, "fi"))


def test_how_often_it_helped_who_verified_it_and_what_replaces_it_are_said(open_with: OpenWith) -> None:
    item = replace(make_item("document:4"), verified_on=date(2026, 3, 2))
    newer = Heading("document:9", Kind.DOCUMENT, "New <b>", "en", None)
    card = _card(open_with, make_suggestion(item, helped=6, replaced_by=newer, newer=newer))
    assert "Helped 6 times" in card and "Verified Mar 2, 2026" in card and "Jan 2, 2026" not in card
    link = '<a href="/documents/9" target="_blank" rel="noopener" lang="en">New &lt;b&gt;</a>'
    assert f'<p class="note check">Replaced by: {link}</p>' in card and "There is a newer answer" not in card
    plain = _card(open_with, make_suggestion(make_item("document:4")))
    assert "Helped" not in plain and "Verified" not in plain and "Jan 2, 2026" in plain
