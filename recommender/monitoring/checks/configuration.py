"""The settings: whether all are known, and whether the address, the key and the time zone fit together."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime

from recommender.errors import SettingsError
from recommender.monitoring.checks.finding import Finding, fine, problem, warning
from recommender.settings import PREFIX, Settings

_OWN_MACHINE = ("127.0.0.1", "::1", "localhost")
_OF_TOOLS = ("KOLLEGA_TEST_", "KOLLEGA_LEAK_", "KOLLEGA_FUZZ_", "KOLLEGA_DAMAGE_", "KOLLEGA_KILLS", "KOLLEGA_MAILS")
"""Beginnings of variables that the tests of Kollega read."""
_LONGEST_NAME, _MOST_NAMES = 40, 10
_NAME = re.compile(r"KOLLEGA_[A-Z0-9_]+")


def usable(environment: Mapping[str, str] = os.environ) -> tuple[Settings, list[Finding]]:
    """(the settings without the values that cannot be used, a finding about each of these)."""
    left, findings = dict(environment), list[Finding]()
    while True:
        try:
            return Settings.from_environment(left), findings
        except SettingsError as error:
            named = _NAME.search(str(error))
            name = named.group() if named else PREFIX
            findings.append(problem("settings", "settings_wrong", name=name))
            if left.pop(name, None) is None:  # it is missing, or clashes with another one
                where = ("KOLLEGA_HOME", "KOLLEGA_DATABASE")
                return Settings.from_environment({key: left[key] for key in where if key in left}), findings


def settings_known(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Variables that look like settings and are none. Only names are told, never values."""
    known = {name for name, _default, _help in Settings.table()}
    given = sorted(name for name in environment if name.startswith(PREFIX) and not name.startswith(_OF_TOOLS))
    unknown = [name for name in given if name not in known]
    if unknown:
        named = ", ".join(_with_guess(name, known) for name in unknown[:_MOST_NAMES])
        yield warning("settings", "settings_unknown", names=named)
    else:
        changed = sum(getattr(settings, field.name) != field.default for field in fields(settings))
        yield fine("settings", "settings", count=changed)


def secret_key(settings: Settings, on_server: bool) -> Iterator[Finding]:
    """Whether there is a key, and the same one on all machines of a database that is on a server."""
    if on_server and not settings.secret_key:
        yield warning("secret key", "secret_key_shared")
    elif settings.secret_key or (settings.home / "secret_key").is_file():
        yield fine("secret key", "secret_key")
    else:
        yield fine("secret key", "secret_key_not_made")


def address(settings: Settings) -> Iterator[Finding]:
    """Whether people reach Kollega by an address that nobody on the way can read along."""
    if settings.public_url.startswith("https://"):
        yield fine("address", "address")
    elif settings.public_url:
        yield warning("address", "address_plain")
    elif settings.host in _OWN_MACHINE:
        yield fine("address", "address_local")
    else:
        yield warning("address", "address_missing")


def time_zone(settings: Settings) -> Iterator[Finding]:
    """The time zone and the time there."""
    now = datetime.now(settings.zone)
    yield fine("time zone", "time_zone", zone=settings.time_zone, now=now)


def _with_guess(name: str, known: set[str]) -> str:
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    near = difflib.get_close_matches(name, known, 1, 0.8)
    return f"{shown} ({near[0]}?)" if near else shown
