"""How fast files are imported, without encoding, and with how much memory: prints a table and writes
`results/imports.json`.

Each file has the given number of records (100,000 by default), generated from invented sentences. It is imported into
an empty home, then again unchanged, then with every twentieth request changed. The peak memory is that of the process
of the import and of the one that reads for it, together; a run with a tenth of the records shows whether memory grows
with them. Records per second are given by the clock, and by the time of the processors together, which hardly depends
on what else the machine does.
Usage: python -m tests.benchmarks.imports [RECORDS [KIND ...]]
"""

import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tests.benchmarks.record import provenance, write

RECORDS = 100_000
_PEOPLE = 1_000
_LOOK = 0.05  # seconds between two looks at the memory
_CHANGED = 20
"""One request of so many is changed."""
_SENTENCES = (
    "The printer on the second floor does not print anything.", "Tulostin ei tulosta mitään toisessa kerroksessa.",
    "I cannot connect to the VPN from home, it says error 809.", "En saa yhteyttä etätyöpöytään kotoa, virhe on 809.",
    "Open the settings, choose Network and turn it off and on.", "Avaa asetukset, valitse verkko, käynnistä uudelleen.",
    "The invoice was sent twice and the customer asks which one is right.", "Lasku lähti asiakkaalle kahteen kertaan.",
    "My access card does not open the door of the archive any more.", "Kulkukortti ei avaa arkiston ovea enää.",
    "Please order a new screen and a keyboard for our new colleague.", "Tilatkaa uusi näyttö ja hiiri työkaverille.",
    "It works again after the update, thank you very much.", "Päivityksen jälkeen se toimii taas, kiitos paljon.",
)  # fmt: skip


@dataclass
class Run:
    """One import: seconds by the clock and of the processor, records per second by either, the most memory."""

    seconds: float
    cpu_seconds: float
    a_second: float
    a_cpu_second: float
    peak_mb: int


