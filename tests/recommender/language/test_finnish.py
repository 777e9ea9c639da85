"""language/finnish.py: lemmas of Finnish words that the dictionary does not have, with the real dictionaries."""

import pytest

from recommender.language.analyzer import Analyzer


@pytest.mark.parametrize(
    ("form", "lemma"),
    [
        ("lounasedun", "lounasetu"),
        ("verkkolaskulla", "verkkolasku"),
        ("tuntilistat", "tuntilista"),
        ("etätyöpöydällä", "etatyopoyta"),
        ("pyöräkellarissa", "pyorakellari"),
        ("liikuntaetua", "liikuntaetu"),
    ],
)
def test_of_a_compound_only_the_last_word_is_in_a_case(analyzer: Analyzer, form: str, lemma: str) -> None:
    assert analyzer.index_terms(form, "fi").words == (lemma,)


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("kipee", "kipeä"),
        ("löytyyks", "löytyykö"),
        ("punanen", "punainen"),
        ("unohtanu", "unohtanut"),
        ("pääsis", "pääsisi"),
        ("koneess", "koneessa"),
        ("kirjauduttuu", "kirjauduttua"),
        ("pimee", "pimeä"),
    ],
)
def test_a_spoken_form_has_the_lemma_of_the_written_one(analyzer: Analyzer, spoken: str, written: str) -> None:
    assert analyzer.index_terms(spoken, "fi").words == analyzer.index_terms(written, "fi").words


@pytest.mark.parametrize("word", ["monitor", "minutes", "net"])
def test_an_english_word_is_no_form_of_a_finnish_pronoun(analyzer: Analyzer, word: str) -> None:
    assert analyzer.index_terms(word, "fi").words == (word,)


def test_work_is_no_pronoun(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("työ työn", "fi").words == ("tyo", "tyo")
