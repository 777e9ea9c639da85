"""Subjects of mails without the marks that programs put before them, in the languages that people write."""

import re

_MARKS = re.compile(
    r"\s*(?:(?:re|vs|sv|aw|antw|antwort|rv|ref|fw|fwd|vl|vb|tr|wg|doorst|i|r|odp|pd|enc)"
    r"(?:\s?\[\d+\]|\s?\(\d+\)|\^\d+|\d{1,2})?\s?[:\uff1a]\s*)",
    re.IGNORECASE,
)  # fmt: skip
_LIST_TAG = re.compile(r"\s*\[[^\[\]]{1,40}\]\s*")
_ANSWERED = re.compile(r"\s*\((?:was|oli|var|ent\.?):? [^()]*\)\s*$", re.IGNORECASE)


def base_subject(subject: str) -> str:
    """A subject without "Re:", "VS:", "VL:" and the like, however often they stand there, and without the name of a
    list that stands between or before them."""
    rest = subject.strip()
    while True:
        tag = _LIST_TAG.match(rest)
        if mark := _MARKS.match(rest, tag.end() if tag and _MARKS.match(rest, tag.end()) else 0):
            rest = rest[mark.end() :]
        else:
            break
    rest = _ANSWERED.sub("", rest)
    return " ".join((_LIST_TAG.sub("", rest, count=1) if _LIST_TAG.match(rest) else rest).split()) or " ".join(
        rest.split()
    )


def title_of_subject(subject: str) -> str:
    """A subject without marks of replies, with the name of its list."""
    rest = subject.strip()
    while mark := _MARKS.match(rest):
        rest = rest[mark.end() :]
    return " ".join(rest.split())


def is_answer(subject: str) -> bool:
    """True for a subject that has a mark of a reply or of a forwarded mail."""
    tag = _LIST_TAG.match(subject)
    return bool(_MARKS.match(subject, tag.end() if tag else 0) or _MARKS.match(subject))
