"""Writes to sources.toml what an admin has chosen on a page: another source, or how often one is read. Everything else
in the file stays as it is, comments too, and nothing is written that could not be read again."""

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from indexer.sources.configuration import sources_of, text_of
from recommender.errors import SettingsError
from recommender.sentences.sentence import Sentence, reason_of

_SCHEDULE = ("every", "full_every")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def add_source(path: Path, name: str, table: Mapping[str, str | list[str]]) -> bool:
    """Write a source of this name, with these options, to the end of the file. False when exactly this one is there
    already. Raises SettingsError when another one has the name, when an option cannot be used, and when the file cannot
    be read or written."""
    text = text_of(path)
    sources_of(path, text)
    known = tomllib.loads(text).get(name)
    if known is not None:
        if known == table:
            return False
        raise SettingsError(
            Sentence("%(file)s has a source called %(name)s already. Choose another name.", file=path, name=name)
        )
    lines = "\n".join([f"[{_key(name)}]", *(f"{option} = {_value(value)}" for option, value in table.items())])
    new = f"{text.rstrip()}\n\n{lines}\n".lstrip()
    sources_of(path, new)
    _write(path, new, lines)
    return True


def set_schedule(path: Path, name: str, every: str, full_every: str) -> None:
    """Write how often a source is read by itself, and how often from its beginning; empty for not at all. Raises
    SettingsError when there is no such source, a time cannot be used, and when the file cannot be read or written."""
    text = text_of(path)
    if name not in {source.name for source in sources_of(path, text)}:
        raise SettingsError(Sentence("%(name)s is no longer in %(file)s.", name=name, file=path))
    wanted = {key: value for key, value in zip(_SCHEDULE, (every, full_every), strict=True) if value}
    lines = [f"{key} = {_value(value)}" for key, value in wanted.items()]
    new = _with_schedule(text, name, lines)
    expected = tomllib.loads(text)
    expected[name] = {key: value for key, value in expected[name].items() if key not in _SCHEDULE} | wanted
    if new is None or _tables(new) != expected:  # written in a way that is not understood here
        by_hand = ", ".join(lines) or Sentence("nothing: remove every and full_every")
        raise SettingsError(
            Sentence(
                "%(file)s is written in a way that only you can change. Write below [%(name)s]: %(lines)s",
                file=path, name=name, lines=by_hand,
            )
        )  # fmt: skip
    sources_of(path, new)
    _write(path, new, "\n".join(lines))


def _with_schedule(text: str, name: str, lines: list[str]) -> str | None:
    """The file with these lines below the heading of a source, in place of those that it has; None without one."""
    heading = re.compile(rf"\s*\[\s*(['\"]?){re.escape(name)}\1\s*\]\s*(#.*)?")
    set_before = re.compile(rf"\s*({'|'.join(_SCHEDULE)})\s*=")
    kept, inside, found = list[str](), False, False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            inside = heading.fullmatch(line) is not None
            if inside:
                found = True
                kept += [line, *lines]
                continue
        if not (inside and set_before.match(line)):
            kept.append(line)
    return "\n".join([*kept, ""]) if found else None


def _tables(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _write(path: Path, text: str, lines: str) -> None:
    """Replace the file in one step, with the rights it has; a new one is for the account of Kollega alone."""
    path = path.resolve()  # a link stays one
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise SettingsError(
            Sentence(
                "%(file)s cannot be written: %(reason)s. Write this to it yourself:\n%(lines)s",
                file=path, reason=reason_of(error), lines=lines,
            )
        ) from error  # fmt: skip


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: str | list[str]) -> str:
    """A text or a list of texts as TOML: the strings of JSON are those of TOML, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
