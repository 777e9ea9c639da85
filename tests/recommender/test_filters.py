"""filters.py: a filter is applied to what is searched, and shows nothing of what the reader may not read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, Reader, reader_of
from recommender.database.tables import Person
from recommender.datatypes import Kind
from recommender.filters import Choices, Filters, choices, let_through
from recommender.index.narrowing import Among
from recommender.recommender import Recommender
from tests.recommender.conftest import Add, Build, add_unrelated_requests

QUESTION = "printer is jammed upstairs"


@pytest.fixture
def recommender(build: Build, add_request: Add, add_document: Callable[..., int]) -> Recommender:
    """Many answers of IT, and few others: from the warehouse, in Finnish, in a document, and one that only HR reads."""
    add_unrelated_requests(add_request)
    for number in range(24):
        add_request(
            f"printer is jammed upstairs {number}", answer=f"{chr(97 + number) * 5} {chr(98 + number) * 4}", team="it"
        )
    add_request("printer is jammed", answer="open the lid", team="warehouse", at=datetime(2026, 5, 1))
    add_request("printer jammed", answer="avaa kansi", language="fi", at=datetime(2025, 5, 1))
    add_document("Printers", "When a printer is jammed, call us", team="warehouse", at=datetime(2026, 4, 1))
    add_request("printer is jammed upstairs hr", answer="secret tray", team="hr", audience=["team:hr"])
    return build()


def _hr(session: Session, add_person: Callable[..., int]) -> Reader:
    add_person("riikka", "agent", "hr")
    return reader_of(session.scalars(select(Person).where(Person.handle == "riikka")).one())


def _titles(recommender: Recommender, session: Session, filters: Filters, reader: Reader = ANYONE) -> list[str]:
    found = recommender.recommend(QUESTION, reader, session, top_k=3, filters=filters)
    return [suggestion.item.title for suggestion in found.suggestions]


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (Filters(team="warehouse", kind=Kind.REQUEST), ["printer is jammed"]),
        (Filters(team="warehouse", kind=Kind.DOCUMENT), ["Printers"]),
        (Filters(language="fi"), ["printer jammed"]),
        (Filters(team="warehouse", newest=True), ["printer is jammed", "Printers"]),
        (Filters(team="it", language="fi"), []),
        (Filters(team="nobody"), []),
    ],
)
def test_what_the_filters_leave_is_found_however_much_else_matches_better(
    recommender: Recommender, session: Session, filters: Filters, titles: list[str]
) -> None:
    assert not set(titles) & set(_titles(recommender, session, Filters()))
    found = _titles(recommender, session, filters)
    assert found == titles if filters.newest else sorted(found) == sorted(titles)


def test_without_filters_nothing_is_left_out(recommender: Recommender, session: Session) -> None:
    assert let_through(Filters(newest=True), session) is None
    first = recommender.recommend(QUESTION, ANYONE, session, top_k=10)
    unfiltered = recommender.recommend(QUESTION, ANYONE, session, top_k=10, filters=Filters())
    assert unfiltered.suggestions == first.suggestions and len(first.suggestions) > 3


def test_newest_comes_first_and_is_chosen_before_the_list_is_cut(recommender: Recommender, session: Session) -> None:
    whole = recommender.recommend(QUESTION, ANYONE, session, top_k=50).suggestions
    newest = sorted((suggestion.item.at for suggestion in whole), reverse=True)
    found = recommender.recommend(QUESTION, ANYONE, session, top_k=2, filters=Filters(newest=True)).suggestions
    assert len(whole) > 2 and [suggestion.item.at for suggestion in found] == newest[:2]


def test_a_team_that_the_reader_may_not_read_is_like_one_that_does_not_exist(
    recommender: Recommender, session: Session, add_person: Callable[..., int]
) -> None:
    hidden, unknown = Filters(team="hr"), Filters(team="nobody")
    assert let_through(unknown, session) == Among(keys=frozenset())
    answers = [recommender.recommend(QUESTION, ANYONE, session, filters=each) for each in (hidden, unknown)]
    assert answers[0] == answers[1] and not answers[0].suggestions and not answers[0].experts
    assert choices(session, ANYONE) == Choices(("it", "warehouse"), ("en", "fi"))
    riikka = _hr(session, add_person)
    session.expire_all()
    assert _titles(recommender, session, hidden, riikka) == ["printer is jammed upstairs hr"]
    assert choices(session, riikka).teams == ("hr", "it", "warehouse")


def test_open_hidden_and_draft_items_are_no_choice(
    session: Session, sessions: sessionmaker[Session], add_request: Add, add_document: Callable[..., int]
) -> None:
    add_request("open", team="it", status="open")
    add_document("draft", "text", team="hr", draft=True)
    add_document("hidden", "text", team="hr", hidden=True)
    assert choices(session, ANYONE) == Choices((), ())
    assert let_through(Filters(team="it"), session) == Among(keys=frozenset())
    assert replace(Filters(), newest=True).narrows is False
