"""Detects the language of a text, and turns texts and questions into terms.

A term is a lemma without marks on its letters ("työpöydällä" and "tyopoyta" give the same term), an identifier without
hyphens and apostrophes (`0x80070005`; `E-52` is `e52`), or, for Finnish and Swedish, a character 5-gram of a lemma,
with which the parts of compound words are found.
"""

import logging
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from recommender.checksums import whole_folder
from recommender.language.detector import LanguageDetector
from recommender.language.finnish import WRONG_LEMMAS, is_prefix, splits, written_forms
from recommender.language.swedish import forms_before_another, splits_of_swedish
from recommender.language.terms import Terms, fold, grams_of, tokens
from recommender.language.words import COMMON_WORDS, COMPOUNDING, LANGUAGES, SMALL_TALK, TRIAL_WORDS

log = logging.getLogger(__name__)
ANALYSIS_VERSION = 5  # of the terms: another version needs a new index
WORD_VERSION = 3  # of the lemmas of words that have only letters: another version needs new dictionaries
_PART = re.compile(r"[^\W_]\+\+|(?<![^\W_])[^\W\d_]#(?![^\W_])|[^\W_]+")
_WORDY, _LETTER = re.compile(r".*[^\W\d_].*"), re.compile(r"[^\W\d_]")
_FRONTED = str.maketrans("ao", "äö")
_SHORTEST_PART = 3  # letters of a part of a compound: a judgement
_TEXTS_CACHED, _LONGEST_CACHED = 4096, 3000
"""How many texts that were compared with a question last are cached with their keys, and how many characters
one may have; a judgement. The candidates of a question have about sixty such texts."""


