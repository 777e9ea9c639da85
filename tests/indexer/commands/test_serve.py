"""commands/serve.py: `kollega serve` and `kollega demo`."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest, Person
from recommender.settings import Settings
from tests.indexer.conftest import Kollega
from tests.paths import ROOT
from tests.timing import LONG, wait_until


def test_a_terminated_demo_stops_its_watcher(tmp_path: Path) -> None:
    watcher = tmp_path / "watcher"
    watcher.write_text('#!/bin/sh\necho $$ > "$0.pid"\nexec sleep 600\n')
    watcher.chmod(0o755)
    code = (
        "import sys, time\nfrom indexer.commands import beside, running\n"
        f"sys.executable = {str(watcher)!r}\n"
        "running.stop_when_terminated()\n"
        "with beside.watching(20) as watcher:\n    watcher.begin()\n    time.sleep(600)\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    pid_file = tmp_path / "watcher.pid"
    while not (pid_file.exists() and pid_file.read_text().strip()):
        assert demo.poll() is None
        time.sleep(0.05)
    demo.terminate()
    assert demo.wait(300) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_demo_loads_and_indexes_the_demo_organisation(kollega: Kollega) -> None:
    result = kollega("demo")
    assert result.exit_code == 0
    loaded, indexed = result.stdout.splitlines()
    assert loaded == "390 added, 0 updated, 0 unchanged"
    sessions = open_database(Settings.from_environment())
    with sessions() as session:
        searchable = session.query(HelpRequest).count() + session.query(Document).count()
        assert session.query(Person).count() == 28
    sessions.kw["bind"].dispose()
    assert indexed.startswith(f"items {searchable}, passages ")


def test_garbage_is_looked_for_when_all_is_loaded(kollega: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: dict[str, bool] = {}
    app = SimpleNamespace(extensions={"kollega_counting": SimpleNamespace(close=lambda: None)})

    def load(_settings: Settings, opening: object) -> Any:
        looked_for["loading"] = gc.isenabled()
        return app

    def answer() -> None:
        looked_for["answering"] = gc.isenabled()

    monkeypatch.setattr("web.starting.opening.begin", lambda _settings: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr("web.server.create_app", load)
    monkeypatch.setattr("web.server.Server", lambda *_given: SimpleNamespace(run=answer, stop=answer, sockets=[]))
    for name in ("stop_at_signals", "tell_address"):
        monkeypatch.setattr(f"web.server.{name}", lambda *_given, **_named: None)
    try:
        assert kollega("serve", "--no-watch").exit_code == 0
        assert looked_for == {"loading": False, "answering": True} and gc.isenabled() and gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_start_that_is_interrupted_waits_for_what_is_being_opened(
    kollega: Kollega, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def interrupted(*_given: object) -> None:
        raise SystemExit(0)

    opening = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr("web.starting.opening.begin", lambda _settings: opening)
    monkeypatch.setattr("web.server.run", interrupted)
    assert kollega("serve", "--no-watch").exit_code == 0 and closed == [True]


def test_serve_on_a_taken_port_is_reported_in_one_sentence(tmp_path: Path) -> None:
    script = (
        "import os, web.server, web.set_up.telling, web.starting.opening\n"
        "web.starting.opening.begin = lambda settings: open(os.devnull)\n"
        "web.server.create_app = lambda settings, opening: lambda environment, start: []\n"
        "from indexer.cli import main\n"
        "main()\n"
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-c", script, "serve", "--no-watch", "--port", str(port)],
            env=os.environ | {"KOLLEGA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert ran.returncode == 1
    assert ran.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Set KOLLEGA_PORT to another port.\n"
    )


@contextmanager
def _serving(home: Path, *options: str, ends_in: float = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Runs `kollega serve` with an application that answers nothing, and takes `ends_in` seconds to end; gives the
    process and what it says until it listens. Its errors are in a file `errors`."""
    script = (
        "import os, time, psutil, web.server, web.set_up.telling, web.starting.opening\n"
        "from recommender.database import engine\n"
        "class Counting:\n"
        f"    def close(self): time.sleep({ends_in})\n"
        "class App:\n"
        "    extensions = {'kollega_counting': Counting()}\n"
        "def create_app(settings, opening):\n"
        "    print('watchers', len(psutil.Process().children()))\n"
        "    return App()\n"
        "def open_database(settings):\n"
        "    print('the tables are made')\n"
        "    return opened(settings)\n"
        "opened, engine.open_database = engine.open_database, open_database\n"
        "web.starting.opening.begin = lambda settings: open(os.devnull)\n"
        "web.server.create_app = create_app\n"
        "web.set_up.telling.tell_code = lambda app, settings, address: None\n"
        "from indexer.cli import main\n"
        "main()\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"KOLLEGA_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (home.parent / "errors").open("w") as errors:
        serving = subprocess.Popen(
            [sys.executable, "-c", script, "serve", "--port", str(port), *options],
            env=os.environ | own, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
        )  # fmt: skip
    assert serving.stdout is not None
    said = ""
    for line in serving.stdout:
        said += line
        if line.startswith("Kollega is at "):
            break
    try:
        yield serving, said
    finally:
        serving.kill()
        serving.communicate()


def _watchers(parent: int) -> list[int]:
    found = []
    for process in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess):  # one that ends just now, too
            found += [process.pid] if "watch" in process.cmdline() else []
    return found


def _watcher(parent: int) -> int:
    """The only watcher: a process that has just begun has no name yet."""
    wait_until(lambda: len(_watchers(parent)) == 1)
    return _watchers(parent)[0]


def test_serve_says_at_once_what_it_begins_with_and_runs_watch_beside(ready_home: Path) -> None:
    with _serving(ready_home) as (serving, said):
        assert "kollega.db" in said and "index     none yet" in said and "multilingual-e5-small" in said
        assert "kollega watch runs beside" in said
        watcher = _watcher(serving.pid)
        os.kill(watcher, signal.SIGKILL)
        wait_until(lambda: watcher not in _watchers(serving.pid))
        second = _watcher(serving.pid)  # it is begun again
        serving.terminate()
        assert serving.wait(LONG) == 0
        assert not psutil.pid_exists(second)


def test_the_first_line_comes_before_the_tables_and_watch_begins_when_the_server_listens(tmp_path: Path) -> None:
    with _serving(tmp_path / "home") as (serving, said):
        lines = said.splitlines()
        assert lines[0].startswith("database  ")
        assert lines[-3:-1] == ["the tables are made", "watchers 0"]
        assert _watcher(serving.pid)


def test_watch_ends_when_the_server_beside_it_is_killed(ready_home: Path) -> None:
    with _serving(ready_home) as (serving, _said):
        watcher = _watcher(serving.pid)
        serving.kill()
        serving.wait()
        wait_until(lambda: not psutil.pid_exists(watcher))


def test_serve_runs_no_watch_where_another_service_does(ready_home: Path) -> None:
    with _serving(ready_home, "--no-watch") as (serving, said):
        assert "not started here" in said and _watchers(serving.pid) == []


def test_a_watcher_that_is_stopped_together_with_the_server_is_not_begun_again(ready_home: Path) -> None:
    with _serving(ready_home, ends_in=4) as (serving, _said):
        watcher = _watcher(serving.pid)
        os.killpg(serving.pid, signal.SIGTERM)  # as systemd and containers stop a service
        begun = []
        while serving.poll() is None:
            with suppress(psutil.NoSuchProcess):
                begun += [each for each in _watchers(serving.pid) if each != watcher]
            time.sleep(0.05)
        assert serving.returncode == 0 and begun == []
    assert (ready_home.parent / "errors").read_text() == ""
