"""membership/merging.py: two accounts of one person become one, and nobody else gets to read more."""

import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from recommender import access, accounts, audit, database
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.account_tables import Account, APIToken, SecondFactor, SignInSession
from recommender.database.audit_table import AuditEntry
from recommender.database.insight_tables import TopicRow
from recommender.database.tables import (
    Base,
    Document,
    FirstSuggestion,
    HelpRequest,
    Person,
    PersonSettings,
    Reply,
    RequestAudience,
    utc_now,
)
from recommender.database.told_tables import RequestFollow
from recommender.errors import AccountError
from recommender.knowledge import erasure
from recommender.language.analyzer import Analyzer
from recommender.membership import merged_rows, merging, people
from recommender.settings import Settings
from tests.paths import ROOT
from tests.recommender.membership.conftest import Add

AddRow = Callable[..., int]


def test_every_column_that_refers_to_a_person_is_known() -> None:
    """A new table that refers to people fails here until REFERENCES says what merging does with its rows."""
    for module in pkgutil.iter_modules(database.__path__):
        if module.name.endswith(("tables", "table")):
            importlib.import_module(f"{database.__name__}.{module.name}")
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column.table.name == "people" for key in column.foreign_keys)
    }
    assert columns == set(merged_rows.REFERENCES)


def test_a_column_that_is_unique_for_a_person_is_never_only_pointed_elsewhere() -> None:
    for reference, policy in merged_rows.REFERENCES.items():
        table, column = merged_rows.column_of(reference)
        unique = column.primary_key or any(
            column.name in part.columns for part in table.constraints if type(part).__name__ == "UniqueConstraint"
        )
        assert not (unique and policy == merged_rows.POINT), reference


def test_a_command_which_has_loaded_few_tables_finds_all_columns() -> None:
    code = (
        "from recommender.membership import merged_rows as m; print(len([m.column_of(each) for each in m.REFERENCES]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(ran.stdout) == len(merged_rows.REFERENCES)


@pytest.fixture
def two(session: Session, add: Add, add_request: AddRow, add_document: AddRow) -> tuple[Person, Person]:
    """aino, whom an import knows, and a.virtanen, who signs in at a provider; each with rows of their own."""
    kept, gone = add("aino", "agent", "it"), add("a.virtanen", "staff", "hr")
    add("vera", "agent", "it")
    add_request("VPN", asked_by="a.virtanen", by="aino", team="it")
    add_request("Salary", asked_by="a.virtanen", by="vera", audience=(), team="hr")
    add_request("Printer", asked_by="vera", by="a.virtanen", audience=(f"person:{gone.id}", f"person:{kept.id}"))
    add_document("Notes", "Own", audience=(f"person:{gone.id}",), owner="a.virtanen", draft=True)
    return kept, gone


def _readable(session: Session, person: Person) -> set[str]:
    reader = access.reader_of(person)
    requests = session.scalars(select(HelpRequest.title).where(access.readable_requests(reader)))
    documents = session.scalars(select(Document.title).where(access.readable_documents(reader)))
    return {*requests, *documents}


def test_the_one_has_everything_afterwards_and_nobody_else_reads_more(
    session: Session, two: tuple[Person, Person]
) -> None:
    kept, gone = two
    vera, before = people.find(session, "vera"), _readable(session, people.find(session, "vera"))
    together = _readable(session, kept) | _readable(session, gone)
    seen = merging.preview(session, kept, gone, None, 7)
    assert (seen.requests, seen.assigned, seen.replies, seen.documents) == (2, 0, 1, 1)
    assert (seen.role, seen.new_teams) == ("agent", ("hr",))
    merging.merge(session, kept, gone)
    session.commit()
    assert _readable(session, kept) == together and _readable(session, vera) == before
    assert session.scalars(select(Person.handle).order_by(Person.handle)).all() == ["aino", "vera"]
    assert [team.handle for team in kept.teams] == ["hr", "it"]
    tokens = session.scalars(select(RequestAudience.token).where(RequestAudience.token.startswith("person:"))).all()
    assert tokens == [f"person:{kept.id}"]
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == merging.MERGED)).one()
    assert (entry.subject, entry.details and entry.details["handle"]) == (f"person:{kept.id}", "a.virtanen")


def test_an_admin_is_told_only_of_what_they_may_read(session: Session, two: tuple[Person, Person], add: Add) -> None:
    kept, gone = two
    admin = add("tuomas", "admin", "it")
    seen = merging.preview(session, kept, gone, access.reader_of(admin), 7)
    assert (seen.requests, seen.replies, seen.documents) == (1, 0, 0)
    asked = session.scalars(select(HelpRequest).where(HelpRequest.title == "VPN")).one()
    asked.anonymous = True
    session.flush()
    assert merging.preview(session, kept, gone, access.reader_of(admin), 7).requests == 0


