"""The audit log: who did what to what, when, and through what. Entries are only added, never changed.

Each entry contains the digest of the one before it (a hash chain), so `verify` finds an entry that was changed, added
in between or taken out. The oldest entries may be deleted (`prune`), and the details of an entry may be erased
(`erase_details`): both leave the chain whole. Somebody who can write to the database can cut entries off at the end;
note the digest of `head` elsewhere to find that out.

Searches are never recorded, nor are titles, texts, passwords and tokens.
"""

import hashlib
import json
import os
import pwd
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, delete, func, insert, null, or_, select, update
from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import utc_now

WAYS = ("web", "api", "command", "import", "system")
PRUNED, ERASED = "audit.pruned", "audit.erased"
_BEGINNING = "0" * 64  # the digest before the first entry
_log = cast(Table, AuditEntry.__table__)
_WHOLE_LOG = select(_log).order_by(_log.c.id).execution_options(yield_per=1_000)


@dataclass(frozen=True)
class Actor:
    """Who acts: the id of a person, or None when nobody has signed in or the person must not be named; and through
    what: one of WAYS. A command is run by whoever may run it on the machine, so it has no person."""

    person_id: int | None
    via: str


COMMAND = Actor(None, "command")
SYSTEM = Actor(None, "system")


def actor(session: Session, person_id: int | None) -> Actor:
    """The actor of a session: what its `info` says it belongs to ("via"), else the system."""
    return Actor(person_id, session.info.get("via", SYSTEM.via))


