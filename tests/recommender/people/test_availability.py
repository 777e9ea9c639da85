"""people/availability.py: who may be named now, with days counted by hand, and how often a person was first."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.account_tables import Account
from recommender.database.tables import FirstSuggestion, Person, PersonSettings, PersonTopic
from recommender.language.analyzer import Analyzer
from recommender.people.availability import Availability, availabilities, count_first, question_terms

TODAY = date(2026, 5, 20)
DAY = timedelta(days=1)


@pytest.fixture
def aino(add_person: Callable[..., int]) -> int:
    return add_person("aino")


def _mute(sessions: sessionmaker[Session], person_id: int, *topics: str, kind: str = "muted") -> None:
    with sessions.begin() as session:
        for topic in topics:
            session.add(PersonTopic(person_id=person_id, kind=kind, topic=topic, created_on=TODAY))


def _availability(sessions: sessionmaker[Session], analyzer: Analyzer, person_id: int) -> Availability:
    with sessions() as session:
        return availabilities(session, [person_id], TODAY, analyzer)[person_id]


def test_a_person_who_has_set_nothing_may_be_named(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int
) -> None:
    with sessions() as session:
        assert availabilities(session, [aino, 404], TODAY, analyzer) == {
            aino: Availability(aino, False, None, False, None, 0.0, (), None)
        }
        assert availabilities(session, [], TODAY, analyzer) == {}


def test_the_availability_has_the_settings_of_the_person(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int, add_person: Callable[..., int]
) -> None:
    matti = add_person("matti")
    with sessions.begin() as session:
        session.add(PersonSettings(person_id=aino, paused=True, capacity=3, deputy_id=matti))
        session.get_one(Person, aino).away_until = TODAY
        count_first(session, aino, TODAY)
    availability = _availability(sessions, analyzer, aino)
    assert (availability.paused, availability.capacity, availability.deputy_id) == (True, 3, matti)
    assert (availability.away_until, availability.load) == (TODAY, 1.0)
    assert _availability(sessions, analyzer, matti) == Availability(matti, False, None, False, None, 0.0, (), None)


def test_a_person_with_a_disabled_account_counts_as_left(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int
) -> None:
    with sessions.begin() as session:
        session.get_one(Person, aino).languages = ["fi", "sv"]
        session.add(account := Account(person_id=aino))
    before = _availability(sessions, analyzer, aino)
    assert (before.left, before.languages) == (False, ("fi", "sv"))
    with sessions.begin() as session:
        session.get_one(Account, account.person_id).disabled = True
    assert _availability(sessions, analyzer, aino).left


@pytest.mark.parametrize(("days", "left", "away"), [(-1, True, False), (0, True, True), (1, False, True)])
def test_people_have_left_from_their_last_day_on_and_are_away_until_the_end_of_the_day(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int, days: int, left: bool, away: bool
) -> None:
    with sessions.begin() as session:
        person = session.get_one(Person, aino)
        person.left_on = person.away_until = TODAY + days * DAY
    availability = _availability(sessions, analyzer, aino)
    assert availability.left is left and availability.away_until == (TODAY + days * DAY if away else None)


def test_the_load_counts_seven_days_including_today(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int
) -> None:
    with sessions.begin() as session:
        for days, count in ((1, 1000), (0, 1), (-6, 10), (-7, 100)):
            session.add(FirstSuggestion(person_id=aino, day=TODAY + days * DAY, count=count))
    assert _availability(sessions, analyzer, aino).load == 11.0


@pytest.mark.parametrize(("capacity", "full"), [(None, False), (0, True), (2, True), (3, False)])
def test_a_person_is_full_when_their_load_reaches_their_capacity(capacity: int | None, full: bool) -> None:
    assert Availability(1, False, None, False, capacity, 2.0, (), None).full is full


def test_first_places_add_up_by_person_and_day_and_are_deleted_after_a_week(
    sessions: sessionmaker[Session], aino: int, add_person: Callable[..., int]
) -> None:
    matti = add_person("matti")
    for person, day in ((aino, -7), (matti, -7), (aino, -6), (aino, 0), (aino, 0)):
        with sessions.begin() as session:
            count_first(session, person, TODAY + day * DAY)
    with sessions() as session:
        counts = {(row.person_id, row.day - TODAY, row.count) for row in session.query(FirstSuggestion)}
    assert counts == {(aino, -6 * DAY, 1), (aino, 0 * DAY, 2)}


def test_two_counts_at_the_same_moment_are_both_added(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int
) -> None:
    with sessions() as first, sessions() as second:
        for session in (first, second):  # both read before either writes
            assert session.query(FirstSuggestion).count() == 0
            session.rollback()
        count_first(first, aino, TODAY)
        first.commit()
        count_first(second, aino, TODAY)
        second.commit()
    assert _availability(sessions, analyzer, aino).load == 2.0


def test_on_postgresql_the_count_is_an_upsert_in_its_dialect(aino: int, sessions: sessionmaker[Session]) -> None:
    statements: list[str] = []

    class PostgreSQLSession(Session):
        def get_bind(self, *_args: object, **_options: object) -> object:  # type: ignore[override]
            return type("Bind", (), {"dialect": postgresql.dialect()})()

        def execute(self, statement: object, *_args: object, **_options: object) -> None:  # type: ignore[override]
            statements.append(str(statement.compile(dialect=postgresql.dialect())))  # type: ignore[attr-defined]

    count_first(PostgreSQLSession(), aino, TODAY)
    assert "ON CONFLICT (person_id, day) DO UPDATE SET count = (first_suggestions.count + " in statements[0]


def test_a_thousand_people_need_as_many_queries_as_one(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int
) -> None:
    with sessions.begin() as session:
        session.add_all([Person(handle=f"p{n}", name="P") for n in range(1_000)])
        session.flush()
        session.add_all([PersonSettings(person_id=n, paused=False) for n in range(2, 1_002)])
        session.add_all([FirstSuggestion(person_id=n, day=TODAY, count=n) for n in range(2, 1_002)])
    _mute(sessions, aino, "vpn")
    statements: list[str] = []
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_more: statements.append(statement))
    counts = []
    for ids in ([aino], range(1, 1_002)):
        statements.clear()
        with sessions() as session:
            result = availabilities(session, ids, TODAY, analyzer)
        counts.append(len(statements))
    assert counts == [1, 1] and len(result) == 1_001 and result[1_001].load == 1001.0


@pytest.mark.parametrize(
    ("topic", "question", "muted"),
    [
        ("tulostin", "Toisen kerroksen tulostimessa on paperitukos", True),
        ("tulostimet", "tulostin ei toimi", True),
        ("työpöytä", "tyopoyta ei nouse", True),
        ("tulostin", "Näyttö on musta", False),
        ("printers", "My printer is stuck", True),
        ("printer", "Printers on floor two are stuck", True),
        ("VPN", "vpn drops at home", True),
        ("VPN-yhteydet", "VPN-yhteys ei toimi kotoa", True),
        ("etäyhteyden laskutus", "laskutus on jumissa", False),
        ("etäyhteyden laskutus", "etäyhteyksien laskutus on jumissa", True),
        ("0x80070005", "Update fails with 0x80070005", True),
        ("how to print", "how to order a chair", False),
    ],
)
def test_a_muted_topic_matches_in_any_inflection_and_only_with_all_of_its_words(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int, topic: str, question: str, muted: bool
) -> None:
    _mute(sessions, aino, "something else", topic)
    assert _availability(sessions, analyzer, aino).mutes(analyzer.query_terms(question).words) is muted


def test_an_added_topic_matches_questions_with_all_of_its_words(
    sessions: sessionmaker[Session], analyzer: Analyzer, aino: int
) -> None:
    _mute(sessions, aino, "Etäyhteydet VPN:llä", kind="stated")
    person = _availability(sessions, analyzer, aino)
    assert person.states(analyzer.query_terms("VPN ja etäyhteys").words)
    assert not person.states(analyzer.query_terms("VPN ei toimi").words)
    assert not person.mutes(analyzer.query_terms("VPN ja etäyhteys").words)


def test_a_stated_topic_mutes_nothing(sessions: sessionmaker[Session], analyzer: Analyzer, aino: int) -> None:
    _mute(sessions, aino, "vpn", kind="stated")
    assert _availability(sessions, analyzer, aino).muted == ()


@pytest.mark.parametrize("topic", ["", "?!", "a", "moi kiitos", "🙂"])
def test_a_topic_without_words_mutes_no_question(analyzer: Analyzer, topic: str) -> None:
    assert question_terms(topic, analyzer) == ()
