"""What `kollega export` writes: which tables, under which names, and how a value of the database stands in JSON.

Teams, people, requests and documents are written as in the import format, with more fields. Each has its number in the
database as `row`, so that addresses and marks go on naming the same item after an import into an empty home.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import JSON, Column, Table

from indexer.sources.jsonl import EXPORT
from recommender.database import (  # noqa: F401 - so that their tables are known
    attachment_tables,
    audit_table,
    details_tables,
    documents_tables,
    encode_tables,
    erased_table,
    foreign_tables,
    gap_tables,
    import_tables,
    insight_tables,
    item_tables,
    organisation_tables,
    replica_tables,
    request_tables,
    risk_tables,
    search_count_tables,
    service_tables,
    source_tables,
    told_tables,
    words_tables,
)
from recommender.database.account_tables import Account
from recommender.database.tables import (
    Base,
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    Reply,
    RequestAttempt,
    RequestAudience,
    Team,
    team_members,
)

FORMAT = 1
ALL_TABLES = Base.metadata.tables
"""All tables of the database by name."""
HEADER, ERASED = EXPORT, "erased"


def table_of(model: type[Base]) -> Table:
    """The table of a model."""
    return cast(Table, model.__table__)


TEAMS, PEOPLE, REQUESTS, DOCUMENTS = (table_of(model) for model in (Team, Person, HelpRequest, Document))
REPLIES, ATTEMPTS = table_of(Reply), table_of(RequestAttempt)
REQUEST_AUDIENCE, DOCUMENT_AUDIENCE = table_of(RequestAudience), table_of(DocumentAudience)
MEMBERS, ACCOUNTS = team_members, table_of(Account)
RECORDS = {"team": TEAMS, "person": PEOPLE, "request": REQUESTS, "document": DOCUMENTS}
"""The records of the import format, in the order in which they are written."""
NESTED = (MEMBERS, REPLIES, REQUEST_AUDIENCE, ATTEMPTS, DOCUMENT_AUDIENCE)
"""Tables whose rows are written inside of these records."""
NOT_EXPORTED = (
    "accounts", "api_tokens", "sessions", "second_factors", "recovery_codes", "password_links", "outgoing_mail",
    "audit_log", "sent_forms", "counted_outcomes", "notifications", "seen_requests", "outcome_keys",
    "source_states", "jobs", "job_lines", "chat_accounts", "search_keys", "search_marks",
    "topic_questions", "topic_answers", "topic_figures", "topic_knowers", "gaps", "gap_items", "topic_ages",
    "reading_keys", "reading_marks", "rate_counts", "shared_texts",
    "encode_batches", "index_stores", "index_generations", "set_up_codes", "provisioned_people", "provisioned_teams",
)  # fmt: skip
"""How people sign in and who manages them elsewhere, mail that waits, notifications, which are news only for a while,
the audit log, whose chain belongs to one store, marks that are deleted soon and need the key of the home, when an agent
last looked at a request, how far sources were read, which `kollega sync` finds out again, work that waits, the figures
of topics, which are computed anew, and what machines share that is no record: their index too. The code of the first
admin belongs to one empty store."""
ROWS = (
    "request_links", "attachments", "replacements", "person_settings", "person_topics", "first_suggestions", "events",
    "erased", "imported_records", "import_conflicts", "request_follows", "mail_settings", "document_versions",
    "document_translations", "internal_notes", "canned_replies", "earlier_texts", "snoozed_requests",
    "withdrawn_requests", "team_destinations",
    "handovers", "handover_replies", "request_details", "document_details", "foreign_people", "person_addresses",
    "topics", "topic_items", "search_counts", "topic_weeks", "transfer_acts", "transfer_act_items",
    "success_measures", "measure_values", "teachings", "left_out", "sent_afterwards", "organisation_values",
    "word_lists", "pins",
)  # fmt: skip
"""Tables whose rows are written as they are, as lines of the type "row", in this order."""

_COMMON = {"id": "row", "updated_at": "changed_at"}
_NAMES: Mapping[Table, dict[str, str]] = {
    TEAMS: {**_COMMON, "handle": "id"},
    PEOPLE: {**_COMMON, "handle": "id", "stated_kind": "kind"},
    REQUESTS: {**_COMMON, "external_id": "id", "accepted_external_id": "accepted_reply"},
    REPLIES: {**_COMMON, "external_id": "id"},
    DOCUMENTS: {**_COMMON, "external_id": "id", "written_at": "updated_at"},
}
_COMPUTED = {PEOPLE: {"kind"}, REPLIES: {"request_id"}}
"""Columns that are not written: what follows from the others, or from where the row stands."""


def fields_of(table: Table) -> dict[str, "Column[Any]"]:
    """The columns of a record or reply by the names of their fields; a reference to a person or team has the name of
    its column without `_id`. A new column is exported without any change here."""
    names, left_out = _NAMES[table], _COMPUTED.get(table, set())
    fields: dict[str, Column[Any]] = {}
    for column in table.columns:
        if column.name not in left_out:
            fields[names.get(column.name) or (column.name.removesuffix("_id"))] = column
    return fields


def refers_to(column: "Column[Any]") -> Table | None:
    """TEAMS or PEOPLE for a column that refers to a team or person, which is written by its handle."""
    for key in column.foreign_keys:
        if key.column.table in (TEAMS, PEOPLE):
            return key.column.table
    return None


def as_json(value: Any) -> Any:
    """A value of the database in JSON: times and days as ISO 8601, everything else as it is."""
    return value.isoformat() if isinstance(value, date) else value


_READ: Mapping[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, date: date.fromisoformat}


def from_json(value: Any, column: "Column[Any]") -> Any:
    """A value of the file as the column stores it. Raises ValueError when it is of another type."""
    if value is None:
        if not column.nullable:
            raise ValueError("must not be null")
        return None
    if isinstance(column.type, JSON):
        return value
    kind = column.type.python_type
    if kind in _READ:
        if not isinstance(value, str):
            raise ValueError("is not a time")
        return _READ[kind](value)
    if type(value) is not kind:
        raise ValueError(f"is not of the type {kind.__name__}")
    return value
