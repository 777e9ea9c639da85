"""search/decision.py: the verdict and the cards that follow from the results of a search."""

from dataclasses import replace

import pytest

from recommender.datatypes import Kind, Verdict
from recommender.search.decision import decide
from recommender.search.features import CandidateText
from recommender.settings import Settings
from tests.recommender.search.candidates import make_question, make_results, make_text

SETTINGS = Settings(answer_from=0.7, maybe_from=0.3)
QUESTION = make_question("printer jam")


def _texts(count: int = 6, title: str = "Printer jam") -> list[CandidateText]:
    return [make_text(number, f"{title} {'x' * number}", answer=f"Pull lever{'y' * number}") for number in range(count)]


def _keys(texts: list[CandidateText]) -> list[str]:
    return [text.item.key for text in texts]


def test_a_first_item_that_probably_answers_is_an_answer() -> None:
    texts = _texts()
    matches = [0.7, 0.1, 0.0, 0.21, 0.2, 0.9]
    decision = decide(make_results(QUESTION, texts, matches), SETTINGS, False, False)
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
    first: float, exists: float, verdict: Verdict, shown: int
) -> None:
    decision = decide(make_results(QUESTION, _texts(), [first] * 6, exists), SETTINGS, False, False)
    assert (decision.verdict, len(decision.cards)) == (verdict, shown)


def test_only_the_first_item_can_be_the_answer() -> None:
    decision = decide(make_results(QUESTION, _texts(), [0.5, 0.99, 0.99, 0.9, 0.9, 0.9]), SETTINGS, False, False)
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
    titles: list[str], missing: tuple[str, ...]
) -> None:
    texts = [make_text(number, title, answer=f"Pull lever {title}") for number, title in enumerate(titles)]
    results = make_results(make_question("printer TK-408 jams"), texts, [0.99] * len(texts), 0.99)
    decision = decide(results, SETTINGS, False, False)
    assert (decision.verdict, decision.missing) == (Verdict.MAYBE, missing)
    with_code = [make_text(9, "Printer TK 408 jams"), *texts]
    answered = make_results(results.question, with_code, [0.99] * len(with_code), 0.99)
    assert decide(answered, SETTINGS, False, False).verdict is Verdict.ANSWER


@pytest.mark.parametrize("answer", ["Done.", "ok kiitos toimii nyt", "merged into #14", ""])
def test_a_reply_that_says_nothing_is_at_most_possibly_related(answer: str) -> None:
    texts = [make_text(1, answer=answer), *_texts(2)]
    decision = decide(make_results(QUESTION, texts, [0.99] * 3, 0.99), SETTINGS, False, False)
    assert decision.verdict is Verdict.MAYBE and len(decision.cards) == 3  # it is still a similar case


def test_a_document_answers_with_its_body() -> None:
    texts = [make_text(1, body="Open the tray and pull the paper out", answer="", kind=Kind.DOCUMENT)]
    assert decide(make_results(QUESTION, texts, [0.9]), SETTINGS, False, False).verdict is Verdict.ANSWER


def test_a_vague_question_is_unknown_whatever_was_found() -> None:
    decision = decide(make_results(QUESTION, _texts(), [0.99] * 6, 0.99), SETTINGS, True, True)
    assert (decision.verdict, decision.cards, decision.vague) == (Verdict.UNKNOWN, (), True)


def test_a_rare_word_of_a_title_is_at_least_possibly_related() -> None:
    results = make_results(QUESTION, _texts(), [0.0] * 6, 0.0)
    assert decide(results, SETTINGS, False, True).verdict is Verdict.MAYBE
    assert decide(results, SETTINGS, False, False).verdict is Verdict.UNKNOWN


def test_without_results_nothing_is_known() -> None:
    decision = decide(make_results(QUESTION, [], exists=0.99), SETTINGS, False, True)
    assert (decision.verdict, list(decision.cards), decision.vague) == (Verdict.UNKNOWN, [], False)


def test_the_thresholds_are_settings() -> None:
    results = make_results(QUESTION, _texts(), [0.6] * 6, 0.4)
    assert decide(results, replace(SETTINGS, answer_from=0.6), False, False).verdict is Verdict.ANSWER
    assert decide(results, replace(SETTINGS, maybe_from=0.41), False, False).verdict is Verdict.UNKNOWN
