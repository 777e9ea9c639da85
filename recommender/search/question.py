"""A question as it is understood: its language, its terms, what else they may mean, and how much each one tells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from recommender.access import Reader
from recommender.index import SearchIndex
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.synonyms import SynonymsFile
from recommender.language.terms import Terms, Translation, grams_of
from recommender.language.words import QUESTION_WORDS
from recommender.search.pasted_log import asking_part
from recommender.settings import Settings

MAX_QUESTION = 20_000
MAX_TERMS = 48
_TELLING = 0.3
_MISSPELT, _MEANT = 0.5, 4


@dataclass(frozen=True)
class Question:
    """A question's terms, and the rarity of each one that tells something, among what its asker may read."""

    text: str
    language: str
    told: bool
    """False when the language is a guess."""
    terms: Terms
    variants: Sequence[Sequence[str]]
    """The terms of each word as a whole, in each language that it may be in."""
    rarity: dict[str, float]
    unknown_rarity: float
    rarest: float

    @cached_property
    def length(self) -> int:
        """Its words, as people count them."""
        return len(self.text.split())

    @cached_property
    def translated(self) -> dict[str, str]:
        """The question's word for each term of the other language."""
        return {other.term: other.word for other in self.terms.across if other.word in self.rarity}

    @cached_property
    def telling(self) -> dict[str, float]:
        """The terms that are rare enough to tell one text from another: worth marking and naming."""
        return {term: value for term, value in self.rarity.items() if value >= _TELLING * self.unknown_rarity}


class QuestionAnalyzer:
    """Makes a Question of a text, by what the index holds and the reader may read."""

    def __init__(
        self,
        analyzer: Analyzer,
        synonyms: SynonymsFile,
        alignment: Alignment,
        dictionary: Dictionary,
        fallback_language: str,
    ) -> None:
        self.analyzer = analyzer
        self._synonyms = synonyms
        self._alignment = alignment
        self._dictionary = dictionary
        self._fallback_language = fallback_language

    @classmethod
    def load(cls, analyzer: Analyzer, settings: Settings) -> "QuestionAnalyzer":
        """With the alignment's lexicon and the dictionary that ship with the code, and the organisation's synonyms."""
        synonyms = SynonymsFile(settings.synonyms_path, analyzer)
        return cls(analyzer, synonyms, Alignment.load(None), Dictionary.load(), settings.language)

    def analyse(self, asks: str, index: SearchIndex | None, reader: Reader) -> Question:
        """What `part_to_read` of a text means, in the language it seems to be in."""
        language = self.analyzer.detect(asks, fallback="")
        terms = self.analyzer.query_terms(asks)
        if language == "en":  # n-grams join the parts of compounds: those of its translations do, in `across`
            terms = Terms(terms.words, ())
        variants = self.analyzer.variants(asks)
        rarity = index.rarity(terms.words, reader.tokens) if index else {}
        rarity = _without_unknown_variants(rarity, variants)
        rarity = {term: value for term, value in rarity.items() if term not in QUESTION_WORDS} or rarity
        if len(rarity) > MAX_TERMS:  # of a pasted log, the words that tell most
            rarity = dict(sorted(rarity.items(), key=lambda term: -term[1])[:MAX_TERMS])
        size = index.size(reader.tokens) if index else 0
        unknown, rarest = math.log(1 + 2 * max(1, size)), math.log(1 + (max(1, size) - 0.5) / 1.5)
        told, language = bool(language), language or self._fallback_language
        return Question(asks, language, told, terms, variants, rarity, unknown, rarest)

    def across(self, asked: Question, language: str, index: SearchIndex, reader: Reader, only: bool = True) -> Question:
        """The question taken to be in `language`, with what stands for its words: synonyms, translations, and what was
        meant by misspelt ones. `only` says that no other language was considered."""
        synonyms = self._synonyms.synonyms.translations(asked.terms.words)
        learned = self._alignment.translations(asked.terms.words, language)
        looked_up = _telling(self._dictionary.translations(asked.variants, language), asked, index, reader)
        across = (*synonyms, *learned, *looked_up)
        meant = _meant(asked, across, index, reader)
        first: dict[str, Translation] = {}
        for each in (*across, *meant, *self._translated(meant, language)):
            first.setdefault(each.term, each)
        grams = asked.terms.grams
        if language == "en":  # what English writes apart may be a part of a compound in the other language
            own = grams if only and not asked.told else ()  # it may be a Finnish compound
            grams = tuple(dict.fromkeys([*own, *(gram for each in first.values() for gram in grams_of(each.term))]))
        return replace(asked, language=language, terms=replace(asked.terms, across=tuple(first.values()), grams=grams))

    def _translated(self, meant: Sequence[Translation], language: str) -> list[Translation]:
        """What the words that were meant are in the other language, still for the words that were written."""
        return [
            Translation(found.term, each.word, each.probability * found.probability)
            for each in meant
            for found in self._alignment.translations([each.term], language)
        ]


def as_text(text: str) -> str:
    """What of a text is read: its beginning, without half a character pair, which is not text."""
    return text[:MAX_QUESTION].encode("utf-8", "replace").decode().strip()


def part_to_read(text: str) -> str:
    """The part of a question that is searched for: its beginning, and of a pasted log only what somebody wrote."""
    return asking_part(as_text(text))


def with_known_rarity(asked: Question, index: SearchIndex, reader: Reader) -> Question:
    """A word that the index does not know is as rare as what stands for it there."""
    standing = [other for other in asked.terms.across if asked.rarity.get(other.word) == 0.0]
    known = index.rarity([other.term for other in standing], reader.tokens)
    found = {other.word: known[other.term] for other in reversed(standing) if known[other.term]}
    return replace(asked, rarity=asked.rarity | found)


def _telling(
    found: Sequence[Translation], asked: Question, index: SearchIndex, reader: Reader
) -> tuple[Translation, ...]:
    """Those that are in what the reader may read, and rare enough there to tell one text from another: a dictionary
    knows many a word that only fills a sentence."""
    rarity = index.rarity([each.term for each in found], reader.tokens)
    return tuple(each for each in found if rarity[each.term] >= _TELLING * asked.unknown_rarity)


def _meant(asked: Question, across: Sequence[Translation], index: SearchIndex, reader: Reader) -> list[Translation]:
    """What is probably meant by words that are in nothing the reader may read: the nearest of those that are."""
    standing = {other.word for other in across}
    unknown = [words for words in asked.variants if asked.rarity.get(words[0]) == 0.0 and words[0] not in standing]
    near = {words[0]: [found for word in words for found in index.similar_words(word)] for words in unknown}
    known = index.rarity([other for found in near.values() for other, _edits in found], reader.tokens)
    meant = []
    for words in unknown:
        word, found = words[0], near[words[0]]
        readable = [(other, edits) for other, edits in found if known[other]]
        fewest = min((edits for _other, edits in readable), default=0)
        nearest = dict.fromkeys(other for other, edits in readable if edits == fewest)
        meant += [Translation(other, word, _MISSPELT) for other in list(nearest)[: _MEANT * len(words)]]
    return meant


def _without_unknown_variants(rarity: dict[str, float], variants: Sequence[Sequence[str]]) -> dict[str, float]:
    """A word is analysed in each language; what of it the index does not know counts only when it knows nothing."""
    seen, kept = set[str](), set[str]()
    for words in variants:
        seen.update(words)
        kept.update([word for word in words if rarity.get(word)] or words[:1])
    return {term: value for term, value in rarity.items() if term in kept or term not in seen}
