"""The machine and the home directory: versions, memory, room on the disk, and who may read the files."""

import errno
import os
import platform
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from recommender.monitoring.checks.finding import Finding, fine, problem, warning
from recommender.sentences.sentence import Sentence, Size
from recommender.settings import Settings

_LIBRARIES = (
    "sqlalchemy", "psycopg", "numpy", "faiss-cpu", "tantivy", "openvino", "torch", "sentence-transformers", "pymilvus",
    "flask", "waitress",
)  # fmt: skip
_FULL, _LOW = 200e6, 2e9
"""Bytes free on the disk below which it counts as full, and as nearly full: a judgement."""
_LEAST_INODES = 10_000
_LEAST_MEMORY = 500e6  # bytes: a judgement
_OTHERS = 0o077
_MOST_FILES = 20_000  # files that are looked at: a judgement
_REASONS = {
    errno.ENOSPC: Sentence("the disk is full"),
    errno.EDQUOT: Sentence("the quota of the account is used up"),
    errno.EROFS: Sentence("the disk is read-only"),
    errno.EACCES: Sentence("the account may not"),
    errno.EPERM: Sentence("the account may not"),
}


def versions() -> Iterator[Finding]:
    """What runs here."""
    values = {"kollega": _version("kollega"), "python": platform.python_version()}
    yield fine("versions", "versions", **values, system=_system())
    libraries = [f"{name} {_version(name)}" for name in _LIBRARIES if _version(name)]
    yield fine("versions", "libraries", libraries=", ".join([*libraries, f"SQLite {sqlite3.sqlite_version}"]))


def memory() -> Iterator[Finding]:
    """Processors and memory, as far as Linux tells."""
    found = _meminfo()
    total, available = found.get("MemTotal", 0.0), found.get("MemAvailable", 0.0)
    sizes = {"memory": Size(total), "available": Size(available)}
    yield fine("machine", "machine", cpus=len(os.sched_getaffinity(0)), **sizes)
    if total and available < _LEAST_MEMORY:
        yield warning("machine", "memory_low", **sizes)


def disk(home: Path) -> Iterator[Finding]:
    """Room for bytes and for files where the home directory is, and whether it can be written."""
    if not home.is_dir():
        yield problem("home", "home_missing")
        return
    free = shutil.disk_usage(home).free
    size = {"free": Size(free)}
    if free < _FULL:
        yield problem("disk", "disk_full", **size)
    else:
        yield warning("disk", "disk_low", **size) if free < _LOW else fine("disk", "disk", **size)
    system = os.statvfs(home)
    if system.f_files and system.f_favail < _LEAST_INODES:  # some file systems have no fixed number
        yield warning("disk", "inodes_low", free=system.f_favail)
    yield _writable(home)


def permissions(settings: Settings) -> Iterator[Finding]:
    """Whether other accounts can read what is confidential, and whether anything belongs to another account. A home
    that others cannot look into may have files of any mode."""
    home = settings.home
    if not home.is_dir():
        return
    is_closed = not home.stat().st_mode & _OTHERS
    others, foreign = 0, 0
    for path in _confidential(settings):
        try:
            status = path.lstat()
        except OSError:
            continue  # removed meanwhile
        others += bool(not is_closed and status.st_mode & _OTHERS and not stat.S_ISLNK(status.st_mode))
        foreign += status.st_uid != os.geteuid()
    if others:
        yield warning("permissions", "permissions_open", count=others)
    if foreign:
        yield warning("permissions", "permissions_foreign", count=foreign)
    if not others and not foreign:
        yield fine("permissions", "permissions")


def _writable(home: Path) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=home, prefix=".kollega-check-") as file:
            file.write(b"\0" * 65_536)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return problem("home", "home_unwritable", reason=_REASONS.get(error.errno or 0, type(error).__name__))
    return fine("home", "home")


def _confidential(settings: Settings) -> Iterator[Path]:
    """The first files and folders that hold what is confidential; neither the models nor the home itself."""
    left = _MOST_FILES
    home = settings.home
    for name in ("kollega.db", "kollega.db-wal", "kollega.db-shm", "secret_key", "synonyms.txt"):
        if (home / name).exists():
            yield home / name
    for directory in (settings.index_dir, settings.backups_dir, settings.exports_dir, settings.attachments_dir):
        for folder, _folders, files in os.walk(directory):
            for path in (Path(folder), *(Path(folder) / name for name in files)):
                if left == 0:
                    return
                left -= 1
                yield path


def _meminfo() -> dict[str, float]:
    """Bytes by the names of /proc/meminfo; nothing where there is no such file."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    parts = (line.replace(":", "").split() for line in lines)
    return {part[0]: float(part[1]) * 1024 for part in parts if len(part) == 3}


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return f"{name or platform.system()}, {platform.machine()}"


def _version(package: str) -> str:
    """The version of an installed package; empty when it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
