"""From the scores of the best suggestion to a verdict: is the answer here?

The match of a suggestion is 0 for one that has nothing to do with the question and 1 for the question itself. It
mixes how near the two are in meaning, against unrelated texts of the same index, and how much of the question's rare
words are there. Both are absolute: they do not depend on what else was found.
"""

from collections.abc import Collection, Mapping

from recommender.datatypes import Verdict

_COVERAGE_WEIGHT = 0.2


def nearness(cosine: float, background: float) -> float:
    """Cosine on a scale where unrelated texts of the index are 0 and the same text is 1."""
    return min(1.0, max(0.0, (cosine - background) / (1.0 - background))) if background < 1.0 else 0.0


def coverage(rarity: Mapping[str, float], matched: Collection[str], unknown_rarity: float) -> float:
    """Share of the question's words, by their rarity, that are in the passage. A word that the index has never seen
    counts with `unknown_rarity`: it is exactly what the passage cannot answer."""
    weights = {term: value or unknown_rarity for term, value in rarity.items()}
    total = sum(weights.values())
    return sum(weights[term] for term in matched) / total if total else 0.0


def match(near: float | None, covered: float) -> float:
    """One number in 0..1 from nearness and coverage; without a dense leg, coverage alone."""
    if near is None:
        return covered
    return (1 - _COVERAGE_WEIGHT) * near + _COVERAGE_WEIGHT * covered


def verdict(best: float, answer_from: float, maybe_from: float) -> Verdict:
    """The verdict on the best suggestion's match."""
    if best >= answer_from:
        return Verdict.ANSWER
    return Verdict.MAYBE if best >= maybe_from else Verdict.UNKNOWN
