"""Finds answers that were copied from an older item. A copy is as old as what it copies, and the person who pasted it
does not know the matter for that."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recommender.search.features import CandidateText

_LEAST_WORDS = 10
"""Words that an answer must have to be copied: short ones are alike by chance. A judgement, as the other numbers."""
_LEAST_SHARE = 0.8
"""How much of a copy the original is; an answer that says more than that is an answer of its own."""
_COMPARED = 20_000
"""Characters of an answer that are compared."""


def copied_from(texts: Sequence[CandidateText]) -> dict[str, str]:
    """The key of the oldest item whose answer another one repeats word for word, by the key of the one that repeats it,
    among these candidates. A greeting or signature around it makes no difference."""
    answers = [(text.item, _plain(text.item.answer)) for text in sorted(texts, key=lambda text: text.item.at)]
    originals: list[tuple[str, str]] = []
    copies: dict[str, str] = {}
    for item, answer in answers:
        if answer.count(" ") - 1 < _LEAST_WORDS:
            continue
        for key, original in originals:
            if original in answer and len(original) >= _LEAST_SHARE * len(answer):
                copies[item.key] = key
                break
        else:
            originals.append((item.key, answer))
    return copies


def with_original_age(texts: Sequence[CandidateText], copies: Mapping[str, str]) -> list[CandidateText]:
    """The candidates, in which what a copy says is as old as in the item that it was copied from."""
    times = {text.item.key: text.item.at for text in texts}
    return [replace(text, said_at=times[copies[text.item.key]]) if text.item.key in copies else text for text in texts]


def _plain(answer: str) -> str:
    """The words of an answer in lower case, each with a space before and after it."""
    return f" {' '.join(answer[:_COMPARED].casefold().split())} "
