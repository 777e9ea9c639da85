"""people/profile.py: the items of a person, and the topics derived from them."""

from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader, reader_of
from recommender.database.tables import HelpRequest, Person, PersonTopic, Reply
from recommender.datatypes import Part
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.people.profile import Piece, Stated, Topic, pieces, stated, topics

Sessions = sessionmaker[Session]


@pytest.fixture
def aino(sessions: Sessions, add_request: Callable[..., int], add_document: Callable[..., int]) -> Reader:
    """Aino of IT, who has answered about printers and the VPN, replied once and owns a guide; and items of others."""
    add_request("Printer is stuck", "The printer in the hall blinks", by="aino", at=datetime(2026, 1, 1))
    add_request("Two printers are offline", "Since the update", by="aino", at=datetime(2026, 1, 2))
    add_request("VPN drops", "At home the VPN drops", by="aino", at=datetime(2026, 1, 3), team="it", audience=[])
    add_request("Chair is broken", "The printer is fine", "Use another", by="matti", at=datetime(2026, 1, 4))
    add_document("VPN guide", "How the VPN works", owner="aino", at=datetime(2026, 1, 5))
    add_request("Asked by herself", "printer", by="aino", asked_by="aino")
    add_request("Still open printer", by="aino", status="open")
    add_request("Of another team: printer", by="aino", team="hr", audience=[])
    add_document("Seating, briefly", "How seats are", owner="matti", verified_by="aino", at=datetime(2026, 1, 7))
    add_document("Draft on printers", "printer", owner="aino", draft=True)
    add_document("Hidden printers", "printer", hidden=True, owner="aino")
    for number in range(5):
        add_request(f"Lunch {number}", "Where is the menu", by="matti")
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle="aino").one()
        chair = session.query(HelpRequest).filter_by(title="Chair is broken").one()
        chair.replies.append(Reply(author=person, body="Which chair?", created_at=datetime(2026, 1, 6)))
        person.teams = [session.query(HelpRequest).filter_by(title="VPN drops").one().team]  # type: ignore[list-item]
        session.flush()
        return reader_of(person)


def _pieces(sessions: Sessions, reader: Reader, *declined: str) -> tuple[Piece, ...]:
    with sessions() as session:
        return pieces(session, session.get_one(Person, reader.person_id), reader, declined)


def test_the_evidence_of_a_profile_is_what_a_person_did_for_others_and_may_read(
    sessions: Sessions, aino: Reader
) -> None:
    assert [(piece.item.title, piece.part, piece.at.day, piece.declined) for piece in _pieces(sessions, aino)] == [
        ("Seating, briefly", Part.VERIFIED, 7, False),
        ("Chair is broken", Part.REPLIED, 6, False),
        ("VPN guide", Part.KEEPS, 5, False),
        ("VPN drops", Part.ANSWERED, 3, False),
        ("Two printers are offline", Part.ANSWERED, 2, False),
        ("Printer is stuck", Part.ANSWERED, 1, False),
    ]


def test_a_declined_item_is_marked(sessions: Sessions, aino: Reader) -> None:
    declined = [piece.item.title for piece in _pieces(sessions, aino, "request:1") if piece.declined]
    assert declined == ["Printer is stuck"]


def _topics(
    sessions: Sessions, reader: Reader, analyzer: Analyzer, index: LocalIndex | None, *declined: str
) -> tuple[Topic, ...]:
    with sessions() as session:
        person = session.get_one(Person, reader.person_id)
        return topics(_pieces(sessions, reader, *declined), person, reader, analyzer, index)


def test_topics_are_words_of_several_items_that_are_rare_elsewhere(
    sessions: Sessions, aino: Reader, analyzer: Analyzer, reindexed: Callable[..., LocalIndex]
) -> None:
    result = _topics(sessions, aino, analyzer, reindexed())
    assert [(topic.word, [piece.item.title for piece in topic.pieces]) for topic in result] == [
        ("vpn", ["VPN guide", "VPN drops"]),
        ("printer", ["Chair is broken", "Two printers are offline", "Printer is stuck"]),
    ]


def test_topics_are_in_their_base_form_and_none_is_a_function_word(
    sessions: Sessions, analyzer: Analyzer, add_request: Callable[..., int], reindexed: Callable[..., LocalIndex]
) -> None:
    for title in (
        "Työpöydän tulostimen VPN-yhteyden virhe niin kuin",
        "Työpöydällä tulostimessa VPN-yhteyden niin kuin",
    ):
        add_request(title, "kanssa", "Korjattu", by="aino", language="fi")
    for number in range(8):
        add_request(f"Lounas {number}", "Ruokalista puuttuu", "Se on ovessa", by="matti", language="fi")
    with sessions() as session:
        reader = reader_of(session.query(Person).filter_by(handle="aino").one())
    words = {topic.word for topic in _topics(sessions, reader, analyzer, reindexed())}
    assert {"työpöytä", "tulostin", "vpn-yhteys"} <= words
    assert words.isdisjoint({"niin", "kuin", "kanssa"})


def test_a_declined_item_gives_no_topic(
    sessions: Sessions, aino: Reader, analyzer: Analyzer, reindexed: Callable[..., LocalIndex]
) -> None:
    assert "vpn" not in [topic.word for topic in _topics(sessions, aino, analyzer, reindexed(), "request:3")]


def test_without_an_index_there_are_no_topics(sessions: Sessions, aino: Reader, analyzer: Analyzer) -> None:
    assert _topics(sessions, aino, analyzer, None) == ()


def test_an_added_topic_is_pending_until_two_items_contain_all_its_words(
    sessions: Sessions, aino: Reader, analyzer: Analyzer
) -> None:
    day = date(2026, 2, 1)
    rows = [PersonTopic(topic=topic, kind="stated", created_on=day) for topic in ("Printers", "vpn guide", "salary")]
    rows.append(PersonTopic(topic="muted printer", kind="muted", created_on=day))
    result = stated(_pieces(sessions, aino), rows, analyzer)
    assert result == (Stated("Printers", day, 3), Stated("vpn guide", day, 1), Stated("salary", day, 0))
    assert [topic.confirmed for topic in result] == [True, False, False]
    (printers, *_) = stated(_pieces(sessions, aino, "request:1", "request:2"), rows, analyzer)
    assert (printers.items, printers.confirmed) == (1, False)


def test_answers_count_for_an_added_topic_and_items_are_read_in_their_language(
    sessions: Sessions, add_request: Callable[..., int], analyzer: Analyzer
) -> None:
    add_request("Kone jumissa", "Mitä teen", "Tulostimen kansi auki", by="aino", language="fi")
    add_request("Paperit loppu", "Tulostimessa ei ole paperia", by="aino", language="fi")
    with sessions() as session:
        person = session.query(Person).filter_by(handle="aino").one()
        row = PersonTopic(topic="tulostimet", kind="stated", created_on=date(2026, 2, 1))
        (found,) = stated(pieces(session, person, reader_of(person), ()), [row], analyzer)
    assert found.items == 2
