"""Swedish compounds that the dictionary does not have."""

from collections.abc import Iterator

_SHORTEST_COMPOUND, _SHORTEST_HEAD, _SHORTEST_TAIL = 7, 3, 3  # letters: a judgement


def splits_of_swedish(word: str) -> Iterator[tuple[str, str]]:
    """How a compound may be divided in two: (beginning, last word), longest last word first."""
    if len(word) >= _SHORTEST_COMPOUND:
        for cut in range(_SHORTEST_HEAD, len(word) - _SHORTEST_TAIL + 1):
            yield word[:cut], word[cut:]


def forms_before_another(head: str) -> tuple[str, ...]:
    """The words that may stand as `head` before another word: as they are, with an `s` between them (`skydds-`), or
    without their last vowel (`flick-` of `flicka`, `arbet-` of `arbete`)."""
    joined = (head[:-1],) if head.endswith("s") else ()
    return (head, *joined, f"{head}a", f"{head}e")
