"""Puts items that were chosen for a question before those that search has found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from recommender.datatypes import Item, Kind, Passage, Role, Suggestion, Why
from recommender.language.analyzer import Analyzer
from recommender.search.alike import Card
from recommender.search.answer_part import answer_part
from recommender.search.highlight import Matcher
from recommender.search.question import Question
from recommender.search.snippet import suggestion_of

_LENGTH = 300  # characters of the excerpt: a judgement


def pinned_first(
    cards: Sequence[Card],
    chosen: Sequence[tuple[Item, str | None, date]],
    question: Question,
    analyzer: Analyzer,
    top_k: int,
) -> tuple[list[Suggestion], int]:
    """(at most `top_k` suggestions, how many more there are): the chosen items (item, handle of the team that has
    chosen it or None, last day), in their order, then the other cards. What search has found too keeps its passage and
    match; of others the match is 0, because nobody has measured it."""
    keys = {item.key for item, _team, _until in chosen}
    found = {
        card.judged.item.key: suggestion_of(card, question)
        for place, card in enumerate(cards)
        if place < top_k or card.judged.item.key in keys
    }
    first = [
        replace(found.get(item.key) or _unsearched(item, question, analyzer), pinned_by=team, pinned_until=until)
        for item, team, until in chosen
    ]
    suggestions = [*first, *(suggestion for key, suggestion in found.items() if key not in keys)]
    total = len(first) + sum(card.judged.item.key not in keys for card in cards)
    return suggestions[:top_k], max(0, total - top_k)


def _unsearched(item: Item, question: Question, analyzer: Analyzer) -> Suggestion:
    """An item that search has not found, from its beginning."""
    text = item.answer or item.body
    matcher = Matcher(question.distinctive, analyzer, question.translated, question.spellings)
    role = Role.SECTION if item.kind is Kind.DOCUMENT else Role.ANSWER
    passage = Passage(item.key, role, 0, item.title, text, item.language)
    part = answer_part(text, matcher, question.distinctive, "")
    why = Why((), None, language=question.language)
    return Suggestion(item, passage, 0.0, text[:_LENGTH], (), why, last_at=item.at, said_at=item.at, answer=part)
