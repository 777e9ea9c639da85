"""The templates as Python runs them, in files: compiling them takes two seconds at each start, reading them a twentieth
of one. They lie beside the prepared models, under a digest of all that they are made from, and are made again when they
are missing or damaged. They are programs, so they are only used where no other account may have written them."""

import errno
import hashlib
import importlib.util
import logging
import os
import stat
from importlib.metadata import version
from pathlib import Path

from flask import Flask
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket

from recommender.checksums import SEAL, whole_folder

log = logging.getLogger(__name__)
_NAME = "templates-"
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_MADE_BY = ("jinja2", "flask", "kollega")  # what compiles templates, and whose functions it may run for that
_OPTIONS = ("trim_blocks", "lstrip_blocks", "keep_trailing_newline", "newline_sequence", "optimized", "is_async")


class _Stored(FileSystemBytecodeCache):
    """What is read from a folder that nothing changes any more."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Nothing: a template that is not among them is compiled in memory."""


def load_templates(app: Flask, folder: Path) -> None:
    """Load all templates of the app, compiled, from a folder under `folder`. Where that cannot be written, or others
    than this account and root may write it, they are compiled."""
    environment = app.jinja_env
    names = sorted(environment.list_templates(extensions=["html"]))  # Flask gives them in any order
    environment.bytecode_cache = _stored(environment, names, folder)
    _load(environment, names)


def _stored(environment: Environment, names: list[str], parent: Path) -> _Stored | None:
    """The compiled templates in a folder under `parent`, made when they are missing; None when they cannot be used."""
    folder = parent / f"{_NAME}{_digest(environment, names)}"

    def write(unfinished: Path) -> None:
        environment.bytecode_cache = FileSystemBytecodeCache(str(unfinished))
        _load(environment, names)

    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if open_to_others := _written_by_others(parent, folder):
            log.warning(
                "Others may write %s: the templates are compiled at each start. It has to belong to this account or to "
                "root. Then run: chmod -R go-w %s",
                open_to_others,
                parent,
            )
            return None
        whole_folder(folder, write, replaces=f"{_NAME}*")
        return _Stored(str(folder)) if (folder / SEAL).exists() else None
    except OSError as error:
        level = logging.DEBUG if error.errno in _READ_ONLY else logging.WARNING  # it may be read-only on purpose
        log.log(level, "The compiled templates cannot be stored, and are compiled at each start: %s", error)
        return None


def _written_by_others(parent: Path, folder: Path) -> Path | None:
    """What others than this account and root may have written: a folder, the one above it, or a file in it. None when
    they may write none of these."""
    for path in (parent, folder, *folder.iterdir()) if folder.exists() else (parent,):
        status = path.stat()
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return path
    return None


def _load(environment: Environment, names: list[str]) -> None:
    for name in names:
        environment.get_template(name)


def _digest(environment: Environment, names: list[str]) -> str:
    """Of the texts of the templates, of the options of the environment, and of the versions of what compiles them."""
    escaping = getattr(environment.autoescape, "__qualname__", environment.autoescape)  # Flask's is a function
    options = [f"{name}={getattr(environment, name)!r}" for name in _OPTIONS]
    made_by = (*map(version, _MADE_BY), importlib.util.MAGIC_NUMBER.hex(), *sorted(environment.extensions))
    digest = hashlib.sha256(" ".join((*made_by, *options, f"autoescape={escaping}")).encode())
    if environment.loader is None:
        raise RuntimeError("the app has no templates")
    for name in names:
        source, path, _is_current = environment.loader.get_source(environment, name)
        digest.update(f"\n{name} {path} {len(source)}\n{source}".encode())
    return digest.hexdigest()[:12]
