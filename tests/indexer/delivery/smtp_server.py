"""A real mail server on loopback for tests, which keeps what it gets; it knows as much of SMTP (RFC 5321) as needed."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class MailBox(socketserver.ThreadingTCPServer):
    """The server; `refuse` makes it answer one of its steps with another code, such as {"RCPT": "550 unknown"}."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, refuse: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.refuse, self.mails, self.commands = refuse, [], []
        self.mails: list[EmailMessage]
        self.commands: list[str]

    @property
    def address(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.StreamRequestHandler):
    server: MailBox

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline():
            verb = line.decode().strip().split(" ")[0].upper()
            self.server.commands.append(line.decode().strip())
            if verb in self.server.refuse:
                self._say(self.server.refuse[verb])
            elif verb == "DATA":
                self._say("354 go on")
                self._receive()
            else:
                self._say("221 bye" if verb == "QUIT" else "250 ok")

    def _receive(self) -> None:
        lines = []
        while (line := self.rfile.readline()).rstrip(b"\r\n") != b".":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message: Any = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.mails.append(message)
        self._say("250 kept")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def mail_box(**refuse: str) -> Iterator[MailBox]:
    """A server that listens until the end of the context."""
    with MailBox(refuse) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
