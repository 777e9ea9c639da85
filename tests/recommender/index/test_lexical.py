"""index/lexical.py: Tantivy with the real analyser."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tantivy

from recommender.errors import KeywordsDamaged
from recommender.index import question_terms
from recommender.index.bm25 import weight
from recommender.index.copies import copy_keywords
from recommender.index.item_numbers import key_of
from recommender.index.keyword_entries import Entry
from recommender.index.lexical import LexicalIndex
from recommender.index.narrowing import Keys
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms, Translation
from tests.recommender.index.earlier import as_of_an_earlier_version

EVERYONE = frozenset({"everyone"})
NOTHING = Terms((), ())
Search = Callable[[str], list[int]]
Make = Callable[..., tuple[LexicalIndex, Search]]


@pytest.fixture
def make(tmp_path: Path, analyzer: Analyzer) -> Make:
    """Makes an index of requests with a text each, numbered in order. Returns a search that gives the numbers of the
    requests, best first."""

    def made(*texts: str, language: str = "fi") -> tuple[LexicalIndex, Search]:
        index = _new_index(tmp_path / "lexical")
        index.add(
            Entry(f"request:{i}", language, EVERYONE, NOTHING, analyzer.index_terms(text, language))
            for i, text in enumerate(texts)
        )
        index.commit()
        return index, lambda question: _numbers(index, analyzer.query_terms(question), language)

    return made


def _new_index(path: Path, *rows: tuple[str, frozenset[str], Terms, Terms]) -> LexicalIndex:
    """An index of English items: (key, audience, context, text)."""
    index = LexicalIndex.create(path)
    index.add(Entry(key, "en", audience, context, text) for key, audience, context, text in rows)
    index.commit()
    return index


def _words(text: str) -> Terms:
    return Terms(tuple(text.split()), ())


def _translated(**terms: float) -> Terms:
    """A question with a single word that no text has, and with translations of the word."""
    return Terms(("sana",), (), tuple(Translation(term, "sana", chance) for term, chance in terms.items()))


def _scores(index: LexicalIndex, terms: Terms, tokens: frozenset[str] = EVERYONE) -> dict[str, float]:
    """The score of every English item that the search finds."""
    return dict(index.search(terms, tokens, 10, "en"))


def _numbers(index: LexicalIndex, terms: Terms, language: str = "en") -> list[int]:
    """The numbers of the requests that the search finds, best first."""
    return [int(key.removeprefix("request:")) for key, _score in index.search(terms, EVERYONE, 10, language)]


def test_scores_are_bm25_by_hand(tmp_path: Path) -> None:
    texts = ["printer jam", "printer printer", "vpn tunnel"]
    rows = [(f"request:{i}", EVERYONE, NOTHING, _words(text)) for i, text in enumerate(texts)]
    result = _scores(_new_index(tmp_path / "lexical", *rows), _words("printer"))
    # k1 = 1.2; all texts have the mean length, so that length does not matter; "printer" is in 2 of 3
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    assert set(result) == {"request:0", "request:1"}
    assert result["request:0"] == pytest.approx(idf * 1 * 2.2 / (1 + 1.2), rel=1e-5)
    assert result["request:1"] == pytest.approx(idf * 2 * 2.2 / (2 + 1.2), rel=1e-5)


def test_a_word_in_the_context_counts_four_fifths_of_one_in_the_text(tmp_path: Path) -> None:
    index = _new_index(
        tmp_path / "lexical",
        ("request:0", EVERYONE, _words("jam"), _words("tray")),
        ("request:1", EVERYONE, _words("ink"), _words("jam")),
    )
    result = _scores(index, _words("jam"))
    assert result["request:0"] == pytest.approx(0.8 * result["request:1"], rel=1e-5)


def test_a_translation_counts_by_its_probability(tmp_path: Path) -> None:
    index = _new_index(
        tmp_path / "lexical",
        ("request:0", EVERYONE, _words("password"), _words("portal")),
        ("request:1", EVERYONE, _words("vpn"), _words("password")),
        ("request:2", EVERYONE, _words("ink"), _words("toner")),
    )
    plain = _scores(index, _words("password"))["request:1"]
    in_a_title = _scores(index, _words("password"))["request:0"]
    result = _scores(index, _translated(password=0.25, toner=0.5))
    assert result == {
        "request:0": pytest.approx(0.25 * in_a_title, rel=1e-5),
        "request:1": pytest.approx(0.25 * plain, rel=1e-5),
        "request:2": pytest.approx(0.5 * plain, rel=1e-5),  # a word of equal rarity in a text of equal length
    }
    both = _scores(index, replace(_translated(password=0.25), words=("password",)))
    assert both["request:1"] == pytest.approx(1.25 * plain, rel=1e-5)


def test_only_items_in_the_language_are_found(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    index.add(
        Entry(f"request:{i}", language, EVERYONE, NOTHING, _words("vpn")) for i, language in enumerate(("fi", "en"))
    )
    index.commit()
    assert [_numbers(index, _words("vpn"), language) for language in ("fi", "en", "sv")] == [[0], [1], []]


def test_only_the_given_items_are_searched(make: Make) -> None:
    index, search = make("vpn", "vpn vpn", "vpn client", "printer", language="en")
    assert sorted(search("vpn")) == [0, 1, 2]
    among = frozenset({"request:0", "request:2", "request:3", "request:9"})
    result = index.search(_words("vpn"), EVERYONE, 10, "en", Keys(only=among))
    assert sorted(result) == sorted(
        (key, score) for key, score in _scores(index, _words("vpn")).items() if key in among
    )
    assert {key for key, _score in result} == {"request:0", "request:2"}
    assert index.search(_words("vpn"), EVERYONE, 10, "en", Keys(only=frozenset())) == []
    without = Keys(without=frozenset({"request:1", "request:9"}))
    assert sorted(index.search(_words("vpn"), EVERYONE, 10, "en", without)) == sorted(result)


def test_a_request_and_a_document_with_the_same_id_are_different_items(tmp_path: Path) -> None:
    keys = ["request:7", "document:7", "request:0", "document:0", "request:4294967296"]
    words = ["one", "two", "three", "four", "five"]
    rows = [(key, EVERYONE, NOTHING, _words(word)) for key, word in zip(keys, words, strict=True)]
    index = _new_index(tmp_path / "lexical", *rows)
    assert [list(_scores(index, _words(word))) for word in words] == [[key] for key in keys]
    index.remove(["request:7"])
    index.commit()
    assert [list(_scores(index, _words(word))) for word in words] == [[], *([key] for key in keys[1:])]


def test_only_a_reader_with_the_token_finds_the_item(tmp_path: Path) -> None:
    audience = frozenset({"team:hr", "person:7"})
    index = _new_index(
        tmp_path / "lexical",
        ("request:4", audience, NOTHING, _words("salary letter")),
        ("request:5", EVERYONE, NOTHING, _words("vpn")),
    )
    for question in (_words("salary"), _translated(salary=1.0)):
        assert _scores(index, question) == {}
        assert _scores(index, question, frozenset()) == {}
        assert _scores(index, question, frozenset({"team:h", "team", "hr", "person:77"})) == {}
        assert index.search(question, EVERYONE, 10, "en", frozenset({"request:4"})) == []
        for token in audience:
            assert list(_scores(index, question, EVERYONE | {token})) == ["request:4"]


def test_the_readers_tokens_do_not_change_scores(tmp_path: Path) -> None:
    rows = [(f"request:{i}", EVERYONE | {f"team:{i}"}, NOTHING, _words("vpn")) for i in range(3)]
    index = _new_index(tmp_path / "lexical", *rows)
    plain = _scores(index, _words("vpn"))
    assert _scores(index, _words("vpn"), EVERYONE | {"team:1", "team:2"}) == plain
    assert set(plain) == {"request:0", "request:1", "request:2"}


@pytest.mark.parametrize("token", ["0x80070005", "LAH-2F-PRN03", "VPN 809", "5.3.1", "kayttotuki@example.fi"])
def test_identifiers_are_found_in_upper_and_lower_case(make: Make, token: str) -> None:
    texts = [f"Virhe {token} kun kirjaudun", "Virhe 0x80070006 kun kirjaudun LAH-2F-PRN04 kautta, VPN 810, 5.3.2"]
    _index, search = make(*texts)
    for question in (token, token.lower(), token.upper()):
        assert search(question)[0] == 0


def test_another_error_code_is_not_found(make: Make) -> None:
    _index, search = make("Virhe 0x80070005 kun kirjaudun")
    assert search("0x80070006") == []


def test_umlauts_may_be_left_out(make: Make) -> None:
    _index, search = make("Uusi työpöytä tilattiin", "Uusi tuoli tilattiin")
    for question in ("tyopoyta", "työpöytä", "TYÖPÖYTÄ", "työpöydällä", "tyo\u0308po\u0308yta\u0308"):
        assert search(question) == [0]


def test_a_compound_finds_its_parts(make: Make) -> None:
    _index, search = make("Tulostimessa on ongelma", "Lomapalkan maksupäivä")
    assert search("tulostinongelma") == [0]


def test_parts_find_a_compound(make: Make) -> None:
    _index, search = make("Tulostinongelma toisessa kerroksessa", "Lomapalkan maksupäivä")
    assert search("tulostin") == [0]


def test_english_texts_match_by_their_lemma(make: Make) -> None:
    _index, search = make("The printers were offline", "The tunnel was closed", language="en")
    assert search("printer") == [0]


def test_top_k_keeps_the_best(make: Make) -> None:
    index, _search = make("vpn", "vpn vpn vpn vpn", "vpn vpn", "muu", language="en")
    (best,) = index.search(_words("vpn"), EVERYONE, 1, "en")
    assert best[0] in ("request:0", "request:1")
    assert best[1] == max(_scores(index, _words("vpn")).values())
    assert index.search(_words("vpn"), EVERYONE, 0, "en") == []


@pytest.mark.parametrize("question", ["", "🙂🙂", "olematonsana", '"+-!(){}[]^~*?:\\/ AND OR NOT'])
def test_a_question_without_a_known_word_has_no_results(make: Make, question: str) -> None:
    _index, search = make("Tulostin tukossa")
    assert search(question) == []


def test_a_long_question_is_searched_by_its_rarest_words(make: Make) -> None:
    common = " ".join(f"sana{number}" for number in range(200))
    _index, search = make(common, common, f"{common} harvinainen")
    assert search(f"{common} harvinainen")[0] == 2


def test_function_words_are_not_searched_if_there_are_other_words(make: Make) -> None:
    _index, search = make("tulostin ei toimi", "ei ovea", "uusi näyttö", "se ei ole IT-tuen asia")
    assert search("tulostin ei näyttö") == [2, 0]  # each has one of the words, and 2 is shorter
    assert search("ei se") == [3, 1, 0]  # function words are searched when there are no other words
    assert search("ei tuulivoimala") == []  # whether or not the index has the word, which the reader may not know
    assert search("IT ei toimi") == [0, 3]  # "it" is also the name of a department


def test_an_empty_index_finds_nothing(make: Make) -> None:
    index, search = make()
    assert len(index) == 0
    assert search("tulostin") == []
    assert index.rarity(["tulostin"], EVERYONE) == {"tulostin": 0.0}


def test_rarity_is_the_inverse_frequency_among_items(make: Make) -> None:
    index, _search = make("vpn tunnel vpn", "vpn client", "printer", language="en")
    result = index.rarity(["vpn", "printer", "unknown"], EVERYONE)
    assert result == {
        "vpn": pytest.approx(math.log(1 + 1.5 / 2.5)),
        "printer": pytest.approx(math.log(1 + 2.5 / 1.5)),
        "unknown": 0.0,
    }


def test_rarity_and_size_reveal_nothing_about_items_that_may_not_be_read(make: Make) -> None:
    index, _search = make("vpn tunnel", "printer", language="en")
    before = index.rarity(["vpn", "layoff", "tunnel"], EVERYONE), index.size(EVERYONE)
    index.add(Entry(f"request:{n}", "en", frozenset({"team:hr"}), NOTHING, _words("vpn layoff")) for n in (2, 3))
    index.commit()
    assert (index.rarity(["vpn", "layoff", "tunnel"], EVERYONE), index.size(EVERYONE)) == before
    hr = EVERYONE | {"team:hr"}
    assert index.size(hr) == 4 and index.rarity(["layoff"], hr)["layoff"] > 0


def test_a_removed_item_is_not_found_and_the_source_of_a_copy_is_unchanged(make: Make, tmp_path: Path) -> None:
    index, search = make("vpn tunnel", "vpn client", "printer", "mouse", language="en")
    copy_keywords(tmp_path / "lexical", tmp_path / "copy")
    copy = LexicalIndex.open(tmp_path / "copy")
    copy.remove(["request:0"])
    copy.add([Entry("request:4", "en", EVERYONE, NOTHING, _words("vpn router"))])
    copy.commit()
    assert sorted(_numbers(copy, _words("vpn"))) == [1, 4]
    again = LexicalIndex.load(tmp_path / "lexical")
    for untouched in (index, again):
        assert sorted(_numbers(untouched, _words("vpn"))) == [0, 1]
    assert search("tunnel") == [0]


def test_a_word_that_every_item_has_is_still_found_after_removals(make: Make) -> None:
    index, search = make(*(f"printer number{n}" for n in range(20)), language="en")
    index.remove(["request:3", "request:4"])
    index.commit()
    assert index.rarity(["printer"], EVERYONE)["printer"] == pytest.approx(math.log(1 + 0.5 / 18.5))
    assert len(set(search("printer")) & set(range(20)) - {3, 4}) == 10


def test_a_word_in_a_documents_opening_counts_more(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    text = _words("vpn keys and other words")
    index.add([Entry("document:1", "en", EVERYONE, NOTHING, text)])
    index.add([Entry("document:2", "en", EVERYONE, NOTHING, text, _words("vpn keys"))])
    index.commit()
    result = _scores(index, _words("vpn"))
    assert list(result) == ["document:2", "document:1"]
    # both texts have the word, and one text is an opening, which is twice as long as the mean of the two
    assert result["document:2"] - result["document:1"] == pytest.approx(
        0.5 * math.log(2) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2)), rel=1e-5
    )


def test_a_missing_or_damaged_index_is_reported_as_damaged(make: Make, tmp_path: Path) -> None:
    with pytest.raises(KeywordsDamaged, match="kollega reindex --full"):
        LexicalIndex.load(tmp_path / "missing")
    make("vpn")
    (tmp_path / "lexical" / "meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(KeywordsDamaged, match="kollega reindex --full"):
        LexicalIndex.load(tmp_path / "lexical")


def test_the_written_form_weighs_more_when_the_question_has_its_dots(make: Make) -> None:
    texts = ("saari ja vene", "sääri ja varvas", "väärä avain", "vaaran paikka")
    _index, search = make(*texts)
    assert search("sääri") == [1, 0]
    assert search("saari") == [0, 1]
    assert search("saaressa")[0] == 0
    assert search("väärän")[:2] == [2, 3]
    assert search("vaara")[:2] == [3, 2]


def test_a_question_without_dots_finds_words_with_dots(make: Make) -> None:
    _index, search = make("työpöytä on lukittu", "ikkuna on auki")
    assert search("tyopoyta") == [0]


def test_names_with_signs_find_only_themselves(make: Make) -> None:
    texts = (
        "C# and forms",
        "C++ redistributable missing",
        "R for statistics",
        "Map the Z: drive",
        ".NET runtime",
        "S/4",
    )
    _index, search = make(*texts, language="en")
    assert search("C#") == [0]
    assert search("C++") == [1]
    assert search("R") == [2]
    assert search("Z:") == [3] == search("z:")
    assert search("Z: drive missing")[0] == 3
    assert search(".net") == [4]
    assert search("S/4") == [5]


SECRET = frozenset({"team:hr"})


def test_hidden_and_removed_items_change_no_score(tmp_path: Path, analyzer: Analyzer) -> None:
    readable = [(f"request:{n}", EVERYONE, _words(f"{word} desk"), _words(f"{word} broken again"))
                for n, word in enumerate(("printer", "scanner", "printer", "camera"))]  # fmt: skip
    hidden = [(f"request:{n}", SECRET, _words("layoff desk"), _words("printer layoff again")) for n in range(10, 30)]
    removed = [
        (f"request:{n}", EVERYONE, _words("camera camera"), _words("scanner camera again")) for n in range(40, 60)
    ]
    alone = _new_index(tmp_path / "alone", *readable)
    among_others = _new_index(tmp_path / "others", *hidden, *readable, *removed)
    among_others.remove([key for key, *_rest in removed])
    among_others.commit()
    question = replace(_translated(camera=0.5), words=("printer", "scanner", "broken", "layoff", "desk"))
    expected = _scores(alone, question)
    assert len(expected) == 4
    assert _scores(among_others, question) == {key: pytest.approx(score, rel=1e-6) for key, score in expected.items()}
    assert list(_scores(among_others, question)) == list(expected)
    assert _scores(among_others, _words("layoff")) == {}
    everything = EVERYONE | SECRET
    assert list(_scores(among_others, _words("layoff"), everything)) == sorted(key for key, *_rest in hidden)[:10]


def test_when_everything_is_readable_scores_are_those_of_tantivy(make: Make) -> None:
    index, _search = make("vpn tunnel vpn", "vpn client", "printer jam", "vpn", language="en")
    for name, term in (("text", "vpn"), ("text", "printer"), ("text", "client")):
        assert index._boosted(name, term, EVERYONE) == [("en+:", 1.0)]
        query = tantivy.Query.term_query(index._schema, name, f"en+:{term}", "freq")
        (score, address), *_others = index._searcher.search(query, limit=1).hits
        idf = json.loads(query.explain(index._searcher, address).to_json())["details"][1]
        counted = {part["description"][0]: part["value"] for part in idf["details"]}
        assert counted == {"n": index._searcher.doc_freq(name, f"en+:{term}"), "N": index._documents}
        assert weight(index._documents, int(counted["n"])) == pytest.approx(idf["value"], rel=1e-6)
        assert _scores(index, _words(term))[_key_of(index, address)] == pytest.approx(score, rel=1e-6)


def _key_of(index: LexicalIndex, address: tantivy.DocAddress) -> str:
    (number,) = index._searcher.fast_field_values("number", [address])
    return key_of(int(number or 0))


@pytest.mark.parametrize("limit", ["_MAX_WORDS", "_MAX_GRAMS"])
def test_of_a_long_question_those_terms_are_searched_for_that_are_rarest_among_readable_items(
    tmp_path: Path, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(question_terms, limit, 1)
    field = 0 if limit == "_MAX_WORDS" else 1

    def terms(text: str) -> Terms:
        words = tuple(text.split())
        return Terms(words, ()) if field == 0 else Terms((), words)

    index = LexicalIndex.create(tmp_path / "lexical")
    index.add(
        Entry(f"request:{n}", "fi", audience, NOTHING, terms(text))
        for n, (audience, text) in enumerate(
            [(EVERYONE, "rarest common"), (EVERYONE, "common"), (EVERYONE, "other"), *[(SECRET, "rarest")] * 5]
        )
    )
    index.commit()
    assert _numbers(index, terms("common rarest"), "fi") == [0]


def test_items_with_equal_scores_come_in_the_order_of_their_keys_also_where_the_list_ends(tmp_path: Path) -> None:
    rows = [(f"request:{n}", EVERYONE, NOTHING, _words("vpn client")) for n in (9, 3, 7, 1, 8, 2)]
    for order, name in ((rows, "one"), (rows[::-1], "other")):
        index = _new_index(tmp_path / name, *order)
        assert _numbers(index, _words("vpn")) == [1, 2, 3, 7, 8, 9]
        assert [key for key, _score in index.search(_words("vpn"), EVERYONE, 2, "en")] == ["request:1", "request:2"]


def test_a_text_scores_the_same_in_every_language_and_whoever_else_may_read_it(tmp_path: Path) -> None:
    texts = [_words(text) for text in ("vpn client", "vpn tunnel", "printer jam", "paper tray")]
    groups = [(language, audience) for language in ("fi", "en", "de") for audience in (EVERYONE, SECRET)]
    index = LexicalIndex.create(tmp_path / "lexical")
    index.add(
        Entry(f"request:{10 * group + n}", language, audience, NOTHING, text)
        for group, (language, audience) in enumerate(groups)
        for n, text in enumerate(texts)
    )
    index.commit()
    question = _words("vpn client")
    readers = {
        EVERYONE: (12, {"fi": [0, 1], "en": [20, 21], "de": [40, 41]}),
        EVERYONE | SECRET: (24, {"fi": [0, 10, 1, 11], "en": [20, 30, 21, 31], "de": [40, 50, 41, 51]}),
        SECRET: (12, {"fi": [10, 11], "en": [30, 31], "de": [50, 51]}),
    }
    for tokens, (size, found) in readers.items():
        vpn, client = (math.log(1 + (size - n + 0.5) / (n + 0.5)) for n in (size // 2, size // 4))
        for language, expected in found.items():
            result = index.search(question, tokens, 10, language)
            assert [key for key, _score in result] == [f"request:{n}" for n in expected]
            for key, score in result:
                both = int(key.removeprefix("request:")) % 10 == 0
                assert score == pytest.approx(vpn + both * client, rel=1e-5)
        # the best of both groups stay when the list ends
        assert [key for key, _score in index.search(question, tokens, 1, "fi")] == [f"request:{found['fi'][0]}"]


def test_of_equal_items_of_both_groups_those_with_the_first_keys_stay(tmp_path: Path) -> None:
    rows = [(f"request:{n}", SECRET if n % 2 else EVERYONE, NOTHING, _words("vpn client")) for n in range(8, 0, -1)]
    index = _new_index(tmp_path / "lexical", *rows)
    for top_k in range(1, 9):
        found = index.search(_words("vpn"), EVERYONE | SECRET, top_k, "en")
        assert [key for key, _score in found] == [f"request:{n}" for n in range(1, top_k + 1)]


def test_a_keyword_index_of_an_earlier_version_is_not_searched(tmp_path: Path) -> None:
    _new_index(tmp_path / "lexical", ("request:0", EVERYONE, NOTHING, _words("vpn")))
    as_of_an_earlier_version(tmp_path / "lexical")
    with pytest.raises(KeywordsDamaged, match="another version of Kollega"):
        LexicalIndex.load(tmp_path / "lexical")
