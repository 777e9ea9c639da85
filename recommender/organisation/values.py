"""The values that the organisation has set, in the database: its name and look, and those settings that can be changed
while Kollega runs. A variable of the environment wins over the database, and that over the default.

`Organisation.read` asks the database. A web process asks a `Values`, which looks at most every two seconds, so that a
change reaches all processes without a word between them.
"""

import os
import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.database.organisation_tables import OrganisationValue
from recommender.database.storing import insert_or_update
from recommender.database.tables import utc_now
from recommender.errors import DatabaseVersion, OrganisationError, SettingsError
from recommender.setting_values import PAGE_LANGUAGES
from recommender.settings import PREFIX, Settings

LOOK_SECONDS = 2.0
"""After how many seconds a process notices what another one has set: a judgement."""
NEEDS_RESTART: Mapping[str, bool] = {
    "language": False,
    "time_zone": False,
    "old_after_months": False,
    "review_days": False,
    "anonymous_reading": False,
    "second_factor_for": False,
    "session_idle_days": False,
    "session_days": True,
    "answer_from": True,
    "maybe_from": True,
    "oidc_name": False,
    "insights_minutes": True,
    "audit_days": True,
}
"""The settings that the organisation may change in Kollega, and whether the programs have to be started again."""
LONGEST_NAME, LONGEST_TEXT = 100, 600  # characters: a judgement
LOGO, LOGO_CONTENT = "logo", "logo_content"
LOGO_TYPES: Mapping[str, str] = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
"""The media types of the pictures that a logo may be."""
_PRIVATE = ("name", "empty_page", LOGO, LOGO_CONTENT)  # texts, of which the audit log says only that they changed
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Organisation:
    """What the organisation has said about itself. `settings` are the settings with its values in them; `logo` is the
    type and digest of its picture, and `empty_page` its text on the first page by language."""

    settings: Settings
    name: str = ""
    languages: tuple[str, ...] = PAGE_LANGUAGES
    new_teams_restricted: bool = False
    accent: str = ""
    accent_dark: str = ""
    logo: Mapping[str, str] = field(default_factory=dict)
    empty_page: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, session: Session, settings: Settings) -> "Organisation":
        """The organisation as the database has it now."""
        return cls.made_of(settings, _all(session))

    @classmethod
    def made_of(cls, settings: Settings, values: Mapping[str, Any]) -> "Organisation":
        """The organisation with these values; those that cannot be used, as of another version, are left out."""
        usable: dict[str, Any] = {}
        for key in values.keys() & _OWN.keys():
            with suppress(OrganisationError):
                checked = _OWN[key](values[key])
                usable[key] = tuple(checked) if key == "languages" else checked
        return cls(_with(settings, values), **usable)


class Values:
    """The values of a database as they were at most `LOOK_SECONDS` ago; while it cannot be asked, as they were then."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._values: dict[str, Any] = {}
        self._made: tuple[Settings, Organisation] | None = None
        self._looked_at = -LOOK_SECONDS
        self._lock = threading.Lock()
        event.listen(sessions, "after_commit", self._after_commit)

    def organisation(self, settings: Settings) -> Organisation:
        """The organisation; `settings` are those of the environment. One thread looks again, the others take what is
        there meanwhile."""
        if time.monotonic() >= self._looked_at + LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        made = self._made
        if made is None or made[0] is not settings:
            made = self._made = settings, Organisation.made_of(settings, self._values)
        return made[1]

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        try:
            with self._sessions() as session:
                values = _all(session)
        except (SQLAlchemyError, DatabaseVersion, OSError, ValueError):
            return
        if values != self._values:  # otherwise the same objects: what is cached by the settings stays
            self._values, self._made = values, None

    def _after_commit(self, session: Session) -> None:
        if session.info.pop(_CHANGED, False):
            self._looked_at = -LOOK_SECONDS


_CHANGED = "organisation_changed"


def in_environment(settings: Settings, name: str, environment: Mapping[str, str] = os.environ) -> bool:
    """True for a setting that the environment, or an option of the command, has set."""
    return bool(getattr(settings, name) != _defaults()[name] or environment.get(PREFIX + name.upper()))


def set_value(session: Session, settings: Settings, key: str, value: Any, by: int | None = None) -> bool:
    """Set one value and record it in the audit log; False when it is as it was. None takes it away, so that the default
    holds. The caller commits.

    `settings` are those of the environment. Raises OrganisationError for an unknown key, a value that cannot be used,
    and a setting that the environment has set.
    """
    if key in NEEDS_RESTART and in_environment(settings, key):
        raise OrganisationError(f"{PREFIX}{key.upper()} is set in the environment. Change or remove it there.")
    checked = None if value is None else _checked(Organisation.read(session, settings).settings, key, value)
    row = session.get(OrganisationValue, key)
    before = row.value if row else None
    if before == checked:
        return False
    if checked is None:
        session.delete(row)
        session.flush()
    else:
        values = {"value": checked, "changed_by_id": by, "changed_at": utc_now()}
        insert_or_update(session, OrganisationValue, {"key": key}, values)
    _record(session, key, before, checked, by)
    session.info[_CHANGED] = True
    return True


def stored(session: Session, key: str) -> Any:
    """A value as it is in the database; None when there is none."""
    row = session.get(OrganisationValue, key)
    return row.value if row else None


def changed(session: Session) -> dict[str, tuple[int | None, datetime]]:
    """For each value in the database the id of who set it last, and when."""
    rows = session.execute(select(OrganisationValue.key, OrganisationValue.changed_by_id, OrganisationValue.changed_at))
    return {row.key: (row.changed_by_id, row.changed_at) for row in rows}


def _all(session: Session) -> dict[str, Any]:
    query = select(OrganisationValue.key, OrganisationValue.value).where(OrganisationValue.key != LOGO_CONTENT)
    return {row.key: row.value for row in session.execute(query)}


def _with(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with those values that are of settings which the environment has not set; when they do not fit
    together, with as many as do."""
    chosen = {key: values[key] for key in values.keys() & NEEDS_RESTART.keys() if not in_environment(settings, key)}
    try:
        return replace(settings, **{key: _typed(key, value) for key, value in chosen.items()})
    except (OrganisationError, SettingsError):
        for key, value in sorted(chosen.items()):
            with suppress(OrganisationError):
                settings = replace(settings, **{key: _checked(settings, key, value)})
        return settings


