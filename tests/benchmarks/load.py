"""Many people type at once: how long they wait for answers at 100,000 items, and whether any request fails.

`kollega serve` runs in its own process, on loopback, on the corpus that `speed.py` generates. Locust simulates the
people in this process, so on a small machine it uses part of the same cores. Prints the figures, writes
`results/load.json` (`load-50.json` for fifty people), and exits with status 1 when a request failed.

What a person does here, each an assumption:
- They open the page once, then type titles of the demo organisation's requests, Finnish and English mixed, one letter
  after the other and without corrections.
- The gaps between two keys are lognormal with a median of 180 ms and sigma 0.7: on average 230 ms, 4.3 keys a second,
  about the 239 ms that Dhakal et al. (CHI 2018) found among 168,000 people.
- The page asks as ask.js does (its numbers are read from it): when no key has followed for PAUSE, for PAUSE_AFTER_WORD
  after a space, or for TIMES_AS_LONG as the last answer took if that is longer, up to LONGEST_PAUSE; with the text
  trimmed, not before it has a whole word or three letters, and not when it is equal to the last question. So a title is
  asked about six times while the server is quick, and the whole title always is.
- The colleagues are left out while somebody types, and asked for when no key has followed for REST; how long these
  answers take is told apart.
- A later question gives up an earlier one that is not answered yet, by closing its connection, as the page does: it is
  counted as overtaken, and has no time. What is slow is overtaken more often, so that the times of all answers would
  look better than they are: the times of whole titles, after which nothing more is typed, are told apart, since the
  question was sent and since the last key.
- After the last answer they read for 4 to 10 s, open nothing, and type the next title.
- They begin within the first ten seconds. No requests are left out as warm-up.
- Then one person alone types for a while, for comparison.

Usage: python -m tests.benchmarks.load [--seconds 300] [--users 20] [--items 100000] [--keep FOLDER]
"""

import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
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
from tests.benchmarks.record import provenance, write
from tests.benchmarks.serving import family, generated, served, titles

SUGGEST, PEOPLE = "/suggest", "/suggest/people"
_GAP_MEDIAN, _GAP_SIGMA = 0.180, 0.7
_READING = (4.0, 10.0)
_BEGIN_WITHIN = 10.0
_BETWEEN = 15.0  # seconds in which the server finishes what is left of the others
_USUALLY = 20  # people
_LONGEST = 120.0  # seconds after which an answer counts as missing


class Pauses:
    """How long ask.js waits before it sends a question, by the numbers that stand in it."""

    def __init__(self) -> None:
        script = (Path(web.__file__).parent / "static" / "ask.js").read_text(encoding="utf-8")
        numbers = {name: int(value) for name, value in re.findall(r"^const ([A-Z_]+) = (\d+);", script, re.MULTILINE)}
        self._in_word, self._after_word = numbers["PAUSE"] / 1000, numbers["PAUSE_AFTER_WORD"] / 1000
        self._longest, self._letters = numbers["LONGEST_PAUSE"] / 1000, numbers["FEWEST_LETTERS"]
        self._times = numbers["TIMES_AS_LONG"]
        self.rest = numbers["REST"] / 1000

    def after(self, text: str, took: float) -> float:
        """Seconds without a key after which `text` is sent, when the last answer took `took` seconds."""
        usual = self._after_word if _ends_with_word(text) else self._in_word
        return max(usual, min(self._times * took, self._longest))

    def says_enough(self, text: str) -> bool:
        """Whether `text` is searched at all."""
        return _ends_with_word(text) or sum(map(str.isalnum, text)) >= self._letters


def _ends_with_word(text: str) -> bool:
    return any(map(str.isalnum, text)) and not text[-1].isalnum()


@dataclass
class Tally:
    """Milliseconds of every as-you-type request that was answered, those of whole titles among them, the same since the
    last key, those of the requests for colleagues and the same since the last key, and the errors."""

    milliseconds: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    since_key: list[float] = field(default_factory=list)
    people: list[float] = field(default_factory=list)
    people_since_key: list[float] = field(default_factory=list)
    overtaken: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def user_error(self, exception: Exception, **_rest: object) -> None:
        """Called by locust when a person cannot go on."""
        self.errors[repr(exception)] += 1


