"""The process that `test_news_mail_kills.py` kills: it sends what waits in the outbox, again and again, as `kollega
watch` does. Time passes faster here: what failed is tried again after a moment, and what a killed sender was sending is
free after a second."""

import os
import time
from datetime import timedelta

import pytest

from indexer.delivery.deliver import deliver
from recommender.database.engine import open_database
from recommender.outbox import mail
from recommender.settings import Settings


def main() -> None:
    """Send until the process is killed."""
    settings = Settings.from_environment()
    sessions = open_database(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mail, "_FIRST_PAUSE", timedelta(milliseconds=20))
        patch.setattr(mail, "_LONGEST_PAUSE", timedelta(milliseconds=200))
        patch.setattr(mail, "_AT_WORK", timedelta(seconds=1))
        os.write(1, b"ready\n")
        while True:
            if deliver(settings, sessions) == 0:
                time.sleep(0.01)


if __name__ == "__main__":
    main()
