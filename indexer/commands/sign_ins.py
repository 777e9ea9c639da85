"""What the commands about signing in read and write in the database."""

from typing import Any

from sqlalchemy.orm import Session

from recommender.accounts import second_factor, sessions, tokens
from recommender.accounts.account import may_sign_in
from recommender.database.account_tables import Account
from recommender.errors import AccountError
from recommender.membership.people import find
from recommender.organisation.values import Organisation
from recommender.outbox import mail
from recommender.settings import Settings


def send_link(session: Session, settings: Settings, handle: str, language: str) -> str:
    """Queue a mail with a link to a new password; returns a sentence about it. Raises AccountError when no mail can be
    sent to this person."""
    person = find(session, handle)
    account = session.get(Account, person.id)
    if not settings.mail_server:
        raise AccountError("No mail can be sent: set KOLLEGA_MAIL_SERVER, KOLLEGA_MAIL_FROM and KOLLEGA_PUBLIC_URL.")
    if account is None or not account.email:
        raise AccountError(f"{handle} has no e-mail address. Set it with: kollega user email {handle} ADDRESS")
    if not may_sign_in(account):
        raise AccountError(f"{handle} may not sign in. Change that with: kollega user disable {handle} --undo")
    mail.queue(session, person.id, mail.PASSWORD_LINK, language)
    return f"a link for {handle} goes to {account.email} as soon as `kollega watch` runs"


def session_rows(session: Session, settings: Settings, handle: str) -> list[dict[str, Any]]:
    """The browsers in which a person is signed in. Raises AccountError for an unknown person."""
    found = sessions.of(session, find(session, handle).id, settings.session_idle_days)
    return [
        {
            "browser": row.browser or None,
            "since": f"{row.created_at:%Y-%m-%d}",
            "last_used": f"{row.last_seen_at:%Y-%m-%d %H:00}",
            "way": row.way,
        }
        for row in found
    ]


def session_line(row: dict[str, Any]) -> str:
    """Such a row as a line."""
    return f"{row['browser'] or 'unknown browser'}\t{row['since']}\t{row['last_used']}\t{row['way']}"


def sign_out(session: Session, handle: str) -> int:
    """End the sessions of a person, or of everybody when the handle is empty; how many there were. Raises AccountError
    for an unknown person."""
    if not handle:
        return sessions.end_everybodys(session)
    return sessions.end_all(session, find(session, handle).id)


def reset_second_factor(session: Session, settings: Settings, handle: str) -> str:
    """Remove a person's second factor and end their sessions; returns a sentence about it. Raises AccountError for an
    unknown person."""
    person = find(session, handle)
    if not second_factor.turn_off(session, person.id):
        return f"{handle} has no second factor"
    sessions.end_all(session, person.id)
    account = session.get(Account, person.id)
    if account is not None and account.email and settings.mail_server:
        mail.queue(session, person.id, mail.SECOND_FACTOR_OFF, Organisation.read(session, settings).settings.language)
    return f"{handle} signs in without a second factor, or sets up a new one if it is required"


def token_rows(session: Session, handle: str) -> list[dict[str, Any]]:
    """The tokens of a person, or of everybody when the handle is empty. Raises AccountError for an unknown person."""
    person_id = find(session, handle).id if handle else None
    return [
        {
            "token": row.id,
            "user_name": row.person.handle,
            "name": row.name,
            "scopes": list(row.scopes),
            "expires_on": str(row.expires_on) if row.expires_on else None,
            "last_used_on": str(row.last_used_on) if row.last_used_on else None,
        }
        for row in tokens.of(session, person_id)
    ]


def token_line(row: dict[str, Any]) -> str:
    """Such a row as a line."""
    until = f"until {row['expires_on']}" if row["expires_on"] else "never expires"
    used = f"last used {row['last_used_on']}" if row["last_used_on"] else "not used yet"
    return "\t".join((str(row["token"]), row["user_name"], row["name"], ",".join(row["scopes"]), until, used))


def revoke(session: Session, number: int) -> str:
    """End a token; returns its name. Raises AccountError when there is none with this number."""
    name = tokens.revoke(session, number)
    if name is None:
        raise AccountError(f"There is no token {number}. To see all, run: kollega user tokens")
    return name


def mail_rows(session: Session) -> list[dict[str, Any]]:
    """The newest mails."""
    return [
        {
            "at": f"{row.created_at:%Y-%m-%d %H:%M}",
            "user_name": row.person.handle if row.person else None,
            "about": row.kind.replace("_", " "),
            "state": row.state,
            "attempts": row.attempts,
            "problem": row.problem or None,
        }
        for row in mail.latest(session)
    ]


def mail_line(row: dict[str, Any]) -> str:
    """Such a row as a line."""
    whom, problem = row["user_name"] or "nobody", row["problem"] or ""
    return "\t".join((row["at"], whom, row["about"], row["state"], f"{row['attempts']} attempts", problem)).rstrip()
