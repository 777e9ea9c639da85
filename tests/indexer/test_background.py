"""background.py: what is logged of work that is tried again and again."""

import errno
import logging

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from indexer.background import Complaints
from recommender.errors import SettingsError


def test_a_problem_is_told_once_and_a_fault_each_time(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints("Mail could not be sent; trying again", logging.getLogger("trial"))
    full = OSError(errno.ENOSPC, "No space left on device", "/srv/kollega/outbox")
    for _try in range(3):
        complaints.failed(full)
    complaints.failed(SettingsError("KOLLEGA_MAIL_SERVER is wrong."))
    complaints.failed(full)
    complaints.succeeded()
    complaints.failed(full)
    messages = [record.getMessage() for record in caplog.records]
    told = (
        "Mail could not be sent; trying again. /srv/kollega/outbox cannot be written: the disk is full. Make room, "
        "then try again; what was saved before is there."
    )
    assert messages == [told, "Mail could not be sent; trying again. KOLLEGA_MAIL_SERVER is wrong.", told, told]
    assert all(record.exc_info is None for record in caplog.records)
    for _try in range(2):
        complaints.failed(ZeroDivisionError())
    assert len(caplog.records) == 6 and caplog.records[-1].exc_info


def test_nothing_is_told_of_a_database_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """`outages.py` tells it, once for all work together."""
    complaints = Complaints("Mail could not be sent; trying again", logging.getLogger("trial"))
    away = psycopg.OperationalError("connection failed")
    complaints.failed(OperationalError("SELECT 1", None, away))
    assert caplog.records == []