def test_a_reply_of_the_one_to_a_nameless_question_of_the_other_tells_nobody_who_asked(
    session: Session, two: tuple[Person, Person]
) -> None:
    kept, gone = two
    asked = session.scalars(select(HelpRequest).where(HelpRequest.title == "VPN")).one()
    asked.anonymous = True
    session.commit()
    merging.merge(session, kept, gone)
    reply = session.scalars(select(Reply).where(Reply.request_id == asked.id)).one()
    assert reply.author_id is None and asked.asked_by_id == kept.id


def test_rows_that_both_have_are_one_afterwards(session: Session, two: tuple[Person, Person]) -> None:
    kept, gone = two
    for person, count, day in ((kept, 2, 1), (gone, 3, 1), (gone, 4, 2)):
        session.add(FirstSuggestion(person_id=person.id, day=date(2026, 1, day), count=count))
        if day == 1:
            session.add(RequestFollow(person_id=person.id, request_id=1))
    session.add(PersonSettings(person_id=gone.id, paused=True, capacity=3, deputy_id=kept.id))
    session.commit()
    merging.merge(session, kept, gone)
    counts = session.execute(select(FirstSuggestion.person_id, FirstSuggestion.count).order_by(FirstSuggestion.day))
    assert counts.all() == [(kept.id, 5), (kept.id, 4)]
    assert session.scalars(select(RequestFollow.person_id)).all() == [kept.id]
    settings = session.scalars(select(PersonSettings)).one()
    assert (settings.person_id, settings.paused, settings.capacity, settings.deputy_id) == (kept.id, True, 3, None)


def test_no_row_of_any_table_is_left_or_lost(session: Session, two: tuple[Person, Person]) -> None:
    """A row in every table that refers to people, made from the columns, is deleted or refers to who is kept."""
    kept, gone = two
    vera = people.find(session, "vera")
    session.add(TopicRow(audience="everyone", name_fi="vpn", name_en="vpn", made_on=date(2026, 1, 1)))
    session.flush()
    for reference, policy in merged_rows.REFERENCES.items():
        table, column = merged_rows.column_of(reference)
        filled = session.scalar(select(column).where(column == gone.id)) is not None
        if policy in (merged_rows.POINT, merged_rows.UNITE) and not filled:
            session.execute(insert(table).values(**_row(table, column.name, gone.id, vera.id)))
    session.commit()
    merging.merge(session, kept, gone)
    session.commit()
    for reference, policy in merged_rows.REFERENCES.items():
        _table, column = merged_rows.column_of(reference)
        assert session.scalars(select(column).where(column == gone.id)).all() == [], reference
        if policy in (merged_rows.POINT, merged_rows.UNITE):
            assert session.scalars(select(column).where(column == kept.id)).first() == kept.id, reference


def _row(table: Table, name: str, person: int, other: int) -> dict[str, Any]:
    """Something for every column that must have a value; `name` refers to this person, other columns to another one, or
    to the first row of their table."""
    examples: dict[type, Any] = {
        str: f"{table.name} {name}"[:16], int: 1, bool: False, float: 1.0, dict: [], object: [], date: date(2026, 1, 1),
        datetime: datetime(2026, 1, 1),
    }  # fmt: skip
    values: dict[str, Any] = {}
    for column in table.columns:
        refers = [key.column.table.name for key in column.foreign_keys]
        if column.nullable or (column.name == "id" and column.primary_key):
            continue
        values[column.name] = other if refers == ["people"] else 1 if refers else examples[column.type.python_type]
    return values | {name: person}


def test_sessions_and_tokens_of_both_end_and_the_account_has_what_one_lacked(
    session: Session, two: tuple[Person, Person]
) -> None:
    kept, gone = two
    accounts.set_password(session, gone, "Correct-horse 9")
    accounts.set_email(session, gone, "aino@example.org")
    accounts.link(session, accounts.open_account(session, gone), "subject-1")
    for person in two:
        sign_in_sessions.begin(session, person, "password", days=1)
        accounts.make_token(session, person, "job", ["read"])
    session.commit()
    seen = merging.preview(session, kept, gone, None, 7)
    assert (seen.sessions, seen.tokens, seen.takes_password, seen.loses_link) == (2, 2, True, False)
    merging.merge(session, kept, gone)
    session.commit()
    assert session.scalars(select(APIToken)).all() == session.scalars(select(SignInSession)).all() == []
    account = session.get_one(Account, kept.id)
    assert (account.email, account.subject) == ("aino@example.org", "subject-1")
    for name in ("aino", "a.virtanen"):  # the earlier user name still works
        assert accounts.sign_in(session, name, "Correct-horse 9") is account


