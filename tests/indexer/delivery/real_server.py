"""A real mail server (aiosmtpd) on loopback whose faults a test chooses: temporary and permanent refusals, connections
that it drops before or after it has kept the mail, and slow answers."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Fault = Callable[[], str]


class RealServer:
    """Keeps what it takes in `mails`, in that order. `fault` is asked before each mail for one of: "" (none),
    "recipient" (450), "sender" (451), "content" (554), "busy" (421), "drop" (the connection ends before the mail was
    taken), "drop_after" (it ends when the mail was taken, before the sender is told), "slow"."""

    def __init__(self, fault: Fault) -> None:
        self.mails: list[EmailMessage] = []
        self.faults: list[str] = []
        self._fault = fault
        self._now = ""
        self.seconds = 0.2

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        self._now = self._fault()
        if self._now:
            self.faults.append(self._now)
        if self._now == "sender":
            return "451 4.3.0 later"
        if self._now == "busy":
            return "421 4.3.2 closing"
        if self._now == "slow":
            await asyncio.sleep(self.seconds)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self._now == "recipient":
            return "450 4.2.1 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self._now == "content":
            return "554 5.6.0 not now"
        if self._now != "drop":
            content: Any = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
            self.mails.append(content)
        if self._now in ("drop", "drop_after") and server.transport is not None:
            server.transport.abort()
        return "250 kept"


@contextmanager
def real_server(fault: Fault = lambda: "") -> Iterator[tuple[RealServer, str]]:
    """The server, and its address as in KOLLEGA_MAIL_SERVER; it listens on a free port until the end of the context."""
    server = RealServer(fault)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop(no_assert=True)
