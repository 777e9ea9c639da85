"""search/topics.py: what may be asked about, from what the reader may read and from nothing else."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import ANYONE, reader_of
from recommender.database.tables import Person
from recommender.language.analyzer import Analyzer
from recommender.search.topics import Topics, topics
from tests.recommender.conftest import Add

ANSWER = "Open the cover of it and remove the paper that is stuck, then close the cover and print again."
OTHERS = [
    "keyboard",
    "screen",
    "mouse",
    "lamp",
    "window",
    "chair",
    "table",
    "curtain",
    "carpet",
    "door",
    "elevator",
    "kitchen",
    "fridge",
    "oven",
    "cup",
]


def _add(add_request: Add, word: str, count: int, **more: object) -> None:
    for number in range(count):
        add_request(f"{word} {OTHERS[number]} missing from cellar {chr(97 + number) * 3}", answer=ANSWER, **more)


def test_a_topic_needs_five_items_that_the_reader_may_read(
    session: Session, add_request: Add, add_person: Callable[..., int], analyzer: Analyzer
) -> None:
    _add(add_request, "printer", 5)
    _add(add_request, "router", 4)
    _add(add_request, "salary", 9, team="hr", audience=["team:hr"])
    _add(add_request, "router", 1, team="hr", audience=["team:hr"])
    add_person("riikka", "agent", "hr")
    _add(add_request, "monitor", 14)
    assert {"printer", "monitor"} & set(topics(session, ANYONE, analyzer, "en").popular) >= {"printer"}
    shown = topics(session, ANYONE, analyzer, "en")
    assert not {"salary", "router"} & {*shown.popular, *shown.recent}
    riikka = reader_of(session.scalars(select(Person).where(Person.handle == "riikka")).one())
    assert {"salary", "router", "printer"} <= set(topics(session, riikka, analyzer, "en").popular)


def test_a_word_that_all_teams_use_is_no_topic(session: Session, add_request: Add, analyzer: Analyzer) -> None:
    for team in ("it", "hr", "warehouse"):
        _add(add_request, "contract", 4, team=team)
    _add(add_request, "printer", 7, team="it")
    add_request("printer for the warehouse", answer=ANSWER, team="warehouse")
    add_request("lamp and table and door", answer=ANSWER, team="warehouse")
    for number in range(10):
        add_request(f"{OTHERS[number]} {chr(98 + number) * 4}", answer=ANSWER, team="facilities")
    assert topics(session, ANYONE, analyzer, "en").popular == ("printer",)


def _entitle(add_request: Add, words: str, count: int, **more: object) -> None:
    """Items with these words in their titles, and one that no other title has."""
    for number in range(count):
        add_request(f"{words} {words[:2]}{chr(97 + number) * 4}".strip(), answer=ANSWER, **more)


def test_two_words_that_mostly_stand_together_are_one_topic(
    session: Session, add_request: Add, analyzer: Analyzer
) -> None:
    _entitle(add_request, "meeting room", 8, team="facilities")
    _entitle(add_request, "printer", 5, team="it")
    _entitle(add_request, "printer toner", 5, team="it")  # half of what is said of printers and of toner
    _entitle(add_request, "toner", 6, team="it")
    _entitle(add_request, "router", 9, team="it")
    _entitle(add_request, "", 10, team="it")
    shown = topics(session, ANYONE, analyzer, "en")
    assert shown.popular == ("toner", "printer", "router", "meeting room") and shown.recent == ()


def test_two_words_are_one_topic_only_by_what_the_reader_may_read(
    session: Session, add_request: Add, add_person: Callable[..., int], analyzer: Analyzer
) -> None:
    _entitle(add_request, "salary slip", 4, team="hr")
    _entitle(add_request, "salary", 3, team="hr")
    _entitle(add_request, "slip", 3, team="hr")
    _entitle(add_request, "", 15, team="it")
    before = topics(session, ANYONE, analyzer, "en")
    assert before.popular == ("salary", "slip")
    _entitle(add_request, "salary slip", 5, team="hr", audience=["team:hr"], at=datetime(2026, 6, 1))
    _entitle(add_request, "", 15, team="hr", audience=["team:hr"])
    add_person("riikka", "agent", "hr")
    assert topics(session, ANYONE, analyzer, "en").popular == before.popular
    riikka = reader_of(session.scalars(select(Person).where(Person.handle == "riikka")).one())
    assert topics(session, riikka, analyzer, "en").popular == ("salary slip",)


def test_open_and_hidden_items_make_no_topic(session: Session, add_request: Add, analyzer: Analyzer) -> None:
    _add(add_request, "printer", 9, status="open")
    assert topics(session, ANYONE, analyzer, "en") == Topics()


def test_what_others_ask_changes_nothing_for_a_reader_who_may_not_read_it(
    session: Session, add_request: Add, analyzer: Analyzer
) -> None:
    for word in ("printer", "router", "monitor", "scanner"):
        _add(add_request, word, 6)
    before = topics(session, ANYONE, analyzer, "en")
    _add(add_request, "printer", 15, team="hr", audience=["team:hr"], at=datetime(2026, 6, 1))
    assert before.popular and topics(session, ANYONE, analyzer, "en") == before


def test_topics_of_late_are_those_of_the_newest_items(session: Session, add_request: Add, analyzer: Analyzer) -> None:
    start = datetime(2025, 1, 1)
    for number, word in enumerate(["alpha", "bravo", "delta", "gamma", "kappa", "sigma", "omega"]):
        _add(add_request, word, 12, at=start + timedelta(days=number))
    _add(add_request, "scanner", 6, at=datetime(2026, 1, 1))
    shown = topics(session, ANYONE, analyzer, "en")
    assert shown.recent[0] == "scanner" and "scanner" not in shown.popular


def test_examples_are_of_different_teams_in_the_language_and_for_everybody(
    session: Session, add_request: Add, add_person: Callable[..., int], analyzer: Analyzer
) -> None:
    add_person("riikka", "agent", "hr")
    add_request("Where do I print a poster?", answer=ANSWER, team="it", at=datetime(2026, 1, 4))
    add_request("How do I get a new screen?", answer=ANSWER, team="it", at=datetime(2026, 1, 3))
    add_request("Who orders the coffee here?", answer=ANSWER, team="warehouse", at=datetime(2026, 1, 2))
    add_request("May I take unpaid leave?", answer=ANSWER, team="hr", audience=["team:hr"], at=datetime(2026, 1, 9))
    add_request("Missä tulostan julisteen?", answer=ANSWER, language="fi", at=datetime(2026, 1, 8))
    add_request("Does anybody read this one?", answer="Done.", team="x", at=datetime(2026, 1, 8))
    riikka = reader_of(session.scalars(select(Person).where(Person.handle == "riikka")).one())
    for reader in (ANYONE, riikka):
        assert topics(session, reader, analyzer, "en").examples == (
            "Where do I print a poster?",
            "Who orders the coffee here?",
            "How do I get a new screen?",
        )