def test_two_steps_do_not_become_one(session: Session, two: tuple[Person, Person], settings: Settings) -> None:
    kept, gone = two
    accounts.set_password(session, gone, "Correct-horse 9")
    session.add(SecondFactor(person_id=gone.id, nonce="0" * 32, confirmed_at=utc_now(), last_step=1))
    session.commit()
    seen = merging.preview(session, kept, gone, None, 7)
    assert (seen.takes_password, seen.ends_password, seen.ends_second_factor) == (False, True, True)
    merging.merge(session, kept, gone)
    session.commit()
    assert session.get_one(Account, kept.id).password_hash is None
    assert accounts.sign_in(session, "aino", "Correct-horse 9") is None


def test_the_only_admin_is_not_locked_out_by_the_end_of_their_second_factor(session: Session, add: Add) -> None:
    kept, gone = add("aino", "agent"), add("aino.admin", "admin")
    accounts.set_password(session, gone, "Correct-horse 9")
    session.add(SecondFactor(person_id=gone.id, nonce="0" * 32, confirmed_at=utc_now(), last_step=1))
    session.commit()
    with pytest.raises(AccountError, match="only admin"):
        merging.merge(session, kept, gone)
    session.rollback()
    accounts.set_password(session, kept, "Violet-stapler 9")
    merging.merge(session, kept, gone)
    assert kept.role == "admin"


def test_rights_of_a_disabled_account_do_not_come_back(session: Session, add: Add) -> None:
    kept, gone = add("aino", "staff", "it"), add("old", "admin", "hr")
    accounts.set_password(session, add("tuomas", "admin"), "Violet-stapler 9")
    accounts.set_password(session, gone, "Correct-horse 9")
    accounts.disable(session, gone)
    merging.merge(session, kept, gone)
    assert (kept.role, [team.handle for team in kept.teams]) == ("staff", ["it"])
    assert session.get_one(Account, kept.id).password_hash is None


def test_what_cannot_be_merged_is_refused(session: Session, add: Add) -> None:
    aino, robot, tuomas = add("aino"), add("robot"), add("tuomas", "admin")
    people.set_kind(session, robot, "service")
    with pytest.raises(AccountError, match="this is one"):
        merging.merge(session, aino, aino)
    with pytest.raises(AccountError, match="is a person and robot a service"):
        merging.preview(session, aino, robot, None, 7)
    accounts.disable(session, aino)
    with pytest.raises(AccountError, match="only admin"):
        merging.merge(session, aino, tuomas)


def test_no_import_makes_the_other_one_again(
    session: Session, sessions: sessionmaker[Session], analyzer: Analyzer, tmp_path: Path
) -> None:
    records = [
        {"type": "person", "id": "avi", "name": "Aino Virtanen"},
        {
            "type": "request", "id": "1", "title": "VPN", "body": "It drops.", "asked_by": "avi",
            "created_at": "2026-01-01T10:00:00Z",
        },
    ]  # fmt: skip
    _import(sessions, analyzer, tmp_path, records)
    gone, kept = people.find(session, "avi"), people.add(session, "aino", "Aino Virtanen")
    merging.merge(session, kept, gone)
    session.commit()
    records.append(dict(records[1], id="2", title="Printer"))
    for name in ("helpdesk", "another"):
        _import(sessions, analyzer, tmp_path, records, name)
    session.expire_all()
    assert session.scalars(select(Person.handle)).all() == ["aino"]
    askers = session.scalars(select(HelpRequest.asked_by_id).order_by(HelpRequest.id)).all()
    assert askers == [kept.id] * len(askers) and len(askers) == 4
    with pytest.raises(AccountError, match="has the user name avi already"):
        people.add(session, "avi")
    erasure.erase_person(session, kept, audit.COMMAND)
    session.commit()
    _import(sessions, analyzer, tmp_path, records)
    assert session.scalars(select(Person.handle)).all() == []


def _import(
    sessions: sessionmaker[Session], analyzer: Analyzer, folder: Path, records: list[dict[str, str]],
    source: str = "helpdesk",
) -> None:  # fmt: skip
    file = folder / "records.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    assert load(JSONLSource(file, source), sessions, analyzer).problems == []
