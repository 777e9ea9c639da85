"""What is shown of an item: an excerpt with marked words, and why it is suggested."""

from collections.abc import Iterable
from dataclasses import replace

from recommender.datatypes import AnswerPart, Heading, Item, Kind, Suggestion, Why
from recommender.search.alike import Card
from recommender.search.answer_part import answer_part
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
    """The item as it is shown: an excerpt of its best passage around the distinctive words of the question, the part of
    its answer that matters to it, and why it is suggested."""
    passage, matches, distinctive = judged.passage_match.passage, judged.passage_match.words, question.distinctive
    before = len(passage.context) + 1
    words = [
        replace(match, start=match.start - before, end=match.end - before) for match in matches if match.start >= before
    ]
    shown, marks = excerpt(passage.text, words, distinctive)
    why = _why(judged, question)
    part = _answer_part(judged, question)
    return Suggestion(judged.item, passage, judged.match, shown, marks, why, said_at=judged.text.at, answer=part)


def _why(judged: JudgedItem, question: Question) -> Why:
    """The rarest words that the best passage shares with the question, and the words of the question that they stand
    for when they are other words."""
    passage, matches, matcher = judged.passage_match.passage, judged.passage_match.words, judged.passage_match.matcher
    whole = f"{passage.context}\n{passage.text}"
    first = {term: word for word in reversed(matches) for term in word.terms}
    named = sorted(first.keys() & question.distinctive.keys(), key=lambda term: (-question.rarity[term], term))
    named = named[:_WORDS_NAMED]
    spelt = {term: whole[first[term].start : first[term].end].lower() for term in named}
    translated = {spelt[term]: matcher.written(term, question.text) for term in named if term in first[term].translated}
    words, near = tuple(dict.fromkeys(spelt.values())), judged.passage_match.features.near
    return Why(words, near, tuple(translated.items()), question.language)


def _answer_part(judged: JudgedItem, question: Question) -> AnswerPart:
    """The part of the answer to show; of a document, from the section of the best passage."""
    item, passage = judged.item, judged.passage_match.passage
    heading = passage.context.rpartition(" › ")[2] if item.kind is Kind.DOCUMENT else ""
    return answer_part(item.answer or item.body, judged.passage_match.matcher, question.distinctive, heading)


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
