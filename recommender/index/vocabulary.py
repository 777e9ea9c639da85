"""Misspelt words -> the words of the index that were probably meant.

A word that the index does not hold is compared with those it does, by edits in which two neighbouring letters that
changed places count once (optimal string alignment, Damerau 1964, "A technique for computer detection and correction
of spelling errors"). The first letter has to be right: it rarely is the wrong one, and few words are left to compare.
"""

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 5
_LONG = 9
_MOST = 16


class Vocabulary:
    """The words of an index, by their first letter."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_initial: dict[str, list[str]] = {}
        for word in words:
            self._by_initial.setdefault(word[0], []).append(word)

    def near(self, word: str) -> list[tuple[str, int]]:
        """(word, edits) of up to 16 words that are one edit away, two when `word` is long, nearest first; none for a
        word that is too short or holds more than letters."""
        if len(word) < SHORTEST or not word.isalpha():
            return []
        edits = 2 if len(word) >= _LONG else 1
        others = self._by_initial.get(word[0], [])
        found = process.extract(word, others, scorer=OSA.distance, score_cutoff=edits, limit=_MOST)
        return [(other, int(distance)) for other, distance, _place in found if distance > 0]
