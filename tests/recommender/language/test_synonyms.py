"""language/synonyms.py: the format of the file, and what happens when the file cannot be used."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.status import read_status
from recommender.access import ANYONE
from recommender.errors import SynonymsError
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.language.everyday import read_everyday
from recommender.language.synonyms import MOST_PHRASES, Synonyms, SynonymsFile, wrong_lines
from recommender.language.words import LISTS
from recommender.settings import Settings
from tests.conftest import MODELS, make_recommender


def _synonyms(text: str, question: str, analyzer: Analyzer) -> dict[str, str]:
    words = analyzer.query_terms(question).words
    return {translation.term: translation.word for translation in Synonyms.parse(text, analyzer).translations(words)}


def test_words_separated_by_commas_are_synonyms_in_every_form(analyzer: Analyzer) -> None:
    text = "läppäri, kannettava, laptop"
    assert {"kannettava", "laptop"} <= _synonyms(text, "uusi läppäri", analyzer).keys()
    assert {"lappari", "kannettava"} <= _synonyms(text, "my laptops are broken", analyzer).keys()
    assert _synonyms(text, "läppärini on rikki", analyzer)["laptop"] == "lappari"
    assert _synonyms(text, "printer", analyzer) == {}


@pytest.mark.parametrize(
    ("text", "question", "found"),
    [
        ("semesterdagar, ledighet", "Hur många semesterdagar har jag?", "ledighet"),
        ("nycklar, passerkort", "Jag har tappat min nyckel", "passerkort"),
        ("resor, tjänsteresa", "Vem betalar resorna?", "tjansteresa"),
    ],
)
def test_words_are_read_as_swedish_too(analyzer: Analyzer, text: str, question: str, found: str) -> None:
    words = analyzer.query_terms(question, ("sv",)).words
    assert found in {translation.term for translation in Synonyms.parse(text, analyzer).translations(words)}


def test_a_line_has_at_most_fifty_phrases(analyzer: Analyzer) -> None:
    words = [f"sana{number}" for number in range(MOST_PHRASES + 1)]
    assert Synonyms.parse(", ".join(words[1:]), analyzer).rules
    for line in (", ".join(words), f"{', '.join(words[1:])} => {words[0]}"):
        assert wrong_lines(f"a1, b1\n{line}", analyzer) == [(2, "many")]


def test_an_arrow_works_in_one_direction(analyzer: Analyzer) -> None:
    assert {"crm", "register"} <= _synonyms("Leija => CRM, customer register", "Leija is down", analyzer).keys()
    assert _synonyms("Leija => CRM", "the CRM is down", analyzer) == {}


def test_a_phrase_needs_all_of_its_words(analyzer: Analyzer) -> None:
    assert "vpn" in _synonyms("remote work connection, VPN", "connection for remote work", analyzer)
    assert _synonyms("remote work connection, VPN", "remote control", analyzer) == {}


def test_a_synonym_that_is_in_the_question_is_not_added(analyzer: Analyzer) -> None:
    assert _synonyms("laptop, notebook", "laptop or notebook", analyzer) == {}


def test_phrases_without_a_term_are_ignored_among_others(analyzer: Analyzer) -> None:
    assert "cplusplus" in _synonyms("C++, cpp, cplusplus", "cpp build", analyzer)


def test_comments_and_empty_lines_are_ignored(analyzer: Analyzer) -> None:
    assert Synonyms.parse("# ours\n\n  # more, of, this\n", analyzer) == Synonyms()
    assert "notebook" in _synonyms("# ours\nlaptop, notebook # both", "laptop", analyzer)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("laptop", "contains one word only"),
        ("laptop,, notebook", "nothing between two commas"),
        ("laptop, ", "nothing between two commas"),
        ("=> laptop", "nothing between two commas"),
        ("a => b => c", "more than one '=>'"),
        ("?, question", "no two phrases that can be searched for"),
        ("laptop => --", "no two phrases that can be searched for"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(analyzer: Analyzer, line: str, complaint: str) -> None:
    with pytest.raises(SynonymsError, match=complaint) as error:
        Synonyms.parse(f"one, two\n\n{line}\n", analyzer)
    assert "line 3" in str(error.value)


def test_a_star_stands_for_any_ending(analyzer: Analyzer) -> None:
    assert "pysakointi" in _synonyms("parkkis*, parkkiks*, pysäköinti", "parkkiksessa", analyzer)
    assert _synonyms("parkkis*, pysäköinti", "pysäköinti", analyzer) == {}


def test_a_sign_is_no_comment_within_a_name(analyzer: Analyzer) -> None:
    assert "c#" in _synonyms("csharp => C#  # the language", "csharp", analyzer)


@pytest.fixture(scope="module")
def everyday(analyzer: Analyzer) -> Synonyms:
    return read_everyday(analyzer)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("läppärini on rikki", "kannettava"),
        ("luuri hukassa", "puhelin"),
        ("neukkarin varaus", "neuvotteluhuone"),
        ("olen kipeenä", "sairas"),
        ("mul on saikkua", "sairausloma"),
        ("parkkiksen hinta", "pysakointi"),
        ("palkkiksesta puuttuu tunteja", "palkkalaskelma"),
        ("spostin allekirjoitus", "sahkoposti"),
        ("meili ei lähde", "sahkoposti"),
        ("esmies ei vastaa", "esihenkilo"),
        ("printteri jumissa", "tulostin"),
        ("lomapalkat", "lomaraha"),
        ("notebook is broken", "laptop"),
        ("how much pto do I have", "leave"),
        ("lönespec saknas", "lonebesked"),
    ],
)
def test_everyday_words_lead_to_written_ones(
    everyday: Synonyms, analyzer: Analyzer, question: str, expected: str
) -> None:
    words = analyzer.query_terms(question).words
    assert expected in {translation.term for translation in everyday.translations(words)}


def test_a_word_that_only_looks_like_an_everyday_one_is_left_alone(everyday: Synonyms, analyzer: Analyzer) -> None:
    for question in ("tehtäväpalkki", "palkki", "printer driver x"):
        terms = {translation.term for translation in everyday.translations(analyzer.query_terms(question).words)}
        assert not terms & {"palkka", "palkkalaskelma", "kuljettaja"}


def test_several_hundred_finnish_everyday_words_ship(everyday: Synonyms) -> None:
    lines = [line for line in (LISTS / "everyday_fi.txt").read_text(encoding="utf-8").splitlines() if "," in line]
    assert len(lines) > 300 and len(everyday.rules) > 1000


def _write(path: Path, text: bytes, second: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    os.utime(path, (second, second))


def test_the_file_is_read_again_and_an_unusable_one_leaves_the_old_version_in_use(
    tmp_path: Path, analyzer: Analyzer
) -> None:
    file = SynonymsFile(tmp_path / "synonyms.txt", analyzer)
    assert file.synonyms == Synonyms()
    _write(file.path, b"laptop, notebook\n", 1)
    assert len(file.synonyms.rules) == 2
    in_use = file.synonyms
    for second, unusable in ((2, b"laptop, notebook\nlaptop\n"), (3, b"\xff\xfe\xff")):
        _write(file.path, unusable, second)
        assert file.synonyms == in_use and str(file.path) in file.problem
        new_process = SynonymsFile(file.path, analyzer)
        assert new_process.synonyms == in_use and "The previous version stays in use" in new_process.problem
    _write(file.path, b"laptop, notebook, computer\n", 4)
    assert file.synonyms != in_use and file.problem == ""
    file.path.unlink()
    assert file.synonyms == Synonyms()
    _write(file.path, b"laptop\n", 5)
    new_process = SynonymsFile(file.path, analyzer)  # the copy in use was removed when the file was deleted
    assert new_process.synonyms == Synonyms() and "no synonyms are in use" in new_process.problem


def test_a_question_with_a_synonym_finds_the_answer_and_status_names_a_bad_line(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_request: Callable[..., int],
) -> None:
    for number in range(8):
        add_request(f"elephant{number} giraffe{number}", answer="zebra")
    wanted = add_request("Slow again", "The customer register is slow since noon", answer="Restart it", by="aino")
    reindexed()
    recommender = make_recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    with sessions() as session:
        assert recommender.recommend("Leija", ANYONE, session).suggestions == ()
        _write(settings.synonyms_path, b"Leija => customer register\n", 1)
        suggestions = recommender.recommend("Leija", ANYONE, session).suggestions
    assert [suggestion.item.id for suggestion in suggestions] == [wanted]
    best = suggestions[0]
    marked = {best.excerpt[start:end] for start, end in best.marks}
    assert marked == {"customer", "register"}
    assert best.why.words == ("customer",)
    settings.models_dir.symlink_to(MODELS, target_is_directory=True)  # making the dictionaries anew would take long
    assert read_status(settings).synonyms.startswith("1 rules in ")
    _write(settings.synonyms_path, b"Leija\n", 2)
    assert "line 1 contains one word only" in read_status(settings).as_text()
