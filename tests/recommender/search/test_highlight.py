"""search/highlight.py: the window of a passage and the words marked in it."""

import os
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recommender.language.analyzer import Analyzer
from recommender.language.terms import DOTS, WRITTEN_TOKEN
from recommender.search.highlight import Match, Matcher, excerpt


def _excerpt(
    text: str, weights: dict[str, float], analyzer: Analyzer, length: int = 300
) -> tuple[str, tuple[tuple[int, int], ...]]:
    return excerpt(text, Matcher(weights, analyzer).words(text), weights, length)


def _marked(text: str, weights: dict[str, float], analyzer: Analyzer, length: int = 300) -> list[str]:
    shown, marks = _excerpt(text, weights, analyzer, length)
    return [shown[start:end] for start, end in marks]


def test_inflected_words_match_their_term(analyzer: Analyzer) -> None:
    text = "Työpöydällä on printers."
    assert Matcher({"tyopoyta": 1.0, "printer": 1.0}, analyzer).words(text) == [
        Match(0, 11, frozenset({"tyopoyta"})),
        Match(15, 23, frozenset({"printer"})),
    ]


def test_a_term_matches_a_compound_and_a_compound_its_part(analyzer: Analyzer) -> None:
    assert _marked("Tyhjennä tulostinjono", {"tulostin": 1.0}, analyzer) == ["tulostinjono"]
    assert _marked("Tulostin on jumissa", {"tulostinjono": 1.0}, analyzer) == ["Tulostin"]
    assert _marked("Automaatti", {"auto": 1.0}, analyzer) == []  # too short to be a part


def test_a_compound_matches_the_terms_of_all_its_parts(analyzer: Analyzer) -> None:
    (word,) = Matcher({"tulostin": 1.0, "ongelma": 1.0, "paperi": 1.0}, analyzer).words("Tulostinongelma")
    assert word == Match(0, 15, frozenset({"tulostin", "ongelma"}))


def test_exact_tokens_are_marked_as_a_whole(analyzer: Analyzer) -> None:
    text = "Virhe 0x80070005 laitteella LAH-2F-PRN03."
    assert _marked(text, {"0x80070005": 1.0, "lah2fprn03": 1.0}, analyzer) == ["0x80070005", "LAH-2F-PRN03"]


def test_a_piece_of_an_english_name_is_not_marked(analyzer: Analyzer) -> None:
    assert _marked("Run gpupdate in the workstation", {"update": 1.0, "station": 1.0}, analyzer) == []
    assert _marked("Windows Update", {"gpupdate": 1.0}, analyzer) == []


def test_names_with_signs_are_marked(analyzer: Analyzer) -> None:
    text = "C# ja C++ sekä R, .NET ja Z: sekä S/4, E 52 ja E‑52"
    terms = {"c#": 1.0, "c++": 1.0, "r": 1.0, ".net": 1.0, "z:": 1.0, "s/4": 1.0, "e52": 1.0}
    assert _marked(text, terms, analyzer) == ["C#", "C++", "R", ".NET", "Z:", "S/4", "E‑52"]


def test_a_question_with_dots_matches_only_words_with_the_same_dots(analyzer: Analyzer) -> None:
    text = "Saari ja sääri sekä väärä vaara"
    with_dots = Matcher({"saari": 1.0}, analyzer, spellings={"saari": frozenset({"sääri"})})
    assert [text[match.start : match.end] for match in with_dots.words(text)] == ["sääri"]
    assert [match.start for match in with_dots.words("saari")] == [0]  # a text without dots may mean either
    without = Matcher({"saari": 1.0}, analyzer)
    assert [text[match.start : match.end] for match in without.words(text)] == ["Saari", "sääri"]


def test_texts_compared_together_match_what_each_matches_alone(analyzer: Analyzer) -> None:
    matcher = Matcher(
        {"saari": 1.0, "tulostin": 1.0}, analyzer, {"printer": "tulostin"}, {"saari": frozenset({"sääri"})}
    )
    texts = ["Tulostinjono on jumissa", "Saari", "Saari ja lähde", "the printers", "", "printers, sääri; tulostinta"]
    expected = [
        ({"tulostin"}, {"tulostin"}),
        ({"saari"}, {"saari"}),  # a text without dots may mean either
        (set(), set()),
        ({"tulostin"}, set()),
        (set(), set()),
        ({"tulostin", "saari"}, {"tulostin", "saari"}),
    ]
    assert matcher.found_in(texts) == expected
    assert [matcher.found(text) for text in texts] == expected
    assert matcher.found_in([]) == []


