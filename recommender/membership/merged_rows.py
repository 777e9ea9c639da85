"""The rows that refer to a person, and what becomes of them when two accounts of one person become one."""

import importlib
import pkgutil
from functools import cache

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    UniqueConstraint,
    and_,
    delete,
    exists,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from recommender import database
from recommender.database import audience_tokens
from recommender.database.risk_tables import TransferAct
from recommender.database.service_tables import Teaching
from recommender.database.storing import flush_and_expire
from recommender.database.tables import (
    Base,
    FirstSuggestion,
    HelpRequest,
    PersonSettings,
    Reply,
)

POINT, UNITE, END, OWN = "point", "unite", "end", "own"
"""What happens to the rows that refer to the one who goes: they refer to the one who is kept; the same, but a row that
the other has too is dropped; they are deleted; a function of this module knows."""
REFERENCES: dict[str, str] = {
    "accounts.person_id": OWN,
    "api_tokens.person_id": END,
    "attachments.uploaded_by_id": POINT,
    "chat_accounts.person_id": POINT,
    "document_versions.saved_by_id": POINT,
    "documents.owner_id": POINT,
    "documents.verified_by_id": POINT,
    "earlier_texts.author_id": POINT,
    "events.subject_id": POINT,
    "first_suggestions.person_id": OWN,
    "foreign_people.person_id": POINT,
    "internal_notes.author_id": POINT,
    "jobs.made_by_id": POINT,
    "left_out.person_id": UNITE,
    "mail_settings.person_id": UNITE,
    "notifications.actor_id": POINT,
    "organisation_values.changed_by_id": POINT,
    "notifications.person_id": POINT,
    "outgoing_mail.person_id": POINT,
    "password_links.person_id": END,
    "person_addresses.person_id": POINT,
    "person_settings.deputy_id": POINT,
    "person_settings.person_id": OWN,
    "person_topics.person_id": UNITE,
    "pins.made_by_id": POINT,
    "provisioned_people.person_id": UNITE,
    "recovery_codes.person_id": END,
    "replacements.marked_by_id": POINT,
    "replies.author_id": OWN,
    "request_follows.person_id": UNITE,
    "requests.asked_by_id": POINT,
    "requests.assigned_to_id": POINT,
    "second_factors.person_id": END,
    "seen_requests.person_id": UNITE,
    "sessions.person_id": END,
    "teachings.colleague_id": UNITE,
    "teachings.person_id": UNITE,
    "team_members.person_id": OWN,
    "topic_knowers.person_id": UNITE,
    "transfer_acts.colleague_id": POINT,
    "transfer_acts.person_id": POINT,
    "word_lists.made_by_id": POINT,
}
"""Every column that refers to a person. A test compares it with the tables, so that a new one is not forgotten."""


def point(session: Session, kept: int, gone: int) -> None:
    """Let every row refer to `kept` that refers to `gone`, except those of `accounts`. Nobody else may read anything
    afterwards that they could not read before."""
    session.flush()
    _merge_replies(session, kept, gone)
    _merge_counts(session, kept, gone)
    _merge_settings(session, kept, gone)
    for reference, policy in REFERENCES.items():
        table, column = column_of(reference)
        if policy == UNITE:
            _drop_twins(session, table, column, kept, gone)
        if policy in (POINT, UNITE):
            session.execute(update(table).where(column == gone).values({column.name: kept}))
        if policy == END:
            session.execute(delete(table).where(column == gone))
    audience_tokens.rename(session, f"person:{gone}", f"person:{kept}")
    _drop_pairs_with_oneself(session, kept)
    flush_and_expire(session)


def column_of(reference: str) -> tuple[Table, Column[int]]:
    """The table and the column of one of REFERENCES."""
    _load_tables()
    table = Base.metadata.tables[reference.partition(".")[0]]
    return table, table.columns[reference.partition(".")[2]]


@cache
def _load_tables() -> None:
    """Load the modules of all tables: a command has loaded only those that it uses itself."""
    for module in pkgutil.iter_modules(database.__path__):
        if module.name.endswith(("_table", "_tables")):
            importlib.import_module(f"{database.__name__}.{module.name}")


def _drop_twins(session: Session, table: Table, column: Column[int], kept: int, gone: int) -> None:
    """Delete the rows of `gone` of which `kept` has one with the same key."""
    unique = [[*each.columns] for each in table.constraints if isinstance(each, UniqueConstraint)]
    keys = [[*table.primary_key.columns], *unique]
    for key in keys:
        if column.name not in {part.name for part in key}:
            continue
        twin = table.alias()
        same = [twin.c[part.name] == table.c[part.name] for part in key if part.name != column.name]
        has_twin = exists().where(and_(twin.c[column.name] == kept, *same))
        session.execute(delete(table).where(column == gone, has_twin))


def _merge_replies(session: Session, kept: int, gone: int) -> None:
    """Replies get their new author. Where one of the two has asked without a name and the other has replied with one,
    the reply gets none: it would be shown as the asker's, and whoever has seen it before would know who asked."""
    for asker, author in ((gone, kept), (kept, gone)):
        asked = select(HelpRequest.id).where(HelpRequest.asked_by_id == asker, HelpRequest.anonymous.is_(True))
        named = Reply.author_id == author, Reply.request_id.in_(asked)
        session.execute(update(Reply).where(*named).values(author_id=None).execution_options(synchronize_session=False))
    new = update(Reply).where(Reply.author_id == gone).values(author_id=kept)
    session.execute(new.execution_options(synchronize_session=False))


def _merge_counts(session: Session, kept: int, gone: int) -> None:
    """How often somebody was suggested first on a day: both together."""
    found = session.execute(select(FirstSuggestion.day, FirstSuggestion.count).where(_first(gone)))
    days = {day: count for day, count in found}
    session.execute(delete(FirstSuggestion).where(_first(gone)))
    for day, count in days.items():
        mine = update(FirstSuggestion).where(_first(kept), FirstSuggestion.day == day)
        added = mine.values(count=FirstSuggestion.count + count).execution_options(synchronize_session=False)
        if not session.execute(added).rowcount:  # type: ignore[attr-defined]
            session.execute(insert(FirstSuggestion).values(person_id=kept, day=day, count=count))


def _first(person: int) -> ColumnElement[bool]:
    return FirstSuggestion.person_id == person


def _merge_settings(session: Session, kept: int, gone: int) -> None:
    """How somebody wants to be suggested: what the one who is kept has set, and paused when either is."""
    mine, other = session.get(PersonSettings, kept), session.get(PersonSettings, gone)
    if other is None:
        return
    if mine is None:
        mine = PersonSettings(person_id=kept, capacity=other.capacity, deputy_id=other.deputy_id, paused=other.paused)
        session.add(mine)
    mine.paused = mine.paused or other.paused
    session.delete(other)
    session.flush()


def _drop_pairs_with_oneself(session: Session, kept: int) -> None:
    """Nobody teaches themself, reads along with themself, or is their own deputy."""
    session.execute(delete(Teaching).where(Teaching.person_id == kept, Teaching.colleague_id == kept))
    alone = TransferAct.person_id == kept, TransferAct.colleague_id == kept
    session.execute(update(TransferAct).where(*alone).values(colleague_id=None))
    deputy = PersonSettings.person_id == kept, PersonSettings.deputy_id == kept
    session.execute(update(PersonSettings).where(*deputy).values(deputy_id=None))
