"""Pins: for which questions and readers an item is shown first, and that they tell nothing to others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.access import ANYONE, Reader, reader_of
from recommender.database import days
from recommender.database.tables import Document, Person, utc_now
from recommender.database.words_tables import Pin
from recommender.datatypes import Kind, Recommendation, Verdict
from recommender.errors import PinRefused
from recommender.filters import Filters
from recommender.knowledge import pins
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.render import as_json

LATER = utc_now().date() + timedelta(days=30)
Open = Callable[[], Recommender]


@pytest.fixture
def add_pin(sessions: sessionmaker[Session]) -> Callable[..., int]:
    def add(phrase: str, item: str, audience: str = "everyone", until: date = LATER, team: str = "") -> int:
        with sessions.begin() as session:
            return pins.add(session, audit.COMMAND, phrase, item, audience, until, team, utc_now().date()).id

    return add


@pytest.fixture
def ask(open_recommender: Open, sessions: sessionmaker[Session]) -> Callable[..., Recommendation]:
    opened: list[Recommender] = []

    def ask(question: str, reader: Reader = ANYONE, **options: object) -> Recommendation:
        opened.extend([open_recommender()] if not opened else [])
        with sessions() as session:
            return opened[0].recommend(question, reader, session, **options)  # type: ignore[arg-type]

    return ask


def keys(recommendation: Recommendation) -> list[str]:
    return [suggestion.item.key for suggestion in recommendation.suggestions]


def pinned(recommendation: Recommendation) -> list[str]:
    return [suggestion.item.key for suggestion in recommendation.suggestions if suggestion.pinned_until]


def test_a_pin_is_first_with_who_chose_it_and_what_search_found_follows(
    add_request: Callable[..., int], add_document: Callable[..., int], add_pin: Callable[..., int],
    ask: Callable[..., Recommendation],
) -> None:  # fmt: skip
    found = add_request("Laptop order", "How is a laptop ordered?", "From the shop.", team="it")
    chosen = add_document("Where things are bought", "Everything is bought at the desk.", team="hr")
    add_pin("order laptop", f"document:{chosen}", team="hr")
    answer = ask("how do I order laptops")
    assert keys(answer) == [f"document:{chosen}", f"request:{found}"]
    first, second = answer.suggestions
    assert (first.pinned_by, first.pinned_until) == ("hr", LATER)
    assert first.answer is not None and first.answer.text == "Everything is bought at the desk."
    assert second.pinned_until is None
    shown = as_json(answer)["suggestions"][0]
    assert (shown["pinned_by"], shown["pinned_until"]) == ("hr", LATER.isoformat())
    assert pinned(ask("laptop")) == []  # without all words of the phrase it is as before
    assert keys(ask("how do I order laptops", top_k=1)) == [f"document:{chosen}"]
    assert ask("how do I order laptops", top_k=1).more == 1
    assert keys(ask("how do I order laptops", filters=Filters(kind=Kind.REQUEST))) == [f"request:{found}"]
    assert pinned(ask("how do I order laptops", leave_out=[f"document:{chosen}"])) == []


def test_what_search_found_is_not_shown_twice_and_nothing_found_becomes_related(
    add_request: Callable[..., int], add_pin: Callable[..., int], ask: Callable[..., Recommendation]
) -> None:
    first = add_request("Laptop order", "How is a laptop ordered?", "From the shop.")
    second = add_request("Laptop order abroad", "How is a laptop ordered abroad?", "From the shop abroad.")
    assert keys(ask("laptop order"))[0] == f"request:{first}"
    add_pin("laptop", f"request:{second}")
    assert sorted(keys(ask("laptop order"))) == [f"request:{first}", f"request:{second}"]
    assert keys(ask("laptop order"))[0] == f"request:{second}"
    assert ask("laptop order").suggestions[0].match > 0
    add_pin("zebrafish", f"request:{first}")
    answer = ask("a zebrafish swims")
    assert answer.verdict is Verdict.MAYBE and keys(answer) == [f"request:{first}"]
    assert answer.suggestions[0].match == 0.0 and answer.suggestions[0].excerpt == "From the shop."


def test_a_pin_tells_nothing_to_those_who_may_not_read_its_item(
    add_request: Callable[..., int], add_document: Callable[..., int], add_person: Callable[..., int],
    add_pin: Callable[..., int], ask: Callable[..., Recommendation], sessions: sessionmaker[Session],
) -> None:  # fmt: skip
    add_request("Laptop order", "How is a laptop ordered?", "From the shop.")
    secret = add_document("Zebrafish", "Only for HR.", audience=("team:hr",), team="hr")
    add_person("helmi", "agent", "hr")
    add_person("matti", "admin", "it")
    with sessions() as session:
        people = {handle: session.query(Person).filter_by(handle=handle).one() for handle in ("helmi", "matti")}
        helmi, matti = (reader_of(people[handle]) for handle in ("helmi", "matti"))
    before = {reader: ask("laptop order", reader) for reader in (ANYONE, matti)}
    number = add_pin("laptop", f"document:{secret}")
    assert keys(ask("laptop order", helmi))[0] == f"document:{secret}"
    for reader, answer in before.items():
        assert replace(ask("laptop order", reader), experts=()) == replace(answer, experts=())
    with sessions.begin() as session:
        session.get_one(Pin, number).audience = "team:it"
    assert pinned(ask("laptop order", helmi)) == []  # the pin is not for HR
    assert f"document:{secret}" not in keys(ask("laptop order", matti))  # and IT may not read it


def test_a_pin_ends_and_its_item_may_go(
    add_document: Callable[..., int], add_pin: Callable[..., int], ask: Callable[..., Recommendation],
    sessions: sessionmaker[Session],
) -> None:  # fmt: skip
    chosen = add_document("Where things are bought", "At the desk.")
    number = add_pin("laptop", f"document:{chosen}", until=utc_now().date())
    assert keys(ask("laptop")) == [f"document:{chosen}"]
    with sessions.begin() as session:
        session.get_one(Pin, number).until = utc_now().date() - timedelta(days=1)
    assert keys(ask("laptop")) == []
    add_pin("laptop", f"document:{chosen}")
    with sessions.begin() as session:
        session.get_one(Document, chosen).hidden = True
    assert keys(ask("laptop")) == []


def test_a_phrase_fits_questions_in_any_form_and_language(
    add_document: Callable[..., int], add_pin: Callable[..., int], ask: Callable[..., Recommendation]
) -> None:
    chosen = add_document("Lomat", "Lomista sovitaan esihenkilön kanssa.")
    add_pin("talviloma", f"document:{chosen}")
    assert keys(ask("milloin talvilomat pidetään")) == [f"document:{chosen}"]
    assert keys(ask("milloin kesälomat pidetään")) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"phrase": "  "}, "phrase"),
        ({"phrase": "x" * 201}, "phrase"),
        ({"item": "document:99"}, "item"),
        ({"item": "nonsense"}, "item"),
        ({"until": LATER - timedelta(days=31)}, "until"),
        ({"audience": "team:nobody"}, "audience"),
        ({"audience": "person:1"}, "audience"),
        ({"team": "nobody"}, "team"),
    ],
)
def test_a_pin_that_cannot_be_says_which_part_is_wrong(
    add_document: Callable[..., int], add_pin: Callable[..., int], values: dict[str, object], field: str
) -> None:
    chosen = add_document("Lomat", "Lomista sovitaan.")
    with pytest.raises(PinRefused) as refused:
        add_pin(**{"phrase": "loma", "item": f"document:{chosen}", **values})
    assert refused.value.field == field


def test_an_open_request_cannot_be_pinned_and_adding_and_removing_are_in_the_audit_log(
    add_request: Callable[..., int], add_pin: Callable[..., int], sessions: sessionmaker[Session]
) -> None:
    with pytest.raises(PinRefused):
        add_pin("loma", f"request:{add_request('Open', status='open')}")
    number = add_pin("loma", f"request:{add_request('Solved')}")
    with sessions.begin() as session:
        pins.remove(session, audit.COMMAND, number)
        with pytest.raises(PinRefused):
            pins.remove(session, audit.COMMAND, number)
    with sessions() as session:
        assert [entry.action for entry in audit.entries(session, action="pin")] == ["pin.added", "pin.removed"]
        assert "loma" not in str([entry.details for entry in audit.entries(session, action="pin")])


def test_a_pin_ends_with_the_day_of_the_organisation(
    sessions: sessionmaker[Session], add_document: Callable[..., int], analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    item, last = f"document:{add_document('Summer holiday', 'How to ask for it')}", date(2026, 11, 29)
    with sessions() as session:
        pins.add(session, audit.COMMAND, "summer holiday", item, "everyone", last, "", last)
        for zone, now, is_first in [
            ("America/New_York", datetime(2026, 11, 30, 1), True),  # 20 h on the last day there
            ("Europe/Helsinki", datetime(2026, 11, 29, 23), False),  # 1 h on the day after there
        ]:
            monkeypatch.setattr(days, "_zone", ZoneInfo(zone))
            monkeypatch.setattr(days, "utc_now", lambda now=now: now)
            words = analyzer.query_terms("summer holiday", ("en",)).words
            assert bool(pins.matching(session, words, ANYONE, analyzer)) is is_first


def test_the_audience_of_a_pin_that_is_a_team_begins_with_team(
    add_document: Callable[..., int], add_person: Callable[..., int], add_pin: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it")
    item = f"document:{add_document('Summer holiday', 'How to ask for it')}"
    for audience in ("it", "person:it", "team:", ""):
        with pytest.raises(PinRefused, match="team: with the handle"):
            add_pin("summer holiday", item, audience)
    assert add_pin("summer holiday", item, "team:it")