def test_words_of_texts_that_were_compared_before_are_the_same(analyzer: Analyzer) -> None:
    weights, translated = {"saari": 1.0, "tulostinjono": 1.0, "e52": 1.0}, {"printer": "tulostinjono"}
    texts = ["Tulostinjonon (printers) E-52, tulostin", "sääri Saari/saarella – vika", "nothing of it"]
    compared = Matcher(weights, analyzer, translated, {"saari": frozenset({"sääri"})})
    compared.found_in(texts)
    alone = [Matcher(weights, analyzer, translated, {"saari": frozenset({"sääri"})}).words(text) for text in texts]
    assert [compared.words(text) for text in texts] == alone
    assert [len(words) for words in alone] == [4, 2, 0]


SAID = [
    "Tulostinjonon", "tulostin", "tulostimen", "Tulostinongelma,", "printers", "(printer)", "printer's",
    "skrivaren", "skrivarkön", "skrivare", "salasananvaihto", "salasanan", "salasana,", "password", "lösenord",
    "lösenordet", "saari", "sääri", "Saarella", "väärä", "vaara", "Työpöydällä", "etätyöpöytä",
    "tyo\u0308po\u0308yta\u0308", "työ", "pöytä", "gpupdate", "Update", "E-52", "E52", "0x80070005", "VPN:n",
    "vpn,", "VPN-yhteys", "lounasedun", "lounas", "etu", "kalenterikutsut", "kalenteri", "mötesrummet", "möte",
    "rum", "ja", "the", "ei", "toimi", "works", ".", "–", "36840", "C++", "Z:", "huoltokatko", "huolto/katko",
    "katko;", "kahvi",
]  # fmt: skip
TERMS = [
    "tulostin", "tulostinjono", "printer", "skrivare", "salasana", "salasananvaihto", "password", "saari", "vaara",
    "tyopoyta", "gpupdate", "update", "e52", "0x80070005", "vpn", "lounasetu", "kalenteri", "motesrum",
    "huoltokatko", "katko", "toimia", "kahvi", "c++",
]  # fmt: skip
DOTTED = {"saari": {"sääri"}, "vaara": {"väärä"}, "tyopoyta": {"työpöytä"}, "kahvi": {"kahvi"}}


def _one_by_one(
    text: str, terms: set[str], analyzer: Analyzer, translated: dict[str, str], spellings: dict[str, frozenset[str]]
) -> tuple[set[str], set[str]]:
    """(what a text matches, what without a translation), of each word alone and with nothing remembered."""
    written, foreign = set[str](), set[str]()
    for word in (word.group() for word in WRITTEN_TOKEN.finditer(text)):
        keys, spelt = analyzer.word_keys(word), analyzer.spellings(word)
        foreign |= {translated[key] for key in keys & translated.keys()}
        for term in terms:
            asked, here = spellings.get(term), spelt.get(term)
            if term in keys and not (DOTS.search(text) and asked and here and asked.isdisjoint(here)):
                written.add(term)
            for longer, shorter in ((key, term) if len(key) > len(term) else (term, key) for key in keys - {term}):
                is_long = len(shorter) >= 5 and len(term) >= 5 and term.isalpha()
                if is_long and shorter in longer and analyzer.is_compound(longer, shorter):
                    written.add(term)
    return written | foreign, written


