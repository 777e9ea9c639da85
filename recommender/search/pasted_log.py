"""A long question -> the part of it that asks.

People paste a log or a stack trace and ask one thing beside it. What a machine wrote is left out, but for its error
codes. A question of ordinary length, one that is mostly somebody's own words, or one in which nobody seems to speak is
left as it is.
"""

import re

_SHORT = 60
_LEAST = 3
_PROSE = 0.6
_CODES = 8
_SHARE = 0.5
_STAMPED = re.compile(
    r"""\s*(?:[\[(<]?\d{4}-\d\d-\d\d|[\[(<]?\d\d:\d\d:\d\d|[A-Z][a-z]{2}\s+\d+\s\d\d:\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}\s
    |(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL)\b|at\s[\w.$]+\(|File\s"|Traceback\s|Caused\sby:|\w+=\S+\s\w+=)""",
    re.VERBOSE,
)
_CODE = re.compile(r"\b(?:0x[0-9A-Fa-f]{4,}|[A-Z]{2,}[-_ ]?\d{2,6})\b")
_EDGES = ".,;:!?()[]\"'«»”“…-–"


def asking_part(text: str) -> str:
    """The lines of a long text that somebody wrote, and the error codes in the others."""
    if len(text.split()) <= _SHORT:
        return text
    lines = text.splitlines()
    written = [not _machine(line) for line in lines]
    said = "\n".join(line for line, mine in zip(lines, written, strict=True) if mine).strip()
    if not _LEAST <= len(said.split()) <= _SHARE * len(text.split()):
        return text
    codes = dict.fromkeys(
        code for line, mine in zip(lines, written, strict=True) if not mine for code in _CODE.findall(line)
    )
    return "\n".join([said, *[code for code in codes if code not in said][:_CODES]])


def _machine(line: str) -> bool:
    """True for a line of a log: it begins with a time or a level, or is hardly made of words."""
    words = [word.strip(_EDGES) for word in line.split()]
    words = [word for word in words if word]
    plain = sum(word.replace("'", "").replace("’", "").replace("-", "").isalpha() for word in words)
    return bool(_STAMPED.match(line)) or plain < _PROSE * len(words)
