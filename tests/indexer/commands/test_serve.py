"""commands/serve.py: `kollega serve` and `kollega demo`."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest, Person
from recommender.settings import Settings
from tests.indexer.conftest import Kollega
from tests.paths import ROOT


def test_a_terminated_demo_stops_its_watcher(tmp_path: Path) -> None:
    watcher = tmp_path / "watcher"
    watcher.write_text('#!/bin/sh\necho $$ > "$0.pid"\nexec sleep 600\n')
    watcher.chmod(0o755)
    code = (
        "import sys, time\nfrom indexer.commands import running, serve\n"
        f"sys.executable = {str(watcher)!r}\n"
        "running.stop_when_terminated()\n"
        "with serve.watching(20):\n    time.sleep(600)\n"
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


def test_serve_on_a_taken_port_is_reported_in_one_sentence(tmp_path: Path) -> None:
    script = (
        "import web.server\n"
        "web.server.create_app = lambda settings: lambda environment, start: []\n"
        "from indexer.cli import main\n"
        "main()\n"
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-c", script, "serve", "--port", str(port)],
            env=os.environ | {"KOLLEGA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert ran.returncode == 1
    assert ran.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Set KOLLEGA_PORT to another port.\n"
    )
