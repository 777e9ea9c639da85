"""What is shown of an item: an excerpt with marked words, and why it is suggested."""

from collections.abc import Iterable
from dataclasses import replace

from recommender.datatypes import Heading, Item, Suggestion, Why
from recommender.search.alike import Card
from recommender.search.highlight import Matcher, excerpt
from recommender.search.question import Question
from recommender.search.results import JudgedItem

_WORDS_NAMED, _SHARED_WORDS = 4, 3
"""How many words are named as the reason of a suggestion, and as shared with an expert's evidence; a judgement."""


def suggestion_of(card: Card, question: Question) -> Suggestion:
    """A card as it is shown: its item, and what is known of other items that say the same or something else."""
    repeats = card.repeats
    return replace(
        suggestion(card.judged, question),
        asked=1 + len(repeats),
        last_at=max([card.judged.item.at, *(item.at for item in repeats)]),
        other_language=_heading(card.other_language),
        newer=_heading(card.newer),
    )


def heading_of(item: Item) -> Heading:
    """An item without its texts."""
    return Heading(item.key, item.kind, item.title, item.language, item.team)


def _heading(item: Item | None) -> Heading | None:
    return None if item is None else heading_of(item)


def suggestion(judged: JudgedItem, question: Question) -> Suggestion:
    """The item as it is shown: an excerpt of its best passage around the distinctive words of the question, and why it
    is suggested."""
    passage, matches, distinctive = judged.passage_match.passage, judged.passage_match.words, question.distinctive
    whole = f"{passage.context}\n{passage.text}"
    written = {term: whole[word.start : word.end].lower() for word in reversed(matches) for term in word.terms}
    named = sorted(written.keys() & distinctive.keys(), key=lambda term: (-question.rarity[term], term))[:_WORDS_NAMED]
    before = len(passage.context) + 1
    words = [
        replace(match, start=match.start - before, end=match.end - before) for match in matches if match.start >= before
    ]
    shown, marks = excerpt(passage.text, words, distinctive)
    why = Why(tuple(dict.fromkeys(written[term] for term in named)), judged.passage_match.features.near)
    return Suggestion(judged.item, passage, judged.match, shown, marks, why, said_at=judged.text.at)


def shared_words(question: Question, titles: Iterable[str], matcher: Matcher) -> tuple[str, ...]:
    """The distinctive words of the question that occur in these titles, spelt as there, the rarest first."""
    distinctive = question.distinctive
    written: dict[str, str] = {}
    for title in titles:
        for word in matcher.words(title):
            for term in sorted(word.terms & distinctive.keys()):
                written.setdefault(term, title[word.start : word.end].lower())
    named = sorted(written, key=lambda term: (-distinctive[term], term))[:_SHARED_WORDS]
    return tuple(dict.fromkeys(written[term] for term in named))
