"""The code with which a new installation is set up in a browser: only who can read what `kollega serve` prints has it.

The code is in the home directory, readable by its owner only as the secret key is, so that every process of this home
prints the same one; its digest is in the database, for processes of other homes. It ends with the first admin. Wrong
codes do not end it, or anybody could keep others from setting up: the page slows down each address instead. After ten
of them the next start of the server makes another.
"""

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Executable, delete, select, true, update
from sqlalchemy.orm import Session

from recommender.accounts import ways
from recommender.accounts.last_admin import ADMIN
from recommender.database.days import current_day
from recommender.database.organisation_tables import SetUpCode
from recommender.database.reading import rows
from recommender.database.storing import insert_or_update, remove_one
from recommender.database.tables import Person, utc_now
from recommender.errors import SetUpRefused
from recommender.settings import Settings

MOST_FAILURES = 10
"""Wrong codes after which the next start prints another code: a judgement. There are 32 to the power of 12 codes."""
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 and O, 1 and I
_LENGTH, _GROUP = 12, 4
_FILE = "set_up_code"
_ROW = 1


def is_needed(session: Session, settings: Settings) -> bool:
    """True while no admin can sign in, also when others can: people whom an import or SCIM has brought."""
    return _nobody(session, settings, ADMIN)


def nobody_can_sign_in(session: Session, settings: Settings) -> bool:
    """True while there is no account with a way to sign in. Where a proxy or an OpenID provider says who somebody is,
    people need no account, so there it means that nobody is known at all."""
    return _nobody(session, settings)


def _nobody(session: Session, settings: Settings, role: str | None = None) -> bool:
    elsewhere = bool(settings.proxy_header or settings.oidc_issuer)
    return not rows(session, _somebody(role, elsewhere, current_day()))


@lru_cache(maxsize=8)
def _somebody(role: str | None, elsewhere: bool, _today: date) -> Executable:
    """The statement for a person who can sign in today. Built once, since building it takes longer than running it, and
    each request asks while there is no admin."""
    has_role = true() if role is None else Person.role == role
    return select(Person.id).where(has_role, ways.can_sign_in(elsewhere)).limit(1)


def code_to_print(session: Session, settings: Settings) -> str | None:
    """The code that this installation is set up with, made when there is none; None when it is set up already. The
    caller commits."""
    if not is_needed(session, settings):
        end(session, settings)
        return None
    row, known = session.get(SetUpCode, _ROW, populate_existing=True), _in_home(settings.home)
    if row and known and row.failures < MOST_FAILURES and hmac.compare_digest(row.digest, _digest(known)):
        return _shown(known)
    code = "".join(secrets.choice(_ALPHABET) for _each in range(_LENGTH))
    _keep(settings.home, code)
    values = {"digest": _digest(code), "failures": 0, "made_at": utc_now()}
    insert_or_update(session, SetUpCode, {"id": _ROW}, values)
    return _shown(code)


def check(session: Session, typed: str) -> str:
    """The digest of the code, if it is the right one; a wrong one counts. The caller commits, also after an error.

    Raises SetUpRefused with the reason "wrong" or "none" (there is no code: the installation is set up, or was not
    started by `kollega serve`).
    """
    row = session.get(SetUpCode, _ROW, populate_existing=True)
    if row is None:
        raise SetUpRefused("There is no code at the moment. Start Kollega again: it prints one.", "none")
    digest = _digest(re.sub(r"[\W_]", "", typed).upper())
    if not hmac.compare_digest(row.digest, digest):
        session.execute(update(SetUpCode).where(SetUpCode.id == _ROW).values(failures=SetUpCode.failures + 1))
        raise SetUpRefused("This is not the code that Kollega printed when it was last started.", "wrong")
    return digest


def is_valid(session: Session, digest: str) -> bool:
    """True while a code that was given earlier is still the one of this installation."""
    row = session.get(SetUpCode, _ROW)
    return row is not None and hmac.compare_digest(row.digest, digest)


def use_up(session: Session, digest: str) -> None:
    """End the code for good, in the transaction that makes the first admin. Raises SetUpRefused ("none") when somebody
    else was faster."""
    if not remove_one(session, SetUpCode, SetUpCode.digest == digest):
        raise SetUpRefused("Somebody else has set up this installation a moment ago. Sign in.", "none")


def end(session: Session, settings: Settings) -> None:
    """Remove what is left of a code once the installation is set up. The caller commits."""
    session.execute(delete(SetUpCode))
    (settings.home / _FILE).unlink(missing_ok=True)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def _shown(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def _in_home(home: Path) -> str:
    try:
        return (home / _FILE).read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _keep(home: Path, code: str) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f"{_FILE}.", dir=home)  # only its owner can read it
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(code)
    os.replace(temporary, home / _FILE)
