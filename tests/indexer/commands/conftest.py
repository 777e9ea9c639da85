"""Runs `kollega` on the database of the fixture `sessions`."""

import os
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from indexer.cli import main
from recommender.settings import PREFIX, Settings

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `kollega` on the database of `sessions` with `typed` as standard input; fails on an exception."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KOLLEGA_HOME", str(settings.home))
    monkeypatch.setenv("KOLLEGA_DATABASE", settings.database)

    def run(*arguments: str, typed: str = "") -> Result:
        result = CliRunner().invoke(main, list(arguments), input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run
