"""Runs the command that an admin has set to check attached files, such as a virus scanner."""

import contextlib
import logging
import os
import shlex
import signal
import subprocess
from pathlib import Path

from recommender.database.attachment_tables import FAILED, PASSED, REFUSED

log = logging.getLogger(__name__)
_CLEAN, _FOUND = 0, 1  # exit statuses, as of clamscan and clamdscan


def scan(command: str, path: Path, seconds: float) -> str:
    """PASSED when the command ends with status 0, REFUSED when with 1; FAILED when it ends otherwise, cannot be run or
    takes longer than this many seconds, and is ended with all that it has started."""
    try:
        process = subprocess.Popen(  # noqa: S603 - an admin has chosen the command; nobody else's words are in it
            [*shlex.split(command), str(path.absolute())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        log.error("The check of attached files (KOLLEGA_ATTACHMENT_SCAN) could not be run: %s", error)
        return FAILED
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        log.error("The check of an attached file did not end in %g seconds; it is made again later", seconds)
        return FAILED
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if status not in (_CLEAN, _FOUND):
        log.error("The check of an attached file ended with status %d; it is made again later", status)
        return FAILED
    return PASSED if status == _CLEAN else REFUSED
