"""Which terms of a question keyword search looks for, in which fields, and how much each counts."""

from collections.abc import Callable

from recommender.language.terms import Terms
from recommender.language.words import FUNCTION_WORDS

WEIGHTS = {"context": 0.8, "text": 1.0}  # of the fields with words: a judgement
_OPENING, _OPENING_WEIGHT = "opening", 0.5  # a field with words, and its weight: a judgement
WORD_WEIGHTS = {**WEIGHTS, _OPENING: _OPENING_WEIGHT}
WRITTEN, _WRITTEN_WEIGHT = "written", 0.6  # a field with words as they are written, and its weight: a judgement
GRAMS, _GRAM_WEIGHT = "grams", 0.15  # the field with character n-grams, and its weight: a judgement
_MAX_WORDS, _MAX_GRAMS = 48, 32  # of a question, that are searched for: a judgement


def weighted_terms(terms: Terms, count: Callable[[str, str], int]) -> list[tuple[str, str, float]]:
    """(field, term, weight) of the words, words as they are written, n-grams and translations to search for. `count`
    gives the number of readable items that have a term in a field: of a long question the rarest terms are used."""
    content = [word for word in terms.words if word not in FUNCTION_WORDS] or terms.words
    if len(words := list(content)) > _MAX_WORDS:
        frequency = {word: max(count(name, word) for name in WEIGHTS) for word in words}
        words = sorted((word for word in words if frequency[word]), key=lambda word: frequency[word])
    grams = terms.grams
    if len(grams) > _MAX_GRAMS:
        grams = tuple(sorted(grams, key=lambda gram: count(GRAMS, gram)))[:_MAX_GRAMS]
    translations = [translation for translation in terms.translations if translation.term not in FUNCTION_WORDS]
    return [
        *((name, word, factor) for word in words[:_MAX_WORDS] for name, factor in WORD_WEIGHTS.items()),
        *((WRITTEN, word, _WRITTEN_WEIGHT) for word in terms.written[:_MAX_WORDS]),
        *((GRAMS, gram, _GRAM_WEIGHT) for gram in grams),
        *(
            (name, translation.term, factor * translation.probability)
            for translation in translations[:_MAX_WORDS]
            for name, factor in WEIGHTS.items()
        ),
    ]
