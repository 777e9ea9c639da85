"""How somebody new gets their first password: by a link that is mailed, or handed over where no mail can be sent."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from recommender.accounts import password_links
from recommender.accounts.account import may_sign_in, open_account
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.outbox import mail
from recommender.settings import Settings


@dataclass(frozen=True)
class Invitation:
    """Where the link is sent (`email`); else the `link` itself, which is shown once, to be handed over."""

    email: str = ""
    link: str = ""


def can_mail(settings: Settings) -> bool:
    """True when Kollega can send mail."""
    return bool(settings.mail_server)


def invite(
    session: Session, settings: Settings, person: Person, language: str, address: str, by: int | None = None,
    hand_over: bool = False,
) -> Invitation:  # fmt: skip
    """Send somebody a link with which they set a password within seven days. Where no mail server is set, they have no
    address, or `hand_over` is given, the link is made at once and returned; it begins with `address`, that of this
    installation. Earlier links end. Raises AccountError for somebody who may not sign in."""
    account = open_account(session, person)
    if not may_sign_in(account):
        raise AccountError(
            f"{person.handle} may not sign in. Change that with: kollega user disable {person.handle} --undo", "left"
        )
    password_links.end(session, person.id)
    if account.email and can_mail(settings) and not hand_over:
        mail.queue(session, person.id, mail.INVITATION, language)
        return Invitation(email=account.email)
    secret = password_links.make(session, person.id, password_links.INVITATION_VALID, by)
    return Invitation(link=f"{address.rstrip('/')}/sign-in/new-password/{secret}")


def address_of(settings: Settings) -> str:
    """The address of this installation as links have it."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"
