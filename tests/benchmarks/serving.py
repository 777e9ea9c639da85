"""Runs `kollega serve` for benchmarks, in a process of its own, on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from recommender.settings import PREFIX, Settings

_START_WITHIN = 120.0


@contextmanager
def served(settings: Settings, watch: bool = False) -> Iterator[tuple[psutil.Process, str]]:
    """Run `kollega serve` on a free port until it is ready, and yield (its process, its address). Other settings come
    from the environment. With `watch` it has a watcher beside itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