@pytest.mark.parametrize("seed", range(40))
def test_texts_match_what_their_words_match_one_by_one(analyzer: Analyzer, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    terms = set(rng.sample(TERMS, rng.randint(0, 6)))
    strange = rng.sample(["printer", "skrivare", "password", "losenord", "mote", "huolto", "poyta"], 3)
    translated = {term: rng.choice(sorted(terms)) for term in strange} if terms else {}
    spellings = {term: frozenset(DOTTED[term]) for term in terms & DOTTED.keys() if rng.random() < 0.7}
    texts = [" ".join(rng.choices(SAID, k=rng.randint(0, 12))) for _ in range(20)] + ["kahvi " * 600]
    expected = [_one_by_one(text, terms, analyzer, translated, spellings) for text in texts]
    for _asked_again in range(2):  # first with nothing remembered of these texts, then with their keys
        matcher = Matcher(dict.fromkeys(terms, 1.0), analyzer, translated, spellings)
        assert matcher.found_in(texts) == expected
        for text, (all_terms, _written) in zip(texts, expected, strict=True):
            found = matcher.words(text)
            assert frozenset[str]().union(*(word.terms for word in found)) <= all_terms
            assert found == Matcher(dict.fromkeys(terms, 1.0), analyzer, translated, spellings).words(text)


def test_words_stand_where_they_are_written_between_any_spaces(analyzer: Analyzer) -> None:
    text = "\u2003printer,\u00a0(printers)\x1c–\tprinter/E-52 \n printer"
    found = Matcher({"printer": 1.0, "e52": 1.0}, analyzer).words(text)
    assert [text[match.start : match.end] for match in found] == ["printer", "printers", "printer/E-52", "printer"]


def test_each_of_the_same_words_is_found_and_none_inside_another_part(analyzer: Analyzer) -> None:
    text = "vpn xvpn vpnx vpn, vpn\u00a0vpn"
    found = Matcher({"vpn": 1.0}, analyzer).words(text)
    assert [(match.start, match.end) for match in found] == [(0, 3), (14, 17), (19, 22), (23, 26)]


def test_words_in_decomposed_unicode_match(analyzer: Analyzer) -> None:
    text = "Uusi tyo\u0308po\u0308yta\u0308 tilattiin"
    assert _marked(text, {"tyopoyta": 1.0}, analyzer) == ["tyo\u0308po\u0308yta\u0308"]


def test_a_word_without_a_weight_is_not_marked(analyzer: Analyzer) -> None:
    words = Matcher({"the": 0.1, "printer": 1.0}, analyzer).words("the printer")
    assert excerpt("the printer", words, {"printer": 1.0}) == ("the printer", ((4, 11),))


def test_a_short_text_is_shown_whole(analyzer: Analyzer) -> None:
    assert _excerpt("Open the tray.", {"tray": 1.0}, analyzer) == ("Open the tray.", ((9, 13),))
    assert _excerpt("", {"tray": 1.0}, analyzer) == ("", ())


def test_the_window_begins_at_the_sentence_with_the_rarest_words(analyzer: Analyzer) -> None:
    text = "Nothing here at all. " * 10 + "Open the tray and pull the paper. " + "Again nothing of use. " * 10
    shown, marks = _excerpt(text, {"tray": 2.0, "paper": 2.0, "nothing": 0.5}, analyzer, length=40)
    assert shown.startswith("… Open the tray and pull the paper.")
    assert shown.endswith(" …")
    assert [shown[start:end] for start, end in marks] == ["tray", "paper"]
    assert len(shown) <= 40 + 4


def test_without_a_match_the_beginning_is_shown(analyzer: Analyzer) -> None:
    shown, marks = _excerpt("First words. " + "More of them. " * 40, {"vpn": 1.0}, analyzer, length=40)
    assert shown.startswith("First words. More")
    assert marks == ()


def test_a_text_without_spaces_is_cut_at_the_length(analyzer: Analyzer) -> None:
    assert _excerpt("x" * 500, {"vpn": 1.0}, analyzer, length=40) == ("x" * 40 + " …", ())


WORDS = st.sampled_from(
    ["Tulostin", "jumissa.", "vpn", "VPN:n", "tray!", "\n", "a", "0x80070005,", "🙂", "työpöydällä", "  "]
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(words=st.lists(WORDS, max_size=60), length=st.integers(10, 120))
def test_every_mark_is_a_matching_word_of_the_text(analyzer: Analyzer, words: list[str], length: int) -> None:
    text = " ".join(words)
    weights = {"tulostin": 2.0, "vpn": 1.0, "0x80070005": 3.0, "tyopoyta": 0.5}
    shown, marks = _excerpt(text, weights, analyzer, length)
    matching_words = {text[word.start : word.end] for word in Matcher(weights, analyzer).words(text)}
    assert {shown[start:end] for start, end in marks} <= matching_words
    assert list(marks) == sorted(marks)
    assert len(shown) <= length + 4
    assert shown.removeprefix("… ").removesuffix(" …") in text


def test_the_excerpt_does_not_depend_on_the_order_of_a_set() -> None:
    # each window has the same words in another order: their sums are equal only if nothing is rounded
    code = """
from recommender.search.highlight import Match, excerpt
names = ["alpha", "bravo", "carol", "delta", "echo"]
text, words = "", []
for turn in range(12):
    for name in names[turn % 5:] + names[:turn % 5]:
        words.append(Match(len(text), len(text) + len(name), frozenset({name})))
        text += name + " "
    text += "z" * 60 + ". "
print(excerpt(text, words, dict(zip(names, (0.1, 0.2, 0.3, 0.7, 1.1))))[0].startswith("alpha bravo"))
"""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "9",
    }  # with this seed a plain sum chose the second window
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
