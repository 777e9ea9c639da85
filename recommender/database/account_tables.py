"""The tables about signing in: accounts, sessions, tokens, second factors, links to a new password."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, Person, utc_now

# The audit log and forms that are still open name rows by their ids.
_IDS_NEVER_REUSED = {"sqlite_autoincrement": True}


class Account(Base):
    """How a person signs in. `subject` identifies the person at an identity provider; `email` is where links to a new
    password go."""

    __tablename__ = "accounts"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    disabled: Mapped[bool] = mapped_column(default=False)
    subject: Mapped[str | None] = mapped_column(String(500), unique=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)

    person: Mapped[Person] = relationship(lazy="joined")

    def may_sign_in(self, today: date) -> bool:
        """True unless the account is disabled or its person has left."""
        return not self.disabled and not self.person.has_left(today)


class SignInSession(Base):
    """A browser in which a person has signed in. Only the SHA-256 digest of the random id in its cookie is stored, and
    no address.

    `awaits` is what is still missing before the person counts as signed in: CODE, SET_UP, or nothing. `last_seen_at` is
    correct to the hour.
    """

    __tablename__ = "sessions"
    __table_args__ = _IDS_NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    way: Mapped[str] = mapped_column(String(16))
    awaits: Mapped[str] = mapped_column(String(8), default="")
    browser: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    person: Mapped[Person] = relationship(lazy="joined")


class APIToken(Base):
    """A bearer token of the API and its scopes. Only the SHA-256 digest of the token is stored."""

    __tablename__ = "api_tokens"
    __table_args__ = _IDS_NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_on: Mapped[date | None]
    last_used_on: Mapped[date | None]

    person: Mapped[Person] = relationship(lazy="joined")


class SecondFactor(Base):
    """An authenticator app (TOTP, RFC 6238) of a person. The secret that the app shares is not stored: it is computed
    from `nonce` and the secret key in the home directory. It counts once it is confirmed by a first code.

    `last_step` is the time step of the last code that was accepted, so that no code is accepted twice.
    """

    __tablename__ = "second_factors"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """A code that stands in once for a lost authenticator app. Only its SHA-256 digest is stored; a used code is
    deleted."""

    __tablename__ = "recovery_codes"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)


class PasswordLink(Base):
    """A link with which a person sets a new password, once. Only the SHA-256 digest of its secret is stored."""

    __tablename__ = "password_links"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class OutgoingMail(Base):
    """A mail that `kollega watch` sends. Its text is written when it is sent, from `kind`: no secret waits here.

    `person_id` is None when nobody was found to write to: such a row is stored all the same, so that asking takes as
    long as for a known person, and is deleted instead of sent.

    `message_id` is the mail's Message-ID, stored before it is sent for the first time. `address` is where it goes when
    that is not the person's present address.
    """

    __tablename__ = "outgoing_mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    problem: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str | None] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(254))

    person: Mapped[Person | None] = relationship(lazy="joined")
