"""Who wrote the files of a Git checkout, and when they changed last. Git is asked once for the whole folder."""

import os
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_SECONDS = 300.0  # for the whole history: a judgement
_MOST_COMMITS = 200_000  # the newest ones: a judgement
_COMMIT = "\x01"
_SAFE = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "log.showSignature=false", "core.quotePath=false",
    "core.pager=cat", "diff.external=", "protocol.allow=never",
)  # fmt: skip
"""Settings of the checkout that could make Git run a program are set aside."""


@dataclass
class FileHistory:
    """When a file was changed last, and how many of its changes each author made: {mail: count}."""

    changed_at: datetime
    authors: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)

    def owner(self) -> tuple[str, str]:
        """(mail, name) of who made the most changes; of several, who was there last."""
        mail = self.authors.most_common(1)[0][0]
        return mail, self.names[mail]


def history_of(folder: Path) -> dict[str, FileHistory]:
    """The history of each file by its path from the folder on; empty when the folder is no checkout, or Git is missing,
    or does not trust it."""
    command = ["git", *(part for value in _SAFE for part in ("-c", value)), "-C", str(folder), "log", "--no-renames",
               "--no-ext-diff", "--no-textconv", "--relative", "--name-only", "-z", f"-{_MOST_COMMITS}",
               f"--format={_COMMIT}%ct%x09%aE%x09%aN", "--", "."]  # fmt: skip
    environment = {
        "PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    try:
        ran = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return _parsed(ran.stdout.decode("utf-8", "replace")) if ran.returncode == 0 else {}


def is_checkout(folder: Path) -> bool:
    """True when the folder, or one around it, has a history of Git."""
    here = folder.resolve()
    return any((each / ".git").exists() for each in (here, *here.parents))


def _parsed(text: str) -> dict[str, FileHistory]:
    found: dict[str, FileHistory] = {}
    for commit in text.split(_COMMIT)[1:]:
        head, _end, files = commit.partition("\0")
        head, _line, first = head.partition("\n")
        seconds, mail, name = head.split("\t", 2)
        changed_at = datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None)
        for path in filter(None, [first, *files.split("\0")]):
            history = found.setdefault(path.lstrip("\n"), FileHistory(changed_at))
            history.authors[mail.lower()] += 1
            history.names.setdefault(mail.lower(), name)
    return found
