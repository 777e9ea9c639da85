"""loading/many_rows.py: many rows at once are those that SQLAlchemy inserts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.many_rows import among, insert_rows, insert_with_ids
from recommender.database.import_tables import ImportedRecord
from recommender.database.tables import HelpRequest, Person

_AT = datetime(2026, 3, 2, 8, 10, 30, 250)


def _requests(first: int) -> list[dict[str, Any]]:
    return [
        {"title": f"Tulostin {number}", "body": "é\n🙂", "language": "fi", "created_at": _AT, "source": "s",
         "external_id": str(number), "tags": ["a", "ö"] if number % 2 else [], "resolved_at": None}
        for number in range(first, first + 3)
    ]  # fmt: skip


def test_rows_and_defaults_are_those_that_sqlalchemy_inserts(sessions: sessionmaker[Session]) -> None:
    table: Any = HelpRequest.__table__
    with sessions() as session:
        insert_rows(session, table, _requests(0))
        session.connection().execute(insert(table), _requests(3))
        ids = insert_with_ids(session, table, _requests(6), "external_id")
        rows = [dict(row) for row in session.execute(select(table).order_by(table.c.id)).mappings()]
    assert [row["id"] for row in rows[6:]] == ids
    for row in rows:
        assert abs(row.pop("updated_at") - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)
        number = int(row.pop("external_id"))
        assert row.pop("title") == f"Tulostin {number}" and row.pop("id") > 0
        assert row.pop("tags") == (["a", "ö"] if number % 2 else [])
    assert rows == [rows[3]] * 9  # the same defaults, times and texts


def test_a_table_whose_name_of_a_column_and_default_are_a_list(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        said = [{"key": "k", "source": "s", "fields": {"title": "x", "replies": {"1": {"body": "y"}}}, "run": "r"}]
        insert_rows(session, ImportedRecord.__table__, said)
        row = session.scalars(select(ImportedRecord)).one()
    assert (row.fields, row.earlier) == ({"title": "x", "replies": {"1": {"body": "y"}}}, [])


def test_no_rows_are_no_statement(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        assert insert_with_ids(session, Person.__table__, [], "handle") == []


def test_values_are_looked_for_only_where_there_are_rows(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        assert among(session, HelpRequest.external_id, HelpRequest.source == "s", ["0", "9"]) == set()
        insert_rows(session, HelpRequest.__table__, _requests(0))
        assert among(session, HelpRequest.external_id, HelpRequest.source == "s", ["0", "9"]) == {"0"}
        assert among(session, HelpRequest.external_id, HelpRequest.source == "other", ["0"]) == set()
