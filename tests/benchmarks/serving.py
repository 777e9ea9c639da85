"""Homes with generated items, and `kollega serve` on them in a process of its own, on loopback: for benchmarks."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from itertools import cycle
from pathlib import Path

import psutil
import requests

from indexer.sources.demo import DemoSource
from indexer.sources.records import RequestRecord
from recommender.settings import PREFIX, Settings
from tests.benchmarks.speed import generated_home
from tests.cluster import free_ports

METRICS = "the token for the metrics of servers in benchmarks"
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


def titles() -> list[str]:
    """Titles of the requests of the demo organisation."""
    records = [located.record for located in DemoSource(date.today()).records()]
    return [record.title for record in records if isinstance(record, RequestRecord)]


def family(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """These processes and all that they have begun."""
    return [each for process in processes for each in (process, *process.children(recursive=True))]


def answers(servers: Sequence[psutil.Process], address: str, within: float) -> bool:
    """Wait at most `within` seconds for the first answer to a question; False when none comes."""
    end = time.monotonic() + within
    while time.monotonic() < end and all(server.status() != psutil.STATUS_ZOMBIE for server in servers):
        try:
            answer = requests.post(f"{address}/suggest", data={"q": "printer", "body": ""}, timeout=within)
            return "data-verdict=" in answer.text
        except requests.ReadTimeout:
            return False
        except requests.ConnectionError:
            time.sleep(0.05)
    return False


def ask(address: str, questions: Sequence[str], milliseconds: list[float]) -> None:
    """Ask one question after the other, and note how long each answer takes, until this greenlet is killed."""
    browser = requests.Session()
    for question in cycle(questions):
        began = time.perf_counter()
        answer = browser.post(f"{address}/suggest", data={"q": question, "body": ""}, timeout=_START_WITHIN)
        if "data-verdict=" not in answer.text:
            raise SystemExit(f"a question was answered with {answer.status_code}")
        milliseconds.append(1000 * (time.perf_counter() - began))


def visit(address: str, milliseconds: list[float]) -> None:
    """Open the page once a second, and note how long each time takes, until this greenlet is killed; how long it has
    taken until then counts too, since otherwise what is slow would be missing."""
    while True:
        began = time.perf_counter()
        try:
            requests.get(f"{address}/", timeout=_START_WITHIN).raise_for_status()
        finally:
            milliseconds.append(1000 * (time.perf_counter() - began))
        time.sleep(1)


def searched(address: str) -> float:
    """How many questions this server has searched for while somebody typed, by its own count."""
    text = requests.get(f"{address}/metrics", headers={"Authorization": f"Bearer {METRICS}"}, timeout=60).text
    counts = re.findall(r'^kollega_answers_total\{partial="yes".*\} (\S+)$', text, re.MULTILINE)
    return sum(map(float, counts))


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