class Typist(locust.User):
    """One person, as described in the docstring of the module."""

    numbers = count()
    tally: Tally
    addresses: Sequence[str]
    questions: list[str]
    pauses: Pauses
    took = 0.0  # seconds that the last answer took, or that it was waited for
    key_at = 0.0  # when the last key was pressed

    def on_start(self) -> None:
        """Open the page."""
        number = next(Typist.numbers)
        self.host = self.addresses[number // 2 % len(self.addresses)]
        self.random = random.Random(number)  # noqa: S311 - not for secrets
        self.browser = requests.Session()
        self.browser.headers["Accept-Language"] = ("fi,en;q=0.8", "en,fi;q=0.8")[number % 2]
        self.asking, self.resting = Group(), Group()
        gevent.sleep(self.random.uniform(0, _BEGIN_WITHIN))
        page = self.browser.get(f"{self.host}/", timeout=_LONGEST).text
        match = re.search(r'name="csrf_token" value="([^"]+)"', page)
        self.hidden = match.group(1) if match else ""

    @locust.task
    def ask_something(self) -> None:
        """Type a title, wait for the answers, read."""
        title = self.random.choice(self.questions)
        last = ""
        for end in range(1, len(title) + 1):
            gap = self.random.lognormvariate(np.log(_GAP_MEDIAN), _GAP_SIGMA)
            self.key_at = time.perf_counter()
            pause = self.pauses.after(title[:end], self.took)
            if gap > pause or end == len(title):
                gevent.sleep(pause)
                if (text := title[:end].strip()) != last and self.pauses.says_enough(title[:end]):
                    self.asking.kill()
                    self.resting.kill()
                    self.asking.spawn(self.suggest, text, pause, whole=end == len(title))
                    last = text
                gap = max(0.0, gap - pause)
            gevent.sleep(gap)
        self.asking.join()
        gevent.sleep(self.random.uniform(*_READING))

    def suggest(self, text: str, pause: float, whole: bool) -> None:
        """Send what ask.js sends, after a pause of so many seconds. A response without a verdict is an error. Then wait
        until the typing rests, beside what else this person does, and ask for the colleagues."""
        started = time.perf_counter()
        try:
            answer = self._suggest(text)
        except gevent.GreenletExit:
            self.tally.overtaken += 1
            self.took = max(self.took, time.perf_counter() - started)
            raise
        if not answer:
            return
        self.took = time.perf_counter() - started
        self._answered(pause, whole)
        if 'data-people="later"' in answer:
            note = re.search(r'data-first="([^"]*)"', answer)
            self.resting.spawn(self._rest, text, note.group(1) if note else "")

    def _rest(self, text: str, note: str) -> None:
        """Ask for the colleagues once no key has followed for as long as ask.js waits."""
        while (left := self.key_at + self.pauses.rest - time.perf_counter()) > 0:
            gevent.sleep(left)
        started = time.perf_counter()
        if self._ask_for_people(text, note):
            self.tally.people.append(1000 * (time.perf_counter() - started))
            self.tally.people_since_key.append(1000 * (time.perf_counter() - self.key_at))

    def _answered(self, pause: float, whole: bool) -> None:
        milliseconds = 1000 * self.took
        self.tally.milliseconds.append(milliseconds)
        if whole:
            self.tally.whole.append(milliseconds)
            self.tally.since_key.append(milliseconds + 1000 * pause)

    def _suggest(self, text: str) -> str:
        return self._send(SUGGEST, {"q": text, "people": "later"}, "data-verdict=")

    def _ask_for_people(self, text: str, note: str) -> str:
        return self._send(PEOPLE, {"q": text, "shown": note}, "data-first=")

    def _send(self, path: str, fields: dict[str, str], expected: str) -> str:
        """The answer to a form with these fields; empty when it fails, which is counted."""
        body, kind = encode_multipart_formdata({"csrf_token": self.hidden, "body": "", **fields})
        try:
            answer = self.browser.post(f"{self.host}{path}", body, headers={"Content-Type": kind}, timeout=_LONGEST)
        except requests.RequestException as error:
            self.tally.errors[repr(error)] += 1
            return ""
        if answer.status_code != HTTPStatus.OK or expected not in answer.text:
            self.tally.errors[f"{path}: status {answer.status_code}, or no {expected}"] += 1
            return ""
        return str(answer.text)


@click.command()
@click.option("--seconds", default=300, show_default=True, help="How long people type.")
@click.option("--users", default=_USUALLY, show_default=True, help="How many people.")
@click.option("--items", default=100_000, show_default=True, help="How many items they search.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the home in this FOLDER, for the next run.")
def main(seconds: int, users: int, items: int, keep: Path | None) -> None:
    """Generate a corpus, serve it, simulate the people, print and write the figures."""
    with generated(items, keep) as settings, served(settings) as (server, address):
        command = "make load" if users == _USUALLY else f"python -m tests.benchmarks.load --users {users}"
        figures = provenance(command) | {"items": items} | simulate_people([server], [address], users, seconds)
        gevent.sleep(_BETWEEN)
        figures["alone"] = simulate_people([server], [address], 1, seconds / 2)
    write("load" if users == _USUALLY else f"load-{users}", figures)
    print(table(figures))
    sys.exit(1 if figures["errors"] or not figures["requests"] else 0)


def simulate_people(
    servers: Sequence[psutil.Process], addresses: Sequence[str], users: int, seconds: float
) -> dict[str, Any]:
    """Simulate `users` people for `seconds`; return the figures, with what used the cores meanwhile. Where there are
    several addresses, each has its own people. A run with as many people has the same people."""
    tally = Tally()
    Typist.numbers, Typist.addresses, Typist.tally = count(), addresses, tally
    Typist.questions, Typist.pauses = titles(), Pauses()
    environment = locust.env.Environment(user_classes=[Typist])
    environment.events.user_error.add_listener(tally.user_error)
    before, load_before, started = _cpu_seconds(servers), os.getloadavg(), time.perf_counter()
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(seconds)
    took, whole, errors = list(tally.milliseconds), list(tally.whole), tally.errors.copy()
    since_key, people = list(tally.since_key), list(tally.people)
    elapsed = time.perf_counter() - started
    busy = {name: (now - before[name]) / elapsed for name, now in _cpu_seconds(servers).items()}
    runner.quit()
    if not whole:
        return {"users": users, "seconds": elapsed, "requests": 0, "errors": errors.total(), "failed": dict(errors)}
    p50, p95, p99 = (float(value) for value in np.percentile(took, (50, 95, 99)))
    whole_p50, whole_p95 = (float(value) for value in np.percentile(whole, (50, 95)))
    key_p50, key_p95 = (float(value) for value in np.percentile(since_key, (50, 95)))
    return {
        "users": users, "seconds": elapsed, "requests": len(took), "requests_per_second": len(took) / elapsed,
        "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "slowest_ms": max(took),
        "whole": len(whole), "whole_p50_ms": whole_p50, "whole_p95_ms": whole_p95,
        "since_key_p50_ms": key_p50, "since_key_p95_ms": key_p95,
        "people": len(people), "people_p95_ms": float(np.percentile(people or [0.0], 95)),
        "people_since_key_p95_ms": float(np.percentile(tally.people_since_key or [0.0], 95)),
        "overtaken": tally.overtaken, "errors": errors.total(), "failed": dict(errors),
        "cores_busy": busy, "server_peak_mb": sum(_peak_mb(server) for server in servers),
        "load_average": {"before": load_before, "after": os.getloadavg()},
    }  # fmt: skip


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown, each with its limit."""
    if not figures["requests"]:
        return f"no request was answered: {figures['failed']}"
    alone = figures["alone"].get("p95_ms", float("nan"))
    busy = ", ".join(f"{name.replace('_', ' ')} {cores:.2f}" for name, cores in figures["cores_busy"].items())
    loads = ", ".join(f"{when} {values[0]:.1f}" for when, values in figures["load_average"].items())
    return "\n".join([
        "| figure | measured | limit |",
        "|---|---|---|",
        f"| as-you-type requests, {figures['users']} people, {figures['items']:,} items, {figures['seconds']:.0f} s "
        f"| {figures['requests']} ({figures['requests_per_second']:.1f} a second) | |",
        f"| answers, p50 / p95 / p99 ms "
        f"| {figures['p50_ms']:.0f} / {figures['p95_ms']:.0f} / {figures['p99_ms']:.0f} | |",
        f"| answers to whole titles, p50 / p95 ms | {figures['whole_p50_ms']:.0f} / {figures['whole_p95_ms']:.0f} | |",
        f"| the same since the last key | {figures['since_key_p50_ms']:.0f} / {figures['since_key_p95_ms']:.0f} | |",
        f"| colleagues, when the typing rests: answers, p95 ms "
        f"| {figures['people']}, {figures['people_p95_ms']:.0f} | |",
        f"| one person alone, p95 ms; times as long for all | {alone:.0f}; "
        f"{figures['whole_p95_ms'] / alone:.1f} | <= 3 |",
        f"| given up for the next question | {figures['overtaken']} | |",
        f"| errors | {figures['errors']} {figures['failed'] or ''} | 0 |",
        f"| cores busy, of {figures['machine']['cores']} | {busy} | |",
        f"| load average | {loads} | |",
    ])  # fmt: skip


def _cpu_seconds(servers: Sequence[psutil.Process]) -> dict[str, float]:
    """Processor seconds since the start: of the servers, of this process, of all others, and stolen by other machines
    on the same hardware."""
    whole = psutil.cpu_times()
    measured = {"server": family(servers), "locust": [psutil.Process()]}
    processes = {name: sum(sum(each.cpu_times()[:2]) for each in those) for name, those in measured.items()}
    used = whole.user + whole.nice + whole.system + whole.irq + whole.softirq
    return processes | {"others": used - sum(processes.values()), "stolen": whole.steal}


def _peak_mb(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(match.group(1)) / 1024 if match else 0.0


if __name__ == "__main__":
    main()
