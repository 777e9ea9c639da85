"""The text of a PDF file, read by a process of its own: a broken or malicious file can neither hang this one nor fill
its memory."""

import logging
import subprocess
import sys
from pathlib import Path

from indexer.files import pdf_reader

log = logging.getLogger(__name__)
LONGEST_TEXT = 100_000  # characters, as of the text of a document: a judgement
_SECONDS = 60.0  # by the clock, also while the machine is busy: a judgement


def text_of(path: Path) -> str:
    """The text of the first pages, at most LONGEST_TEXT characters. Empty when it has none, as scanned pages, or cannot
    be read; when a limit was met, what was read until then."""
    try:
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-P", "-m", pdf_reader.__name__, str(path.absolute()), str(LONGEST_TEXT)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        log.warning("The text of an attached PDF was not read: it took more than %g seconds", _SECONDS)
        return ""
    if ran.returncode:
        last = ran.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0]
        log.warning("The text of an attached PDF was not read to its end (%s)", last or f"status {ran.returncode}")
    return ran.stdout.decode("utf-8", "replace")[:LONGEST_TEXT]
