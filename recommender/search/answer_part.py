"""The part of an answer that is shown on a card: five or six lines of its Markdown, around what matters to a question.
On a narrow screen five or six lines have less text, so there is a shorter part for that.

An answer is divided into pieces that are never cut: a sentence, an item of a list, a row of a table, a block of code.
The part is a run of pieces. It is chosen by the words of the question that it has and by the steps that it tells the
reader to take, so that an answer is not cut between what was wrong and what to do about it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import fsum
from typing import NamedTuple

from recommender.datatypes import AnswerPart
from recommender.language.words import TELLS_TO_DO
from recommender.search.highlight import Match, Matcher


class Size(NamedTuple):
    """Characters of a part: the usual number, the most when a list of steps goes on, and the number up to which an
    answer is shown whole. `steps` is how much the steps in a part count, against 1 for all words of the question. All
    are judgements."""

    usual: int
    longest: int
    whole: int
    steps: float


WIDE, NARROW = Size(600, 900, 800, 0.6), Size(400, 500, 460, 1.0)
"""On a wide screen, where a line of a card has about a hundred characters, and on a phone, where it has forty."""
_READ = 20_000
"""Characters of an answer in which the part is looked for; a judgement."""
_LATER = 0.1
"""What the last piece counts less than the first one, so that of parts that are much alike the first is taken; a
judgement."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}\s+(?P<words>.*?)\s*#*\s*$")
_ITEM = re.compile(r"\s{0,8}(?:[-*+•]|\d{1,3}[.)])\s+")
_NUMBERED = re.compile(r"\s{0,8}\d{1,3}[.)]\s+")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[^\W_a-zåäö]|[\"“'(\[`*0-9])")
_NO_END = re.compile(r"(?:\b(?:esim|ym|jne|klo|nro|puh|ext|no|e\.g|i\.e|approx|mm|ks|n|vrt)|\b\d{1,2}|\b\w)\.$")
_LONG_LINE = 160  # characters from which a line of prose is divided into sentences; a judgement
_PATH = re.compile(r"\w[\"”*`]?\s*(?:>|→|›)\s*[\"“*`]?\w|`[^`\n]+`|https?://")
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = re.compile(r"[*_`\[\]#]")


@dataclass(frozen=True)
class _Piece:
    """A piece of a text, from character `start` to `end`, and the heading that it stands below. `head` is what must
    stand before it when the part begins with it: the head of its table."""

    start: int
    end: int
    heading: str = ""
    head: str = ""
    in_list: bool = False
    is_heading: bool = False
    fence: str = field(default="", repr=False)


def answer_part(text: str, matcher: Matcher, weights: Mapping[str, float], heading: str = "") -> AnswerPart:
    """The part of an answer to show for a question. `weights` are the rarities of the question's distinctive words.
    With `heading`, only what stands below a heading with these words is considered, if there is any."""
    text = text.strip("\n").rstrip()
    read = text[:_READ]
    matches = [match for match in matcher.words(read) if match.terms & weights.keys()]
    if len(text) <= NARROW.whole:
        return AnswerPart(text, marked=_spelt(read, matches))
    pieces = [piece for piece in _pieces(read) if read[piece.start : piece.end].strip()]
    choice = _Choice(read, pieces, matches, weights)
    brief = _part(text, choice, matches, heading, NARROW)
    part = (
        AnswerPart(text, marked=_spelt(read, matches))
        if len(text) <= WIDE.whole
        else _part(text, choice, matches, heading, WIDE)
    )
    return replace(part, brief=brief) if len(brief.text) < len(part.text) else part


def _part(text: str, choice: "_Choice", matches: Sequence[Match], heading: str, size: Size) -> AnswerPart:
    """The part of this size that says most."""
    read, pieces = text[:_READ], choice.pieces
    run = choice.best(heading, size) if pieces else range(0)
    if not run:
        return AnswerPart(_shortened(read, "", size), cut_after=True, marked=_spelt(read, matches))
    start, end = pieces[run.start].start, pieces[run[-1]].end
    shown = read[start:end].rstrip()
    too_long = len(shown) > size.longest  # one piece that is longer than a card
    if too_long:
        shown = _shortened(shown, pieces[run.start].fence, size)
    inside = [match for match in matches if start <= match.start and match.end <= end]
    return AnswerPart(
        pieces[run.start].head + shown, bool(read[:start].strip()), too_long or end < len(text), _spelt(read, inside)
    )


