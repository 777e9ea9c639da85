"""The part of a passage to show for a question, and the words in it that match."""

import re
from collections.abc import Mapping

from recommender.language import Analyzer

_WORD = re.compile(r"[^\W_]+(?:[.\-_:/\\@+#'’][^\W_]+)*")
_START = re.compile(r"(?:^|(?<=[.!?:]\s)|(?<=\n))(?=\S)")
_STEM = 5


def matching_words(text: str, weights: Mapping[str, float], analyzer: Analyzer) -> list[tuple[int, int, str]]:
    """(start, end, term) of every word of `text` that stands for one of the question's terms in `weights`.

    A term also matches a longer compound that contains it, and the other way round ("tulostin", "tulostinjono").
    """
    long_terms = [term for term in weights if len(term) >= _STEM and term.isalpha()]
    found = []
    for match in _WORD.finditer(text):
        keys = analyzer.word_keys(match.group())
        hit = next((key for key in keys if key in weights), None)
        if hit is None:
            hit = next((t for t in long_terms for k in keys if len(k) >= _STEM and (t in k or k in t)), None)
        if hit is not None:
            found.append((match.start(), match.end(), hit))
    return found


def excerpt(
    text: str, weights: Mapping[str, float], analyzer: Analyzer, length: int = 300
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """About `length` characters of `text` around the words that matter most, and the spans (start, end) to mark.

    `weights` maps the question's terms to their rarity. The window begins at a sentence or line.
    """
    found = [word for word in matching_words(text, weights, analyzer) if weights[word[2]] > 0]
    if len(text) <= length:
        return text, tuple((start, end) for start, end, _term in found)

    def value(start: int) -> float:
        return sum(weights[t] for t in {t for s, e, t in found if s >= start and e <= start + length})

    begin = max((match.start() for match in _START.finditer(text)), key=lambda start: (value(start), -start), default=0)
    cut = text.rfind(" ", begin, begin + length + 1) if begin + length < len(text) else len(text)
    end = cut if cut > begin else begin + length
    before, after = ("… " if begin else ""), (" …" if end < len(text) else "")
    shift = len(before) - begin
    marks = tuple((s + shift, e + shift) for s, e, _term in found if s >= begin and e <= end)
    return before + text[begin:end] + after, marks
