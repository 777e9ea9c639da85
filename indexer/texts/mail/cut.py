"""What a person wrote in a mail: without the mails it answers, signatures and disclaimers.

Answers between the lines of a quote keep the lines that they answer. When nothing would be left, all stays.
"""

import re
from dataclasses import dataclass

from indexer.texts.mail.headings import ROW, block_at, heading_at, is_forward, separator_at
from indexer.texts.mail.signature import trimmed, without_signature

_QUOTED = re.compile(r"\s{0,3}(?:>|\|(?=[>|]))")
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_PGP_HEAD = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\s*\n(?:[A-Z][\w-]*: [^\n]*\n)*\n?", re.MULTILINE)
_PGP_SIGNATURE = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----.*?(?:^-----END PGP SIGNATURE-----\s*$|\Z)", re.M | re.DOTALL
)
_PGP_DASHED = re.compile(r"^- (?=-)", re.MULTILINE)
_WRAPPED = 60  # characters, from which a quoted line may have been broken by a program: a judgement


@dataclass
class _Segment:
    """Lines that follow each other and are all quoted, or all not."""

    quoted: bool
    lines: list[str]


def own_text(text: str, author: str = "", address: str = "", forwarded: bool = False) -> str:
    """What the author of a mail wrote in it. `author` and `address` are their name and mail address, by which their
    signature is known. With `forwarded` a mail that was forwarded stays, for it may be the question."""
    unsigned = _without_pgp(_UNSEEN.sub("", text.replace("\xa0", " ")))
    lines = [line.rstrip() for line in unsigned.splitlines()]
    end = _beginning_of_older_mail(lines, forwarded)
    segments = _segments(lines[:end])
    kept = "\n".join(_kept(segments, author, address)).strip("\n")
    return kept if kept.strip() else "\n".join(trimmed(lines))


def _without_pgp(text: str) -> str:
    """A text without the lines with which PGP signs it."""
    if "-----BEGIN PGP SIGN" not in text:
        return text
    return _PGP_DASHED.sub("", _PGP_SIGNATURE.sub("", _PGP_HEAD.sub("", text)))


def _beginning_of_older_mail(lines: list[str], forwarded: bool) -> int:
    """The number of the line where an older mail begins that is not marked line by line; their count if none does."""
    for number, line in enumerate(lines):
        if _QUOTED.match(line) or not line.strip():
            continue
        if separator_at(lines, number):
            if forwarded and is_forward(line):
                return len(lines)
            return _above(lines, number)
        if block_at(lines, number):
            return _above(lines, number)
        length = heading_at(lines, number)
        if length and not _is_quote_next(lines, number + length):
            return _above(lines, number)
    return len(lines)


def _above(lines: list[str], number: int) -> int:
    """Without drawn lines before it."""
    while number and (not lines[number - 1].strip() or ROW.fullmatch(lines[number - 1])):
        number -= 1
    return number


def _is_quote_next(lines: list[str], number: int) -> bool:
    while number < len(lines) and not lines[number].strip():
        number += 1
    return number < len(lines) and bool(_QUOTED.match(lines[number]))


def _segments(lines: list[str]) -> list[_Segment]:
    """The lines as text and quotes in turn. Headings belong to the quotes; empty lines to what is before them."""
    segments: list[_Segment] = []
    number = 0
    while number < len(lines):
        length = heading_at(lines, number) if not _QUOTED.match(lines[number]) else 0
        quoted = bool(length) or bool(_QUOTED.match(lines[number])) or _is_broken_quote(lines, number, segments)
        same = segments and (segments[-1].quoted == quoted or not lines[number].strip())
        if not same:
            segments.append(_Segment(quoted, []))
        segments[-1].lines += [""] if length else [lines[number]]  # the heading itself is not kept
        number += max(length, 1)
    return segments


def _is_broken_quote(lines: list[str], number: int, segments: list[_Segment]) -> bool:
    """True for the end of a long quoted line that a program has broken without marking it."""
    if not segments or not segments[-1].quoted or number + 1 >= len(lines):
        return False
    before, line, after = lines[number - 1], lines[number].strip(), lines[number + 1]
    if not (line and _QUOTED.match(before) and _QUOTED.match(after)):
        return False
    is_address = " " not in line or "://" in line
    return (len(before) >= _WRAPPED and line[0].islower()) or (is_address and not line[0].isupper())


def _kept(segments: list[_Segment], author: str, address: str) -> list[str]:
    while segments and (segments[-1].quoted or not any(line.strip() for line in segments[-1].lines)):
        last = segments.pop()
        if last.quoted and any(not each.quoted for each in segments):
            segments.append(_Segment(True, []))  # a quote followed what was written
            break
    trailing = bool(segments) and segments[-1].quoted and not segments[-1].lines
    own = [segment for segment in segments if not (segment.quoted and not segment.lines)]
    if own and not own[-1].quoted:
        own[-1].lines = without_signature(own[-1].lines, author, address)
        if not own[-1].lines:  # it was a signature only
            own.pop()
            return _kept(own, author, address) if own else []
    answered = [place for place in range(1, len(own)) if own[place - 1].quoted and not own[place].quoted]
    between = len(answered) > 1 or (bool(answered) and trailing)
    lines: list[str] = []
    for segment in own:
        if not segment.quoted:
            lines += segment.lines
        elif between:
            lines += _last_paragraph(segment.lines)
    return trimmed(lines)


def _last_paragraph(lines: list[str]) -> list[str]:
    """The last quoted lines without a gap, and the empty lines after them."""
    end = len(lines)
    while end and not lines[end - 1].strip(" >|\t"):
        end -= 1
    start = end
    while start and lines[start - 1].strip(" >|\t"):
        start -= 1
    gap = [""] if any(not line.strip() for line in lines[end:]) else []
    return lines[start:end] + gap