class _Choice:
    """Chooses runs of the pieces of an answer."""

    def __init__(
        self, text: str, pieces: Sequence[_Piece], matches: Sequence[Match], weights: Mapping[str, float]
    ) -> None:
        self.pieces = pieces
        self._steps = [_is_step(text, piece) for piece in pieces]
        self._leads_on = [text[piece.start : piece.end].rstrip().endswith(":") for piece in pieces]
        self._steps_before = [0, *accumulate(self._steps)]
        self._all_steps = self._steps_before[-1] or 1
        self._weights, self._all_words = weights, fsum(weights.values()) or 1.0
        self._ends = [piece.end for piece in pieces]
        starts, terms = [piece.start for piece in pieces], dict[int, frozenset[str]]()
        for match in matches:
            number = bisect_right(starts, match.start) - 1
            if number >= 0 and match.start < self._ends[number]:
                terms[number] = terms.get(number, frozenset()) | (match.terms & weights.keys())
        self._matching, self._terms = list(terms), list(terms.values())  # of the pieces that have a match

    def best(self, heading: str, size: Size) -> range:
        """The run of this size that tells most of what was asked and of what to do."""
        pieces = self.pieces
        below = [number for number, piece in enumerate(pieces) if heading and piece.heading == heading]
        first, last = (below[0], below[-1] + 1) if below else (0, len(pieces))
        starts = [number for number in range(first, last) if not pieces[number].is_heading] or [first]
        runs = [self._run(start, last, size) for start in starts]
        return max(runs, key=lambda run: self._worth(run, size) - _LATER * (run.start - first) / (last - first))

    def _run(self, start: int, last: int, size: Size) -> range:
        """The pieces from `start` that fit on a card. It grows beyond the usual length while it would end just before a
        step, within a list, or with the words that announce what follows."""
        pieces, steps = self.pieces, self._steps
        stop = min(last, max(start + 1, bisect_right(self._ends, pieces[start].start + size.usual)))
        while stop < last:
            length = pieces[stop].end - pieces[start].start
            goes_on = pieces[stop].in_list and pieces[stop - 1].in_list
            ends_before_step = steps[stop] and not steps[stop - 1]
            if length > (size.longest if goes_on or ends_before_step or self._leads_on[stop - 1] else size.usual):
                break
            stop += 1
        while stop > start + 1 and pieces[stop - 1].is_heading:  # it says nothing without what stands below it
            stop -= 1
        return range(start, stop)

    def _worth(self, run: range, size: Size) -> float:
        """How much of the question's words, by rarity, a run has, and how much of the steps."""
        first, last = bisect_left(self._matching, run.start), bisect_left(self._matching, run.stop)
        found = frozenset[str]().union(*self._terms[first:last])
        words = fsum(self._weights[term] for term in found) / self._all_words  # fsum does not depend on the order
        steps = self._steps_before[run.stop] - self._steps_before[run.start]
        return words + size.steps * steps / self._all_steps


def _is_step(text: str, piece: _Piece) -> bool:
    """True for a piece that tells the reader to do something: code, a path through menus, an address, a numbered item
    or a sentence with an imperative."""
    words = text[piece.start : piece.end]
    if piece.is_heading:
        return False
    if piece.fence or _NUMBERED.match(words) or _PATH.search(words):
        return True
    return not TELLS_TO_DO.isdisjoint(word.lower() for word in _WORD.findall(words))


def _pieces(text: str) -> Iterator[_Piece]:
    """The pieces of a Markdown text, in their order."""
    heading = head = fence = ""
    opened = 0
    listed = False
    lines = list(_lines(text))
    for number, (start, line) in enumerate(lines):
        end = start + len(line)
        mark = _FENCE.match(line)
        if fence:
            if (mark and mark.group(1).startswith(fence)) or number == len(lines) - 1:
                yield _Piece(opened, end, heading, fence=fence)
                fence = ""
            continue
        following = lines[number + 1][1] if number + 1 < len(lines) else ""
        if mark:
            fence, opened = mark.group(1), start
        elif title := _HEADING.match(line):
            heading, head, listed = _SIGNS.sub("", title.group("words")), "", False
            yield _Piece(start, end, heading, is_heading=True)
        elif "|" in line and _TABLE_RULE.match(following) and "|" in following:
            head = f"{line}\n{following}\n"
        elif head and _TABLE_RULE.match(line):
            continue
        elif head and "|" in line:
            yield _Piece(start, end, heading, head)
        else:
            head = ""
            listed = bool(_ITEM.match(line)) or (listed and line.startswith((" ", "\t")))
            yield from _of_line(text, start, end, heading, listed)


def _of_line(text: str, start: int, end: int, heading: str, listed: bool) -> Iterator[_Piece]:
    """A line as it is, or its sentences when it is long."""
    if listed or end - start <= _LONG_LINE:
        yield _Piece(start, end, heading, in_list=listed)
        return
    begin = start
    for cut in _SENTENCE_END.finditer(text, start, end):
        if not _NO_END.search(text, begin, cut.start()):
            yield _Piece(begin, cut.start(), heading)
            begin = cut.end()
    yield _Piece(begin, end, heading)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def _shortened(text: str, fence: str, size: Size) -> str:
    cut = max(text.rfind("\n", 0, size.longest), text.rfind(" ", size.longest - 100, size.longest))
    return text[: cut if cut > 0 else size.longest] + (f"\n{fence}" if fence else "")


def _spelt(text: str, matches: Sequence[Match]) -> frozenset[str]:
    return frozenset(text[match.start : match.end].lower() for match in matches)
