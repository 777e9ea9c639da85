"""KOLLEGA_SERVER_PROCESSES: several processes answer at one address, count together, and end together."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from recommender.errors import SettingsError
from recommender.settings import Settings
from tests.cluster import free_ports
from tests.conftest import MODELS
from tests.paths import ROOT
from tests.timing import LONG, wait_until
from tests.web.test_server import LARGE, SCRIPT

TOKEN = "a-token-for-prometheus"
_ANSWERS_WITHIN = 10.0


@pytest.fixture
def serving(ready_home: Path) -> Iterator[tuple[psutil.Process, int]]:
    """`kollega serve` with two processes, and its port."""
    (ready_home / "models").symlink_to(MODELS, target_is_directory=True)
    with _begun(ready_home, "-m", "indexer") as begun:
        yield begun


@contextmanager
def _begun(home: Path, *program: str) -> Iterator[tuple[psutil.Process, int]]:
    (port,) = free_ports(1)
    own = {"HOME": str(home), "SERVER_PROCESSES": "2", "METRICS_TOKEN": TOKEN}
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--no-watch", "--port", str(port)],
        env=os.environ | {f"KOLLEGA_{name}": value for name, value in own.items()}
        | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert any(line.startswith("Kollega is at ") for line in process.stdout)
        yield psutil.Process(process.pid), port
    finally:
        process.kill()
        process.communicate()


def _get(port: int, path: str = "/health/live", **headers: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWERS_WITHIN)
    try:
        connection.request("GET", path, headers={"Connection": "close", **headers})
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()
    finally:
        connection.close()


def _counted(port: int) -> int:
    """How many questions whether it is there have been answered, as Prometheus reads it."""
    text = _get(port, "/metrics", Authorization=f"Bearer {TOKEN}")
    found = re.findall(r'^kollega_requests_total\{method="GET",route="health.live",status="200"\} (\S+)$', text, re.M)
    return int(sum(map(float, found)))


def _other(serving: psutil.Process) -> psutil.Process | None:
    for process in serving.children():
        with suppress(psutil.NoSuchProcess):
            if "--sockets" in process.cmdline():
                return process
    return None


def _answers(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return bool(_get(port))
    return False


@contextmanager
def _stopped(process: psutil.Process) -> Iterator[None]:
    """The process does nothing meanwhile."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def test_two_processes_answer_at_one_address_count_together_and_end_together(
    serving: tuple[psutil.Process, int],
) -> None:
    main, port = serving
    wait_until(lambda: _other(main))
    other = _other(main)
    assert other is not None
    with _stopped(main):
        wait_until(lambda: _answers(port))  # as soon as the other one has loaded
    before = _counted(port)
    with _stopped(main):
        for _ in range(3):
            _get(port)
    with _stopped(other):
        for _ in range(4):
            _get(port)
    assert _counted(port) == before + 7

    other.kill()
    other.wait(LONG)
    _get(port)
    wait_until(lambda: _other(main) not in (None, other))  # it is begun again
    again = _other(main)
    assert again is not None
    with _stopped(main):
        wait_until(lambda: _answers(port))
    assert _counted(port) >= before + 8  # also what the killed one had counted

    main.terminate()
    assert main.wait(LONG) == 0
    wait_until(lambda: not again.is_running())
    assert not _answers(port)


def test_the_others_end_when_the_process_that_began_them_is_killed(serving: tuple[psutil.Process, int]) -> None:
    main, port = serving
    wait_until(lambda: _other(main))
    other = _other(main)
    assert other is not None
    main.send_signal(signal.SIGKILL)
    wait_until(lambda: not other.is_running())
    assert not _answers(port)


@pytest.mark.parametrize("whom", ["the server", "all of its processes"])
def test_a_process_beside_finishes_what_it_is_at_before_it_stops(ready_home: Path, tmp_path: Path, whom: str) -> None:
    """Whoever stops a service at once, as systemd does, and the server itself, both tell it to stop."""
    program, python = tmp_path / "program.py", tmp_path / "python"
    program.write_text(f"import sys\nsys.executable = {str(python)!r}\n{SCRIPT}", encoding="utf-8")
    python.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} {program} "$@"\n', encoding="utf-8")  # for -m indexer
    python.chmod(0o755)
    with _begun(ready_home, str(program)) as (main, port):
        wait_until(lambda: _other(main))
        other = _other(main)
        assert other is not None
        with _stopped(main):
            wait_until(lambda: _answers(port))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
            connection.request("GET", "/slow/4")
            time.sleep(1)  # until it is being answered, by the other process
        main.terminate()
        if whom != "the server":
            other.terminate()
        answer = connection.getresponse()
        assert (answer.status, len(answer.read())) == (200, LARGE)
        connection.close()
        assert main.wait(LONG) == 0
        wait_until(lambda: not other.is_running())


@pytest.mark.parametrize("number", [0, 65])
def test_there_is_at_least_one_process_and_not_too_many(number: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_SERVER_PROCESSES"):
        Settings(home=tmp_path, server_processes=number)
