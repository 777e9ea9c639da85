"""Twenty people type at once: how long each as-you-type request takes at 100,000 items, and whether any fails.

`kollega serve` runs in its own process, on loopback, on the corpus that `speed.py` generates. Locust simulates the
people in this process, so on a small machine it uses part of the same cores. Prints the figures, writes
`results/load.json`, and exits with status 1 when a request failed.

What a person does here, each an assumption:
- They open the page once, then type titles of the demo organisation's requests, Finnish and English mixed, one letter
  after the other and without corrections.
- The gaps between two keys are lognormal with a median of 180 ms and sigma 0.7: on average 230 ms, 4.3 keys a second,
  about the 239 ms that Dhakal et al. (CHI 2018) found among 168,000 people.
- The page asks as ask.js does: PAUSE (read from that file) after a key when no other key followed, with the text
  trimmed, and not when the text is equal to the last question. So about every second key sends a question, and the
  whole title always does.
- A later question does not wait for the answer to an earlier one. The page ignores such an answer; here it is awaited
  and timed like the others, and counted as overtaken, so that slow answers are included in the figures.
- After the last answer they read for 4 to 10 s, open nothing, and type the next title.
- They begin within the first ten seconds. No requests are left out as warm-up.

Usage: python -m tests.benchmarks.load [--seconds 300] [--users 20] [--items 100000] [--keep FOLDER]
"""

import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import click
import gevent
import locust
import locust.env
import numpy as np
import psutil
import requests
from gevent.pool import Group
from urllib3 import encode_multipart_formdata

import web
from indexer.sources.demo import DemoSource
from indexer.sources.records import RequestRecord
from recommender.settings import PREFIX, Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import generated_home

SUGGEST = "/suggest"
_GAP_MEDIAN, _GAP_SIGMA = 0.180, 0.7
_READING = (4.0, 10.0)
_BEGIN_WITHIN = 10.0
_START_WITHIN = 120.0


@dataclass
class Tally:
    """Milliseconds of every as-you-type request that was answered, and the errors."""

    milliseconds: list[float] = field(default_factory=list)
    overtaken: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def request(self, name: str, response_time: float, exception: Exception | None, **_rest: object) -> None:
        """Called by locust for every request."""
        if exception is not None:
            self.errors[f"{name}: {exception!r}"] += 1
        elif name == SUGGEST:
            self.milliseconds.append(response_time)

    def user_error(self, exception: Exception, **_rest: object) -> None:
        """Called by locust when a person cannot go on."""
        self.errors[repr(exception)] += 1


class Typist(locust.FastHttpUser):
    """One person, as described in the docstring of the module."""

    numbers = count()
    tally: Tally
    questions: list[str]
    pause: float

    def on_start(self) -> None:
        """Open the page."""
        number = next(Typist.numbers)
        self.random = random.Random(number)  # noqa: S311 - not for secrets
        self.languages = {"Accept-Language": ("fi,en;q=0.8", "en,fi;q=0.8")[number % 2]}
        self.asking = Group()
        gevent.sleep(self.random.uniform(0, _BEGIN_WITHIN))
        page = self.client.get("/", headers=self.languages).text or ""
        match = re.search(r'name="csrf_token" value="([^"]+)"', page)
        self.hidden = match.group(1) if match else ""

    @locust.task
    def ask_something(self) -> None:
        """Type a title, wait for the answers, read."""
        title = self.random.choice(self.questions)
        last = ""
        for end in range(1, len(title) + 1):
            gap = self.random.lognormvariate(np.log(_GAP_MEDIAN), _GAP_SIGMA)
            if gap > self.pause or end == len(title):
                gevent.sleep(self.pause)
                if (text := title[:end].strip()) != last:
                    self.tally.overtaken += len(self.asking)
                    self.asking.spawn(self.suggest, text)
                    last = text
                gap = max(0.0, gap - self.pause)
            gevent.sleep(gap)
        self.asking.join()
        gevent.sleep(self.random.uniform(*_READING))

    def suggest(self, text: str) -> None:
        """Send what ask.js sends. A response without a verdict is a failure."""
        body, kind = encode_multipart_formdata({"csrf_token": self.hidden, "q": text, "body": ""})
        headers = self.languages | {"Content-Type": kind}
        with self.client.post(SUGGEST, data=body, headers=headers, catch_response=True) as answer:
            if answer.status_code == 200 and "data-verdict=" not in (answer.text or ""):
                answer.failure("an answer without a verdict")


