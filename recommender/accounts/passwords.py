"""Passwords: hashed with argon2id a few at a time, checked in the same time for known and unknown names, and refused
when they are easy to guess."""

import re
import secrets
import unicodedata
from collections.abc import Callable, Collection
from functools import lru_cache
from threading import BoundedSemaphore
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.orm import Session

from recommender import audit
from recommender.accounts import password_links, sessions, tokens
from recommender.accounts.account import find, may_sign_in, open_account
from recommender.database.account_tables import Account
from recommender.database.tables import Person
from recommender.errors import Conflict, TooBusy, UnusablePassword

P = ParamSpec("P")
T = TypeVar("T")

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1_000  # characters; a judgement
PASSWORD_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
"""argon2id as RFC 9106 (section 4) recommends where memory is short: 64 MiB for each hash. Tests replace it."""
AT_ONCE = 2
"""Hashes that are computed at the same time; each needs 64 MiB. More would not be faster on a few processors."""
LONGEST_WAIT = 5.0  # seconds until it is somebody's turn; a judgement
_turns = BoundedSemaphore(AT_ONCE)
_next_turn = BoundedSemaphore(1)  # one waits; more would take the threads in which everybody else is answered
_LOWEST_SCORE = 3  # of zxcvbn's 0 to 4: "safely unguessable: moderate protection from offline slow-hash scenario"
_READ_BY_ZXCVBN = 72  # characters; it refuses longer texts
_EVERYDAY = (
    "kollega", "salasana", "suomi", "finland", "helsinki", "tampere", "turku", "oulu", "espoo", "vantaa", "lahti",
    "kesä", "talvi", "syksy", "kevät", "joulu", "juhannus", "tammikuu", "helmikuu", "maaliskuu", "huhtikuu",
    "toukokuu", "kesäkuu", "heinäkuu", "elokuu", "syyskuu", "lokakuu", "marraskuu", "joulukuu", "maanantai",
    "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai", "perkele", "kissa", "koira",
    "rakkaus", "kahvi", "sauna", "sisu", "jääkiekko", "moikka", "moro", "tervetuloa", "työpaikka",
)  # fmt: skip
"""Words that are tried first where people speak Finnish; zxcvbn's own lists are English."""


def sign_in(session: Session, name: str, password: str) -> Account | None:
    """The account with this user name and password. None when there is no such account or the password is wrong; both
    take the same time, so that nobody can find out which names exist. Raises TooBusy when it is nobody's turn."""
    account = find(session, name)
    return account if matches(account, password) else None


def matches(account: Account | None, password: str) -> bool:
    """True when this is the password of the account, which may sign in. It takes as long when there is no account.
    A hash that was made with other parameters is replaced. Raises TooBusy."""
    known = account.password_hash if account and not account.disabled else None
    if not _in_turn(_verified, known, password[:LONGEST_PASSWORD]):
        return False
    if not known or account is None or len(password) > LONGEST_PASSWORD or not may_sign_in(account):
        return False
    if PASSWORD_HASHER.check_needs_rehash(known):
        account.password_hash = _in_turn(PASSWORD_HASHER.hash, password)
    return True


def name_key(account: Account | None, typed: str) -> str:
    """What counts as one name when attempts to sign in are counted: the user name of the account that was found, else
    what was typed; with spaces, letter case and equivalent characters evened out."""
    name = account.person.handle if account else typed
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:120]


def set_password(
    session: Session,
    person: Person,
    password: str,
    *,
    words: Collection[str] = (),
    keep_tokens: bool = False,
    keep_session: int | None = None,
    by: int | None = None,
    link: str = "",
) -> Account:
    """Give a person a password, with the secret of a `link` or without one. Ends their sessions but `keep_session`,
    their tokens unless `keep_tokens`, and all links to a new password.

    Raises UnusablePassword when it is too short or long or easy to guess, also from the person's names and from
    `words`, such as the organisation's; Conflict when the link was used meanwhile; TooBusy.
    """
    known = session.get(Account, person.id)
    _refuse_unusable(password, [*_own_words(person, known.email if known else None), *words])
    account = open_account(session, person)
    account.password_hash = _in_turn(PASSWORD_HASHER.hash, password)
    if link and not password_links.use(session, link):
        raise Conflict("This link was used a moment ago.")
    password_links.end(session, person.id)
    audit.record(session, audit.actor(session, by), "account.password", f"person:{person.id}")
    sessions.end_all(session, person.id, but=keep_session, by=by)
    if not keep_tokens:
        tokens.revoke_all(session, person.id, by)
    return account


def _refuse_unusable(password: str, words: Collection[str]) -> None:
    """Raise UnusablePassword unless the password can be used."""
    from zxcvbn import zxcvbn  # takes long to import, and is seldom needed

    if len(password) < SHORTEST_PASSWORD:
        raise UnusablePassword(f"A password needs at least {SHORTEST_PASSWORD} characters.", "short")
    if len(password) > LONGEST_PASSWORD:
        raise UnusablePassword(f"A password has at most {LONGEST_PASSWORD} characters.", "long")
    inputs = sorted({word.lower() for word in (*words, *_EVERYDAY) if len(word) > 2}, key=len)
    if zxcvbn(password[:_READ_BY_ZXCVBN], user_inputs=inputs)["score"] < _LOWEST_SCORE:
        raise UnusablePassword(
            "This password is easy to guess. Take a longer one, such as four words that do not belong together, "
            "without names and years.",
            "easy",
        )


def _own_words(person: Person, email: str | None) -> list[str]:
    """What others know of a person, whole and in parts: user name, name, address, teams."""
    known = [person.handle, person.name, email or "", *(team.name for team in person.teams)]
    parts = [part for text in known for part in re.split(r"[\W_]+", text)]
    return [*known, *(re.sub(r"[\W_]+", "", text) for text in known), *parts]


def _verified(known: str | None, password: str) -> bool:
    nobody = _hash_of_nobody(PASSWORD_HASHER)
    try:
        PASSWORD_HASHER.verify(known or nobody, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return True


def _in_turn(compute: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Call a function that hashes when it is its turn, so that many sign-ins at once do not fill the memory. Raises
    TooBusy at once when somebody else waits for the next turn already."""
    if not _turns.acquire(blocking=False) and not _waited():
        raise TooBusy("Too many people are signing in at this moment. Try again in a few seconds.")
    try:
        return compute(*arguments, **options)
    finally:
        _turns.release()


def _waited() -> bool:
    """Wait for a turn; False when another one waits, or it takes too long."""
    if not _next_turn.acquire(blocking=False):
        return False
    try:
        return _turns.acquire(timeout=LONGEST_WAIT)
    finally:
        _next_turn.release()


@lru_cache(maxsize=1)
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """The hash of a random password that nobody has. Verifying it takes as long as verifying a real one."""
    return hasher.hash(secrets.token_hex(16))
