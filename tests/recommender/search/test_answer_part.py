"""search/answer_part.py: the part of an answer that a card shows has the fix, and cuts no list, table or code."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.sources.demo import DemoSource
from indexer.sources.records import DocumentRecord, RequestRecord
from recommender.datatypes import AnswerPart
from recommender.language.analyzer import Analyzer
from recommender.search.answer_part import NARROW, WIDE, answer_part
from recommender.search.highlight import Matcher
from tests.conftest import MODELS

EARLIER_CUT = 220
"""Characters after which the answer of a request was cut on its card before."""
FIXES = {
    "VPN error 809 at home": "portal vpn.tuulento.example",
    "vpn ei yhdistä kotoa, virhe 809": "AssumeUDPEncapsulationContextOnSendRule (DWORD) = 2",
    "APUA kansio hävinny tuuli01:ltä": "Aiemmat versiot > valitse kellonaika > Avaa",
    "Account gets locked every morning since I changed password": "remove the entry for tuuli01",
    "Two Teams on my laptop and mic not working in one of them": "Let desktop apps access your microphone",
    "yhteinen sähköposti ei näy outlookissa": "kiinteisto@tuulento.example",
    "ISH Frankfurt, hotel wifi and GlobalProtect won't connect": "Enable GlobalProtect again",
    "MFA prompt never arrives on new phone": "scan QR with the new one",
    "New iPhone: Profile Installation Failed in Company Portal": "Set up without transferring",
    "tulostimessa on ongelma": "ja salasana > vilauta",
    "Hiring a developer from Bangalore - permit process?": "He visits the VFS centre",
    "Ulosotosta kirje, meneekö palkasta suoraan?": "soita ulosottoon heti",
    "Vanhat sopimusmapit talouden kaapissa": "ympäristöluvat",
    "24% or 25.5% on an August delivery?": "from M255 to M24 by hand",
}
"""Titles of requests of the demo organisation, and what their answer tells the asker to do."""


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """The answer of each request, and the text of each document, of the demo organisation by its title."""
    found = {}
    for located in DemoSource(date(2026, 10, 1)).records():
        record = located.record
        if isinstance(record, RequestRecord):
            accepted = [reply.body for reply in record.replies if reply.accepted]
            found[record.title] = record.resolution or "".join(accepted[:1])
        if isinstance(record, DocumentRecord):
            found[record.title] = record.body
    return found


def _part(text: str, question: str, analyzer: Analyzer, heading: str = "") -> AnswerPart:
    weights = dict.fromkeys(analyzer.query_terms(question).words, 1.0)
    return answer_part(text, Matcher(weights, analyzer), weights, heading)


@pytest.mark.parametrize("title", FIXES)
def test_the_fix_is_on_the_card_where_the_earlier_cut_dropped_it(
    title: str, answers: dict[str, str], analyzer: Analyzer
) -> None:
    answer, fix = answers[title], FIXES[title]
    assert fix in answer and fix not in answer[:EARLIER_CUT]
    part = _part(answer, title, analyzer)
    assert fix in part.text and len(part.text) <= WIDE.longest


def test_of_a_document_the_section_that_answers_is_shown(answers: dict[str, str], analyzer: Analyzer) -> None:
    text = answers["Salasana, MFA ja lukittunut tili"]
    part = _part(text, "tili lukossa", analyzer, "Tili lukossa")
    assert part.text.startswith("Viisi väärää yritystä") and "4. Puhelimen wifi" in part.text
    assert "## MFA" not in part.text and (part.cut_before, part.cut_after) == (True, True)
    assert part.marked == {"tili", "tilin", "lukkoon"}


def test_rows_of_a_table_keep_its_head(answers: dict[str, str], analyzer: Analyzer) -> None:
    text = answers["VPN from home and on the road (GlobalProtect)"]
    part = _part(text, "no mfa prompt", analyzer, "When it doesn't connect")
    assert part.text.startswith("| What you see | What it is |\n| --- | --- |\n| ")
    assert "| No MFA prompt | See [Salasana ja MFA]" in part.text
    rows = [f"| case {number} | do {number} |" for number in range(80)]
    long = "\n".join(["Intro.", "", "| What | Do |", "|---|---|", *rows])
    part = _part(long, "case 70", analyzer)
    assert part.text.splitlines()[:2] == ["| What | Do |", "|---|---|"] and "| case 70 | do 70 |" in part.text
    assert all(line in long.splitlines() for line in part.text.splitlines())


def test_code_is_not_cut_in_the_middle(analyzer: Analyzer) -> None:
    code = "```\n" + "".join(f"step {number}\n" for number in range(30)) + "```"
    part = _part(f"{'Words before it. ' * 60}\n\n{code}\n\n{'Words after it. ' * 60}", "step", analyzer)
    assert code in part.text and part.cut_before and part.cut_after
    endless = _part("```\n" + "make it so\n" * 500 + "```", "so", analyzer)
    assert endless.text.startswith("```\n") and endless.text.endswith("\n```") and endless.cut_after


def test_an_answer_that_is_a_little_longer_is_shown_whole(analyzer: Analyzer) -> None:
    text = "A sentence of it. " * 44
    part = _part(text, "sentence", analyzer)
    assert replace(part, brief=None) == AnswerPart(text.rstrip(), marked=frozenset({"sentence"}))


def test_for_a_phone_there_is_a_shorter_part_and_of_most_answers_it_has_the_fix(
    answers: dict[str, str], analyzer: Analyzer
) -> None:
    parts = {title: _part(answers[title], title, analyzer) for title in FIXES}
    briefs = {title: part.brief for title, part in parts.items() if part.brief}
    assert len(briefs) >= 10 and all(brief.brief is None for brief in briefs.values())
    assert all(len(brief.text) <= NARROW.longest for brief in briefs.values())
    assert all(
        brief.text in answers[title] and (brief.cut_before or brief.cut_after) for title, brief in briefs.items()
    )
    assert sum(FIXES[title] in (part.brief or part).text for title, part in parts.items()) >= 13


def test_a_part_does_not_end_with_the_words_that_announce_what_follows(analyzer: Analyzer) -> None:
    before, fix = "It was long ago and nobody knew it. " * 7, "HKLM value 2"
    text = f"{before}\n\nI ran this for your printer:\n\n{fix}\n\n{'That was all of it. ' * 30}"
    brief = _part(text, "printer", analyzer).brief
    assert brief is not None and "for your printer:" in brief.text and fix in brief.text


def test_what_fits_on_a_phone_has_no_shorter_part(analyzer: Analyzer) -> None:
    assert _part("Short. " * 40, "short", analyzer).brief is None
    assert _part("Short. " * 90, "short", analyzer).brief is not None


def test_a_long_answer_without_the_words_of_the_question_starts_where_something_is_to_be_done(
    analyzer: Analyzer,
) -> None:
    text = "It was like this for years. " * 40 + "\n\nOpen the cover and remove the paper.\n\n" + "That was all. " * 40
    part = _part(text, "xyzzy", analyzer)
    assert "Open the cover" in part.text and part.cut_before and part.cut_after and not part.marked


@settings(deadline=None)
@given(st.text(alphabet="ab.*|`-#>1 \n", max_size=3_000))
def test_whatever_the_text_is_the_part_is_of_it_and_not_too_long(text: str) -> None:
    part = _part(text, "ab", Analyzer(MODELS / "dictionaries"))
    assert len(part.text) <= max(WIDE.longest, WIDE.usual) + len(text) * (not part.cut_after)
    assert part.brief is None or len(part.brief.text) < len(part.text)
    assert all(line in text for line in part.text.splitlines()[:-1] if not line.startswith(("`", "~")))
