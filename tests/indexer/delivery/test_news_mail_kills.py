"""Many mails, a failing mail server, and kill -9 of the sender at random moments: none is lost, and only one that the
server took while the sender was killed, or while the connection broke, is sent twice, with the same Message-ID.

`KOLLEGA_MAILS` is the number of mails: 60 by default, 1,000 in `make bench`.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.account_tables import OutgoingMail
from recommender.database.tables import Person, utc_now
from recommender.knowledge import requests
from recommender.notifications import mailing
from recommender.outbox import mail
from recommender.settings import Settings
from tests.indexer.delivery.real_server import real_server
from tests.paths import ROOT

MAILS = int(os.environ.get("KOLLEGA_MAILS", "60"))
KILLS = 5 + MAILS // 50
FAULTS = ("recipient", "sender", "content", "busy", "drop", "slow")
_LONGEST = 300.0 + 2 * MAILS  # seconds


def _tell(sessions: sessionmaker[Session], settings: Settings, asker: int, agent: int) -> None:
    """A request with a reply for each mail, each queued on its own, so that each is a mail of its own."""
    with sessions.begin() as session:
        minna, otto = session.get_one(Person, asker), session.get_one(Person, agent)
        for number in range(MAILS):
            title = f"Request {number}"
            request = requests.file_request(session, minna, title, "", "en", otto.teams[0], shared=True)
            requests.reply(session, request, otto, "An answer.")
            assert mailing.queue_due(session, settings, utc_now()) == 1


class Sender:
    """A process that sends, and its replacement when it was killed."""

    def __init__(self, settings: Settings) -> None:
        own = {
            "HOME": str(settings.home), "MAIL_SERVER": settings.mail_server, "MAIL_FROM": settings.mail_from,
            "PUBLIC_URL": settings.public_url,
        }  # fmt: skip
        self._environment = {**os.environ, **{f"KOLLEGA_{name}": value for name, value in own.items()}}
        self.kills = 0
        self._start()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.indexer.delivery.sender"],
            cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.process.stdout is not None and self.process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def kill(self) -> None:
        """Kill it, and start the next one."""
        self.stop()
        self.kills += 1
        self._start()


def test_no_mail_is_lost_with_a_failing_server_and_a_killed_sender(
    settings: Settings, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    asker, agent = add_person("minna"), add_person("otto", "agent", "it")
    with sessions.begin() as session:
        accounts.set_email(session, session.get_one(Person, asker), "minna@example.org")
    chance = random.Random(7)  # noqa: S311 - no secret
    settings = replace(settings, mail_from="kollega@example.org", public_url="https://kollega.example")
    _tell(sessions, settings, asker, agent)
    with real_server(lambda: chance.choice(FAULTS) if chance.random() < 0.3 else "") as (server, address):
        server.seconds = 0.02
        sender = Sender(replace(settings, mail_server=address))
        ends = time.monotonic() + _LONGEST
        try:
            while time.monotonic() < ends:
                time.sleep(chance.uniform(0.05, 1.5))
                with sessions() as session:
                    if not session.scalar(select(func.count()).where(OutgoingMail.state == mail.WAITING)):
                        break
                if sender.kills < KILLS:
                    sender.kill()
        finally:
            sender.stop()
    with sessions() as session:
        rows = session.query(OutgoingMail).all()
    stored = {row.message_id for row in rows}
    times = Counter(message["Message-ID"] for message in server.mails)
    subjects = {message["Subject"] for message in server.mails}
    twice = sum(count - 1 for count in times.values())
    print(f"{MAILS} mails, {len(server.faults)} faults, {sender.kills} kills: "
          f"{MAILS - len(subjects)} lost, {twice} sent again with the same Message-ID")  # fmt: skip
    assert {row.state for row in rows} == {mail.SENT} and len(rows) == len(stored) == MAILS
    assert subjects == {f"Otto replied: Request {number}" for number in range(MAILS)}
    assert set(times) == stored  # so whatever was sent twice has its own Message-ID each time
    assert len(server.faults) > MAILS / 10 and sender.kills > 0
    assert twice <= sender.kills  # only the one mail that was on its way when the sender was killed