def _record(session: Session, key: str, before: Any, after: Any, by: int | None) -> None:
    actor = audit.actor(session, by)
    if key in _PRIVATE:
        details = {"set": after is not None}
    else:
        details = {"before": before, "after": after}
        if key == "anonymous_reading" and after:
            details["widened"] = True
    audit.record(session, actor, f"organisation.{key}", "organisation:", details)


def _checked(settings: Settings, key: str, value: Any) -> Any:
    if key in NEEDS_RESTART:
        try:
            replace(settings, **{key: (typed := _typed(key, value))})
        except SettingsError as error:
            raise OrganisationError(str(error)) from error
        return typed
    if key not in _OWN and key != LOGO_CONTENT:
        raise OrganisationError(f"There is no value {key!r} that an organisation can set.")
    return _OWN[key](value) if key in _OWN else _text(value, None)


def _typed(key: str, value: Any) -> Any:
    """A value of a setting, if it is of the setting's type."""
    default = _defaults()[key]
    if type(default) is float and type(value) is int:
        value = float(value)
    if type(value) is not type(default):
        raise OrganisationError(f"{PREFIX}{key.upper()} must be a value like {default!r}.")
    return value


@cache
def _defaults() -> dict[str, Any]:
    return {setting.name: setting.default for setting in fields(Settings)}


def _text(value: Any, longest: int | None) -> str:
    if not isinstance(value, str) or (longest and len(value) > longest) or "\0" in value:
        raise OrganisationError(f"This must be a text of at most {longest} characters.")
    return value.strip()


def _name(value: Any) -> str:
    name = _text(value, LONGEST_NAME)
    if not name or not name.isprintable():
        raise OrganisationError(f"The name must be one line of 1 to {LONGEST_NAME} characters.")
    return name


def _languages(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not value or any(each not in PAGE_LANGUAGES for each in value):
        raise OrganisationError(f"Choose at least one of the languages {', '.join(PAGE_LANGUAGES)}.")
    return [code for code in PAGE_LANGUAGES if code in value]


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise OrganisationError("This must be yes or no.")
    return value


def is_colour(text: str) -> bool:
    """True for a colour as CSS writes it with six digits."""
    return _COLOUR.fullmatch(text) is not None


def _accent(value: Any) -> str:
    if not isinstance(value, str) or not is_colour(value.lower()):
        raise OrganisationError("A colour is written like #0b5cad.")
    return value.lower()


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise OrganisationError("This must be a text for each language.")
    return {code: _text(text, LONGEST_TEXT) for code, text in value.items() if code in PAGE_LANGUAGES and text}


def _logo(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or set(value) != {"type", "digest"}:
        raise OrganisationError("This is no description of a picture.")
    return {name: _text(text, 100) for name, text in value.items()}


_OWN: Mapping[str, Any] = {
    "name": _name,
    "languages": _languages,
    "new_teams_restricted": _yes_or_no,
    "accent": _accent,
    "accent_dark": _accent,
    LOGO: _logo,
    "empty_page": _texts,
}
