"""What is said of the results of a search: whether the question has been answered before, and which items are shown.

The probabilities come from `rerank.py`. The rules here say what no probability may overrule: a code that an item lacks,
a question that says too little, a reply that says nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recommender.datatypes import Item, Verdict
from recommender.language.analyzer import Analyzer
from recommender.search.alike import Card, fold_alike
from recommender.search.features import is_about_other_codes, missing_codes
from recommender.search.question import Question, is_vague, title_words
from recommender.search.replies import says_nothing
from recommender.search.results import JudgedItem, Results
from recommender.settings import Settings

POSSIBLY_RELATED = 3
"""Items that are shown when none of them is known to answer; a judgement."""
_TITLE_SHARE = 0.5
"""An item is possibly related when at least this share of the question's words, weighted by rarity, is in its title as
it is written; a judgement."""
_WORTH_SHOWING = 0.3
"""Beside an answer, an item is shown when its match is at least this share of the first one's, and the first three
always; a judgement."""

_NEAR = 0.35
"""The nearness in meaning (`datatypes.Why`) from which an item is worth a link when nothing was found; a judgement."""


@dataclass(frozen=True)
class Decision:
    """The verdict, the cards to show, best first, the codes of the question that none of them mentions, and whether the
    question says too little to be answered (`vague`). `nearest` are the nearest cards when none is shown, if they share
    telling words with the question or are near it in meaning."""

    verdict: Verdict
    cards: Sequence[Card] = ()
    missing: tuple[str, ...] = ()
    vague: bool = False
    nearest: Sequence[Card] = ()

    @property
    def items(self) -> Iterator[Item]:
        """The shown items, and those that say the same as a shown one."""
        return (item for card in self.cards for item in (*card.repeats, card.judged.item))

    @property
    def matches(self) -> dict[str, float]:
        """The probability that each shown item answers, by key; items that say the same as a shown one have its. Items
        that match far worse than the best one are left out: they are shown, but say nothing of who knows."""
        least = _WORTH_SHOWING * max((card.judged.match for card in self.cards), default=0.0)
        return {
            item.key: card.judged.match
            for card in self.cards
            if card.judged.match >= least
            for item in (*card.repeats, card.judged.item)
        }


def may_answer(judged: JudgedItem, question: Question) -> bool:
    """False for an item that a rule keeps from being the answer, however probable it is."""
    return not is_about_other_codes(question, judged.text) and not says_nothing(judged.text.answer_text)


def decide(results: Results, settings: Settings, analyzer: Analyzer) -> Decision:
    """Decide on the results of a search. The decision does not depend on how many items are asked for."""
    if is_vague(results.question):
        return Decision(Verdict.UNKNOWN, vague=True)
    cards = fold_alike(results)
    if not cards:
        return Decision(Verdict.UNKNOWN)
    first = cards[0].judged
    missing = missing_codes(results.question, [card.judged.text for card in cards[:POSSIBLY_RELATED]])
    if may_answer(first, results.question) and first.match >= settings.answer_from:
        shown = [
            card
            for place, card in enumerate(cards)
            if place < POSSIBLY_RELATED or card.judged.match >= _WORTH_SHOWING * first.match
        ]
        return Decision(Verdict.ANSWER, shown, missing)
    titles = [card.judged.item.title for card in cards[:POSSIBLY_RELATED]]
    if results.exists >= settings.maybe_from or _names_a_title(results.question, titles, analyzer):
        return Decision(Verdict.MAYBE, cards[:POSSIBLY_RELATED], missing)
    near = [card for card in cards[:POSSIBLY_RELATED] if _is_near(card, results.question)]
    return Decision(Verdict.UNKNOWN, nearest=near)


def _is_near(card: Card, question: Question) -> bool:
    """True when an item shares a telling word with the question, or is somewhat near it in meaning."""
    match = card.judged.passage_match
    terms = frozenset[str]().union(*(word.terms for word in match.words))
    near = match.features.near
    return bool(terms & question.distinctive.keys()) or (near is not None and near >= _NEAR)


def _names_a_title(question: Question, titles: Sequence[str], analyzer: Analyzer) -> bool:
    """True when words of a title are most of what the question says, weighted by rarity. Its codes do not count: what
    is written about the VPN is worth seeing when nothing is written about its error 807."""
    codes = frozenset[str]().union(*(analyzer.word_keys(code) for code in question.codes))
    weights = {term: weight for term, weight in question.weights.items() if term not in codes}
    enough = _TITLE_SHARE * sum(weights.values())
    for title in titles:
        words = title_words(question, title, analyzer)
        terms = frozenset[str]().union(*(analyzer.word_keys(word) for word in words)) & question.distinctive.keys()
        terms &= weights.keys()
        if terms and sum(weights[term] for term in sorted(terms)) >= enough:
            return True
    return False
