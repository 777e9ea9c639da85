"""`make lock`: write the versions and hashes of everything that is installed to the files requirements*.lock.

`requirements.lock` has what running Kollega needs, the others have what tests, load tests and the comparison with other
engines need in addition. All are resolved together first, so that a package has the same version everywhere. Versions
stay as they are in the present locks while pyproject.toml allows them; `make lock UPGRADE=1` takes the newest ones.

uv resolves, because it lists the hashes of all files of a release and can leave out the CUDA libraries of torch. It
does not look where pip looks, so it is given the index and the certificates of pip's configuration. The hashes of
builds of torch for CPUs, which pip finds in a folder (`find-links`), are added here; those in the present lock for the
same version stay. No address is written into the locks.

Usage: python indexer/research/lock.py [--upgrade], with uv and pip beside that Python. It needs no installed Kollega.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RUN, TEST, LOAD = "requirements.lock", "requirements-test.lock", "requirements-load.lock"
PEERS = "requirements-peers.lock"
# OpenID Connect is only a setting, so what it needs is always installed; setuptools installs Kollega itself.
_NEEDS = {
    RUN: ("--extra=oidc", "--group=build"),
    TEST: ("--group=test",),
    LOAD: ("--group=load",),
    PEERS: ("--group=peers",),
}
_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.M)
_ON_WINDOWS = re.compile(r"^([A-Za-z0-9_.-]+)==\S+ ; sys_platform == 'win32'", re.M)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def main(upgrade: bool) -> None:
    """Write the locks. Raises CalledProcessError when there are no versions that fit together."""
    before = {name: (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).exists() else "" for name in _NEEDS}
    after: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        together = Path(folder, "together.txt")
        if not upgrade:  # uv prefers the versions that are in the file it writes
            together.write_text("".join(map(_pins, before.values())), encoding="utf-8")
        _compile(together, [need for needs in _NEEDS.values() for need in needs])
        for name, needs in _NEEDS.items():
            options = [*_NEEDS[RUN], *needs, f"--constraint={together}", "--generate-hashes"]
            if name != RUN:
                # what running needs on Windows alone may be needed everywhere here
                installed = packages(after[RUN]).keys() - set(_ON_WINDOWS.findall(after[RUN]))
                options += [f"--no-emit-package={package}" for package in sorted(installed)]
            after[name] = _compile(Path(folder, name), options)
    version = packages(after[RUN])["torch"]
    known = hashes_of("torch", before[RUN]) if packages(before[RUN]).get("torch") == version else []
    after[RUN] = add_hashes(after[RUN], "torch", [*known, *_local_builds(version)])
    for name, text in after.items():
        (ROOT / name).write_text(text, encoding="utf-8")


def packages(text: str) -> dict[str, str]:
    """{name: version} of a lock."""
    return dict(_PINNED.findall(text))


def hashes_of(package: str, text: str) -> list[str]:
    """The SHA-256 hashes, as hexadecimal digits, that a lock has for a package."""
    return _HASH.findall(_entry(package, text))


def add_hashes(text: str, package: str, hashes: Sequence[str]) -> str:
    """The text of a lock with these hashes added to the entry of a package."""
    entry = _entry(package, text)
    first, *_hashes = entry.split(" \\\n")
    merged = sorted({*_HASH.findall(entry), *hashes})
    return text.replace(entry, " \\\n".join([first, *(f"    --hash=sha256:{value}" for value in merged)]) + "\n")


def _entry(package: str, text: str) -> str:
    """The requirement of a package and its hashes, without the comment that follows; empty when there is none."""
    match = re.search(rf"^{re.escape(package)}==[^\n]*\n(?:    --hash=[^\n]*\n)*", text, re.M)
    return match[0] if match else ""


def _pins(text: str) -> str:
    """The lines of a lock that name versions, without the hashes."""
    return "".join(line.removesuffix("\\").rstrip() + "\n" for line in text.splitlines() if _PINNED.match(line))


def _compile(output: Path, options: Sequence[str]) -> str:
    """The text that uv writes to a file; what the file contains before says which versions it prefers."""
    uv = Path(sys.executable).with_name("uv")
    shared = ["--quiet", "--universal", "--python-version=3.11", "--no-annotate", "--custom-compile-command=make lock"]
    command = [str(uv), "pip", "compile", *shared, *options, f"--output-file={output}", "pyproject.toml"]
    subprocess.run(command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    return output.read_text(encoding="utf-8")


def _environment() -> dict[str, str]:
    """The environment for uv: the index and the certificates that pip is configured with."""
    wanted = {"UV_DEFAULT_INDEX": _pip_setting("index-url"), "SSL_CERT_FILE": _pip_setting("cert")}
    return {name: value for name, value in wanted.items() if value} | os.environ


def _pip_setting(name: str) -> str:
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{name}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def _local_builds(version: str) -> list[str]:
    """The hashes of the wheels of torch for CPUs in the folders where pip looks."""
    return [
        hashlib.sha256(wheel.read_bytes()).hexdigest()
        for folder in _pip_setting("find-links").split()
        for wheel in sorted(Path(folder.removeprefix("file://")).glob(f"torch-{version}+cpu-*.whl"))
    ]


if __name__ == "__main__":
    main("--upgrade" in sys.argv[1:])
