"""loading/: a source does not take away the only admin."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from recommender import accounts
from recommender.database.tables import Person
from recommender.language.analyzer import Analyzer


@pytest.mark.parametrize("said", [{"left_on": "2026-01-01"}, {"role": "staff"}, {"left_on": "2099-01-01"}])
def test_a_source_does_not_take_away_the_only_admin(
    said: dict[str, str], tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer,
    add_person: Callable[..., int],
) -> None:  # fmt: skip
    number = add_person("aino", "admin")
    with sessions.begin() as session:
        accounts.open_account(session, session.get_one(Person, number))
        session.execute(Person.__table__.update().values(name="aino"))  # so that all of it comes from sources
    path = tmp_path / "people.jsonl"
    path.write_text(json.dumps({"type": "person", "id": "aino", "name": "Aino V", "role": "admin"}), encoding="utf-8")
    load(JSONLSource(path), sessions, analyzer)
    path.write_text(json.dumps({"type": "person", "id": "aino", "name": "Aino W", "role": "admin"} | said), "utf-8")
    report = load(JSONLSource(path), sessions, analyzer)
    assert any("only admin" in line for line in report.change_lines())
    with sessions() as session:
        person = session.scalars(select(Person)).one()
        assert (person.name, person.role, person.left_on) == ("Aino W", "admin", None)


def test_it_takes_the_role_away_where_there_is_another_admin(
    tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer, add_person: Callable[..., int]
) -> None:
    number = add_person("matti", "admin")
    path = tmp_path / "people.jsonl"
    path.write_text(json.dumps({"type": "person", "id": "aino", "name": "Aino", "role": "admin"}), encoding="utf-8")
    load(JSONLSource(path), sessions, analyzer)
    with sessions.begin() as session:
        for person in session.scalars(select(Person)):
            accounts.open_account(session, person)
    path.write_text(json.dumps({"type": "person", "id": "aino", "name": "Aino", "left_on": "2026-02-01"}), "utf-8")
    load(JSONLSource(path), sessions, analyzer)
    with sessions() as session:
        assert {person.left_on for person in session.scalars(select(Person))} == {None, date(2026, 2, 1)}
        assert session.get_one(Person, number).left_on is None
