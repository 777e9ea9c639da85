"""A server that speaks S3, on this machine: `moto_server`, which KOLLEGA_MOTO names or the path has. It is no part of
the test tools, since it needs other versions of what they need; tests with it are skipped without it."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from minio import Minio

from tests.cluster import free_ports
from tests.timing import LONG

KEYS = {"AWS_ACCESS_KEY_ID": "trial", "AWS_SECRET_ACCESS_KEY": "trial-secret"}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of the server."""
    program = os.environ.get("KOLLEGA_MOTO") or shutil.which("moto_server")
    if program is None:
        pytest.skip("no moto_server: see CONTRIBUTING.md")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + LONG
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a new bucket, as KOLLEGA_FILES has it."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    name = f"files-{secrets.token_hex(4)}"
    client = Minio(s3_server.removeprefix("http://"), *KEYS.values(), secure=False, region="us-east-1")
    client.make_bucket(name)
    return f"s3://{name}/kollega?endpoint={s3_server}"
