"""The templates as Python runs them, in files: compiling them takes two seconds at each start, reading them a twentieth
of one. They lie beside the prepared models, under a digest of all that they are made from, and are made again when they
are missing or damaged."""

import hashlib
import importlib.util
import logging
from importlib.metadata import version
from pathlib import Path

from flask import Flask
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket

from recommender.checksums import whole_folder

log = logging.getLogger(__name__)
_NAME = "templates-"


class _Stored(FileSystemBytecodeCache):
    """What is read from a folder that nothing changes any more."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Nothing: a template that is not among them is compiled in memory."""


def load_templates(app: Flask, folder: Path) -> None:
    """Load all templates of the app, compiled, from a folder under `folder`. Where that cannot be written, they are
    compiled."""
    environment = app.jinja_env
    names = sorted(environment.list_templates(extensions=["html"]))  # Flask gives them in any order

    def write(unfinished: Path) -> None:
        environment.bytecode_cache = FileSystemBytecodeCache(str(unfinished))
        _load(environment, names)

    try:
        stored = whole_folder(folder / f"{_NAME}{_digest(environment, names)}", write, replaces=f"{_NAME}*")
        environment.bytecode_cache = _Stored(str(stored))
    except OSError as error:
        log.warning("The compiled templates cannot be stored, and are compiled at each start: %s", error)
        environment.bytecode_cache = None
    _load(environment, names)


def _load(environment: Environment, names: list[str]) -> None:
    for name in names:
        environment.get_template(name)


def _digest(environment: Environment, names: list[str]) -> str:
    """Of the texts of the templates, and of the versions of what compiles them."""
    made_by = (version("jinja2"), importlib.util.MAGIC_NUMBER.hex(), *sorted(environment.extensions))
    digest = hashlib.sha256(" ".join(made_by).encode())
    if environment.loader is None:
        raise RuntimeError("the app has no templates")
    for name in names:
        source, path, _is_current = environment.loader.get_source(environment, name)
        digest.update(f"\n{name} {path} {len(source)}\n{source}".encode())
    return digest.hexdigest()[:12]
