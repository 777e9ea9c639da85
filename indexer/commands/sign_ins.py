"""What the commands about signing in read and write in the database."""

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


def session_rows(session: Session, settings: Settings, handle: str) -> list[str]:
    """One line for each browser in which a person is signed in. Raises AccountError for an unknown person."""
    found = sessions.of(session, find(session, handle).id, settings.session_idle_days)
    return [
        f"{row.browser or 'unknown browser'}\t{row.created_at:%Y-%m-%d}\t{row.last_seen_at:%Y-%m-%d %H:00}\t{row.way}"
        for row in found
    ]


def sign_out(session: Session, handle: str) -> str:
    """End the sessions of a person, or of everybody when the handle is empty; returns a sentence about it. Raises
    AccountError for an unknown person."""
    if not handle:
        return f"{sessions.end_everybodys(session)} sessions have ended; everybody has to sign in again"
    return f"{sessions.end_all(session, find(session, handle).id)} sessions of {handle} have ended"


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


def token_rows(session: Session, handle: str) -> list[str]:
    """One line for each token of a person, or of everybody when the handle is empty. Raises AccountError for an unknown
    person."""
    person_id = find(session, handle).id if handle else None
    return [
        "\t".join(
            (
                str(row.id),
                row.person.handle,
                row.name,
                ",".join(row.scopes),
                f"until {row.expires_on}" if row.expires_on else "never expires",
                f"last used {row.last_used_on}" if row.last_used_on else "not used yet",
            )
        )
        for row in tokens.of(session, person_id)
    ]


def revoke(session: Session, number: int) -> str:
    """End a token; returns a sentence about it. Raises AccountError when there is none with this number."""
    name = tokens.revoke(session, number)
    if name is None:
        raise AccountError(f"There is no token {number}. To see all, run: kollega user tokens")
    return f"the token {number} ({name}) no longer works"


def mail_rows(session: Session) -> list[str]:
    """One line for each of the newest mails."""
    return [
        "\t".join(
            (
                f"{row.created_at:%Y-%m-%d %H:%M}",
                row.person.handle if row.person else "nobody",
                row.kind.replace("_", " "),
                row.state,
                f"{row.attempts} attempts",
                row.problem or "",
            )
        ).rstrip()
        for row in mail.latest(session)
    ]