def main(records: int, kinds: Sequence[str]) -> None:
    """Measure these kinds, print the table, write the JSON."""
    figures: dict[str, Any] = provenance("python -m tests.benchmarks.imports") | {"records": records, "kinds": {}}
    for kind in kinds:
        make = _MAKE[kind]
        figures["kinds"][kind] = {**_measured(kind, make, records), "tenth": _measured(kind, make, records // 10)}
    write("imports", figures)
    print(table(figures))


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{figures['records']:,} records: a second by the clock / of the processor, most memory"]
    for kind, runs in figures["kinds"].items():
        for name in ("first", "unchanged", "changed"):
            run, small = runs[name], runs["tenth"][name]
            lines.append(
                f"{kind:14} {name:10} {run['a_second']:8,.0f} / {run['a_cpu_second']:8,.0f} {run['peak_mb']:6} MB "
                f"(a tenth of the records: {small['peak_mb']} MB)"
            )
    return "\n".join(lines)


def _measured(kind: str, make: Callable[[Path, int, bool], Path], records: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        home.mkdir()
        (home / "models").symlink_to(Path(os.environ.get("KOLLEGA_TEST_MODELS", "var/models")).absolute())
        same, changed = make(Path(folder, "same"), records, False), make(Path(folder, "changed"), records, True)
        runs = {"first": same, "unchanged": same, "changed": changed}
        return {name: asdict(_import(kind, place, home, records)) for name, place in runs.items()}


def _import(kind: str, place: Path, home: Path, records: int) -> Run:
    command = [sys.executable, "-m", "indexer", "import", kind, str(place), "--source", "bench"]
    begun, peaks = time.perf_counter(), dict[int, int]()
    with subprocess.Popen(command, env={**os.environ, "KOLLEGA_HOME": str(home)}, stdout=subprocess.DEVNULL) as process:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        while not done:
            time.sleep(_LOOK)
            peaks |= _peaks(process.pid)
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed.")
    cpu = usage.ru_utime + usage.ru_stime
    peak = sum(peaks.values()) >> 10
    return Run(round(seconds, 1), round(cpu, 1), round(records / seconds), round(records / cpu), peak)


def _peaks(process: int) -> dict[int, int]:
    """By process, for this one and those that it has started: the most memory so far, in KB."""
    found: dict[int, int] = {}
    for number in [process, *map(int, _read(f"{process}/task/{process}/children").split())]:
        if peak := re.search(r"VmHWM:\s*(\d+)", _read(f"{number}/status")):
            found[number] = int(peak[1])
    return found


def _read(name: str) -> str:
    """A file of /proc; empty when the process has ended."""
    with suppress(OSError):
        return Path("/proc", name).read_text()
    return ""


def _texts(random_: random.Random, sentences: int) -> str:
    return " ".join(random_.choices(_SENTENCES, k=sentences))


def _requests(records: int, changed: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, request) of as many requests."""
    random_ = random.Random(1)  # noqa: S311 - the same texts each time
    for number in range(records):
        title, body, first, second = (_texts(random_, count) for count in (1, 3, 2, 4))
        if changed and number % _CHANGED == 0:
            second += " Later this was corrected."
        yield number, {"title": f"{title[:60]} {number}", "body": body, "replies": [first, second]}


def _jsonl(path: Path, records: int, changed: bool) -> Path:
    """A file of a team, people, and requests with two replies each."""
    at = "2026-01-{:02}T{:02}:{:02}:00"
    with path.with_suffix(".jsonl").open("w", encoding="utf-8") as file:
        lines: list[dict[str, Any]] = [{"type": "team", "id": "it", "name": "IT"}]
        lines += [{"type": "person", "id": f"p{number}", "name": f"Person {number}"} for number in range(_PEOPLE)]
        for line in lines:
            file.write(json.dumps(line) + "\n")
        for number, request in _requests(records - len(lines), changed):
            replies = [
                {"id": str(place), "author": f"p{(number * 7 + place) % _PEOPLE}", "body": body,
                 "created_at": at.format(number % 27 + 2, place, number % 60), "accepted": place == 1}
                for place, body in enumerate(request["replies"])
            ]  # fmt: skip
            line = {
                "type": "request", "id": str(number), "team": "it", "status": "resolved", **request,
                "asked_by": f"p{number % _PEOPLE}", "created_at": at.format(number % 27 + 1, 8, number % 60),
                "replies": replies,
            }  # fmt: skip
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return path.with_suffix(".jsonl")


def _stackexchange(path: Path, records: int, changed: bool) -> Path:
    """A dump of questions with two answers each, and of the people who wrote them."""
    path.mkdir()
    questions = (records - _PEOPLE) // 3
    row = "  <row {} />\n"

    def attributes(**values: Any) -> str:
        return row.format(" ".join(f"{name}={quoteattr(str(value))}" for name, value in values.items()))

    with (path / "Posts.xml").open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
        for number, request in _requests(questions, changed):
            post = 3 * number + 1
            common = {"CreationDate": "2024-01-02T10:00:00.000", "Score": number % 5, "ContentLicense": "CC BY-SA 4.0"}
            body = f"<p>{request['body']}</p>\n<pre><code>ping -n 1 host\n</code></pre>\n"
            file.write(
                attributes(Id=post, PostTypeId=1, AcceptedAnswerId=post + 2, Body=body, Title=request["title"],
                           OwnerUserId=number % _PEOPLE + 1, Tags="|network|vpn|", **common)
            )  # fmt: skip
            for place, text in enumerate(request["replies"], 1):
                answer = f'<p>{text} See <a href="https://example.org/x">this page</a>.</p>\n<ul><li>One</li></ul>'
                file.write(
                    attributes(Id=post + place, PostTypeId=2, ParentId=post, Body=answer,
                               OwnerUserId=(number * 7 + place) % _PEOPLE + 1, **common)
                )  # fmt: skip
        file.write("</posts>\n")
    with (path / "Users.xml").open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<users>\n')
        for number in range(1, _PEOPLE + 1):
            file.write(attributes(Id=number, DisplayName=f"Person {number}", Reputation=1))
        file.write("</users>\n")
    return path


def _csv(path: Path, records: int, changed: bool) -> Path:
    """A file with a request and its answer in each row."""
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["id", "title", "body", "created_at", "status", "answer", "requester"])
        for number, request in _requests(records, changed):
            rows.writerow([number, request["title"], request["body"], "2026-01-02T10:00:00", "resolved",
                           request["replies"][1], f"person{number % _PEOPLE}"])  # fmt: skip
    made = path.with_suffix(".csv")
    columns = {"id": "id", "title": "title", "body": "body", "created": "created_at", "status": "status",
               "answer": "answer", "asker": "requester"}  # fmt: skip
    mapping = ['kind = "request"', "[columns]", *(f'{name} = "{heading}"' for name, heading in columns.items())]
    Path(f"{made}.toml").write_text("\n".join([*mapping, "[status]", 'resolved = ["resolved"]', ""]), encoding="utf-8")
    return made


_MAKE = {"jsonl": _jsonl, "stackexchange": _stackexchange, "csv": _csv}

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS, sys.argv[2:] or list(_MAKE))
