"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when the app is lost.

The secret that an app shares with Kollega is computed from a random nonce in the database and the secret key in the
home directory, so a copy of the database alone cannot make codes. Until a first code has confirmed the app, the nonce
is known only to the browser in which it is set up.
"""

import base64
import hashlib
import hmac
import secrets
import time

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.accounts import sessions
from recommender.database.account_tables import RecoveryCode, SecondFactor
from recommender.database.storing import changes_a_row, inserting
from recommender.database.tables import Person, utc_now

NOBODY, ADMINS, AGENTS, EVERYBODY = "none", "admins", "agents", "everybody"
REQUIRED_FOR = (NOBODY, ADMINS, AGENTS, EVERYBODY)
_ROLES = {NOBODY: (), ADMINS: ("admin",), AGENTS: ("agent", "lead", "admin")}
_STEP, _DRIFT = 30, 1  # seconds of a code; how many codes before and after the present one are accepted (RFC 6238, 5.2)
_RECOVERY_CODES = 10
_LONGEST_CODE = 8  # letters and digits; a code of an app has six, and recovery codes are longer
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike: 16 of them carry 79 bits


def is_required(person: Person, required_for: str) -> bool:
    """True when a person has to have a second factor, by the setting `second_factor_for`."""
    return required_for == EVERYBODY or person.role in _ROLES[required_for]


def is_on(session: Session, person_id: int) -> bool:
    """True when a person has set up and confirmed an authenticator app."""
    row = session.get(SecondFactor, person_id)
    return row is not None and row.confirmed_at is not None


def begin() -> str:
    """A nonce for a new authenticator app, to be kept by the browser that sets it up until it is confirmed. It is not
    secret: the secret needs the key too."""
    return secrets.token_hex(16)


def secret(person_id: int, nonce: str, key: str) -> str:
    """What the app of a person and Kollega share: 20 bytes, as RFC 4226 (section 4, R6) recommends, in Base32. `key`
    is the secret key of the home directory."""
    message = f"second factor of {person_id}: {nonce}"
    return base64.b32encode(hmac.digest(key.encode(), message.encode(), hashlib.sha256)[:20]).decode()


def address(person: Person, secret: str) -> str:
    """The `otpauth:` address that a QR code carries into the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.handle, issuer_name="Kollega")


def confirm(
    session: Session, person: Person, key: str, nonce: str, code: str, *, keep_session: int | None = None
) -> list[str] | None:
    """Turn the second factor on with a first code of the app that was set up with `nonce`, and end the person's
    sessions but `keep_session`: they began without one. Returns new recovery codes, to be shown this once; None when
    the code is wrong, or the second factor is on already. The database decides between two that come at once."""
    step = _step(secret(person.id, nonce, key), code)
    if step is None or not _store(session, person.id, nonce, step):
        return None
    _record(session, person.id, "second_factor.on", person.id)
    sessions.end_all(session, person.id, but=keep_session, by=person.id)
    return _new_codes(session, person.id)


def check(session: Session, person_id: int, key: str, code: str) -> bool:
    """True for a code that the person's app shows now, which was not used before."""
    row = session.get(SecondFactor, person_id)
    return row is not None and row.confirmed_at is not None and _accept(session, row, key, code)


def record_failure(session: Session, person_id: int) -> None:
    """Record in the audit log that somebody who knows the password of a person gave a wrong code."""
    _record(session, person_id, "second_factor.failed", None)


def is_recovery_code(typed: str) -> bool:
    """True for what is too long to be a code of an app."""
    return sum(character.isalnum() for character in typed) > _LONGEST_CODE


def accept(session: Session, person_id: int, key: str, typed: str) -> bool:
    """True for a code that the person's app shows now, or one of their recovery codes; none can be used again."""
    if is_recovery_code(typed):
        return use_recovery_code(session, person_id, typed)
    return check(session, person_id, key, typed)


def use_recovery_code(session: Session, person_id: int, code: str) -> bool:
    """True for one of the person's recovery codes, which cannot be used again."""
    chosen = RecoveryCode.person_id == person_id, RecoveryCode.digest == _digest(code)
    used = session.execute(delete(RecoveryCode).where(*chosen)).rowcount  # type: ignore[attr-defined]
    if used:
        _record(session, person_id, "second_factor.recovery_code", person_id)
    return bool(used)


def codes_left(session: Session, person_id: int) -> int:
    """How many recovery codes a person has not used."""
    return session.scalar(select(func.count()).where(RecoveryCode.person_id == person_id)) or 0


def new_recovery_codes(session: Session, person_id: int) -> list[str]:
    """New recovery codes, to be shown this once; the earlier ones are no longer valid."""
    _record(session, person_id, "second_factor.new_codes", person_id)
    return _new_codes(session, person_id)


def turn_off(session: Session, person_id: int, by: int | None = None) -> bool:
    """Remove the second factor of a person with its recovery codes; False when they had none."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    row = session.get(SecondFactor, person_id)
    if row is None:
        return False
    was_on = row.confirmed_at is not None
    session.delete(row)
    session.flush()
    if was_on:
        _record(session, person_id, "second_factor.off", by)
    return was_on


def _store(session: Session, person_id: int, nonce: str, step: int) -> bool:
    """Store a confirmed app, unless the person has one."""
    values = {"nonce": nonce, "confirmed_at": utc_now(), "last_step": step}
    row = inserting(session, SecondFactor).values(person_id=person_id, **values)
    unconfirmed = SecondFactor.confirmed_at.is_(None)  # rows that earlier versions made
    storing = row.on_conflict_do_update(index_elements=["person_id"], set_=values, where=unconfirmed)
    stored = changes_a_row(session, storing)
    session.get(SecondFactor, person_id, populate_existing=True)
    return stored


def _accept(session: Session, row: SecondFactor, key: str, code: str) -> bool:
    """Accept a code of a time step later than the last accepted one. The database decides between two that come at
    once."""
    step = _step(secret(row.person_id, row.nonce, key), code)
    later = SecondFactor.person_id == row.person_id, SecondFactor.last_step < (step or 0)
    accepted = session.execute(update(SecondFactor).where(*later).values(last_step=step)) if step else None
    return accepted is not None and bool(accepted.rowcount)  # type: ignore[attr-defined]


def _step(secret: str, code: str) -> int | None:
    """The time step of a code that the app shows about now; None for any other code."""
    digits = "".join(code.split()).encode("utf-8", "replace")
    totp, seconds = pyotp.TOTP(secret), _seconds()
    for step in range(seconds // _STEP - _DRIFT, seconds // _STEP + _DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits):
            return step
    return None


def _seconds() -> int:
    return int(time.time())


def _new_codes(session: Session, person_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(_RECOVERY_CODES)]
    session.add_all(RecoveryCode(person_id=person_id, digest=_digest(code)) for code in codes)
    session.flush()
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _digest(code: str) -> str:
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def _record(session: Session, person_id: int, action: str, by: int | None) -> None:
    audit.record(session, audit.actor(session, by), action, f"person:{person_id}")
