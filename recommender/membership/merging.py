"""Two accounts of one person become one: every row that refers to the one refers to the other afterwards.

Who is kept decides about the user name and the name. They have what the two have had together, so they may read what
either could; nobody else may read more. Programs do not get more to read either: the tokens of both end.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from recommender import access, accounts, audit
from recommender.access import AGENTS, Reader
from recommender.accounts import last_admin, password_links, second_factor, sessions, tokens
from recommender.accounts.account import may_sign_in
from recommender.accounts.ways import signs_in_elsewhere
from recommender.database.account_tables import Account
from recommender.database.foreign_tables import ANY_SOURCE, ForeignPerson
from recommender.database.storing import flush_and_expire
from recommender.database.tables import Document, HelpRequest, Person, Reply, Team
from recommender.errors import AccountError
from recommender.membership import merged_rows, people

MERGED = "person.merged"


@dataclass(frozen=True)
class Preview:
    """What merging would do: how many requests they asked, requests assigned to them, replies and documents get another
    name, as far as the reader may read them; the teams and the role that the one who is kept has afterwards, and those
    they have not now; how many sessions and tokens of both end; the sources that go on knowing them."""

    requests: int
    assigned: int
    replies: int
    documents: int
    role: str
    new_teams: tuple[str, ...]
    sessions: int
    tokens: int
    takes_password: bool
    ends_password: bool
    ends_second_factor: bool
    loses_link: bool
    sources: tuple[str, ...]


def preview(session: Session, kept: Person, gone: Person, reader: Reader | None, idle_days: float) -> Preview:
    """What `merge` would do, as far as this reader may read it; everything for None, as for commands. Raises
    AccountError when the two cannot be merged."""
    _require_two(session, kept, gone)
    known = session.scalars(select(ForeignPerson.source).where(ForeignPerson.person_id.in_((kept.id, gone.id))))
    accounts_of = {person.id: session.get(Account, person.id) for person in (kept, gone)}
    mine, other = accounts_of[kept.id], accounts_of[gone.id]
    lacks, has_factor = not (mine and mine.password_hash), second_factor.is_on(session, gone.id)
    teams = {team.handle for team in kept.teams}
    return Preview(
        **_counts(session, gone, reader),
        role=_role(session, kept, gone),
        new_teams=tuple(team.handle for team in _teams_of(session, gone) if team.handle not in teams),
        sessions=sum(len(sessions.of(session, person.id, idle_days)) for person in (kept, gone)),
        tokens=sum(len(tokens.of(session, person.id)) for person in (kept, gone)),
        takes_password=lacks and _gives_password(session, other),
        ends_password=lacks and bool(other and other.password_hash and not other.disabled) and has_factor,
        ends_second_factor=has_factor,
        loses_link=bool(other and other.subject and mine and mine.subject),
        sources=tuple(sorted(set(known) - {ANY_SOURCE})),
    )


def merge(session: Session, kept: Person, gone: Person, by: int | None = None) -> None:
    """Make one of two. Raises AccountError when the two cannot be merged."""
    _require_two(session, kept, gone)
    role, joined = _role(session, kept, gone), _teams_of(session, gone)
    if gone.role == last_admin.ADMIN and not _can_sign_in_as(session, kept, gone):
        last_admin.require_another(session, gone)
    for person in (kept, gone):
        sessions.end_all(session, person.id, by=by)
        tokens.revoke_all(session, person.id, by)
        password_links.end(session, person.id)
    handles = [team.handle for team in kept.teams]
    before = kept.role, sorted(handles)
    kept.teams = [*kept.teams, *(team for team in joined if team.handle not in handles)]
    kept.role, gone.teams = role, []
    session.flush()
    gives_password = _gives_password(session, session.get(Account, gone.id))
    merged_rows.point(session, kept.id, gone.id)
    _take_account(session, kept, gone, gives_password)
    _forget(session, kept, gone, by)
    after = kept.role, sorted(team.handle for team in kept.teams)
    actor, subject = audit.actor(session, by), f"person:{kept.id}"
    widened = after[0] in AGENTS and before[0] not in AGENTS
    audit.record_change(session, actor, "person.role", subject, before[0], after[0], widened=widened)
    audit.record_change(
        session, actor, "person.teams", subject, before[1], after[1], widened=bool({*after[1]} - {*before[1]})
    )


def _require_two(session: Session, kept: Person, gone: Person) -> None:
    if kept.id == gone.id:
        raise AccountError("Name two people: this is one.", "merge")
    if kept.kind != gone.kind:
        raise AccountError(
            f"{kept.handle} is a {kept.kind} and {gone.handle} a {gone.kind}. Say first what they are: "
            f"kollega user kind {gone.handle} {kept.kind}",
            "merge_kinds",
        )


def _can_sign_in_as(session: Session, kept: Person, gone: Person) -> bool:
    """True when whoever is kept may sign in, and does not lose with the other's second factor the only way to do so."""
    mine, other = session.get(Account, kept.id), session.get(Account, gone.id)
    if not may_sign_in(mine):
        return False
    both = [account for account in (mine, other) if account is not None]
    if signs_in_elsewhere(session) or any(account.subject for account in both) or bool(mine and mine.password_hash):
        return True
    has_way = any(account.email for account in both) or _gives_password(session, other)
    return has_way and not second_factor.is_on(session, gone.id)


