"""Finds the part that a person wrote in a long question with a pasted log.

People paste a log or a stack trace and ask something about it. The lines of the log are left out, except for error
codes. A question is not cut if it is of ordinary length, or if a person wrote most of it or none of it.
"""

import re

from recommender.language.terms import unify

_ORDINARY_LENGTH = 60
"""Words up to which a question is never cut. This and the following numbers are judgements."""
_LEAST_WRITTEN, _MOST_WRITTEN = 3, 0.5
"""A question is cut if a person wrote at least so many of its words, and at most this share of them."""
_PLAIN_WORDS = 0.6
"""A line with a smaller share of plain words was written by a machine."""
_MAX_CODES = 8
"""Error codes of the log that are kept."""
_LOG_LINE = re.compile(
    r"""\s*(?:[\[(<]?\d{4}-\d\d-\d\d|[\[(<]?\d\d:\d\d:\d\d|[A-Z][a-z]{2}\s+\d+\s\d\d:\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}\s
    |(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL)\b|at\s[\w.$]+\(|File\s"|Traceback\s|Caused\sby:|\w+=\S+\s\w+=)""",
    re.VERBOSE,
)
_CODE = re.compile(r"\b(?:0x[0-9A-Fa-f]{4,}|[A-Z]{2,}[-_ ]?\d{2,6})\b")
_EDGES = ".,;:!?()[]\"'«»”“…-–"


def asking_part(text: str) -> str:
    """The lines of a long text that a person wrote, and the error codes in the other lines."""
    if len(text.split()) <= _ORDINARY_LENGTH:
        return text
    lines = text.splitlines()
    logged = [_is_log_line(line) for line in lines]
    written = "\n".join(line for line, is_log in zip(lines, logged, strict=True) if not is_log).strip()
    if not _LEAST_WRITTEN <= len(written.split()) <= _MOST_WRITTEN * len(text.split()):
        return text
    codes = dict.fromkeys(
        code for line, is_log in zip(lines, logged, strict=True) if is_log for code in _CODE.findall(line)
    )
    return "\n".join([written, *[code for code in codes if code not in written][:_MAX_CODES]])


def _is_log_line(line: str) -> bool:
    """True for a line that begins with a time or a log level, or contains few plain words."""
    words = [word.strip(_EDGES) for word in line.split()]
    words = [word for word in words if word]
    plain = sum(unify(word).replace("'", "").replace("-", "").isalpha() for word in words)
    return bool(_LOG_LINE.match(line)) or plain < _PLAIN_WORDS * len(words)
