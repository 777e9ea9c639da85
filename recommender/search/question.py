"""Analyses a question: its language, its terms, translations and synonyms of them, and how rare each term is."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from recommender.access import Reader
from recommender.index import SearchIndex
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.everyday import everyday
from recommender.language.synonyms import Synonyms, SynonymsFile
from recommender.language.terms import DOTS, WRITTEN_TOKEN, Terms, Translation, grams_of
from recommender.language.words import FUNCTION_WORDS, FUNCTION_WORDS_OF, is_telling
from recommender.search.codes import codes
from recommender.search.letter import asks_nothing, questions_first
from recommender.search.pasted_log import asking_part
from recommender.settings import Settings

MAX_QUESTION = 20_000
"""Characters of a question that are read; a judgement."""
_USUAL_LANGUAGES, _SWEDISH_TOO = ("fi", "en"), ("sv", "fi", "en")
"""The languages in whose terms a question is searched for: that of a short question is not clear, but Swedish is
considered only when it is."""
MAX_TERMS = 48
"""Terms of a question that are weighted; of a longer one, the rarest. A judgement."""
_DISTINCTIVE = 0.3
"""A term is distinctive from this rarity, as a share of the rarity of an unknown word; a judgement."""
_MANY, _FEW_ITEMS = 0.4, 20
"""The share of all items from which a term is in many of them, and the number of items below which this is not asked;
a judgement."""
_CORRECTION_PROBABILITY, _MAX_CORRECTIONS = 0.5, 4
"""How probable a correction of a misspelt word is, and how many are tried for each variant of it; a judgement."""
_WORD_KNOWN = 0.35
"""Factor of the probability of an everyday synonym for a word that readable items have; a judgement."""
_NO_SYNONYMS = Synonyms()


@dataclass(frozen=True)
class Question:
    """A question's terms, and the rarity of each (inverse document frequency) among the items its reader may read.

    `language_known` is False when the language is a guess. `variants` contains the possible terms of each word, one for
    each language. `unknown_rarity` is the rarity of a word that the index does not know, `rarest` that of a word which
    is in one item only, `common` that of a word in so many items that it tells nothing. `spellings` has the words of a
    question that was written with dots, as `Analyzer.spellings`; it is empty for another.
    """

    text: str
    language: str
    language_known: bool
    terms: Terms
    variants: Sequence[Sequence[str]]
    rarity: dict[str, float]
    unknown_rarity: float
    rarest: float
    common: float = 0.0
    spellings: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def length(self) -> int:
        """The number of words, divided at spaces."""
        return len(self.text.split())

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much each term counts: its rarity, and `unknown_rarity` for a term that the index does not know."""
        return {term: rarity or self.unknown_rarity for term, rarity in self.rarity.items()}

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes of the text, as it has them (`codes.py`)."""
        return codes(self.text)

    @cached_property
    def translated(self) -> dict[str, str]:
        """For each term of the other language, the question's term that it stands for."""
        return {
            translation.term: translation.word
            for translation in self.terms.translations
            if translation.word in self.rarity
        }

    @cached_property
    def distinctive(self) -> dict[str, float]:
        """The rarity of the terms that say what the question is about: these are marked and named on pages. Not among
        them are terms that are in many of the readable items, such as the organisation's name, and pronouns, adverbs
        and the like."""
        least = max(_DISTINCTIVE * self.unknown_rarity, self.common)
        return {
            term: rarity for term, rarity in self.rarity.items() if rarity >= least and is_telling(term, vague=True)
        }


