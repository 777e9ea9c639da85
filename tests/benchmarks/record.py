"""Saves measurements in `results/`: what was measured, at which commit, on which kind of machine, by which command.

`kollega evaluate` prints measurements, and this module saves them. SETS is the folder with the evaluation sets:
    kollega evaluate SETS/*/ --json | python -m tests.benchmarks.record quality
    KOLLEGA_MODEL=all-MiniLM-L6-v2 kollega evaluate SETS/se_quantum SETS/se_dba_meta --json \
      | python -m tests.benchmarks.record quality-minilm
The first also writes `experts.json`. The pages under docs/ take their figures from these files: run `make figures`
afterwards.
"""

import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

COMMANDS = {
    "quality": "kollega evaluate SETS/*/ --json",
    "quality-minilm": "KOLLEGA_MODEL=all-MiniLM-L6-v2 kollega evaluate SETS/se_quantum SETS/se_dba_meta --json",
}
EXPERT_PROTOCOLS = ("experts, ", "MRR over ", "load")
RESULTS = Path(__file__).parent / "results"
LONG_RUN = 100_000
"""Cases of the tests that nothing hidden is shown, from which a run is recorded: `make bench`."""
_ROOT = Path(__file__).parent.parent.parent
_INSTRUCTIONS = (
    ("amx_bf16", "AMX"),
    ("avx512_bf16", "AVX-512 with bfloat16"),
    ("avx512f", "AVX-512"),
    ("avx2", "AVX2"),
)
"""Flags of /proc/cpuinfo that decide how fast the model runs, the fastest first, and their names for people."""


def machine() -> dict[str, Any]:
    """The kind of machine this runs on: number of cores, processor architecture, vector instructions, Python."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.machine(),
        "instructions": _instructions(),
        "python": platform.python_version(),
    }


def provenance(command: str) -> dict[str, Any]:
    """Where a result comes from: the first fields of every file in `results/`."""
    return {
        "machine": machine(),
        "commit": commit(),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "command": command,
    }


def commit() -> str:
    """The measured commit, with `+changes` when the three packages differ from it."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "recommender", "indexer", "web")
    return _git("rev-parse", "--short=7", "HEAD") + ("+changes" if changed else "")


def write(name: str, held: dict[str, Any]) -> Path:
    """Write `results/NAME.json` and return its path. A list of rows is written one row a line."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(as_text(held), encoding="utf-8")
    return path


def write_cases(name: str, cases: int, worlds: int, failed: int) -> None:
    """Write `results/NAME.json` after a long run of the tests that nothing hidden is shown; nothing after a short
    one."""
    if cases >= LONG_RUN:
        write(name, provenance("make bench") | {"cases": cases, "worlds": worlds, "failed": failed})


def as_text(held: dict[str, Any]) -> str:
    """JSON with one field a line, and one row a line where the field is a list of rows."""
    fields = []
    for key, value in held.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join("  " + json.dumps(_rounded(row), ensure_ascii=False) for row in value)
            fields.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            fields.append(f" {json.dumps(key)}: {json.dumps(_rounded(value), ensure_ascii=False)}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _rounded(value: Any) -> Any:
    """Round numbers to four decimals: more than any page shows, and few enough for readable changes of a file."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(element) for element in value]
    return value


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=_ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _instructions() -> str:
    try:
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return "unknown"
    known = set(flags.group(1).split()) if flags else set()
    return next((name for flag, name in _INSTRUCTIONS if flag in known), "none of these")


def main(name: str) -> None:
    """Save the rows that standard input has as JSON; those about colleagues go to a separate file."""
    rows = json.load(sys.stdin)
    if not isinstance(rows, list) or not rows:
        raise SystemExit("Standard input holds no rows. Use the output of: kollega evaluate SET... --json")
    experts = [row for row in rows if row["protocol"].startswith(EXPERT_PROTOCOLS)]
    source = provenance(COMMANDS[name])
    print(write(name, source | {"rows": [row for row in rows if row not in experts]}))
    if experts and name == "quality":
        print(write("experts", source | {"rows": experts}))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        raise SystemExit(__doc__)
    main(sys.argv[1])
