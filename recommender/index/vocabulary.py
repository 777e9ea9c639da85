"""Finds the words of the index that a misspelt word may stand for.

A word that the index does not have is compared with the words it has. The distance is the number of edits, where two
neighbouring letters that changed places count as one edit (optimal string alignment, Damerau 1964, "A technique for
computer detection and correction of spelling errors"). Only words with the same first letter are compared: the first
letter is rarely wrong, and this leaves few words to compare.
"""

from collections.abc import Iterable

SHORTEST = 5  # letters, from which a word is corrected: a judgement
_LONG = 9  # letters, from which two edits are allowed: a judgement


class Vocabulary:
    """The words of an index, by their first letter."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_initial: dict[str, list[str]] = {}
        for word in words:
            self._by_initial.setdefault(word[0], []).append(word)

    def near(self, word: str) -> list[tuple[str, int]]:
        """(word, edits) of all words that are one edit away, or two edits if `word` is long, fewest edits first, in
        alphabetical order. Empty for a word that is short or has other characters than letters.

        They may come from items that a reader may not read. So take some of them only after asking which may be read:
        otherwise hidden words would push out others."""
        if len(word) < SHORTEST or not word.isalpha():
            return []
        edits = 2 if len(word) >= _LONG else 1
        from rapidfuzz import process  # who writes an index takes a constant from here, and compares no words
        from rapidfuzz.distance import OSA

        others = self._by_initial.get(word[0], [])
        matches = process.extract(word, others, scorer=OSA.distance, score_cutoff=edits, limit=None)
        found = [(other, int(distance)) for other, distance, _position in matches if distance > 0]
        return sorted(found, key=lambda match: (match[1], match[0]))