class Analyzer:
    """Detects languages and makes terms. The dictionaries of lemmas are stored under `cache_dir`, as memory-mapped
    tries, and the model that detects languages beside it.

    Threads may share it. Lemmas and the keys of words and of short texts are cached.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._detector = LanguageDetector(cache_dir.parent)
        self._lemma = lru_cache(maxsize=200_000)(self._lemma_uncached)
        self._spelling = lru_cache(maxsize=200_000)(self._spelling_uncached)
        self._is_compound_part = lru_cache(maxsize=50_000)(self._is_compound_part_uncached)
        self.word_keys = lru_cache(maxsize=200_000)(self._word_keys_uncached)
        self._cached_text_keys = lru_cache(maxsize=_TEXTS_CACHED)(self._text_keys_uncached)

    def warm_up(self) -> None:
        """Load the language detector and the dictionaries, which are made on first use."""
        self.detect("valmiina ready")
        for language in LANGUAGES:
            self._is_known("valmiina", language)
        self.query_terms("valmiina ready 1")

    def detect(self, text: str, fallback: str = "en") -> str:
        """`fi`, `en` or `sv`; `fallback` when the language is not clear."""
        return self._detector.detect(text, fallback)

    def detect_all(self, texts: Sequence[str], fallback: str = "en") -> list[str]:
        """The language of each text, as `detect` says it, in less time."""
        return self._detector.detect_all(texts, fallback)

    def index_terms(self, text: str, language: str) -> Terms:
        """Terms of a text for the index, in order and with repetitions; n-grams only for COMPOUNDING languages."""
        words: list[str] = []
        grams: list[str] = []
        written: list[str] = []
        for token in tokens(text):
            terms = self._word_terms(token, language)
            words += terms
            if token.isalpha() and (spelling := self._spelling(token, language)):
                written.append(spelling)
            if language in COMPOUNDING:
                grams += grams_of(terms[0])
        return Terms(tuple(words), tuple(grams), written=tuple(written))

    def query_terms(self, text: str, languages: Sequence[str] = ("fi", "en")) -> Terms:
        """Distinct terms of a question in each of `languages`, since the language of a short question is not clear.
        Greetings, thanks and single digits are left out."""
        words: dict[str, None] = {}
        grams: dict[str, None] = {}
        written: dict[str, None] = {}
        for token in _content_tokens(text):
            for language in languages:
                terms = self._word_terms(token, language)
                words.update(dict.fromkeys(terms))
                if token.isalpha() and (spelling := self._spelling(token, language)):
                    written[spelling] = None
                if language in COMPOUNDING:
                    grams.update(dict.fromkeys(grams_of(terms[0])))
        return Terms(tuple(words), tuple(grams), written=tuple(written))

    def variants(self, text: str, languages: Sequence[str] = ("fi", "en")) -> list[tuple[str, ...]]:
        """For each distinct token of a question the terms that `query_terms` makes of the whole token."""
        return [
            tuple(dict.fromkeys(self._word_terms(token, language)[0] for language in languages))
            for token in dict.fromkeys(_content_tokens(text))
        ]

    def spellings(self, text: str) -> dict[str, frozenset[str]]:
        """For each term of a text's words, the lemmas as they are written there: {"saari": {"sääri"}}."""
        found: dict[str, frozenset[str]] = {}
        for token in tokens(text):
            if token.isalpha():
                for language in ("fi", "en"):
                    term, lemma = self._lemma(token, language)
                    found[term] = found.get(term, frozenset()) | {lemma}
        return found

    def language_of_words(self, text: str) -> str:
        """`sv` when a text has a word that only the Swedish dictionary has, else nothing: for a text of one or two
        words, in which `detect` finds no language."""
        words = [token for token in tokens(text) if token.isalpha() and len(token) >= _SHORTEST_PART]
        for word in words:
            if self._is_known(word, "sv") and not any(self._is_known(word, other) for other in ("fi", "en")):
                return "sv"
        return ""

    def is_base_form(self, word: str) -> bool:
        """False if what is made of a word in Finnish is a known word, although the word itself is not known: a guess,
        such as `palkki` for `palkkis`."""
        lemma = self._lemma(word, "fi")[1]
        return lemma == word or self._is_known(word, "fi") or not self._is_known(lemma, "fi")

    def is_word(self, word: str, language: str) -> bool:
        """True for a base form that the dictionary of a language has."""
        return self._is_known(word, language) and self._lemma(word, language)[1] == word

    def is_compound(self, whole: str, part: str) -> bool:
        """True if the term `whole` is a compound word that contains the term `part`: what is left of it are words of a
        language with compounds. So `tulostinjono` contains `tulostin`, but `gpupdate` does not contain `update`."""
        start = whole.find(part)
        if start < 0 or self._is_known(whole, "en"):
            return False
        before, after = whole[:start], whole[start + len(part) :]
        if after[:1] in ("n", "s") and not self._is_compound_part(after):
            after = after[1:]  # the part is in the genitive: "salasanan|vaihto"
        return all(not piece or self._is_compound_part(piece) for piece in (before, after))

    def _is_compound_part_uncached(self, piece: str) -> bool:
        """True for a Finnish word, also without the marks on its letters and in the form that it has before another
        word ("talon-", "poistumis-"), or a Swedish word; English words do not count."""
        if len(piece) < _SHORTEST_PART:
            return False
        if is_prefix(piece) or self._is_known(piece, "fi"):
            return True
        forms = [piece.translate(_FRONTED), f"{piece[:-1]}nen" if piece.endswith("s") else piece]
        known = any(self._is_known(form, language) for form in forms for language in COMPOUNDING)
        return known and not self._is_known(piece, "en")

    def _word_keys_uncached(self, word: str) -> frozenset[str]:
        """The terms of a word of a text that is shown; it matches a question that has one of these terms."""
        terms: set[str] = set()
        for token in tokens(word):
            has_letters = _LETTER.search(token) is not None
            for language in LANGUAGES if has_letters else LANGUAGES[:1]:  # a number is the same in all of them
                terms.update(self._word_terms(token, language))
        return frozenset(terms)

    def text_keys(self, text: str) -> tuple[str, ...]:
        """The keys of all words of a text, each once. Those of a short text are cached: while somebody types, the same
        items are found again and again. A tuple takes a fifth of the memory of a set."""
        return self._cached_text_keys(text) if len(text) <= _LONGEST_CACHED else self._text_keys_uncached(text)

    def _text_keys_uncached(self, text: str) -> tuple[str, ...]:
        return tuple(frozenset[str]().union(*map(self.word_keys, text.split())))

    def base_form(self, word: str, language: str) -> str:
        """A word as a dictionary has it, in lower case and with its dots: "tulostimen" gives "tulostin". Of a word with
        hyphens only the last part changes; an identifier stays as it is."""
        start, hyphen, last = word.lower().rpartition("-")
        return f"{start}{hyphen}{self._lemma(last, language)[1] if last.isalpha() else last}"

    def _word_terms(self, token: str, language: str) -> list[str]:
        """The lemma of a word; for an identifier the whole of it without hyphens and apostrophes, then its parts."""
        if token.isalpha():
            return [self._lemma(token, language)[0]]
        parts = _PART.findall(token.replace("'", ""))
        pieces = [self._lemma(part, language)[0] if part.isalpha() else fold(part) for part in parts]
        whole = fold(token)
        if _WORDY.fullmatch(whole):  # hyphens and apostrophes make no difference, except between numbers
            whole = whole.replace("-", "").replace("'", "")
            if whole.isalpha() and whole.endswith(fold(parts[-1])):
                whole = whole[: -len(fold(parts[-1]))] + pieces[-1]
        if len(pieces) > 1:
            pieces = [piece for piece in pieces if len(piece) > 1]
        return list(dict.fromkeys([whole, *pieces]))

    def _spelling_uncached(self, word: str, language: str) -> str:
        """The lemma as it is written, if another word may have the same letters without marks; else nothing."""
        term, lemma = self._lemma(word, language)
        if term != lemma:
            return lemma
        fronted = lemma.translate(_FRONTED)
        return lemma if fronted != lemma and language == "fi" and self._is_known(fronted, language) else ""

    def _lemma_uncached(self, word: str, language: str) -> tuple[str, str]:
        """(the lemma without marks on its letters, the lemma as it is written)"""
        if language not in LANGUAGES or len(word) == 1:
            return fold(word), word
        if language == "sv" and not self._is_known(word, "sv"):
            lemma = self._unknown_swedish(word)
        elif language != "fi":
            lemma = str(self._dictionaries[0].lemmatize(word, lang=language)).lower()
        elif self._is_known(word, "fi"):
            lemma = self._finnish(word)
        else:
            lemma = self._unknown_finnish(word)
        lemma = lemma.replace("-", "")
        return fold(lemma), lemma

    def _finnish(self, word: str) -> str:
        return WRONG_LEMMAS.get(word) or str(self._dictionaries[0].lemmatize(word, lang="fi")).lower()

    def _unknown_finnish(self, word: str) -> str:
        """The lemma of a word that the Finnish dictionary does not have: a compound of two words, of which only the
        last one is in a case (`lounasedun` is a form of `lounasetu`), a spoken form, or a guess. The dictionary has all
        forms of pronouns and the like, so that a guess which gives one of these is wrong."""
        for head, tail in splits(word):
            if self._is_known(tail, "fi") and self._is_compound_part(head):
                last = self._finnish(tail)
                if fold(last) not in COMMON_WORDS:
                    return head + last
        for form in written_forms(word):
            if self._is_known(form, "fi"):
                return self._finnish(form)
        guess = self._finnish(word)
        return word if fold(guess) in COMMON_WORDS else guess

    def _unknown_swedish(self, word: str) -> str:
        """The lemma of a word that the Swedish dictionary does not have: a compound of two words, of which only the
        last one is inflected (`skyddsskorna` is a form of `skyddssko`), or a guess."""
        for head, tail in splits_of_swedish(word):
            if self._is_known(tail, "sv") and any(self._is_known(form, "sv") for form in forms_before_another(head)):
                return head + str(self._dictionaries[0].lemmatize(tail, lang="sv")).lower()
        return str(self._dictionaries[0].lemmatize(word, lang="sv")).lower()

    def _is_known(self, word: str, language: str) -> bool:
        """True if the dictionary of a language has this form of a word."""
        return self._dictionaries[1].get_lemma(word, language) is not None

    @cached_property
    def _dictionaries(self) -> tuple[Any, Any]:
        """(what makes lemmas, what looks up words)"""
        from simplemma import Lemmatizer
        from simplemma.strategies import DefaultStrategy, DictionaryLookupStrategy
        from simplemma.strategies.dictionaries import TrieDictionaryFactory

        def make(folder: Path) -> None:
            makes = TrieDictionaryFactory(disk_cache_dir=str(folder))
            for language in LANGUAGES:
                makes.get_dictionary(language)

        try:
            folder = whole_folder(self._cache_dir, make)
            factory = TrieDictionaryFactory(disk_cache_dir=str(folder))
        except OSError as error:
            log.warning("The dictionaries cannot be stored, and are made again each time: %s", error)
            factory = TrieDictionaryFactory(use_disk_cache=False)
        strategy = DefaultStrategy(dictionary_factory=factory)
        return Lemmatizer(lemmatization_strategy=strategy), DictionaryLookupStrategy(factory)


def _content_tokens(text: str) -> list[str]:
    """The tokens of a question without greetings, thanks and single digits; none when it only tests the search."""
    content = [token for token in tokens(text) if (len(token) > 1 or token.isalpha()) and token not in SMALL_TALK]
    return [] if TRIAL_WORDS.issuperset(content) else content
