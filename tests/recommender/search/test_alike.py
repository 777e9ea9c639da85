"""search/alike.py: items that say the same take one place, versions in two languages too, and newer ones are named."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from recommender.datatypes import Kind
from recommender.search.alike import Card, fold_alike
from recommender.search.features import CandidateText
from recommender.search.snippet import suggestion_of
from tests.recommender.search.candidates import DAY, direction, make_question, make_results, make_text

QUESTION = make_question("printer jam")
SAME = direction(1, 0, 0)
ALMOST = direction(1, 0.1, 0)  # a cosine of 0.995 with SAME
RELATED = direction(1, 0.6, 0)  # 0.857
OTHER = direction(0, 0, 1)
LONG = "Open the tray at the back and pull the paper out slowly"


def _keys(cards: list[Card]) -> list[tuple[str, list[str]]]:
    return [(card.judged.item.key, [item.key for item in card.repeats]) for card in cards]


def _request(number: int, says: np.ndarray = SAME, **values: Any) -> CandidateText:
    return make_text(number, **{"answer": LONG, **values}, says=says)


def _page(number: int, language: str, says: np.ndarray = SAME, **values: Any) -> CandidateText:
    body = {"en": "Send the form within 14 days, to room 3.", "fi": "Lähetä lomake 14 päivässä huoneeseen 3."}
    title = {"en": "Travel costs", "fi": "Matkakulut"}
    values = {"title": title[language], "body": body[language], "answer": "", **values}
    return make_text(number, **values, kind=Kind.DOCUMENT, language=language, says=says)


def test_items_that_say_the_same_take_one_place_with_the_newest_in_front() -> None:
    texts = [
        _request(1, at=DAY - timedelta(days=90)),
        _request(2, OTHER, at=DAY),
        _request(3, ALMOST, at=DAY - timedelta(days=1)),
        _request(4, at=DAY - timedelta(days=60)),
    ]
    cards = fold_alike(make_results(QUESTION, texts))
    assert _keys(cards) == [("request:3", ["request:1", "request:4"]), ("request:2", [])]
    shown = suggestion_of(cards[0], QUESTION)
    assert (shown.asked, shown.last_at) == (3, DAY - timedelta(days=1))
    assert (suggestion_of(cards[1], QUESTION).asked, suggestion_of(cards[1], QUESTION).last_at) == (1, DAY)


def test_the_fullest_answer_is_in_front_of_a_newer_short_one() -> None:
    full = _request(1, answer=LONG, at=DAY - timedelta(days=400))
    texts = [_request(2, answer="Pull the paper out", at=DAY), full, _request(3, answer=LONG, at=full.item.at)]
    assert _keys(fold_alike(make_results(QUESTION, texts)))[0][0] == "request:1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"answer": f"{LONG} for 5 minutes"}, {"answer": f"{LONG} for 15 minutes"}),  # another number
        ({"title": "Printer TK-408 jams"}, {"title": "Printer TK-403 jams"}),  # another code
        ({"title": "Printer TK-408 jams"}, {"title": "Printer jams"}),
        ({"language": "en"}, {"language": "fi"}),
        ({"says": SAME}, {"says": RELATED}),  # not alike enough
        ({"kind": Kind.REQUEST}, {"kind": Kind.DOCUMENT}),
    ],
)
def test_items_that_differ_in_what_matters_are_not_folded(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert len(fold_alike(make_results(QUESTION, [_request(1, **one), _request(2, **other)]))) == 2
    assert len(fold_alike(make_results(QUESTION, [_request(1, **one), _request(2, **one)]))) == 1


def test_of_replies_that_say_nothing_only_those_to_the_same_question_are_folded() -> None:
    texts = [
        _request(1, answer="Done.", title="Printer jam"),
        _request(2, answer="Done.", title="New phone"),
        _request(3, answer="Fixed, thanks", title="PRINTER JAM"),
    ]
    assert _keys(fold_alike(make_results(QUESTION, texts))) == [("request:1", ["request:3"]), ("request:2", [])]
    said = [*texts, _request(4, answer=LONG, title="Printer jam", at=DAY - timedelta(days=700))]
    assert _keys(fold_alike(make_results(QUESTION, said)))[0] == ("request:4", ["request:1", "request:3"])


def test_documents_are_folded_only_when_they_have_the_same_text() -> None:
    copies = [_page(1, "en"), _page(2, "en", title="Travel costs (copy)")]
    assert len(fold_alike(make_results(QUESTION, copies))) == 1
    changed = _page(2, "en", body="Send the form within 14 days, to room 3, signed.")
    assert len(fold_alike(make_results(QUESTION, [copies[0], changed]))) == 2


@pytest.mark.parametrize("order", [("en", "fi"), ("fi", "en")])
@pytest.mark.parametrize("asked_in", ["en", "fi"])
def test_a_page_in_two_languages_takes_one_place_in_the_language_of_the_asker(
    asked_in: str, order: tuple[str, str]
) -> None:
    pages = {"en": _page(1, "en"), "fi": _page(2, "fi", RELATED)}
    texts = [_request(5, OTHER), *(pages[language] for language in order)]
    cards = fold_alike(make_results(make_question("travel", language=asked_in), texts))
    assert len(cards) == 2
    shown = suggestion_of(cards[1], QUESTION)
    other = "fi" if asked_in == "en" else "en"
    assert shown.item == pages[asked_in].item
    assert shown.other_language is not None and shown.other_language.key == pages[other].item.key
    assert shown.other_language.language == other and shown.asked == 1


def test_asked_in_a_third_language_the_better_page_is_shown() -> None:
    texts = [_page(2, "fi"), _page(1, "en")]
    (card,) = fold_alike(make_results(make_question("resa", language="sv"), texts))
    assert card.judged.item.language == "fi" and card.other_language == texts[1].item


@pytest.mark.parametrize(
    "change",
    [
        {"team": "hr"},
        {"body": "Lähetä lomake."},  # much shorter
        {"body": "Lähetä lomake 30 päivässä huoneeseen 8."},  # other numbers
        {"says": direction(1, 1, 0)},  # a cosine of 0.71
    ],
)
def test_pages_in_two_languages_that_differ_are_two(change: dict[str, Any]) -> None:
    assert len(fold_alike(make_results(QUESTION, [_page(1, "en"), _page(2, "fi", **change)]))) == 2


def test_requests_in_two_languages_are_not_versions_of_each_other() -> None:
    texts = [_request(1), _request(2, language="fi")]
    assert len(fold_alike(make_results(QUESTION, texts))) == 2


def test_an_older_item_names_the_newer_one_only_if_that_is_shown_too() -> None:
    older, newer = _request(1, at=DAY - timedelta(days=500)), _request(2, OTHER)
    replaced = {older.item.key: newer.item.key}
    cards = fold_alike(make_results(QUESTION, [newer, older], replaced=replaced))
    assert [card.newer for card in cards] == [None, newer.item]
    heading = suggestion_of(cards[1], QUESTION).newer
    assert heading is not None and (heading.key, heading.title) == (newer.item.key, newer.item.title)
    assert fold_alike(make_results(QUESTION, [older], replaced=replaced))[0].newer is None


def test_an_older_item_names_the_card_in_which_the_newer_one_was_folded() -> None:
    older, newer = _request(1, at=DAY - timedelta(days=500)), _request(2, OTHER, at=DAY - timedelta(days=50))
    newest = _request(3, OTHER, at=DAY)
    cards = fold_alike(make_results(QUESTION, [newer, older, newest], replaced={older.item.key: newer.item.key}))
    assert _keys(cards) == [("request:3", ["request:2"]), ("request:1", [])]
    assert cards[1].newer == newest.item


def test_an_item_does_not_name_one_of_its_own_card_as_newer() -> None:
    texts = [_request(1, at=DAY - timedelta(days=100)), _request(2, ALMOST, at=DAY)]
    (card,) = fold_alike(make_results(QUESTION, texts, replaced={"request:2": "request:1"}))
    assert card.newer is None


def test_without_vectors_nothing_is_folded_and_later_results_keep_their_place() -> None:
    texts = [make_text(number, answer=f"{LONG} {number}") for number in range(1, 26)]
    assert [card.judged.text for card in fold_alike(make_results(QUESTION, texts))] == texts
    assert fold_alike(make_results(QUESTION, [])) == []
