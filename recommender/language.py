"""What language a text is in, and the terms both the index and a question are reduced to.

A term is a lemma without umlauts ("työpöydällä" and "tyopoyta" meet), an exact token kept whole (`0x80070005`,
`LAH-2F-PRN03`), or, for Finnish, a character 5-gram of a lemma, which is what joins the parts of compound words.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

LANGUAGES = ("fi", "en", "sv")
COMPOUNDING = ("fi", "sv")
"""Those whose words have n-grams."""
ANALYSIS_VERSION = 3
_TOKEN = re.compile(r"[^\W_]+(?:[.\-_:/\\@+#'’][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_CASE = re.compile(
    r"i?(?:ss|st|ll|lt)[aä]|i?lle|i?ksi|i?n[aä]|h[aäeiouyö]n|aan|ään|een|iin|oon|uun|ihin|i?den|e?it[aä]|eille"
)
_SHORT_CASE = re.compile(r"n|t|[aä]{1,2}|tt?[aä]|[aäeiouyö]n|ien")
"""What Finnish joins to an abbreviation by a colon (`VPN:ssä`); the short ones only to one in capitals, since `lang:en`
is no case."""
_GRAM, _SURE = 5, 0.7
_SMALL_TALK = frozenset(
    (
        "moi", "moikka", "moro", "hei", "heippa", "hej", "terve", "huomenta", "päivää", "iltaa", "kiitos", "kiitti",
        "kiitoksia", "tack", "ole", "hyvä", "joo", "juu", "ok", "okei", "okay", "hello", "hi", "hey", "dear", "good",
        "morning", "afternoon", "evening", "thanks", "thank", "you", "please", "yes",
    )
)  # fmt: skip
_TRIAL = frozenset(("test", "testi", "testing", "testaan"))
QUESTION_WORDS = frozenset(
    (
        "mika", "mita", "mihin", "mista", "missa", "miten", "miksi", "milloin", "minne", "kuka", "keta", "kenen",
        "kuinka", "kauanko", "paljonko", "paljon", "montako", "onko", "voiko", "saako", "taytyyko", "pitaako", "what",
        "who", "whom", "whose", "which", "when", "where", "why", "how", "is", "be", "are", "do", "does", "can",
        "could", "may", "should", "will", "olla", "voida",
    )
)  # fmt: skip
"""Terms that ask and say nothing of what is asked."""
FUNCTION_WORDS = QUESTION_WORDS | frozenset(
    (
        "the", "an", "of", "to", "in", "on", "at", "for", "from", "with", "by", "and", "or", "but", "not", "if", "as",
        "so", "my", "your", "our", "we", "they", "this", "that", "these", "there", "then", "than", "was", "were",
        "been", "have", "has", "had", "would", "any", "some", "about", "into", "ei", "en", "et", "emme", "eivat", "ja",
        "tai", "mutta", "kun", "kuin", "jos", "etta", "se", "sen", "sita", "siina", "tama", "taman", "tata", "tassa",
        "mina", "minun", "han", "joka", "jonka", "niin", "myos", "vain", "kanssa", "etten", "ettei",
    )
)  # fmt: skip
"""Terms that hold a sentence together. Most texts have them, and most of a search's time would go to them."""
_FOLD = str.maketrans("äöåéèüáà", "aoaeeuaa")


@dataclass(frozen=True)
class Terms:
    """Index terms of a text: whole words (lemmas and exact tokens) and character n-grams; of a question also terms of
    another language, most probable first."""

    words: tuple[str, ...]
    grams: tuple[str, ...]
    across: tuple["Translation", ...] = ()


@dataclass(frozen=True)
class Translation:
    """A term that stands for `word`, a term of the question, in another language, with its probability."""

    term: str
    word: str
    probability: float