class QuestionAnalyzer:
    """Makes a Question of a text; rarity is counted among what the reader may read."""

    def __init__(
        self,
        analyzer: Analyzer,
        synonyms: SynonymsFile,
        alignment: Alignment,
        dictionary: Dictionary,
        fallback_language: str,
        everyday: Synonyms = _NO_SYNONYMS,
        stored: Callable[[], Synonyms] = lambda: _NO_SYNONYMS,
    ) -> None:
        self.analyzer = analyzer
        self._synonyms = synonyms
        self._alignment = alignment
        self._dictionary = dictionary
        self._fallback_language = fallback_language
        self._everyday = everyday
        self._stored = stored

    @classmethod
    def load(
        cls, analyzer: Analyzer, settings: Settings, stored: Callable[[], Synonyms] = lambda: _NO_SYNONYMS
    ) -> "QuestionAnalyzer":
        """An analyser with the lexicon, the dictionary and the everyday words that ship with Kollega, and the
        organisation's synonyms: those of its file, and those that `stored` gives for each question."""
        synonyms = SynonymsFile(settings.synonyms_path, analyzer)
        words = everyday(analyzer, settings.models_dir)
        return cls(analyzer, synonyms, Alignment.load(None), Dictionary.shipped(), settings.language, words, stored)

    def with_stored(self, synonyms: Synonyms) -> "QuestionAnalyzer":
        """The same with these synonyms in place of the stored ones."""
        return QuestionAnalyzer(
            self.analyzer, self._synonyms, self._alignment, self._dictionary, self._fallback_language, self._everyday,
            lambda: synonyms,
        )  # fmt: skip

    def analyse(self, text: str, index: SearchIndex | None, reader: Reader) -> Question:
        """Analyse a text (see `part_to_read`) in the language that is detected, without translations yet."""
        language = self.analyzer.detect(text, fallback="") or self.analyzer.language_of_words(text)
        languages = _SWEDISH_TOO if language == "sv" else _USUAL_LANGUAGES
        terms = self.analyzer.query_terms(text, languages)
        if language == "en":  # `with_translations` adds the n-grams of the translations
            terms = replace(terms, grams=())
        variants = self.analyzer.variants(text, languages)
        rarity = index.rarity(terms.words, reader.tokens) if index else {}
        rarity = _without_unknown_variants(rarity, variants)
        function_words = FUNCTION_WORDS_OF.get(language, FUNCTION_WORDS)
        empty = {term for word in variants if any(term in function_words for term in word) for term in word}
        rarity = {term: value for term, value in rarity.items() if term not in empty} or rarity
        if len(rarity) > MAX_TERMS:
            rarity = dict(sorted(rarity.items(), key=lambda item: -item[1])[:MAX_TERMS])
        size = max(1, index.size(reader.tokens) if index else 0)
        unknown_rarity, rarest = math.log(1 + 2 * size), math.log(1 + (size - 0.5) / 1.5)
        common = math.log(1 / _MANY) if size >= _FEW_ITEMS else 0.0
        return Question(
            text,
            language or self._fallback_language,
            bool(language),
            terms,
            variants,
            rarity,
            unknown_rarity,
            rarest,
            common,
            self.analyzer.spellings(text) if DOTS.search(text) else {},
        )

    def with_translations(
        self, question: Question, language: str, index: SearchIndex, reader: Reader, only_language: bool = True
    ) -> Question:
        """The question as one in `language`, with synonyms, translations, and corrections of misspelt words.
        `only_language` is True when no other language was considered."""
        words = question.terms.words
        synonyms = (*self._synonyms.synonyms.translations(words), *self._stored().translations(words))
        learned = self._alignment.translations(question.terms.words, language)
        looked_up = _only_distinctive(
            self._dictionary.translations(question.variants, language, "sv" in index.vector_space.passages),
            question,
            index,
            reader,
        )
        everyday = _only_distinctive(self._everyday_words(question), question, index, reader)
        translations = (*synonyms, *everyday, *learned, *looked_up)
        corrections = _corrections(question, translations, index, reader)
        by_term: dict[str, Translation] = {}
        for translation in (*translations, *corrections, *self._translated(corrections, language)):
            by_term.setdefault(translation.term, translation)
        grams = question.terms.grams
        if language == "en":  # words that English writes apart may be parts of a compound in the other language
            # the question's own n-grams count only if its language is a guess: it may be a Finnish compound
            question_grams = grams if only_language and not question.language_known else ()
            grams = tuple(dict.fromkeys([*question_grams, *(gram for term in by_term for gram in grams_of(term))]))
        elif language == "sv":
            grams = tuple(dict.fromkeys([*grams, *(gram for term in by_term for gram in grams_of(term))]))
        terms = replace(question.terms, translations=tuple(by_term.values()), grams=grams)
        return replace(question, language=language, terms=terms)

    def _everyday_words(self, question: Question) -> list[Translation]:
        """What the everyday words of the question stand for. They count less for a word that readable items have."""
        return [
            replace(translation, probability=_WORD_KNOWN * translation.probability)
            if question.rarity.get(translation.word)
            else translation
            for translation in self._everyday.translations(question.terms.words)
        ]

    def _translated(self, corrections: Sequence[Translation], language: str) -> list[Translation]:
        """Translations of the corrections, which stand for the words as they were written."""
        return [
            Translation(translation.term, correction.word, correction.probability * translation.probability)
            for correction in corrections
            for translation in self._alignment.translations([correction.term], language)
        ]