def account() -> str:
    """The account of the operating system that runs this program: with sudo the one that called it."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in many containers
        return f"uid {os.getuid()}"


def record(session: Session, actor: Actor, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
    """Add an entry in the transaction of the session, so that it is kept exactly when the act itself is.

    `action` is like "request.audience", `subject` like "request:12", `person:5` or "team:hr", and `details` is JSON
    with ids, handles and states, never with titles or texts. What a command or import did also gets the `account` that
    ran it.
    """
    if actor.via not in WAYS:
        raise ValueError(f"{actor.via!r} is none of {', '.join(WAYS)}")
    details = details or {}
    if actor.via in (COMMAND.via, "import"):
        details = {**details, "account": account()}
    salt = secrets.token_hex(16)  # so that erased details cannot be guessed from their digest
    values: dict[str, Any] = {
        "at": utc_now(),
        "actor_id": actor.person_id,
        "via": actor.via,
        "action": action,
        "subject": subject,
        "details_digest": _details_digest(details, salt),
    }
    connection = session.connection()
    # the row is written first: then no other transaction can write, and the entry before it is surely the last one
    pending = insert(_log).values(**values, details=details, salt=salt, previous=f"pending:{salt}", digest="")
    identifier = connection.execute(pending).inserted_primary_key[0]  # type: ignore[index]
    last = select(_log.c.digest).where(_log.c.id < identifier).order_by(_log.c.id.desc()).limit(1)
    values["previous"] = connection.scalar(last) or _BEGINNING
    chained = {"previous": values["previous"], "digest": _digest(values)}
    connection.execute(update(_log).where(_log.c.id == identifier).values(**chained))


def record_audience(
    session: Session, actor: Actor, subject: str, before: Collection[str], after: Collection[str]
) -> None:
    """Add an entry about the audience of an item, unless it has stayed the same. `widened` says whether somebody may
    read the item now who could not before."""
    if set(before) != set(after):
        widened = EVERYONE not in before and bool(set(after) - set(before))
        details = {"before": sorted(before), "after": sorted(after), "widened": widened}
        record(session, actor, f"{subject.partition(':')[0]}.audience", subject, details)


def record_change(
    session: Session, actor: Actor, action: str, subject: str, before: Any, after: Any, widened: bool = False
) -> None:
    """Add an entry about a value, unless it has stayed the same. `widened` says that somebody may read more now."""
    if before != after:
        details = {"before": before, "after": after} | ({"widened": True} if widened else {})
        record(session, actor, action, subject, details)


@dataclass(frozen=True)
class Chosen:
    """Which entries: from `since` to before `until`, only those with this actor and subject, and with an action that is
    `action` or begins with it and a dot; only changes after which somebody could read more, if `widened`."""

    since: datetime | None = None
    until: datetime | None = None
    action: str = ""
    subject: str = ""
    actor_id: int | None = None
    widened: bool = False


def entries(session: Session, *, action: str = "", subject: str = "") -> Iterator[AuditEntry]:
    """All entries with this action and subject, oldest first."""
    return chosen_entries(session, Chosen(action=action, subject=subject))


def chosen_entries(session: Session, chosen: Chosen, newest_first: bool = False) -> Iterator[AuditEntry]:
    """The chosen entries, oldest first unless it is said otherwise."""
    order = AuditEntry.id.desc() if newest_first else AuditEntry.id
    query = select(AuditEntry).where(*_conditions(chosen)).order_by(order)
    yield from session.scalars(query.execution_options(yield_per=1_000))


def newest(session: Session, chosen: Chosen, page: int, size: int) -> tuple[list[AuditEntry], int]:
    """(a page of the chosen entries, newest first; how many pages there are). Pages are counted from 1; of a number
    that is too high, the last one."""
    conditions = _conditions(chosen)
    pages = max(1, -(-(session.scalar(select(func.count(AuditEntry.id)).where(*conditions)) or 0) // size))
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc())
    return list(session.scalars(query.offset((min(page, pages) - 1) * size).limit(size))), pages


def in_words(details: dict[str, Any] | None) -> str:
    """Details as `before -> after`, whether somebody may read more since, then the others as `name: value`."""
    if details is None:
        return "details erased"
    parts = []
    if "after" in details:
        parts.append(f"{_value(details.get('before'))} -> {_value(details['after'])}")
    if details.get("widened"):
        parts.append("WIDENED")
    shown = {name: value for name, value in details.items() if name not in ("before", "after", "widened", "account")}
    return "; ".join([*parts, *(f"{name}: {_value(value)}" for name, value in shown.items())])


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nobody else"
    return "none" if value is None else str(value)


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.since is not None:
        conditions.append(AuditEntry.at >= chosen.since)
    if chosen.until is not None:
        conditions.append(AuditEntry.at < chosen.until)
    if chosen.action:
        below = AuditEntry.action.startswith(f"{chosen.action}.", autoescape=True)
        conditions.append(or_(AuditEntry.action == chosen.action, below))
    if chosen.subject:
        conditions.append(AuditEntry.subject == chosen.subject)
    if chosen.actor_id is not None:
        conditions.append(AuditEntry.actor_id == chosen.actor_id)
    if chosen.widened:
        conditions.append(AuditEntry.details["widened"].as_boolean().is_(True))
    return conditions


def head(session: Session) -> tuple[int, str]:
    """(id, digest) of the newest entry; (0, 64 zeros) when there is none."""
    newest = select(_log.c.id, _log.c.digest).order_by(_log.c.id.desc()).limit(1)
    row = session.connection().execute(newest).first()
    return (row.id, row.digest) if row else (0, _BEGINNING)


def verify(session: Session) -> list[str]:
    """A sentence for each entry that does not fit the chain; empty when all do."""
    problems: list[str] = []
    first_previous, expected = "", ""
    deleted_through = {_BEGINNING}  # digests of the last entries that were deleted, as later entries name them
    without_details: set[int] = set()
    for row in session.connection().execute(_WHOLE_LOG):
        first_previous = first_previous or row.previous
        if expected and row.previous != expected:
            problems.append(f"Audit entry {row.id} does not follow the entry before it: one was removed or added.")
        if _digest(row._mapping) != row.digest:
            problems.append(f"Audit entry {row.id} was changed after it was written.")
        elif row.details is None:
            without_details.add(row.id)
        elif _details_digest(row.details, row.salt or "") != row.details_digest:
            problems.append(f"The details of audit entry {row.id} were changed after they were written.")
        elif row.action == PRUNED:
            deleted_through.add(row.details["digest"])
        elif row.action == ERASED:
            without_details -= set(row.details["entries"])
        expected = row.digest
    problems += [f"The details of audit entry {number} were removed." for number in sorted(without_details)]
    if first_previous and first_previous not in deleted_through:
        problems.append("The beginning of the audit log was removed.")
    return problems


def prune(session: Session, before: datetime) -> int:
    """Delete the entries up to the first one that is as new as `before`, and record that. Returns their number."""
    first_to_stay = select(_log.c.id).where(_log.c.at >= before).order_by(_log.c.id).limit(1)
    connection = session.connection()
    staying = connection.scalar(first_to_stay)
    old = _log.c.id < staying if staying is not None else _log.c.id > 0
    last = connection.execute(select(_log.c.id, _log.c.digest).where(old).order_by(_log.c.id.desc()).limit(1)).first()
    if last is None:
        return 0
    record(session, SYSTEM, PRUNED, f"audit:{last.id}", {"digest": last.digest, "before": before.isoformat()})
    return connection.execute(delete(_log).where(_log.c.id <= last.id)).rowcount


def erase_details(session: Session, subjects: Collection[str]) -> int:
    """Erase the details of all entries about these subjects, and record for which entries. Returns their number; the
    entries themselves stay."""
    about = _log.c.subject.in_(sorted(subjects)) & _log.c.details.is_not(None)
    about &= _log.c.action.not_in((PRUNED, ERASED))
    connection = session.connection()
    numbers = list(connection.scalars(select(_log.c.id).where(about).order_by(_log.c.id)))
    if numbers:
        record(session, SYSTEM, ERASED, f"audit:{numbers[-1]}", {"entries": numbers})
        chosen = _log.c.id <= numbers[-1]
        connection.execute(update(_log).where(about, chosen).values(details=null(), salt=None))
    return len(numbers)


def _details_digest(details: dict[str, Any], salt: str) -> str:
    return _sha256({"salt": salt, "details": details})


def _digest(values: Any) -> str:
    """The digest of an entry: of everything but its id, its details and their salt."""
    names = ("actor_id", "via", "action", "subject", "details_digest", "previous")
    return _sha256({"at": values["at"].isoformat(timespec="microseconds"), **{name: values[name] for name in names}})


def _sha256(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
