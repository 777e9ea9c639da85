"""Milvus in its library form for tests. With KOLLEGA_TEST_INDEX=milvus all tests that use the fixture `settings` have
their index in it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.index.milvus.client import Milvus
from recommender.settings import Settings

ON_MILVUS = os.environ.get("KOLLEGA_TEST_INDEX") == "milvus"


def in_milvus(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The same settings with the index in Milvus."""
    return replace(settings, index="milvus", milvus=str(request.getfixturevalue("milvus_file")))


@contextlib.contextmanager
def running_milvus(file: Path) -> Iterator[Path]:
    """Starts the library form on a file, and ends its process."""
    Milvus.connect(str(file), file.parent)
    yield file
    stop_milvus(file)


def stop_milvus(file: Path) -> None:
    """End the process of the library form: as when a server goes away."""
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(str(file))
