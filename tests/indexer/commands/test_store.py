"""commands/store.py: `kollega backup`, `restore` and `upgrade`, on the museum and what people did in it."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select

import recommender
from recommender import audit
from recommender.database.account_tables import Account, APIToken
from recommender.database.audit_table import AuditEntry
from recommender.database.details_tables import DocumentDetails, RequestDetails
from recommender.database.documents_tables import DocumentTranslation, DocumentVersion
from recommender.database.engine import newest_revision, open_database, open_engine
from recommender.database.foreign_tables import ForeignPerson, PersonAddress, address_digest
from recommender.database.handover_tables import Handover, HandoverReply, TeamDestination
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.item_tables import Replacement
from recommender.database.organisation_tables import OrganisationValue
from recommender.database.request_tables import (
    CannedReply,
    EarlierText,
    InternalNote,
    SnoozedRequest,
    WithdrawnRequest,
)
from recommender.database.risk_tables import TopicWeek, TransferAct, TransferActItem
from recommender.database.search_count_tables import SearchCount
from recommender.database.service_tables import (
    LeftOut,
    MeasureValue,
    ReadingKey,
    ReadingMark,
    SentAfterwards,
    SuccessMeasure,
    Teaching,
)
from recommender.database.tables import (
    Document,
    DocumentAudience,
    Event,
    FirstSuggestion,
    HelpRequest,
    Person,
    PersonSettings,
    PersonTopic,
    Reply,
    RequestAttempt,
    RequestAudience,
    RequestLink,
    Team,
)
from recommender.database.told_tables import MailSettings, RequestFollow
from recommender.database.words_tables import Pin, WordList
from recommender.errors import DatabaseUnusable
from recommender.settings import Settings
from tests import museum
from tests.indexer.conftest import Kollega, WriteLines
from tests.postgresql import Server
from tests.rows import all_rows, rows_of_store

FIRST_PUBLIC = "0003"
"""The revision of the tables in the first version that was handed out."""
DROPPED = {("accounts", "session_key")}
"""Columns that a newer version does without: since 0008 each session is a row."""
DAY, MOMENT = date(2026, 5, 4), datetime(2026, 5, 4, 9, 30)


def add_what_people_did(settings: Settings) -> None:
    """A row in each table that an import does not fill."""
    factory = open_database(settings)
    with factory.begin() as session:
        petteri, oona, mirva = (session.query(Person).filter_by(handle=name).one() for name in museum.PEOPLE_WHO_ACT)
        first, second = session.query(HelpRequest).order_by(HelpRequest.id).limit(2)
        first.assigned_to, first.body = petteri, 'Line one.\r\nLine two, with a tab\t and a quote " and ’.'
        written = HelpRequest(
            title="Written here", body="🔑", language="fi", created_at=MOMENT, asked_by=oona, anonymous=True,
            hidden=True, team=first.team, tags=["a", "ä"],
        )  # fmt: skip
        written.replies.append(Reply(author=mirva, body="Reply", created_at=MOMENT, accepted=True, score=3))
        written.audience.append(RequestAudience(token=f"person:{mirva.id}"))
        session.add(written)
        session.flush()
        written.attempts.append(RequestAttempt(item=f"request:{first.id}", position=0, opened=True))
        guide = Document(
            title="Guide", body="## One", language="fi", owner=petteri, verified_by=oona, verified_on=DAY,
            review_days=90, draft=True, drafted_from_id=first.id, written_at=MOMENT,
            audience=[DocumentAudience(token="team:tekniikka")],
        )  # fmt: skip
        session.add_all([
            guide,
            Account(person=petteri, password_hash="$argon2id$x", subject="subject"),
            APIToken(person=petteri, name="API", digest="d", scopes=["read"], created_at=MOMENT, expires_on=DAY),
            PersonSettings(person_id=oona.id, paused=True, capacity=2, deputy_id=petteri.id),
            PersonTopic(person_id=oona.id, kind="muted", topic="VPN", created_on=DAY),
            FirstSuggestion(person_id=oona.id, day=DAY, count=3),
            RequestLink(from_id=first.id, to_id=second.id, kind="duplicate"),
            Event(kind="used", item=f"request:{first.id}", day=DAY, request_id=written.id, settled=False),
            Event(kind="not_my_topic", item=f"request:{first.id}", day=DAY, subject_id=oona.id, settled=False),
            Event(kind="flagged", item=f"request:{second.id}", day=DAY, note="Old", settled=True),
            Replacement(item=f"request:{first.id}", by=f"request:{second.id}", marked_by_id=oona.id, marked_at=MOMENT),
            RequestFollow(person_id=oona.id, request_id=first.id, follows=True, me_too=True, at=MOMENT),
            MailSettings(person_id=oona.id, language="fi", quiet_from=20, quiet_until=7, kinds={"reply": "never"}),
            InternalNote(request_id=first.id, team_id=None, author_id=petteri.id, body="Secret", created_at=MOMENT),
            CannedReply(team_id=session.query(Team).first().id, title="Restart", body="Restart it."),  # type: ignore[union-attr]
            EarlierText(request_id=first.id, author_id=oona.id, title="Before", body="Text", changed_at=MOMENT),
            SnoozedRequest(request_id=first.id, until=MOMENT, snoozed_at=MOMENT),
            WithdrawnRequest(request_id=written.id, withdrawn_at=MOMENT),
            TeamDestination(team_id=session.query(Team).first().id, target="desk", options={"project": "IT"}),  # type: ignore[union-attr]
            Handover(
                request_id=written.id, target="desk", options={}, key="kollega-1-x", state="sent", created_at=MOMENT,
                next_attempt_at=MOMENT, sent_at=MOMENT, source="desk", external_id="10001", number="IT-1",
                team_handle="tekniikka", readers_there=["IT"], is_private_there=True,
            ),
            HandoverReply(
                reply_id=written.replies[0].id, request_id=written.id, state="sent", created_at=MOMENT,
                next_attempt_at=MOMENT, external_id="12",
            ),
            RequestDetails(request_id=first.id, merged_into="x", attachments=["a.png"], properties={"priority": "1"}),
            ForeignPerson(source="desk", foreign_id="17", person_id=oona.id),
            PersonAddress(mail_digest=address_digest("oona@example.org"), person_id=oona.id),
        ])  # fmt: skip
        team = session.query(Team).first()
        assert team is not None
        original = Document(title="Ohje", body="Yksi", language="fi", owner=petteri, written_at=MOMENT)
        topic = TopicRow(audience="everyone", name_fi="avain", name_en="key", given_fi="avaimet", made_on=DAY)
        session.add_all([original, topic])
        session.flush()
        session.add_all([
            DocumentVersion(
                document_id=guide.id, saved_at=MOMENT, saved_by_id=oona.id, title="Guide", body="Before",
                text_digest="d", audience=["team:tekniikka"],
            ),
            DocumentTranslation(document_id=guide.id, original_id=original.id),
            DocumentDetails(document_id=guide.id, attachments=["plan.pdf"]),
            TopicItem(topic_id=topic.id, item=f"request:{first.id}", chosen=True),
            SearchCount(topic_id=topic.id, week=DAY, verdict="unknown", people=5),
            Teaching(topic_id=topic.id, person_id=oona.id, colleague_id=mirva.id, since=DAY),
            LeftOut(topic_id=topic.id, person_id=oona.id, since=DAY),
            OrganisationValue(key="name", value="Museo", changed_by_id=oona.id, changed_at=MOMENT),
            SentAfterwards(team_id=team.id, topic_id=topic.id, kind="solved", since=DAY, times=2),
            SuccessMeasure(
                team_id=team.id, sentence="Keys are back by noon.", written_on=DAY,
                values=[MeasureValue(number=92.5, day=DAY, written_at=MOMENT)],
            ),
            ReadingKey(day=DAY, key="k"),
            WordList(text="avain, key", made_by_id=oona.id, made_at=MOMENT),
            Pin(
                phrase="keys", item=f"request:{first.id}", audience="everyone", until=DAY, team_id=team.id,
                made_by_id=oona.id, made_at=MOMENT,
            ),
            ReadingMark(digest="r", day=DAY, kind="left", team_id=team.id, times=1, sent=False),
            TopicWeek(
                topic_id=topic.id, week=DAY, demand=12.0, answerable=0.5, bus_factor=1, expected_loss=1.5,
            ),
            TransferAct(
                topic_id=topic.id, kind="write", state="started", person_id=oona.id, colleague_id=petteri.id,
                document_id=guide.id, minutes=60, loss_before=2.0, loss_after=1.0, measured_before=0.5,
                proposed_at=MOMENT, started_at=MOMENT,
            ),
            TransferActItem(act_id=1, item=f"request:{first.id}"),
        ])  # fmt: skip
    factory.kw["bind"].dispose()


@pytest.fixture
def home(kollega: Kollega, write_lines: WriteLines) -> Path:
    """The museum, and what people did in it."""
    assert kollega("import", "jsonl", write_lines(*museum.lines())).exit_code == 0
    made = Path(os.environ["KOLLEGA_HOME"])
    add_what_people_did(Settings.from_environment())
    return made


def _old_database(path: Path, revision: str, source: Path) -> None:
    """A database with the tables of an old revision and those rows and columns of `source` that it had."""
    config = Config()
    config.set_main_option("script_location", str(Path(recommender.__file__).parent / "database" / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        query = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        for (name,) in connection.execute(query).fetchall():
            if name != "alembic_version":
                columns = [row[1] for row in connection.execute(f'PRAGMA main.table_info("{name}")')]
                values = ["'k'" if (name, column) in DROPPED else f'"{column}"' for column in columns]
                chosen = f'SELECT {", ".join(values)} FROM source."{name}"'  # noqa: S608
                connection.execute(f'INSERT INTO main."{name}" ({", ".join(columns)}) {chosen}')
        connection.commit()


@pytest.mark.sqlite_only
def test_a_store_is_copied_to_postgresql_and_back_equal_row_by_row(
    kollega: Kollega, home: Path, server: Server, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address, before = server.new_database(request, empty=True), all_rows(home / "kollega.db")
    result = kollega("copy-store", str(home), address)
    tables = sum(bool(rows) for rows in before.values()) + 1  # the audit log
    assert result.exit_code == 0 and f" rows of {tables} tables (version {newest_revision()})" in result.stdout
    assert result.stdout.endswith("Now set KOLLEGA_DATABASE to the new database, and start Kollega.\n")
    back = tmp_path / "back.db"
    assert kollega("copy-store", address, str(back)).exit_code == 0
    assert all_rows(back) == before
    entries = [len(all_rows(path, ())["audit_log"]) for path in (back, home / "kollega.db")]
    assert entries[0] == entries[1] + 2  # of the copy there, and of the one back
    refused = kollega("copy-store", str(home), address)
    assert refused.exit_code == 1 and "not empty" in refused.stderr and "Nothing was copied" in refused.stderr


def _same_columns(rows: dict[str, list[Any]], before: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The rows of the tables of `before`, with only the columns that those had."""
    same = {}
    for name, old in before.items():
        columns = {column for column, _value in old[0] if (name, column) not in DROPPED}
        same[name] = sorted(([pair for pair in row if pair[0] in columns] for row in rows[name]), key=repr)
    return same


