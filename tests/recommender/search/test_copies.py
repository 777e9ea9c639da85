"""search/copies.py: answers that repeat an older one word for word, and what follows from it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from recommender.access import ANYONE
from recommender.datatypes import Recommendation
from recommender.recommender import Recommender
from recommender.search.copies import copied_from, with_original_age
from tests.recommender.conftest import add_unrelated_requests
from tests.recommender.search.candidates import DAY, make_text

ANSWER = "Open the back cover, pull the paper out slowly and press the green button for three seconds."
OLD, NEW = DAY - timedelta(days=900), DAY


def test_an_answer_that_repeats_an_older_one_is_a_copy_of_it() -> None:
    old, new = (
        make_text(1, answer=f"Hello Anna,\n{ANSWER}\n\nBest regards\nPekka", at=OLD),
        make_text(2, answer=f"Hi!\n{ANSWER.upper()}", at=NEW),
    )
    newest = make_text(3, answer=ANSWER, at=NEW + timedelta(days=9))
    copies = copied_from([newest, new, old])
    assert copies == {"request:2": "request:1", "request:3": "request:1"}
    assert [text.at for text in with_original_age([newest, new, old], copies)] == [OLD, OLD, OLD]
    assert [text.item.at for text in with_original_age([new, old], copies)] == [NEW, OLD]


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER.replace("three", "nine"),
        f"Do not do this any more: {ANSWER}",
        f"{ANSWER} Since May, call the caretaker instead: the new machine must not be opened by anybody but him.",
        "",
    ],
)
def test_an_answer_that_says_something_else_or_more_is_its_own(answer: str) -> None:
    assert copied_from([make_text(1, answer=ANSWER, at=OLD), make_text(2, answer=answer, at=NEW)]) == {}


def test_short_answers_are_alike_by_chance() -> None:
    assert copied_from([make_text(1, answer="Restart it.", at=OLD), make_text(2, answer="Restart it.", at=NEW)]) == {}


@pytest.fixture
def ask(
    open_recommender: Callable[[], Recommender], session: Session, add_request: Callable[..., int]
) -> Callable[..., Recommendation]:
    """Asks about the printer, after two requests were answered alike by these people."""

    def asked(first: str, second: str) -> Recommendation:
        add_unrelated_requests(add_request)
        add_request("printer jam", answer=ANSWER, by=first, at=datetime(2023, 3, 1), team="it")
        add_request("paper stuck in the printer", answer=ANSWER, by=second, at=datetime(2026, 3, 1), team="it")
        return open_recommender().recommend("printer jam paper stuck", ANYONE, session)

    return asked


def test_a_copy_makes_nobody_an_expert_and_is_as_old_as_what_it_says(ask: Callable[..., Recommendation]) -> None:
    found = ask("aino", "matti")
    assert [expert.handle for expert in found.experts] == ["aino"]
    said = {suggestion.said_at for suggestion in found.suggestions if suggestion.item.answer == ANSWER}
    assert said == {datetime(2023, 3, 1)}


def test_who_gives_their_own_answer_again_knows_it_still(ask: Callable[..., Recommendation]) -> None:
    [expert] = ask("aino", "aino").experts
    assert expert.handle == "aino" and {piece.at.year for piece in expert.evidence} == {2023, 2026}
