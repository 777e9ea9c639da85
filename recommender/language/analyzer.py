"""Detects the language of a text, and turns texts and questions into terms.

A term is a lemma without diacritics ("työpöydällä" and "tyopoyta" give the same term), an identifier as it is written
(`0x80070005`, `LAH-2F-PRN03`), or, for Finnish and Swedish, a character 5-gram of a lemma, with which the parts of
compound words are found.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from recommender.language.terms import Terms, grams_of, tokens
from recommender.language.words import COMPOUNDING, LANGUAGES, SMALL_TALK, TRIAL_WORDS

ANALYSIS_VERSION = 3  # of the terms: another version needs a new index
_PART = re.compile(r"[^\W_]+")
_SURE = 0.7  # probability, from which a detected language is used: a judgement
_FOLD = str.maketrans("äöåéèüáà", "aoaeeuaa")


class Analyzer:
    """Detects languages and makes terms. The dictionaries of lemmas are stored under `cache_dir`, as memory-mapped
    tries.

    Threads may share it. Lemmas and the keys of words are cached.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._lemmatizer: Any = None
        self._identifier: Any = None
        self._lemma = lru_cache(maxsize=200_000)(self._lemma_uncached)
        self.word_keys = lru_cache(maxsize=200_000)(self._word_keys_uncached)

    def warm_up(self) -> None:
        """Load the language detector and the Finnish and English dictionaries, which are made on first use."""
        self.detect("valmiina ready")
        self.query_terms("valmiina ready 1")

    def detect(self, text: str, fallback: str = "en") -> str:
        """`fi`, `en` or `sv`; `fallback` when the language is not clear."""
        letters = " ".join(re.findall(r"[^\W\d_]{2,}", text))
        if not letters:
            return fallback
        if self._identifier is None:
            from py3langid.langid import MODEL_FILE, LanguageIdentifier

            self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
            self._identifier.set_languages(list(LANGUAGES))
        language, probability = self._identifier.classify(letters)
        return str(language) if probability >= _SURE else fallback

    def index_terms(self, text: str, language: str) -> Terms:
        """Terms of a text for the index, in order and with repetitions; n-grams only for COMPOUNDING languages."""
        words: list[str] = []
        grams: list[str] = []
        for token in tokens(text):
            terms = self._word_terms(token, language)
            words += terms
            if language in COMPOUNDING:
                grams += grams_of(terms[0])
        return Terms(tuple(words), tuple(grams))

    def query_terms(self, text: str, languages: Sequence[str] = ("fi", "en")) -> Terms:
        """Distinct terms of a question in each of `languages`, since the language of a short question is not clear.
        Greetings, thanks and single characters are left out."""
        words: dict[str, None] = {}
        grams: dict[str, None] = {}
        for token in _content_tokens(text):
            for language in languages:
                terms = self._word_terms(token, language)
                words.update(dict.fromkeys(terms))
                if language in COMPOUNDING:
                    grams.update(dict.fromkeys(grams_of(terms[0])))
        return Terms(tuple(words), tuple(grams))

    def variants(self, text: str, languages: Sequence[str] = ("fi", "en")) -> list[tuple[str, ...]]:
        """For each distinct token of a question the terms that `query_terms` makes of the whole token."""
        return [
            tuple(dict.fromkeys(self._word_terms(token, language)[0] for language in languages))
            for token in dict.fromkeys(_content_tokens(text))
        ]

    def _word_keys_uncached(self, word: str) -> frozenset[str]:
        """The terms of a word of a text that is shown; it matches a question that has one of these terms."""
        return frozenset(
            term for language in ("fi", "en") for token in tokens(word) for term in self._word_terms(token, language)
        )

    def base_form(self, word: str, language: str) -> str:
        """A word as a dictionary has it, in lower case and with its dots: "tulostimen" gives "tulostin". Of a word with
        hyphens only the last part changes; an identifier stays as it is."""
        start, hyphen, last = word.lower().rpartition("-")
        return f"{start}{hyphen}{self._dictionary_form(last, language) if last.isalpha() else last}"

    def _word_terms(self, token: str, language: str) -> list[str]:
        """The lemma of a word; for an identifier the whole of it, then its parts."""
        if token.isalpha():
            return [self._lemma(token, language)]
        parts = _PART.findall(token)
        whole = token.translate(_FOLD)
        if len(parts) == 1:
            return [whole]
        pieces = [self._lemma(part, language) if part.isalpha() else part for part in parts]
        return [whole, *pieces]

    def _lemma_uncached(self, word: str, language: str) -> str:
        return self._dictionary_form(word, language).translate(_FOLD)

    def _dictionary_form(self, word: str, language: str) -> str:
        if self._lemmatizer is None:
            from simplemma import Lemmatizer
            from simplemma.strategies import DefaultStrategy
            from simplemma.strategies.dictionaries import TrieDictionaryFactory

            factory = TrieDictionaryFactory(disk_cache_dir=str(self._cache_dir))
            self._lemmatizer = Lemmatizer(lemmatization_strategy=DefaultStrategy(dictionary_factory=factory))
        return str(self._lemmatizer.lemmatize(word, lang=language)).lower() if language in LANGUAGES else word


def _content_tokens(text: str) -> list[str]:
    """The tokens of a question without greetings, thanks and single characters; none when it only tests the search."""
    content = [token for token in tokens(text) if len(token) > 1 and token not in SMALL_TALK]
    return [] if TRIAL_WORDS.issuperset(content) else content
