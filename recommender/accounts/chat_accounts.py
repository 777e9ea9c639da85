"""Accounts of chat systems: linked by the person themselves, and used as that person as long as they may sign in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.accounts.account import may_sign_in
from recommender.database.account_tables import Account
from recommender.database.chat_tables import ChatAccount
from recommender.database.tables import Person, utc_now


@dataclass(frozen=True)
class ChatUser:
    """Somebody as a chat system knows them: the system, the workspace (or tenant), the id there, and a name."""

    system: str
    workspace: str
    user: str
    name: str = ""


def person_of(session: Session, who: ChatUser) -> Person | None:
    """The person who has linked this account; None when nobody has, or they may not sign in any more."""
    row = session.get(ChatAccount, (who.system, who.workspace, who.user))
    account = session.get(Account, row.person_id) if row is not None else None
    return account.person if account is not None and may_sign_in(account) else None


def link(session: Session, who: ChatUser, person: Person) -> None:
    """Link an account to a person, and to nobody else any more."""
    row = session.get(ChatAccount, (who.system, who.workspace, who.user))
    if row is None:
        row = ChatAccount(system=who.system, workspace=who.workspace, user=who.user)
        session.add(row)
    row.person_id, row.name, row.linked_at = person.id, who.name[:200], utc_now()
    session.flush()
    audit.record(session, audit.actor(session, person.id), "chat.linked", f"person:{person.id}", {"system": who.system})


def was_taken_since(session: Session, who: ChatUser, time: datetime, person: Person) -> bool:
    """True when somebody else than this person has linked the account since a time (UTC)."""
    row = session.get(ChatAccount, (who.system, who.workspace, who.user))
    return row is not None and row.person_id != person.id and row.linked_at >= time


def of_person(session: Session, person_id: int) -> list[ChatAccount]:
    """The accounts that a person has linked."""
    query = select(ChatAccount).where(ChatAccount.person_id == person_id)
    return list(session.scalars(query.order_by(ChatAccount.system, ChatAccount.linked_at)))


def unlink(session: Session, who: ChatUser, person: Person) -> bool:
    """Take a link away; False when this person has no such one."""
    row = session.get(ChatAccount, (who.system, who.workspace, who.user))
    if row is None or row.person_id != person.id:
        return False
    session.delete(row)
    session.flush()
    details = {"system": who.system}
    audit.record(session, audit.actor(session, person.id), "chat.unlinked", f"person:{person.id}", details)
    return True