@click.command()
@click.option("--seconds", default=300, show_default=True, help="How long people type.")
@click.option("--users", default=20, show_default=True, help="How many people.")
@click.option("--items", default=100_000, show_default=True, help="How many items they search.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the home in this FOLDER, for the next run.")
def main(seconds: int, users: int, items: int, keep: Path | None) -> None:
    """Generate a corpus, serve it, simulate the people, print and write the figures."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / str(items)
        if not (scratch / "index").exists():
            scratch.mkdir(parents=True)
            generated_home(home, scratch, items)
        with served(Settings(home=scratch)) as (server, address):
            figures = provenance("make load") | {"items": items} | simulate_people(server, address, users, seconds)
    write("load", figures)
    print(table(figures))
    sys.exit(1 if figures["errors"] or not figures["requests"] else 0)


@contextmanager
def served(settings: Settings) -> Iterator[tuple[psutil.Process, str]]:
    """Run `kollega serve` on a free port until it is ready, and yield (its process, its address). Other settings come
    from the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"HOME": str(settings.home), "HOST": "127.0.0.1", "PORT": str(port), "ANONYMOUS_READING": "1"}
    environment = os.environ | {PREFIX + name: value for name, value in variables.items()}
    command = [str(Path(sys.executable).parent / "kollega"), "serve", "--no-watch"]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(process, f"{address}/health")
            yield psutil.Process(process.pid), address
        finally:
            process.terminate()


def simulate_people(server: psutil.Process, address: str, users: int, seconds: float) -> dict[str, Any]:
    """Simulate `users` people for `seconds`; return the figures, with what used the cores meanwhile."""
    tally = Tally()
    Typist.host, Typist.tally, Typist.questions, Typist.pause = address, tally, titles(), page_pause()
    environment = locust.env.Environment(user_classes=[Typist])
    environment.events.request.add_listener(tally.request)
    environment.events.user_error.add_listener(tally.user_error)
    before, load_before, started = _cpu_seconds(server), os.getloadavg(), time.perf_counter()
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(seconds)
    took, errors, elapsed = list(tally.milliseconds), tally.errors.copy(), time.perf_counter() - started
    busy = {name: (now - before[name]) / elapsed for name, now in _cpu_seconds(server).items()}
    runner.quit()
    if not took:
        return {"users": users, "seconds": elapsed, "requests": 0, "errors": errors.total(), "failed": dict(errors)}
    p50, p95, p99 = (float(value) for value in np.percentile(took, (50, 95, 99)))
    return {
        "users": users, "seconds": elapsed, "requests": len(took), "requests_per_second": len(took) / elapsed,
        "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "slowest_ms": max(took), "over_80_ms": sum(ms > 80 for ms in took),
        "overtaken": tally.overtaken, "errors": errors.total(), "failed": dict(errors),
        "cores_busy": busy, "server_peak_mb": _peak_mb(server),
        "load_average": {"before": load_before, "after": os.getloadavg()},
    }  # fmt: skip


def titles() -> list[str]:
    """Titles of the requests of the demo organisation."""
    records = [located.record for located in DemoSource(date.today()).records()]
    return [record.title for record in records if isinstance(record, RequestRecord)]


def page_pause() -> float:
    """Seconds without a key after which ask.js sends the question."""
    script = (Path(web.__file__).parent / "static" / "ask.js").read_text(encoding="utf-8")
    match = re.search(r"^const PAUSE = (\d+);", script, re.MULTILINE)
    assert match, "ask.js names no PAUSE"
    return int(match.group(1)) / 1000


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown, each with its limit."""
    if not figures["requests"]:
        return f"no request was answered: {figures['failed']}"
    busy = ", ".join(f"{name.replace('_', ' ')} {cores:.2f}" for name, cores in figures["cores_busy"].items())
    loads = ", ".join(f"{when} {values[0]:.1f}" for when, values in figures["load_average"].items())
    return "\n".join([
        "| figure | measured | limit |",
        "|---|---|---|",
        f"| as-you-type requests, {figures['users']} people, {figures['items']:,} items, {figures['seconds']:.0f} s "
        f"| {figures['requests']} ({figures['requests_per_second']:.1f} a second) | |",
        f"| p50 / p95 / p99 ms | {figures['p50_ms']:.0f} / {figures['p95_ms']:.0f} / {figures['p99_ms']:.0f} "
        "| p95 <= 80 |",
        f"| overtaken by the next question | {figures['overtaken']} | |",
        f"| errors | {figures['errors']} {figures['failed'] or ''} | 0 |",
        f"| cores busy, of {figures['machine']['cores']} | {busy} | |",
        f"| load average | {loads} | |",
    ])  # fmt: skip


def _wait_until_ready(process: subprocess.Popen[bytes], health: str) -> None:
    end = time.monotonic() + _START_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(health, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        gevent.sleep(0.2)
    raise SystemExit("kollega serve did not become ready; its messages are above.")


def _cpu_seconds(server: psutil.Process) -> dict[str, float]:
    """Processor seconds since the start: of the server, of this process, of all others, and stolen by other machines
    on the same hardware."""
    whole = psutil.cpu_times()
    measured = {"server": server, "locust": psutil.Process()}
    processes = {name: sum(process.cpu_times()[:2]) for name, process in measured.items()}
    used = whole.user + whole.nice + whole.system + whole.irq + whole.softirq
    return processes | {"others": used - sum(processes.values()), "stolen": whole.steal}


def _peak_mb(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(match.group(1)) / 1024 if match else 0.0


if __name__ == "__main__":
    main()
