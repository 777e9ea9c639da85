"""A question as it is understood: its language, its terms, other terms that stand for them, and how rare they are."""

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
"""Characters of a question that are read; a judgement."""
MAX_TERMS = 48
"""Terms of a question that are weighted; of a longer one, the rarest. A judgement."""
_TELLING = 0.3
"""A term is telling when it is at least this rare, as a share of the rarity of an unknown word; a judgement."""
_CORRECTION_PROBABILITY, _MAX_CORRECTIONS = 0.5, 4
"""How probable a correction of a misspelt word is, and how many are tried for each reading of it; a judgement."""


@dataclass(frozen=True)
class Question:
    """A question's terms, and the rarity of each (inverse document frequency) among the items its reader may read.

    `language_known` is False when the language is a guess. `variants` holds, for each word, the terms that the word may
    be in each language. `unknown_rarity` is the rarity of a word that the index does not know, `rarest` that of a word
    which is in one item only.
    """

    text: str
    language: str
    language_known: bool
    terms: Terms
    variants: Sequence[Sequence[str]]
    rarity: dict[str, float]
    unknown_rarity: float
    rarest: float

    @cached_property
    def length(self) -> int:
        """The number of words, divided at spaces."""
        return len(self.text.split())

    @cached_property
    def translated(self) -> dict[str, str]:
        """For each term of the other language, the question's term that it stands for."""
        return {
            translation.term: translation.word for translation in self.terms.across if translation.word in self.rarity
        }

    @cached_property
    def telling(self) -> dict[str, float]:
        """The rarity of the terms that are rare enough to tell one text from another: these are marked and named."""
        return {term: rarity for term, rarity in self.rarity.items() if rarity >= _TELLING * self.unknown_rarity}


class QuestionAnalyzer:
    """Makes a Question of a text, from what the index holds and the reader may read."""

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
        """With the lexicon and the dictionary that ship with the code, and the organisation's synonyms."""
        synonyms = SynonymsFile(settings.synonyms_path, analyzer)
        return cls(analyzer, synonyms, Alignment.load(None), Dictionary.load(), settings.language)

    def analyse(self, text: str, index: SearchIndex | None, reader: Reader) -> Question:
        """What a text (see `part_to_read`) means, in the language it seems to be in, without translations yet."""
        language = self.analyzer.detect(text, fallback="")
        terms = self.analyzer.query_terms(text)
        if language == "en":  # n-grams join the parts of compounds; `across` adds those of the translations
            terms = Terms(terms.words, ())
        variants = self.analyzer.variants(text)
        rarity = index.rarity(terms.words, reader.tokens) if index else {}
        rarity = _without_unknown_variants(rarity, variants)
        rarity = {term: value for term, value in rarity.items() if term not in QUESTION_WORDS} or rarity
        if len(rarity) > MAX_TERMS:
            rarity = dict(sorted(rarity.items(), key=lambda item: -item[1])[:MAX_TERMS])
        size = max(1, index.size(reader.tokens) if index else 0)
        unknown_rarity, rarest = math.log(1 + 2 * size), math.log(1 + (size - 0.5) / 1.5)
        return Question(
            text, language or self._fallback_language, bool(language), terms, variants, rarity, unknown_rarity, rarest
        )

    def across(
        self, question: Question, language: str, index: SearchIndex, reader: Reader, only_language: bool = True
    ) -> Question:
        """The question taken to be in `language`, with other terms that stand for its words: synonyms, translations,
        and corrections of misspelt words. `only_language` says that no other language was considered."""
        synonyms = self._synonyms.synonyms.translations(question.terms.words)
        learned = self._alignment.translations(question.terms.words, language)
        looked_up = _only_telling(self._dictionary.translations(question.variants, language), question, index, reader)
        translations = (*synonyms, *learned, *looked_up)
        corrections = _corrections(question, translations, index, reader)
        by_term: dict[str, Translation] = {}
        for translation in (*translations, *corrections, *self._translated(corrections, language)):
            by_term.setdefault(translation.term, translation)
        grams = question.terms.grams
        if language == "en":  # words that English writes apart may be parts of a compound in the other language
            # the question's own n-grams count only if its language is a guess: it may be a Finnish compound
            own_grams = grams if only_language and not question.language_known else ()
            grams = tuple(dict.fromkeys([*own_grams, *(gram for term in by_term for gram in grams_of(term))]))
        terms = replace(question.terms, across=tuple(by_term.values()), grams=grams)
        return replace(question, language=language, terms=terms)

    def _translated(self, corrections: Sequence[Translation], language: str) -> list[Translation]:
        """Translations of the corrections, which stand for the words as they were written."""
        return [
            Translation(translation.term, correction.word, correction.probability * translation.probability)
            for correction in corrections
            for translation in self._alignment.translations([correction.term], language)
        ]


def as_text(text: str) -> str:
    """The beginning of a text, without surrounding spaces; a lone half of a surrogate pair becomes a question mark."""
    return text[:MAX_QUESTION].encode("utf-8", "replace").decode().strip()


def part_to_read(text: str) -> str:
    """The part of a question that is searched for: its beginning, and of a pasted log only what somebody wrote."""
    return asking_part(as_text(text))


def with_known_rarity(question: Question, index: SearchIndex, reader: Reader) -> Question:
    """The question, in which a word that the index does not know is as rare as the term that stands for it there."""
    unknown = [translation for translation in question.terms.across if question.rarity.get(translation.word) == 0.0]
    rarity = index.rarity([translation.term for translation in unknown], reader.tokens)
    known = {
        translation.word: rarity[translation.term] for translation in reversed(unknown) if rarity[translation.term]
    }
    return replace(question, rarity=question.rarity | known)


def _only_telling(
    translations: Sequence[Translation], question: Question, index: SearchIndex, reader: Reader
) -> tuple[Translation, ...]:
    """The translations that are in items which the reader may read, and rare enough there to tell one text from
    another: a dictionary also holds many words that only fill a sentence."""
    rarity = index.rarity([translation.term for translation in translations], reader.tokens)
    least = _TELLING * question.unknown_rarity
    return tuple(translation for translation in translations if rarity[translation.term] >= least)


def _corrections(
    question: Question, translations: Sequence[Translation], index: SearchIndex, reader: Reader
) -> list[Translation]:
    """For words that are in no item the reader may read and have no translation: the most similar words that are."""
    explained = {translation.word for translation in translations}
    unknown = [
        words for words in question.variants if question.rarity.get(words[0]) == 0.0 and words[0] not in explained
    ]
    similar = {words[0]: [other for word in words for other in index.similar_words(word)] for words in unknown}
    known = index.rarity([other for others in similar.values() for other, _edits in others], reader.tokens)
    corrections = []
    for words in unknown:
        word = words[0]
        readable = [(other, edits) for other, edits in similar[word] if known[other]]
        fewest = min((edits for _other, edits in readable), default=0)
        nearest = list(dict.fromkeys(other for other, edits in readable if edits == fewest))
        most = _MAX_CORRECTIONS * len(words)
        corrections += [Translation(other, word, _CORRECTION_PROBABILITY) for other in nearest[:most]]
    return corrections


def _without_unknown_variants(rarity: dict[str, float], variants: Sequence[Sequence[str]]) -> dict[str, float]:
    """The rarity of terms, of which each word has one or more, one for each language. Terms that the index does not
    know are left out if it knows another of the same word; else the word's first term stays."""
    all_terms, counted = set[str](), set[str]()
    for words in variants:
        all_terms.update(words)
        counted.update([word for word in words if rarity.get(word)] or words[:1])
    return {term: value for term, value in rarity.items() if term in counted or term not in all_terms}
