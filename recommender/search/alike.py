"""Finds items among the results that say the same, exist in two languages, or are outdated by a newer one.

Items that say the same take one place, as one card. Of a page in two languages the version in the asker's language is
shown. Of items that answer the same question differently, the older ones are marked. All of this compares candidates of
one question with each other, never the whole corpus: two items that are alike mean something only if both are about
what was asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from recommender.datatypes import Item, Kind
from recommender.search.features import CandidateText, likenesses
from recommender.search.newer import codes_of, stems_of
from recommender.search.replies import says_nothing
from recommender.search.results import JudgedItem, Results

_COMPARED = 20
"""How many of the first results are compared with each other; a judgement."""
_SAME, _SAME_IN_TWO_LANGUAGES = 0.93, 0.8
"""Cosines of the vectors of two answers from which they say the same, say the same in two languages; a
judgement."""
_SAME_WORDS = 0.66
"""Share of the words of the shorter title that the longer one has, when both ask the same; a judgement."""
_SAME_LENGTH = 0.5
"""Two versions of a page differ in length by this share at most; a judgement."""
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Card:
    """One place in the results: the item that is shown, the items that say the same (`repeats`), its version in another
    language (`other_language`), and a newer item that answers differently (`newer`)."""

    judged: JudgedItem
    repeats: Sequence[Item] = ()
    other_language: Item | None = None
    newer: Item | None = None


@dataclass
class _Group:
    """Positions of results that take one place, in their order, and those of versions in another language."""

    members: list[int] = field(default_factory=list)
    translations: list[int] = field(default_factory=list)


def fold_alike(results: Results) -> list[Card]:
    """The cards of the results, best first. A card has the place of its first item; the fullest and newest of the items
    that say the same is in front."""
    judged = list(results.judged)
    texts = [item.text for item in judged[:_COMPARED]]
    likeness = likenesses(texts)
    groups: list[_Group] = []
    for position, text in enumerate(texts):
        for group in groups:
            first = group.members[0]
            if _says_the_same(texts[first], text, float(likeness[first, position])):
                group.members.append(position)
                break
            if _is_translation(texts[first], text, float(likeness[first, position])):
                group.translations.append(position)
                break
        else:
            groups.append(_Group([position]))
    cards = [_card(judged, group, results.question.language) for group in groups]
    cards = _with_newer(cards, results.replaced)
    return [*cards, *(Card(item) for item in judged[_COMPARED:])]


def newest_first(cards: Sequence[Card]) -> list[Card]:
    """The cards by the time of their items, the newest first."""
    return sorted(cards, key=lambda card: card.judged.item.at, reverse=True)


def _card(judged: Sequence[JudgedItem], group: _Group, language: str) -> Card:
    members = [judged[position] for position in group.members]
    front = max(members, key=lambda item: (_is_full(item.text), item.item.at))
    repeats = tuple(item.item for item in members if item is not front)
    translation = judged[group.translations[0]] if group.translations else None
    if translation and translation.item.language == language != front.item.language:
        return Card(translation, repeats, front.item)
    return Card(front, repeats, translation.item if translation else None)


def _is_full(text: CandidateText) -> int:
    """0 for an answer that says nothing, 1 for a short one, 2 for one that explains."""
    words = len(text.answer_text.split())
    return 0 if says_nothing(text.answer_text) else 1 if words < 8 else 2


def _says_the_same(one: CandidateText, other: CandidateText, likeness: float) -> bool:
    """True when both are of one kind and language, and their answers say the same with the same numbers and codes."""
    if one.item.kind is not other.item.kind or one.item.language != other.item.language:
        return False
    if one.item.kind is Kind.DOCUMENT:
        return one.answer_text == other.answer_text
    titles = one.item.title, other.item.title
    if says_nothing(one.answer_text) or says_nothing(other.answer_text):
        alike = _ask_the_same(*titles)
    else:
        alike = likeness >= _SAME and _numbers(one) == _numbers(other)
    return alike and codes_of(titles[0]) == codes_of(titles[1])  # last, since it takes longest


def _ask_the_same(one: str, other: str) -> bool:
    """True for titles that are equal, or of which the shorter one's words are nearly all in the longer one."""
    stems = stems_of(one), stems_of(other)
    fewest = min(len(words) for words in stems)
    if not fewest:
        return one.lower() == other.lower()
    return len(stems[0] & stems[1]) >= _SAME_WORDS * fewest


def _is_translation(one: CandidateText, other: CandidateText, likeness: float) -> bool:
    """True for two versions of a document in different languages: about as long, and with the same numbers."""
    items = one.item, other.item
    if items[0].language == items[1].language or any(item.kind is not Kind.DOCUMENT for item in items):
        return False
    lengths = sorted(len(item.body) for item in items)
    if lengths[0] < _SAME_LENGTH * lengths[1] or items[0].team != items[1].team:
        return False
    numbers = [set(_NUMBER.findall(item.body)) for item in items]
    shared, together = len(numbers[0] & numbers[1]), len(numbers[0] | numbers[1])
    return likeness >= _SAME_IN_TWO_LANGUAGES and 2 * shared >= together


def _with_newer(cards: Sequence[Card], replaced: Mapping[str, str]) -> list[Card]:
    """The cards, in which an item that a newer one answers differently names the newer one, if that is shown too.
    `replaced` has the key of the newer item by that of the older one."""
    shown = {item.key: card.judged.item for card in cards for item in (card.judged.item, *card.repeats)}
    newer = [shown.get(replaced.get(card.judged.item.key, "")) for card in cards]
    return [
        card if item is None or item is card.judged.item else replace(card, newer=item)
        for card, item in zip(cards, newer, strict=True)
    ]


def _numbers(text: CandidateText) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text.answer_text))
