"""Finds answers that were copied from an older item. A copy is as old as what it copies, and who pastes it is no expert
for that."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recommender.search.features import CandidateText
from recommender.search.letter import without_greeting_and_signature

_LEAST_WORDS = 10
"""Words that an answer must have to be copied: short ones are alike by chance. A judgement."""
_COMPARED = 20_000
"""Characters of an answer that are compared."""


def copied_from(texts: Sequence[CandidateText]) -> dict[str, str]:
    """The key of the oldest item whose answer another one repeats word for word, by the key of the one that repeats it,
    among these candidates. Greetings and signatures on lines of their own make no difference; an answer that says
    anything else is no copy."""
    originals: dict[str, str] = {}
    copies: dict[str, str] = {}
    for text in sorted(texts, key=lambda text: text.item.at):
        answer = _plain(text.item.answer)
        if answer.count(" ") < _LEAST_WORDS - 1:
            continue
        original = originals.setdefault(answer, text.item.key)
        if original != text.item.key:
            copies[text.item.key] = original
    return copies


def with_original_age(texts: Sequence[CandidateText], copies: Mapping[str, str]) -> list[CandidateText]:
    """The candidates, in which what a copy says is as old as in the item that it was copied from."""
    times = {text.item.key: text.item.at for text in texts}
    return [replace(text, said_at=times[copies[text.item.key]]) if text.item.key in copies else text for text in texts]


def _plain(answer: str) -> str:
    """The words of an answer in lower case, with a space between them."""
    return " ".join(without_greeting_and_signature(answer[:_COMPARED]).casefold().split())
