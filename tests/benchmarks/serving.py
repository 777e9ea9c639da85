"""Homes with generated items, and `kollega serve` on them in a process of its own, on loopback: for benchmarks."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psutil
import requests

from recommender.settings import PREFIX, Settings
from tests.benchmarks.speed import generated_home
from tests.cluster import free_ports

_START_WITHIN = 120.0


@contextmanager
def generated(items: int, keep: Path | None) -> Iterator[Settings]:
    """The settings of a home with so many generated items (`speed.py`), in a temporary folder, or in the folder `keep`,
    where one that is there already is taken."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / str(items)
        if not (scratch / "index").exists():
            scratch.mkdir(parents=True)
            generated_home(home, scratch, items)
        yield Settings(home=scratch)


@contextmanager
def served(settings: Settings, watch: bool = False) -> Iterator[tuple[psutil.Process, str]]:
    """Run `kollega serve` on a free port until it is ready, and yield (its process, its address). Other settings come
    from the environment. With `watch` it has a watcher beside itself."""
    (port,) = free_ports(1)
    variables = {"HOME": str(settings.home), "HOST": "127.0.0.1", "PORT": str(port), "ANONYMOUS_READING": "1"}
    environment = os.environ | {PREFIX + name: value for name, value in variables.items()}
    command = [str(Path(sys.executable).parent / "kollega"), "serve", *([] if watch else ["--no-watch"])]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(process, f"{address}/health")
            yield psutil.Process(process.pid), address
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], health: str) -> None:
    end = time.monotonic() + _START_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(health, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise SystemExit("kollega serve did not become ready; its messages are above.")
