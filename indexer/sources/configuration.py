"""Reads sources.toml, which names the sources that `kollega sync` keeps in step: one table for each."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Options, Source
from indexer.sources.records import first_problem
from recommender.accounts.source_secret import secret_variable, takes_a_setting
from recommender.database.import_tables import digest
from recommender.database.tables import TAKEN_NAMES
from recommender.errors import SettingsError
from recommender.sentences.sentence import Sentence, reason_of

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TIME = re.compile(r"(\d+) ?([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHORTEST = timedelta(seconds=10)
_SECRETS = ("token", "password", "secret", "api_key", "apikey")


@dataclass(frozen=True)
class ConfiguredSource:
    """A source of sources.toml. `every` is how often it is read; None means only by `kollega sync`, and when the source
    says that something changed. `full_every` is how often it is read from the beginning, to find what was deleted."""

    name: str
    kind: str
    options: Options
    every: timedelta | None = None
    full_every: timedelta | None = None

    def open(self) -> Source:
        """The source itself. Raises SourceError when it cannot be used."""
        return KINDS[self.kind].open(self.name, self.options)

    def client(self) -> Any:
        """A client for the interface of the system, for those kinds that questions can be sent to (`client_of`)."""
        return KINDS[self.kind].client(self.name, self.options)

    def options_digest(self) -> str:
        """12 characters that change with anything that decides what is read, and how."""
        return digest([self.kind, self.options.model_dump(mode="json")])


def read_sources(path: Path) -> list[ConfiguredSource]:
    """The sources that the file names, in its order; none when there is no such file.

    Raises SettingsError, which names the file, the source and the option, when it cannot be used.
    """
    return sources_of(path, text_of(path))


def text_of(path: Path) -> str:
    """What the file says; empty when there is no such file. Raises SettingsError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(
            Sentence("%(file)s cannot be read: %(reason)s. Check its rights.", file=path, reason=reason_of(error))
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            Sentence("%(file)s is no TOML that can be read: %(reason)s. Correct that place.", file=path, reason=error)
        ) from error


def sources_of(path: Path, text: str) -> list[ConfiguredSource]:
    """The sources of a file that says this. Raises SettingsError as `read_sources` does."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            Sentence("%(file)s is no TOML that can be read: %(reason)s. Correct that place.", file=path, reason=error)
        ) from error
    _require_own_secrets(path, tables)
    return [_source(path, name, table) for name, table in tables.items()]


def _require_own_secrets(path: Path, names: Iterable[str]) -> None:
    """Raises SettingsError when a source would take a setting as its token, or two sources the same token."""
    known: dict[str, str] = {}
    for name in names:
        if takes_a_setting(name):
            raise SettingsError(
                Sentence(
                    "%(file)s: [%(name)s] would take its token or password from a setting of Kollega, and send it to "
                    "the address of the source. Rename it.",
                    file=path, name=name,
                )
            )  # fmt: skip
        other = known.setdefault(secret_variable(name, "token"), name)
        if other != name:
            raise SettingsError(
                Sentence(
                    "%(file)s: [%(other)s] and [%(name)s] would both take their token from %(variable)s, so each "
                    "would get that of the other. Rename one of them; names must differ in a letter or digit.",
                    file=path, other=other, name=name, variable=secret_variable(name, "token"),
                )
            )  # fmt: skip


def _source(path: Path, name: str, table: Any) -> ConfiguredSource:
    where = f"{path}: [{name}]"
    if not _NAME.fullmatch(name) or name in TAKEN_NAMES:
        raise SettingsError(
            Sentence(
                "%(where)s cannot be the name of a source. Use small letters, digits, '-' and '_', and none of "
                "%(taken)s.",
                where=where, taken=", ".join(map(repr, TAKEN_NAMES)),
            )
        )  # fmt: skip
    if not isinstance(table, dict):
        raise SettingsError(
            Sentence(
                "%(where)s is no table. Write [%(name)s] on a line, and its options below it.", where=where, name=name
            )
        )
    values = dict(table)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        known_kinds = ", ".join(sorted(KINDS))
        missing = Sentence("%(where)s: kind is missing. Write one of: %(known)s.", where=where, known=known_kinds)
        unknown = Sentence(
            "%(where)s: kind %(kind)s is not known. Write one of: %(known)s.",
            where=where, kind=repr(kind), known=known_kinds,
        )  # fmt: skip
        raise SettingsError(missing if kind is None else unknown)
    _require_no_secret(where, name, values)
    every = _every(where, "every", values.pop("every", None))
    full_every = _every(where, "full_every", values.pop("full_every", None))
    if isinstance(values.get("place"), str) and "://" not in values["place"]:
        values["place"] = _path(where, path.parent, values["place"])
    known = KINDS[kind].options()
    for key in values:
        if key not in known.model_fields:
            raise SettingsError(
                Sentence(
                    "%(where)s: %(key)s: it is not known. Known are: %(known)s.",
                    where=where, key=key, known=", ".join(sorted(known.model_fields)),
                )
            )  # fmt: skip
    try:
        options = known.model_validate(values)
    except ValidationError as error:
        raise SettingsError(Sentence("%(where)s: %(reason)s.", where=where, reason=first_problem(error))) from error
    return ConfiguredSource(name, kind, options, every, full_every)


def _path(where: str, folder: Path, place: str) -> str:
    try:
        return str(folder / Path(place).expanduser())
    except RuntimeError as error:
        raise SettingsError(
            Sentence("%(where)s: place: there is no such user. Write the whole path.", where=where)
        ) from error


def _require_no_secret(where: str, name: str, values: dict[str, Any]) -> None:
    for key in values:
        if key.lower() in _SECRETS:
            raise SettingsError(
                Sentence(
                    "%(where)s: %(key)s does not belong into this file. Set %(variable)s, or write it to a file "
                    "of mode 600 and name that file as %(key)s_file.",
                    where=where, key=key, variable=secret_variable(name, key),
                )
            )  # fmt: skip


def _every(where: str, option: str, value: Any) -> timedelta | None:
    if value is None:
        return None
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    every = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found and len(found[1]) < 6 else None
    if every is None or every < _SHORTEST:
        raise SettingsError(
            Sentence(
                '%(where)s: %(option)s = %(value)s is no time of at least 10 seconds. Write one such as "15m".',
                where=where, option=option, value=repr(value),
            )
        )  # fmt: skip
    return every
