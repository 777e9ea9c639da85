"""deploy/Containerfile: the linter accepts it, it runs as nobody else, and takes only what it needs."""

import fnmatch
import json
import re
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from indexer.cli import main as kollega
from tests.paths import ROOT

FILE = ROOT / "deploy" / "Containerfile"
TEXT = FILE.read_text(encoding="utf-8")


def _instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of each, with continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", "\n".join(line for line in TEXT.splitlines() if not line.startswith("#")))
    return [tuple(line.split(" ", 1)) for line in joined.splitlines() if line]  # type: ignore[misc]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_the_linter_accepts_it() -> None:
    ran = subprocess.run(["hadolint", FILE], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_the_process_does_not_run_as_root_and_its_data_is_in_a_volume() -> None:
    last = _instructions()[max(n for n, (name, _rest) in enumerate(_instructions()) if name == "FROM") :]
    assert ("USER", "10001:10001") in last and ("VOLUME", "/srv/kollega") in last
    after_user = [name for name, _rest in last[last.index(("USER", "10001:10001")) :]]
    assert not {"RUN", "COPY", "ADD"} & set(after_user)
    assert any(name == "ENV" and "KOLLEGA_HOME=/srv/kollega" in rest for name, rest in last)


def test_its_health_check_and_its_command_are_kollega_s() -> None:
    instructions = dict(_instructions())
    (code,) = json.loads("[" + re.findall(r'CMD \[.*("import .*")\]', instructions["HEALTHCHECK"])[0] + "]")
    compile(code, "health check", "exec")
    assert "/health/ready" in code
    assert json.loads(instructions["ENTRYPOINT"]) == ["kollega"]
    (command,) = json.loads(instructions["CMD"])
    assert CliRunner().invoke(kollega, [command, "--help"]).exit_code == 0


def test_versions_are_those_of_the_lock_whose_hashes_are_checked() -> None:
    installing = [rest for name, rest in _instructions() if name == "RUN" and "make install" in rest]
    assert len(installing) == 1
    assert not re.search(r"pip install", TEXT)
    assert "--require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_what_it_copies_exists_and_is_not_left_out_of_the_image() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#!"]
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [rest.split()[:-1] for name, rest in _instructions() if name == "COPY" and "--from" not in rest]
    sources = {source for group in copied for source in group}
    assert sources == taken and ignored[0] == "*"
    assert all((ROOT / source).exists() for source in sources)
    for secret in ("var/kollega.db", "var/secret_key", ".env", ".git/config"):
        assert secret.partition("/")[0] not in taken and fnmatch.fnmatch(secret, ignored[0])


def test_only_the_container_that_serves_is_asked_whether_it_is_well() -> None:
    """The image's health check asks the server, which the container of `watch` has not."""
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8").replace("\\\n", "")
    runs = [line.split() for line in text.splitlines() if line.startswith("podman run ")]
    assert [(run[-1], "--no-healthcheck" in run) for run in runs] == [("kollega", False), ("watch", True)]