def _audited(settings: Settings) -> list[tuple[str, Any]]:
    engine = open_engine(settings)
    with engine.connect() as connection:
        query = select(AuditEntry.action, AuditEntry.details).where(AuditEntry.action.startswith("store."))
        found = [(action, details) for action, details in connection.execute(query.order_by(AuditEntry.id))]
    engine.dispose()
    return found


@pytest.mark.sqlite_only
def test_an_old_database_is_refused_then_upgraded_after_a_backup_and_keeps_every_row(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    _old_database(old / "kollega.db", FIRST_PUBLIC, home / "kollega.db")
    before = all_rows(old / "kollega.db")
    assert all(before.values()) and len(before) == 16 and len(before["requests"]) == len(museum.REQUESTS) + 1
    monkeypatch.setenv("KOLLEGA_HOME", str(old))
    refused = kollega("user", "list")
    assert refused.exit_code == 1 and "run: kollega upgrade" in refused.stderr
    assert all_rows(old / "kollega.db") == before
    result = kollega("upgrade")
    (backup,) = (old / "backups").iterdir()
    assert (result.exit_code, result.stdout) == (
        0,
        f"upgraded the database from version {FIRST_PUBLIC} to {newest_revision()}; a backup is {backup}\n",
    )
    assert _same_columns(all_rows(old / "kollega.db"), before) == _same_columns(before, before)
    assert kollega("user", "list").exit_code == 0
    assert kollega("upgrade").stdout == f"up to date (version {newest_revision()} of the database)\n"
    done = {"before": FIRST_PUBLIC, "after": newest_revision(), "backup": backup.name, "account": audit.account()}
    assert _audited(Settings(home=old)) == [("store.upgrade", done)]
    monkeypatch.setenv("KOLLEGA_HOME", str(tmp_path / "back"))
    assert "Now run: kollega upgrade" in kollega("restore", str(backup)).stdout
    assert all_rows(tmp_path / "back" / "kollega.db") == before


@pytest.mark.sqlite_only
def test_only_the_last_three_backups_of_upgrades_are_kept(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    _old_database(tmp_path / "made.db", FIRST_PUBLIC, home / "kollega.db")
    monkeypatch.setenv("KOLLEGA_HOME", str(old))
    seen = []
    for _time in range(5):
        for path in old.glob("kollega.db*"):
            path.unlink()
        shutil.copy(tmp_path / "made.db", old / "kollega.db")
        assert kollega("upgrade").exit_code == 0
        seen += sorted({path.name for path in (old / "backups").iterdir()} - set(seen))
    assert sorted(path.name for path in (old / "backups").iterdir()) == seen[-3:]


@pytest.mark.sqlite_only
def test_a_failed_upgrade_leaves_the_database_as_it_was(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    _old_database(old / "kollega.db", FIRST_PUBLIC, home / "kollega.db")
    before = all_rows(old / "kollega.db", leave_out=())
    monkeypatch.setenv("KOLLEGA_HOME", str(old))

    def broken(*_arguments: object) -> None:
        raise ValueError("no such step")

    with monkeypatch.context() as patch:
        patch.setattr("recommender.database.upgrade.migrate", broken)
        result = kollega("upgrade")
    (backup,) = (old / "backups").iterdir()
    assert result.exit_code == 1 and result.stderr == (
        "Error: The upgrade failed (ValueError: no such step). The database is as it was before. A backup is "
        f"{backup}.\n"
    )
    assert all_rows(old / "kollega.db", leave_out=()) == before


@pytest.mark.sqlite_only
def test_without_a_backup_none_is_made(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    _old_database(old / "kollega.db", FIRST_PUBLIC, home / "kollega.db")
    monkeypatch.setenv("KOLLEGA_HOME", str(old))
    assert kollega("upgrade", "--no-backup").exit_code == 0
    assert not (old / "backups").exists()


@pytest.mark.sqlite_only
def test_upgrading_nothing_makes_a_database(kollega: Kollega) -> None:
    assert kollega("upgrade").stdout == f"made a new database (version {newest_revision()})\n"


@pytest.mark.sqlite_only
def test_the_demo_upgrades_a_database_itself(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    _old_database(old / "kollega.db", FIRST_PUBLIC, home / "kollega.db")
    monkeypatch.setenv("KOLLEGA_HOME", str(old))
    monkeypatch.setattr("indexer.commands.serve.import_source", lambda *_arguments: None)
    monkeypatch.setattr("indexer.commands.serve.update_index", lambda *_arguments, **_more: None)
    assert kollega("demo").stdout.startswith(f"upgraded the database from version {FIRST_PUBLIC}")
    assert kollega("demo").stdout == ""


def test_a_backup_restored_elsewhere_has_every_row_and_both_are_audited(
    kollega: Kollega, home: Path, tmp_path: Path, store_address: str, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    here, file = Settings.from_environment(), tmp_path / "backup.zip"
    result = kollega("backup", str(file))
    assert result.exit_code == 0 and result.stdout.endswith(f" MB of database in {file} (kollega.db)\n")
    assert [action for action, _details in _audited(here)] == ["store.backup"]
    again = kollega("backup", str(file))
    assert again.exit_code == 1 and "exists already" in again.stderr
    monkeypatch.setenv("KOLLEGA_HOME", str(tmp_path / "restored"))
    if store_address:
        server: Server = request.getfixturevalue("server")
        monkeypatch.setenv("KOLLEGA_DATABASE", server.new_database(request, empty=True))
    result = kollega("restore", str(file))
    assert result.exit_code == 0 and result.stdout.endswith("Now run: kollega reindex\n")
    restored = Settings.from_environment()
    assert rows_of_store(restored) == rows_of_store(here)
    assert [action for action, _details in _audited(restored)] == ["store.restore"]
    again = kollega("restore", str(file))
    refused = "The database that KOLLEGA_DATABASE names is not empty" if store_address else "The home is not empty"
    assert again.exit_code == 1 and refused in again.stderr


@pytest.mark.sqlite_only
def test_a_database_of_an_older_version_is_backed_up_too(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_lines: Callable[..., str]
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    _old_database(old / "kollega.db", FIRST_PUBLIC, home / "kollega.db")
    monkeypatch.setenv("KOLLEGA_HOME", str(old))
    assert kollega("backup", str(tmp_path / "b.zip")).exit_code == 0


@pytest.mark.parametrize("command", ["backup", "export"])
def test_nothing_leaves_the_store_without_an_entry_in_the_audit_log(
    kollega: Kollega, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    here = Settings.from_environment()
    before, file, there = len(_audited(here)), tmp_path / "out", []
    record = audit.record
    monkeypatch.setattr(audit, "record", lambda *values: (there.append(file.exists()), record(*values)))
    assert kollega(command, str(file)).exit_code == 0
    assert (there, len(_audited(here))) == ([False], before + 1)

    def refuse(*_values: object) -> None:
        raise DatabaseUnusable("The log is full.")

    monkeypatch.setattr(audit, "record", refuse)
    refused = kollega(command, str(tmp_path / "second"))
    assert (refused.exit_code, (tmp_path / "second").exists()) == (1, False)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
