"""Swedish words: compounds that the dictionary does not have, and words that show the language of a short question."""

import pytest

from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.synonyms import Synonyms
from recommender.language.words import LISTS


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("skyddsskorna", "skyddssko"),
        ("skyddsskor", "skyddssko"),
        ("hyrbilarna", "hyrbil"),
        ("flickböckerna", "flickbok"),
        ("arbetsrummen", "arbetsrum"),
        ("lösenordet", "losenord"),
        ("skrivarna", "skrivare"),
    ],
)
def test_forms_of_a_compound_are_one_term(analyzer: Analyzer, form: str, base: str) -> None:
    assert analyzer.index_terms(form, "sv").words == (base,)


@pytest.mark.parametrize(
    ("text", "language"),
    [("parkeringsbot", "sv"), ("lösenordet", "sv"), ("PU-215", ""), ("tulostin", ""), ("printer", ""), ("VPN", "")],
)
def test_a_word_that_is_only_swedish_shows_the_language(analyzer: Analyzer, text: str, language: str) -> None:
    assert analyzer.language_of_words(text) == language


def test_the_shipped_dictionary_has_swedish_for_finnish_and_english_and_both_for_swedish() -> None:
    shipped = Dictionary.load()

    def terms(word: str, language: str, swedish: bool = False) -> set[str]:
        return {found.term for found in shipped.translations([[word]], language, swedish)}

    assert {"salasana", "password"} <= terms("losenord", "sv")
    assert "kokoushuone" in terms("motesrum", "sv")
    assert {"kesa", "kenka"} <= terms("sommarsko", "sv")  # a compound that the dictionary does not have
    assert "losenord" in terms("salasana", "fi", swedish=True) - terms("salasana", "fi")
    assert "begravning" in terms("funeral", "en", swedish=True) - terms("funeral", "en")


def test_what_is_said_leads_to_what_is_written_in_swedish(analyzer: Analyzer) -> None:
    everyday = Synonyms.parse((LISTS / "everyday_sv.txt").read_text(encoding="utf-8"), analyzer, base_forms=True)

    def found(text: str) -> set[str]:
        return {each.term for each in everyday.translations(analyzer.query_terms(text, ("sv", "fi", "en")).words)}

    assert "reservovning" in found("lön under repövning")
    assert "losenord" in found("glömt lösen")
    assert "traktamente" in found("dagpenning")
