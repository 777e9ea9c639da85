"""reading.py: rows by lists of ids or keys, on SQLite and on PostgreSQL."""

import pytest
from sqlalchemy import Integer, String, event, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.reading import IDS, KEYS, one_of, one_of_these, rows
from recommender.database.tables import Person

Sessions = sessionmaker[Session]
_BY_ID = select(Person.id, Person.handle, Person.languages).where(one_of(Person.id, IDS)).order_by(Person.id)
_BY_HANDLE = select(Person.id).where(one_of(Person.handle, KEYS)).order_by(Person.id)


@pytest.fixture
def people(sessions: Sessions) -> list[int]:
    """Ids of five people, person0 to person4."""
    with sessions.begin() as session:
        found = [Person(handle=f"person{n}", name=f"Person {n}", languages=["fi"]) for n in range(5)]
        session.add_all(found)
        session.flush()
        return [person.id for person in found]


def test_rows_with_one_of_the_ids_or_keys_are_found(sessions: Sessions, people: list[int]) -> None:
    with sessions() as session:
        found = rows(session, _BY_ID, ids=[people[3], people[1], 10**8])
        assert [(row.id, row.handle, row.languages) for row in found] == [
            (people[1], "person1", ["fi"]),
            (people[3], "person3", ["fi"]),
        ]
        assert rows(session, _BY_HANDLE, keys=["person4", 'a "quoted" ä']) == [(people[4],)]
        assert rows(session, _BY_ID, ids=[]) == [] and rows(session, _BY_HANDLE, keys=[]) == []


def test_rows_with_one_of_the_values_of_a_condition_are_found(sessions: Sessions, people: list[int]) -> None:
    with sessions() as session:
        by_number, by_text = (
            one_of_these(Person.id, {people[3], people[1]}, Integer),
            one_of_these(Person.handle, {"person4", "person1", "nobody"}, String),
        )
        assert session.scalars(select(Person.id).where(by_number).order_by(Person.id)).all() == [people[1], people[3]]
        assert session.scalars(select(Person.handle).where(by_number, by_text)).all() == ["person1"]
        assert session.scalars(select(Person.id).where(one_of_these(Person.id, (), Integer))).all() == []


def test_texts_with_any_characters_are_found_and_no_others(sessions: Sessions, people: list[int]) -> None:
    texts = [
        'a "quoted" ä',
        "it's",
        r"back\slash",
        "{one,two}",
        "one,two",
        "NULL",
        "😀",
        "%",
        "",
        "\t",
        "null",
        "1",
        "01",
    ]
    with sessions.begin() as session:
        session.add_all(Person(handle=text, name=text) for text in texts)
    with sessions() as session:
        for text in texts:
            by_text = one_of_these(Person.handle, {text, "nobody"}, String)
            assert session.scalars(select(Person.handle).where(by_text)).all() == [text]
            assert len(rows(session, _BY_HANDLE, keys=[text])) == 1
        by_all = one_of_these(Person.handle, texts, String)
        assert set(session.scalars(select(Person.handle).where(by_all))) == set(texts)


def test_a_list_may_be_longer_than_a_statement_may_have_values(sessions: Sessions, people: list[int]) -> None:
    with sessions() as session:
        found = rows(session, _BY_ID, ids=range(people[0], people[0] + 100_000))
        assert [row.id for row in found] == people


def test_the_statement_is_the_same_for_each_list(sessions: Sessions, people: list[int]) -> None:
    """So the database and its driver need not read it again."""
    seen: set[str] = set()
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *arguments: seen.add(arguments[2]))
    with sessions() as session:
        for number in range(4):
            rows(session, _BY_ID, ids=people[:number])
    assert len({statement for statement in seen if "people" in statement}) == 1


def test_what_was_changed_in_the_session_is_found(sessions: Sessions, people: list[int]) -> None:
    with sessions() as session:
        session.get_one(Person, people[0]).handle = "renamed"
        with session.no_autoflush:
            assert rows(session, _BY_HANDLE, keys=["renamed"]) == []
        assert rows(session, _BY_HANDLE, keys=["renamed"]) == [(people[0],)]


@pytest.mark.sqlite_only
def test_an_index_is_used(sessions: Sessions) -> None:
    with sessions() as session:
        plan = session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {_BY_ID.compile(session.get_bind())}", ("[1]",)
        )
        assert any("SEARCH people USING INTEGER PRIMARY KEY" in line.detail for line in plan)