def _gives_password(session: Session, account: Account | None) -> bool:
    """True when the password of the one who goes is handed on. With a second factor it is not: that ends, since an app
    is set up for one account, and the password alone would then open what the two steps have protected."""
    if account is None or not account.password_hash or account.disabled:
        return False
    return not second_factor.is_on(session, account.person_id)


def _counts_for(session: Session, person: Person) -> bool:
    """True when role and teams of a person count: those of somebody who was stopped or has left do not come back."""
    return people.is_here(person, session.get(Account, person.id))


def _role(session: Session, kept: Person, gone: Person) -> str:
    """The higher one of the two roles."""
    if not _counts_for(session, gone):
        return kept.role
    return max(kept.role, gone.role, key=accounts.ROLES.index)


def _teams_of(session: Session, gone: Person) -> list[Team]:
    return list(gone.teams) if _counts_for(session, gone) else []


def _counts(session: Session, gone: Person, reader: Reader | None) -> dict[str, int]:
    """How many rows get another name. A reader is told of what they may read; and of nothing that was asked without a
    name, since the number would say who did."""
    readable = [] if reader is None else [access.readable_requests(reader), HelpRequest.anonymous.is_(False)]
    documents = [] if reader is None else [access.readable_documents(reader)]

    def count(column: Any, *conditions: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count(column)).where(*conditions)) or 0

    replies = select(func.count(Reply.id)).join(HelpRequest, HelpRequest.id == Reply.request_id)
    return {
        "requests": count(HelpRequest.id, HelpRequest.asked_by_id == gone.id, *readable),
        "assigned": count(HelpRequest.id, HelpRequest.assigned_to_id == gone.id, *readable),
        "replies": session.scalar(replies.where(Reply.author_id == gone.id, *readable)) or 0,
        "documents": count(Document.id, Document.owner_id == gone.id, *documents),
    }


def _take_account(session: Session, kept: Person, gone: Person, gives_password: bool) -> None:
    """Give the one who is kept what they lack of the other's account: password, address, link to a provider. A disabled
    account gives nothing."""
    other = session.get(Account, gone.id)
    if other is None:
        return
    password, subject, email, disabled = other.password_hash, other.subject, other.email, other.disabled
    session.delete(other)
    session.flush()
    account = accounts.open_account(session, kept)
    account.email = account.email or email
    if not disabled:
        account.password_hash = account.password_hash or (password if gives_password else None)
        account.subject = account.subject or subject
    session.flush()


def _forget(session: Session, kept: Person, gone: Person, by: int | None) -> None:
    """Delete the one who goes; their user name goes on meaning the one who is kept, for sources and for signing in."""
    handle, number = gone.handle, gone.id
    session.delete(gone)
    session.flush()
    session.merge(ForeignPerson(source=ANY_SOURCE, foreign_id=handle, person_id=kept.id))
    flush_and_expire(session)
    audit.record(session, audit.actor(session, by), MERGED, f"person:{kept.id}", {"person": number, "handle": handle})
