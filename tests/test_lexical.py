"""lexical.py: real Tantivy with the real analyser."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.index.lexical import LexicalIndex
from recommender.language import Analyzer, Terms

EVERYONE = frozenset({"everyone"})
NOTHING = Terms((), ())
Search = Callable[[str], list[int]]
Make = Callable[..., tuple[LexicalIndex, Search]]


@pytest.fixture
def make(tmp_path: Path, analyzer: Analyzer) -> Make:
    """Makes an index of texts, ids in their order, and a search in it that gives ids, best first."""

    def made(*texts: str, language: str = "fi") -> tuple[LexicalIndex, Search]:
        index = LexicalIndex.create(tmp_path / "lexical")
        index.add(
            (i, f"request:{i}", EVERYONE, NOTHING, analyzer.index_terms(text, language)) for i, text in enumerate(texts)
        )
        index.commit()
        return index, lambda question: [i for i, _ in index.search(analyzer.query_terms(question), EVERYONE, 10)]

    return made


def _words(text: str) -> Terms:
    return Terms(tuple(text.split()), ())


def test_scores_are_bm25_by_hand(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    texts = ["printer jam", "printer printer", "vpn tunnel"]
    index.add((i, f"request:{i}", EVERYONE, NOTHING, _words(text)) for i, text in enumerate(texts))
    index.commit()
    found = dict(index.search(_words("printer"), EVERYONE, 10))
    # k1 = 1.2; all texts are of the mean length, so the length does not matter; "printer" is in 2 of 3
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    assert set(found) == {0, 1}
    assert found[0] == pytest.approx(idf * 1 * 2.2 / (1 + 1.2), rel=1e-5)
    assert found[1] == pytest.approx(idf * 2 * 2.2 / (2 + 1.2), rel=1e-5)


def test_a_word_in_the_context_counts_half_as_much_again(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    index.add(
        [
            (0, "request:0", EVERYONE, _words("jam"), _words("tray")),
            (1, "request:1", EVERYONE, _words("ink"), _words("jam")),
        ]
    )
    index.commit()
    found = dict(index.search(_words("jam"), EVERYONE, 10))
    assert found[0] == pytest.approx(1.5 * found[1], rel=1e-5)


def test_only_a_reader_with_the_token_finds(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    audience = frozenset({"team:hr", "person:7"})
    index.add(
        [
            (4, "request:4", audience, NOTHING, _words("salary letter")),
            (5, "request:5", EVERYONE, NOTHING, _words("vpn")),
        ]
    )
    index.commit()
    question = _words("salary")
    assert index.search(question, EVERYONE, 10) == []
    assert index.search(question, frozenset(), 10) == []
    assert index.search(question, frozenset({"team:h", "team", "hr", "person:77"}), 10) == []
    for token in audience:
        assert [i for i, _score in index.search(question, EVERYONE | {token}, 10)] == [4]


def test_the_readers_tokens_do_not_change_scores(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    index.add((i, f"request:{i}", EVERYONE | {f"team:{i}"}, NOTHING, _words("vpn")) for i in range(3))
    index.commit()
    plain = dict(index.search(_words("vpn"), EVERYONE, 10))
    assert dict(index.search(_words("vpn"), EVERYONE | {"team:1", "team:2"}, 10)) == plain
    assert set(plain) == {0, 1, 2}


@pytest.mark.parametrize("token", ["0x80070005", "LAH-2F-PRN03", "VPN 809", "5.3.1", "kayttotuki@example.fi"])
def test_exact_tokens_are_found_in_any_case(make: Make, token: str) -> None:
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


def test_top_k_keeps_the_best(make: Make, analyzer: Analyzer) -> None:
    index, _search = make("vpn", "vpn vpn vpn vpn", "vpn vpn", "muu", language="en")
    (best,) = index.search(analyzer.query_terms("vpn"), EVERYONE, 1)
    assert best[0] in (0, 1)
    assert best[1] == max(score for _i, score in index.search(analyzer.query_terms("vpn"), EVERYONE, 10))
    assert index.search(analyzer.query_terms("vpn"), EVERYONE, 0) == []


@pytest.mark.parametrize("question", ["", "🙂🙂", "olematonsana", '"+-!(){}[]^~*?:\\/ AND OR NOT'])
def test_a_question_without_a_known_word_finds_nothing(make: Make, question: str) -> None:
    _index, search = make("Tulostin tukossa")
    assert search(question) == []


def test_a_long_question_keeps_its_rarest_word(make: Make) -> None:
    common = " ".join(f"sana{number}" for number in range(200))
    _index, search = make(common, common, f"{common} harvinainen")
    assert search(f"{common} harvinainen")[0] == 2


def test_an_empty_index_finds_nothing(make: Make) -> None:
    index, search = make()
    assert len(index) == 0
    assert search("tulostin") == []
    assert index.rarity(["tulostin"], EVERYONE) == {"tulostin": 0.0}


def test_rarity_is_the_inverse_document_frequency(make: Make) -> None:
    index, _search = make("vpn tunnel", "vpn client", "printer", language="en")
    found = index.rarity(["vpn", "printer", "unknown"], EVERYONE)
    assert found == {
        "vpn": pytest.approx(math.log(1 + 1.5 / 2.5)),
        "printer": pytest.approx(math.log(1 + 2.5 / 1.5)),
        "unknown": 0.0,
    }


def test_rarity_and_size_tell_nothing_of_what_may_not_be_read(make: Make) -> None:
    index, _search = make("vpn tunnel", "printer", language="en")
    before = index.rarity(["vpn", "layoff", "tunnel"], EVERYONE), index.size(EVERYONE)
    index.add([(n, f"request:{n}", frozenset({"team:hr"}), NOTHING, _words("vpn layoff")) for n in (2, 3)])
    index.commit()
    assert (index.rarity(["vpn", "layoff", "tunnel"], EVERYONE), index.size(EVERYONE)) == before
    hr = EVERYONE | {"team:hr"}
    assert index.size(hr) == 4 and index.rarity(["layoff"], hr)["layoff"] > 0


def test_a_removed_item_is_not_found_and_the_source_of_a_copy_stays(make: Make, tmp_path: Path) -> None:
    index, search = make("vpn tunnel", "vpn client", "printer", "mouse", language="en")
    LexicalIndex.copy(tmp_path / "lexical", tmp_path / "copy")
    copy = LexicalIndex.load(tmp_path / "copy")
    copy.remove(["request:0"])
    copy.add([(4, "request:4", EVERYONE, NOTHING, _words("vpn router"))])
    copy.commit()
    assert sorted(i for i, _score in copy.search(_words("vpn"), EVERYONE, 10)) == [1, 4]
    again = LexicalIndex.load(tmp_path / "lexical")
    for untouched in (index, again):
        assert sorted(i for i, _score in untouched.search(_words("vpn"), EVERYONE, 10)) == [0, 1]
    assert search("tunnel") == [0]


def test_a_word_of_every_passage_is_still_found_after_removals(make: Make) -> None:
    index, search = make(*(f"printer number{n}" for n in range(20)), language="en")
    index.remove(["request:3", "request:4"])
    index.commit()
    assert index.rarity(["printer"], EVERYONE)["printer"] == pytest.approx(math.log(1 + 0.5 / 18.5))
    assert len(set(search("printer")) & set(range(20)) - {3, 4}) == 10


def test_a_missing_or_damaged_index_is_a_value_error(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        LexicalIndex.load(tmp_path / "missing")
    make("vpn")
    (tmp_path / "lexical" / "meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError):
        LexicalIndex.load(tmp_path / "lexical")
