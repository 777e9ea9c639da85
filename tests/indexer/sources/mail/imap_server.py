"""A real IMAP server (Dovecot) on this machine, and a wire to it that breaks."""

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
PASSWORD = "Talvi-2026"

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


class Mailbox:
    """The mailbox of one user on the server: its files, and the server's port."""

    def __init__(self, folder: Path, port: int, owner: str) -> None:
        self.port, self.root, self._owner = port, folder, owner

    def put(self, number: int, raw: bytes, folder: str = "") -> Path:
        """Deliver a mail into a folder (INBOX unless it is named), as a whole: the server may be at it."""
        place = self.root / (f".{folder}" if folder else "")
        parts = [place / name for name in ("tmp", "new", "cur")]
        for part in parts:
            part.mkdir(parents=True, exist_ok=True)
        file = parts[0] / f"{number}.M{time.time_ns()}.host"
        file.write_bytes(raw)
        if os.getuid() == 0:
            for path in (self.root, place, *parts, file):
                shutil.chown(path, self._owner)
        return file.rename(parts[1] / file.name)

    def renumber(self) -> None:
        """Make the server number the mails anew, as after a restored backup."""
        for path in self.root.glob("dovecot*"):
            path.unlink()


@contextmanager
def imap_server() -> Iterator[Mailbox]:
    """A server with a mailbox for the user `tuki`. Its folder is readable by the user that serves the mail."""
    assert DOVECOT is not None
    account = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    user, group, port = account.pw_name, grp.getgrgid(account.pw_gid).gr_name, free_port()
    with tempfile.TemporaryDirectory(prefix="kollega-imap-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("run", "state", "mail/tuki", "home/tuki"):
            (folder / part).mkdir(parents=True)
        if os.getuid() == 0:
            for path in (folder / "mail", *(folder / "mail").rglob("*"), folder / "home", folder / "home/tuki"):
                shutil.chown(path, user)
        (folder / "dovecot.conf").write_text(
            _CONFIGURATION.format(folder=folder, user=user, group=group, port=port, password=PASSWORD)
        )
        process = subprocess.Popen([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")])
        try:
            _wait_for(port)
            yield Mailbox(folder / "mail/tuki", port, user)
        except BaseException:
            print((folder / "log").read_text(encoding="utf-8"))
            raise
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as opened:
            if opened.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


@contextmanager
def breaking_wire(port: int, after: list[int]) -> Iterator[int]:
    """A port that leads to `port`. Each connection is cut after so many bytes of answers; the others are not."""
    listener = socket.create_server(("127.0.0.1", 0))
    limits = iter(after)

    def serve() -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=_both_ways, args=(client, server, next(limits, None)), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _both_ways(client: socket.socket, server: socket.socket, limit: int | None) -> None:
    with client, server:
        up = threading.Thread(target=_pass_on, args=(client, server, None), daemon=True)
        up.start()
        _pass_on(server, client, limit)
        up.join()


def _pass_on(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    passed = 0
    with suppress(OSError):
        while data := source.recv(4096):
            if limit is not None and passed + len(data) > limit:
                target.sendall(data[: limit - passed])
                break
            target.sendall(data)
            passed += len(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