class Analyzer:
    """Detects languages and makes terms. Keeps its dictionaries under `cache_dir` as memory-mapped tries."""

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._lemmatizer: Any = None
        self._identifier: Any = None
        self._lemma = lru_cache(maxsize=200_000)(self._lemma_uncached)
        self.word_keys = lru_cache(maxsize=200_000)(self._word_keys_uncached)

    def detect(self, text: str, fallback: str = "en") -> str:
        """`fi`, `en` or `sv`; `fallback` when the text is too short or too odd to tell."""
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
        """Terms of a text to be indexed, in order and with repetitions; n-grams only for languages that compound."""
        words: list[str] = []
        grams: list[str] = []
        for token in tokens(text):
            terms = self._word_terms(token, language)
            words += terms
            if language in COMPOUNDING:
                grams += grams_of(terms[0])
        return Terms(tuple(words), tuple(grams))

    def query_terms(self, text: str, languages: Sequence[str] = ("fi", "en")) -> Terms:
        """Distinct terms of a question, analysed in each of `languages`: a short one does not tell its language. What
        people say to be kind, and single characters, ask for nothing."""
        words: dict[str, None] = {}
        grams: dict[str, None] = {}
        for token in _asking(text):
            for language in languages:
                terms = self._word_terms(token, language)
                words.update(dict.fromkeys(terms))
                if language in COMPOUNDING:
                    grams.update(dict.fromkeys(grams_of(terms[0])))
        return Terms(tuple(words), tuple(grams))

    def variants(self, text: str, languages: Sequence[str] = ("fi", "en")) -> list[tuple[str, ...]]:
        """For each distinct token of a question the forms that `query_terms` makes of it as a whole."""
        return [
            tuple(dict.fromkeys(self._word_terms(token, language)[0] for language in languages))
            for token in dict.fromkeys(_asking(text))
        ]

    def _word_keys_uncached(self, word: str) -> frozenset[str]:
        """The terms one word of a shown text stands for, to tell whether it matches a question."""
        found = [
            term for language in ("fi", "en") for token in tokens(word) for term in self._word_terms(token, language)
        ]
        return frozenset(found)

    def _word_terms(self, token: str, language: str) -> list[str]:
        """The lemma of a word, or an exact token whole and then in its parts."""
        if token.isalpha():
            return [self._lemma(token, language)]
        parts = _PART.findall(token)
        whole = token.translate(_FOLD)
        if len(parts) == 1:
            return [whole]
        pieces = [self._lemma(part, language) if part.isalpha() else part for part in parts]
        return [whole, *pieces]

    def _lemma_uncached(self, word: str, language: str) -> str:
        if self._lemmatizer is None:
            from simplemma import Lemmatizer
            from simplemma.strategies import DefaultStrategy
            from simplemma.strategies.dictionaries import TrieDictionaryFactory

            factory = TrieDictionaryFactory(disk_cache_dir=str(self._cache_dir))
            self._lemmatizer = Lemmatizer(lemmatization_strategy=DefaultStrategy(dictionary_factory=factory))
        if language not in LANGUAGES:
            return word.translate(_FOLD)
        return str(self._lemmatizer.lemmatize(word, lang=language)).lower().translate(_FOLD)


def tokens(text: str) -> list[str]:
    """Lower-case tokens; a token joined by `. - _ : / \\ @ + # '` is kept whole, but for the ending of its case."""
    return [_without_case(token).lower() for token in _TOKEN.findall(unicodedata.normalize("NFKC", text))]


def _without_case(token: str) -> str:
    if token.endswith(("'s", "’s", "'S", "’S")):
        return token[:-2]
    base, _colon, ending = token.rpartition(":")
    if not base or ":" in base:
        return token
    case = ending.lower()
    return base if _CASE.fullmatch(case) or (base.isupper() and _SHORT_CASE.fullmatch(case)) else token


def _asking(text: str) -> list[str]:
    """The tokens of a question that ask for something; none when somebody only tries whether it works."""
    asking = [token for token in tokens(text) if len(token) > 1 and token not in _SMALL_TALK]
    return [] if _TRIAL.issuperset(asking) else asking


def grams_of(term: str) -> list[str]:
    """The character n-grams of a term; none of a short or an exact one."""
    if len(term) <= _GRAM or not term.isalpha():
        return []
    return [term[start : start + _GRAM] for start in range(len(term) - _GRAM + 1)]
