"""language/analyzer.py and terms.py: languages and terms, with the real dictionaries."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recommender.language.analyzer import Analyzer
from recommender.language.terms import tokens


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Miten saan tulostimen toimimaan?", "fi"),
        ("How do I reset my password?", "en"),
        ("Hur återställer jag mitt lösenord?", "sv"),
        ("salasana", "fi"),
    ],
)
def test_the_language_of_a_sentence_is_detected(analyzer: Analyzer, text: str, language: str) -> None:
    assert analyzer.detect(text, fallback="xx") == language


@pytest.mark.parametrize("text", ["", "12345", "🙂", "a 1 b 2", "VPN"])
def test_a_text_whose_language_is_not_clear_gets_the_fallback(analyzer: Analyzer, text: str) -> None:
    assert [analyzer.detect(text, fallback=fallback) for fallback in ("fi", "en")] == ["fi", "en"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LAH-2F-PRN03 jumissa", ["lah-2f-prn03", "jumissa"]),
        ("Virhe 0x80070005!", ["virhe", "0x80070005"]),
        ("\\\\srv\\jako ja /etc/hosts, aino@example.fi.", ["srv\\jako", "ja", "etc/hosts", "aino@example.fi"]),
        ("v5.3.1-beta_2 (ok)", ["v5.3.1-beta_2", "ok"]),
        ("don’t don't", ["don't", "don't"]),
        ("ﬁle ８０９", ["file", "809"]),
        ("tyo\u0308", ["työ"]),
        ("C# C++, .NET F#:lla ASP.NET", ["c#", "c++", ".net", "f#", "asp.net"]),
        ("Z: drive, z:\\proj and R or S/4", ["z:", "drive", "z:", "proj", "and", "r", "or", "s/4"]),
        ("a I A x B.", ["b"]),
        ("_ - -- 🙂 ...", []),
    ],
)
def test_joined_parts_are_one_token(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_an_abbreviation_is_the_same_token_in_every_case(analyzer: Analyzer) -> None:
    text = "VPN:n VPN:ää vpn:ssä VPN:stä VPN:ään VPN:llä VPN:iin VPN:t VPN:itä VPN:iden VPN's VPN’s"
    assert set(analyzer.index_terms(text, "fi").words) == {"vpn"} == set(analyzer.query_terms(text).words)
    assert tokens("HR:ltä PC:hen 10:ssä API:in") == ["hr", "pc", "10", "api"]


@pytest.mark.parametrize(
    "text",
    ["16:30", "won't", "x:y", "lah:prn", "lang:en", "mode:in", "1:n", "00:1a:2b:3c:4d:aa", "fe80:0:0:0:0:0:0:a", "c:t"],
)
def test_an_ending_that_only_looks_like_a_case_ending_is_kept(text: str) -> None:
    assert tokens(text) == [text]


def test_an_identifier_is_indexed_whole_and_in_its_parts(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("LAH-2F-PRN03", "fi").words == ("lah2fprn03", "lah", "2f", "prn03")
    assert analyzer.index_terms("0x80070005", "fi").words == ("0x80070005",)


@pytest.mark.parametrize(
    ("written", "other"),
    [("E-52", "E52"), ("TK-408", "tk408"), ("Wi-Fi", "wifi"), ("e-mail", "email"), ("Kela-korvauksen", "kelakorvaus")],
)
def test_a_hyphen_makes_no_difference(analyzer: Analyzer, written: str, other: str) -> None:
    assert analyzer.index_terms(written, "fi").words[0] == analyzer.index_terms(other, "fi").words[0]


def test_hyphens_between_numbers_stay(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("8-16", "fi").words[0] == "8-16"


def test_names_with_signs_and_single_capital_letters_are_terms(analyzer: Analyzer) -> None:
    assert analyzer.query_terms("C#").words == ("c#",)
    assert analyzer.query_terms("C++").words == ("c++",)
    assert analyzer.query_terms("R").words == ("r",)
    assert analyzer.query_terms(".NET").words[0] == ".net"
    assert analyzer.query_terms("S/4").words == ("s/4",)
    assert analyzer.query_terms("Z:").words == analyzer.index_terms("Z:", "en").words == ("z:", "z")
    assert set(analyzer.query_terms("Z: drive").words) & set(analyzer.index_terms("C++ C# C:", "en").words) == set()
    assert "z" in analyzer.index_terms("Z-asema", "fi").words + analyzer.index_terms("Z:lle", "fi").words


def test_the_written_form_is_kept_where_another_word_has_the_same_letters(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("Sääressä vaaran kissa", "fi").written == ("sääri", "vaara")
    assert analyzer.index_terms("saaren väärä", "fi").written == ("saari", "väärä")
    assert {"sääri"} < set(analyzer.query_terms("sääressä").written)


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        ("tulostinjono", "tulostin"),
        ("etatyopoyta", "tyopoyta"),
        ("salasananvaihto", "salasana"),
        ("kulkukortti", "kortti"),
    ],
)
def test_a_compound_contains_its_parts(analyzer: Analyzer, whole: str, part: str) -> None:
    assert analyzer.is_compound(whole, part)


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        ("gpupdate", "update"),
        ("workstation", "station"),
        ("keyboard", "board"),
        ("onedrive", "drive"),
        ("kortti", "update"),
    ],
)
def test_a_piece_of_an_english_name_is_not_a_part(analyzer: Analyzer, whole: str, part: str) -> None:
    assert not analyzer.is_compound(whole, part)


def test_inflected_words_are_reduced_to_lemmas_without_umlauts(analyzer: Analyzer) -> None:
    for form in ("työpöytä", "työpöydällä", "TYÖPÖYDÄLLÄ", "tyopoyta"):
        assert analyzer.index_terms(form, "fi").words == ("tyopoyta",)
    assert analyzer.index_terms("printers", "en").words == ("printer",)


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("šekki", "sekki"), ("Łódź", "Lodz"), ("Søren", "Soren"), ("rei’itin", "rei'itin"), ("reiʼitin", "rei'itin"),
        ("Wi‑Fi", "Wi-Fi"), ("Wi–Fi", "Wi-Fi"), ("Malmö", "malmo"), ("Straße", "strasse"), ("Đorđe", "dorde"),
        ("Æsir", "aesir"), ("cœur", "coeur"), ("Þór", "thor"), ("tulos\u00adtin", "tulostin"), ("naïve", "naive"),
    ],
)  # fmt: skip
def test_words_that_differ_only_in_marks_and_signs_meet(analyzer: Analyzer, written: str, other: str) -> None:
    for language in ("fi", "en", "de"):
        assert analyzer.index_terms(written, language).words == analyzer.index_terms(other, language).words


def test_finnish_words_have_five_grams_and_english_ones_do_not(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("työpöytä", "fi").grams == ("tyopo", "yopoy", "opoyt", "poyta")
    assert analyzer.index_terms("työpöytä", "en").grams == ()
    assert analyzer.index_terms("talot 0x80070005", "fi").grams == ()  # "talo" is too short, and codes have no grams


def test_index_terms_keep_order_and_repetitions_and_query_terms_do_not(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("vpn printer vpn", "en").words == ("vpn", "printer", "vpn")
    assert analyzer.query_terms("vpn vpn").words == ("vpn",)


def test_the_terms_of_a_question_are_made_in_both_languages(analyzer: Analyzer) -> None:
    terms = analyzer.query_terms("tulostimessa printers")
    assert {"tulostin", "tulostimessa", "printers", "printer"} == set(terms.words)
    assert {"tulos", "ostin"} < set(terms.grams)


def test_text_in_an_unknown_language_is_only_folded(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("Größe äiti", "de").words == ("grosse", "aiti")


@pytest.mark.parametrize("text", ["moi", "Hei, kiitos!", "ok", "1", "a b c", "testi", "test, 1 2 3"])
def test_small_talk_and_test_questions_have_no_terms(analyzer: Analyzer, text: str) -> None:
    assert analyzer.query_terms(text).words == ()


def test_small_talk_around_a_question_is_left_out_of_it(analyzer: Analyzer) -> None:
    assert analyzer.query_terms("Moi, VPN ei toimi, kiitos").words == analyzer.query_terms("VPN ei toimi").words
    assert "test" in analyzer.query_terms("test environment").words


@hypothesis_settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60))
def test_the_terms_of_a_question_include_those_of_the_same_text_indexed(analyzer: Analyzer, text: str) -> None:
    text = " ".join(token for token in tokens(text) if analyzer.query_terms(token).words)  # without small talk
    query = analyzer.query_terms(text)
    for language in ("fi", "en"):
        indexed = analyzer.index_terms(text, language)
        assert set(indexed.words) <= set(query.words)
        assert set(indexed.grams) <= set(query.grams)
    assert not any(" " in term or term == "" for term in (*query.words, *query.grams))


@pytest.mark.parametrize(
    ("word", "language", "base_form"),
    [
        ("Työpöydällä", "fi", "työpöytä"),
        ("VPN-yhteyden", "fi", "vpn-yhteys"),
        ("printers", "en", "printer"),
        ("0x80070005", "fi", "0x80070005"),
        ("prn03-laite", "fi", "prn03-laite"),
        ("blorft", "fi", "blorft"),
        ("word", "de", "word"),
    ],
)
def test_the_base_form_of_a_word_keeps_its_dots(analyzer: Analyzer, word: str, language: str, base_form: str) -> None:
    assert analyzer.base_form(word, language) == base_form


def test_the_keys_of_a_text_are_those_of_its_words_and_only_short_texts_are_kept(analyzer: Analyzer) -> None:
    text = "Tulostimen tulostin, VPN:ssä E-52 tulostin \u2003 printers"
    keys = analyzer.text_keys(text)
    assert len(keys) == len(set(keys))
    assert set(keys) == frozenset[str]().union(*(analyzer.word_keys(word) for word in text.split()))
    assert {"tulostin", "vpn", "e52", "printer"} <= set(keys)
    assert analyzer.text_keys(text) is keys
    long = f"{text} " * 60
    assert sorted(analyzer.text_keys(long)) == sorted(keys)
    assert analyzer.text_keys(long) is not analyzer.text_keys(long)


def test_a_text_is_forgotten_when_enough_others_were_asked_for(tmp_path: Path) -> None:
    analyzer = Analyzer(tmp_path)  # numbers need no dictionary
    first = analyzer.text_keys("1")
    for number in range(2, 4098):
        analyzer.text_keys(f"{number}")
    assert analyzer.text_keys("1") == first == ("1",)
    assert analyzer.text_keys("1") is not first
