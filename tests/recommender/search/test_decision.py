"""search/decision.py: the verdict and the cards that follow from the results of a search."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from recommender.datatypes import Kind, Verdict
from recommender.language.analyzer import Analyzer
from recommender.search.decision import Decision, decide
from recommender.search.features import CandidateText
from recommender.search.results import Results
from recommender.settings import Settings
from tests.recommender.search.candidates import DAY, direction, make_question, make_results, make_text

SETTINGS = Settings(answer_from=0.7, maybe_from=0.3)
QUESTION = make_question("printer jam")


Decide = Callable[..., Decision]


@pytest.fixture
def decided(analyzer: Analyzer) -> Decide:
    """Decides on results with the real analyser."""

    def made(results: Results, settings: Settings = SETTINGS) -> Decision:
        return decide(results, settings, analyzer)

    return made


def _texts(count: int = 6, title: str = "Printer jam") -> list[CandidateText]:
    return [make_text(number, f"{title} {'x' * number}", answer=f"Pull lever{'y' * number}") for number in range(count)]


def _keys(texts: list[CandidateText]) -> list[str]:
    return [text.item.key for text in texts]


def test_a_first_item_that_probably_answers_is_an_answer(decided: Decide) -> None:
    texts = _texts()
    matches = [0.7, 0.1, 0.0, 0.21, 0.2, 0.9]
    decision = decided(make_results(QUESTION, texts, matches))
    assert decision.verdict is Verdict.ANSWER and not decision.vague and decision.missing == ()
    # the first three, and those whose match is at least 0.3 of the first one's
    assert _keys([card.judged.text for card in decision.cards]) == _keys([texts[n] for n in (0, 1, 2, 3, 5)])


@pytest.mark.parametrize(
    ("first", "exists", "verdict", "shown"),
    [
        (0.69, 0.99, Verdict.MAYBE, 3),
        (0.1, 0.3, Verdict.MAYBE, 3),
        (0.1, 0.29, Verdict.UNKNOWN, 0),
        (0.7, 0.0, Verdict.ANSWER, 6),
    ],
)
def test_what_is_only_possibly_related_is_at_most_three(
    decided: Decide, first: float, exists: float, verdict: Verdict, shown: int
) -> None:
    decision = decided(make_results(QUESTION, _texts(), [first] * 6, exists))
    assert (decision.verdict, len(decision.cards)) == (verdict, shown)


def test_only_the_first_item_can_be_the_answer(decided: Decide) -> None:
    decision = decided(make_results(QUESTION, _texts(), [0.5, 0.99, 0.99, 0.9, 0.9, 0.9]))
    assert decision.verdict is Verdict.MAYBE


@pytest.mark.parametrize(
    ("titles", "missing"),
    [
        (["Printer TK-403", "Printer", "Paper"], ("TK-408",)),
        (["Printer", "Error TK-408", "Paper"], ()),  # another card mentions it
        (["Printer", "Scanner", "Paper", "Error TK-408"], ("TK-408",)),  # which is not shown among the first three
    ],
)
def test_a_code_that_the_first_item_lacks_makes_it_at_most_possibly_related(
    decided: Decide, titles: list[str], missing: tuple[str, ...]
) -> None:
    texts = [make_text(number, title, answer=f"Pull lever {title}") for number, title in enumerate(titles)]
    results = make_results(make_question("printer TK-408 jams"), texts, [0.99] * len(texts), 0.99)
    decision = decided(results)
    assert (decision.verdict, decision.missing) == (Verdict.MAYBE, missing)
    with_code = [make_text(9, "Printer TK 408 jams"), *texts]
    answered = make_results(results.question, with_code, [0.99] * len(with_code), 0.99)
    assert decided(answered).verdict is Verdict.ANSWER


@pytest.mark.parametrize("answer", ["Done.", "ok kiitos toimii nyt", "merged into #14", ""])
def test_a_reply_that_says_nothing_is_at_most_possibly_related(decided: Decide, answer: str) -> None:
    texts = [make_text(1, "Coffee machine empty", answer=answer), *_texts(2)]
    decision = decided(make_results(QUESTION, texts, [0.99] * 3, 0.99))
    assert decision.verdict is Verdict.MAYBE and len(decision.cards) == 3  # it is still a similar case


def test_a_document_answers_with_its_body(decided: Decide) -> None:
    texts = [make_text(1, body="Open the tray and pull the paper out", answer="", kind=Kind.DOCUMENT)]
    assert decided(make_results(QUESTION, texts, [0.9])).verdict is Verdict.ANSWER


@pytest.mark.parametrize("text", ["it doesn't work", "ei toimi", "apua", "help please"])
def test_a_vague_question_is_unknown_whatever_was_found(decided: Decide, analyzer: Analyzer, text: str) -> None:
    question = replace(make_question(text), variants=analyzer.variants(text))
    decision = decided(make_results(question, _texts(), [0.99] * 6, 0.99))
    assert (decision.verdict, decision.cards, decision.vague) == (Verdict.UNKNOWN, (), True)
    assert not decided(make_results(QUESTION, _texts(), [0.99] * 6, 0.99)).vague


def test_an_item_whose_title_has_most_of_the_question_is_at_least_possibly_related(decided: Decide) -> None:
    def verdict(title: str, **rarity: float) -> Verdict:
        question = make_question(" ".join(rarity), rarity)
        return decided(make_results(question, _texts(3, title), [0.0] * 3, 0.0)).verdict

    assert verdict("Saxophone broken", printer=1.0, saxophone=3.0) is Verdict.MAYBE
    assert verdict("Printer broken", printer=1.0, saxophone=3.0) is Verdict.UNKNOWN  # it has the common word only
    assert verdict("Saxophone broken", saxophone=1.3, trumpet=3.0) is Verdict.UNKNOWN  # less than half
    assert verdict("Saxophones", printer=1.0, violin=3.0) is Verdict.UNKNOWN


def test_a_code_that_no_item_has_does_not_hide_what_is_about_the_same_thing(decided: Decide) -> None:
    question = make_question("saxophone says 807", {"saxophone": 3.0, "say": 0.5, "807": 0.0})
    decision = decided(make_results(question, _texts(3, "Saxophone broken"), [0.0] * 3, 0.0))
    assert (decision.verdict, decision.missing) == (Verdict.MAYBE, ("807",))
    only_code = make_question("807", {"807": 0.0})
    assert decided(make_results(only_code, _texts(3, "Saxophone"), [0.0] * 3, 0.0)).verdict is Verdict.UNKNOWN


def test_a_code_anywhere_in_the_item_counts_and_one_of_two_is_enough(decided: Decide) -> None:
    def verdict(body: str, text: str) -> Verdict:
        texts = [make_text(1, "Printer", body, "Open the tray and pull")]
        return decided(make_results(make_question(text), texts, [0.99], 0.99)).verdict

    assert verdict("", "printer TK-408") is Verdict.MAYBE
    assert verdict("word " * 2_000 + "TK-408", "printer TK-408") is Verdict.ANSWER
    assert verdict("TK-408", "printer TK-408 floor E52") is Verdict.ANSWER
    assert verdict("TK-408 and E51", "printer TK-408 floor E52") is Verdict.MAYBE  # another code of the same form


def test_items_that_say_the_same_as_a_shown_one_have_its_match(decided: Decide) -> None:
    texts = [
        make_text(number, answer="Open the tray and pull", says=direction(1, 0), at=DAY.replace(day=number))
        for number in (1, 2)
    ]
    matches = decided(make_results(QUESTION, [*texts, make_text(3, says=direction(0, 1))], [0.8, 0.9, 0.3])).matches
    assert matches == {"request:1": 0.9, "request:2": 0.9, "request:3": 0.3}


def test_an_item_that_matches_far_worse_than_the_best_says_nothing_of_people(decided: Decide) -> None:
    texts = [make_text(1, says=direction(1, 0)), make_text(2, says=direction(0, 1))]
    decision = decided(make_results(QUESTION, texts, [0.9, 0.1]))
    assert len(decision.cards) == 2 and decision.matches == {"request:1": 0.9}


def test_without_results_nothing_is_known(decided: Decide) -> None:
    decision = decided(make_results(QUESTION, [], exists=0.99))
    assert (decision.verdict, list(decision.cards), decision.vague) == (Verdict.UNKNOWN, [], False)


def test_the_thresholds_are_settings(decided: Decide) -> None:
    results = make_results(QUESTION, _texts(), [0.6] * 6, 0.4)
    assert decided(results, replace(SETTINGS, answer_from=0.6)).verdict is Verdict.ANSWER
    assert decided(results, replace(SETTINGS, maybe_from=0.41)).verdict is Verdict.UNKNOWN


def test_what_is_nearest_is_kept_when_nothing_is_shown_if_it_shares_a_telling_word(decided: Decide) -> None:
    question = make_question("printer saxophone trumpet", {"printer": 2.0, "saxophone": 3.0, "trumpet": 3.0})
    decision = decided(make_results(question, _texts(4, "Printer broken"), [0.0] * 4, 0.0))
    assert (decision.verdict, list(decision.cards)) == (Verdict.UNKNOWN, [])
    assert [card.judged.item.title.split()[0] for card in decision.nearest] == ["Printer"] * 3
    strange = make_question("violin trumpet", {"violin": 3.0, "trumpet": 3.0})
    assert list(decided(make_results(strange, _texts(3, "Printer"), [0.0] * 3, 0.0)).nearest) == []
