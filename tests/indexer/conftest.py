"""Runs `kollega` as an admin does, on real files, with the fake encoder in place of the model."""

import gc
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from indexer.cli import main
from recommender.settings import PREFIX
from tests.conftest import MODELS, FakeEncoder

Kollega = Callable[..., Result]
WriteLines = Callable[..., str]

TEAM = {"type": "team", "id": "it", "name": "IT"}
AINO = {"type": "person", "id": "aino", "name": "Aino", "teams": ["it"]}
REQUEST = {
    "type": "request",
    "id": "r1",
    "title": "Printer on floor two is stuck",
    "status": "resolved",
    "created_at": "2026-01-02T10:00:00",
    "replies": [
        {"id": "a1", "author": "aino", "body": "Open the back", "created_at": "2026-01-02T11:00:00", "accepted": True}
    ],
}


@contextmanager
def _connections_may_stay_open() -> Iterator[None]:
    """A command leaves it to the end of its process to close its connections to PostgreSQL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture
def kollega(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder, store_address: str
) -> Iterator[Kollega]:
    """Runs `kollega` with a home and a database of its own; fails when a traceback would be shown."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(MODELS, target_is_directory=True)
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KOLLEGA_HOME", str(home))
    monkeypatch.setenv("KOLLEGA_MODEL", encoder.card.name)
    if store_address:
        monkeypatch.setenv("KOLLEGA_DATABASE", store_address)
    for name, module in list(sys.modules.items()):  # in every module that imported load_encoder
        if name.startswith("recommender.") and hasattr(module, "load_encoder"):
            monkeypatch.setattr(module, "load_encoder", lambda _settings: encoder)
    level = logging.getLogger().level

    def run(*arguments: str) -> Result:
        with _connections_may_stay_open() if store_address else nullcontext():
            result = CliRunner().invoke(main, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    yield run
    logging.getLogger().setLevel(level)


@pytest.fixture
def write_lines(tmp_path: Path) -> WriteLines:
    """Writes lines (texts, or objects as JSON) into a file and returns its path."""

    def write(*lines: object, name: str = "records.jsonl") -> str:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write