def is_vague(question: Question) -> bool:
    """True if a question does not say what it is about: it has no code, and every word of it only says that something
    is wrong, asks for help or greets (`ei toimi`, `it doesn't work`, `moi`). Also a text that asks nothing."""
    if asks_nothing(question.text):
        return True
    if question.codes:
        return False
    return all(any(not is_telling(term) for term in word) for word in question.variants)


def title_words(question: Question, title: str, analyzer: Analyzer) -> tuple[str, ...]:
    """The words of a title that are telling words of the question, in the order of the title and as they are written
    there. Only the same word counts, not a part of a compound or a translation, and no word that is in a large share of
    the readable items."""
    telling = {
        term for term, rarity in question.rarity.items() if rarity >= question.common and is_telling(term, vague=True)
    }
    found = [word.group() for word in WRITTEN_TOKEN.finditer(title) if analyzer.word_keys(word.group()) & telling]
    return tuple(dict.fromkeys(found))


def as_text(text: str) -> str:
    """The beginning of a text, without surrounding spaces; a lone half of a surrogate pair becomes a question mark."""
    return text[:MAX_QUESTION].encode("utf-8", "replace").decode().strip()


def part_to_read(text: str) -> str:
    """The part of a question that is searched for: at most MAX_QUESTION characters, without the lines of a pasted log,
    and of a long letter first what it asks."""
    return questions_first(asking_part(as_text(text)))


def with_known_rarity(question: Question, index: SearchIndex, reader: Reader) -> Question:
    """The question, in which a word that the index does not know is given the rarity of its translation or
    correction."""
    unknown = [
        translation for translation in question.terms.translations if question.rarity.get(translation.word) == 0.0
    ]
    rarity = index.rarity([translation.term for translation in unknown], reader.tokens)
    known = {
        translation.word: rarity[translation.term] for translation in reversed(unknown) if rarity[translation.term]
    }
    return replace(question, rarity=question.rarity | known)


def _only_distinctive(
    translations: Sequence[Translation], question: Question, index: SearchIndex, reader: Reader
) -> tuple[Translation, ...]:
    """The translations that occur in items which the reader may read, and are rare enough there to distinguish texts:
    many words of a dictionary are too common for that."""
    rarity = index.rarity([translation.term for translation in translations], reader.tokens)
    least = _DISTINCTIVE * question.unknown_rarity
    return tuple(translation for translation in translations if rarity[translation.term] >= least)


def _corrections(
    question: Question, translations: Sequence[Translation], index: SearchIndex, reader: Reader
) -> list[Translation]:
    """The most similar words that readable items have, for each word that no readable item has and that has no
    translation."""
    explained = {translation.word for translation in translations}
    unknown = [
        words for words in question.variants if question.rarity.get(words[0]) == 0.0 and words[0] not in explained
    ]
    corrections = []
    for words in unknown:
        similar = [match for word in words for match in index.similar_words(word, reader.tokens)]
        fewest = min((edits for _other, edits in similar), default=0)
        nearest = list(dict.fromkeys(other for other, edits in similar if edits == fewest))
        most = _MAX_CORRECTIONS * len(words)
        corrections += [Translation(other, words[0], _CORRECTION_PROBABILITY) for other in nearest[:most]]
    return corrections


def _without_unknown_variants(rarity: dict[str, float], variants: Sequence[Sequence[str]]) -> dict[str, float]:
    """The rarity of terms, without needless variants. A word has a term in each language. Its terms that the index does
    not know are left out when it knows another of them; when it knows none, the first one stays."""
    all_terms, counted = set[str](), set[str]()
    for words in variants:
        all_terms.update(words)
        counted.update([word for word in words if rarity.get(word)] or words[:1])
    return {term: value for term, value in rarity.items() if term in counted or term not in all_terms}
