"""What every engine of the index answers, whatever holds it: local files and Milvus (in its library form).

What the engines have of their own is tested beside them (`test_local.py`, `milvus/`): damaged files are those of local
files, a server that goes away is that of Milvus. NOT_FOR lists what of this file does not hold for an engine, and why.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import HelpRequest
from recommender.encoder import normalise, unrelated_cosine
from recommender.index import Hit, SearchIndex, local
from recommender.index.narrowing import Among
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.milvus import in_milvus

EVERYONE = frozenset({"everyone"})
ENGINES = ("local", "milvus")
NOT_FOR: dict[tuple[str, str], str] = {}
"""{(engine, name of a test): why it does not hold for this engine}. All of them hold for both now."""
ROUNDING = {"local": 1e-6, "milvus": 1e-3}
"""How far cosines may be from those of float32: in Milvus, vectors are read back in half precision."""


@pytest.fixture(params=ENGINES)
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Settings for each engine."""
    if why := NOT_FOR.get((request.param, request.node.originalname)):
        pytest.skip(why)
    return in_milvus(settings, request) if request.param == "milvus" else replace(settings, index="local")


def approx(expected: Any, settings: Settings) -> Any:
    """About `expected`, as precise as the engine is."""
    return pytest.approx(expected, abs=ROUNDING[settings.index])


@pytest.fixture
def index(
    reindexed: Callable[..., SearchIndex],
    add_request: Callable[..., int],
) -> SearchIndex:
    """Three requests with a passage each: everyone may read two, the team hr the third."""
    add_request("printer jam", answer="open the tray")
    add_request("vpn tunnel", answer="restart the client")
    add_request("printer salary", answer="ask the payroll", audience=["team:hr"])
    return reindexed()


def _near(hit: Hit) -> tuple[float, float, float]:
    """The cosine of the nearest passage of an item."""
    assert hit.near is not None
    return hit.near.nearest, hit.near.first, hit.near.whole


def test_both_legs_score_the_items_that_the_reader_may_read(
    settings: Settings, index: SearchIndex, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    vector = encoder.encode_queries(["printer jam\nopen the tray"])[0]
    hits = {hit.item: hit for hit in index.search(vector, analyzer.query_terms("printer jam"), EVERYONE, 10)}
    assert set(hits) == {"request:1", "request:2"}
    other = encoder.encode_passages(["vpn tunnel\nrestart the client"])[0]
    # for an item with a single passage, `first` and `whole` equal `nearest`
    assert _near(hits["request:1"]) == approx((1.0,) * 3, settings)
    assert _near(hits["request:2"]) == approx((float(vector @ other),) * 3, settings)
    assert hits["request:1"].lexical > 0.0
    assert hits["request:2"].lexical == 0.0


def test_nearest_is_the_cosine_of_the_nearest_passage_that_search_finds(
    settings: Settings, index: SearchIndex, encoder: FakeEncoder
) -> None:
    vector = encoder.encode_queries(["printer salary"])[0]
    for tokens, among in (
        (EVERYONE, None),
        (EVERYONE | {"team:hr"}, None),
        (EVERYONE, Among.of(frozenset({"request:2"}))),
    ):
        hits = index.search(vector, Terms((), ()), tokens, 10, among)
        assert index.nearest([vector], tokens, 10, among) == approx([max(_near(hit)[0] for hit in hits)], settings)
    assert index.nearest([vector], frozenset(), 10) == [0.0]


def test_neither_leg_finds_an_item_without_its_token(
    index: SearchIndex, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    vector = encoder.encode_queries(["printer salary"])[0]
    terms = analyzer.query_terms("printer salary")
    assert "request:3" not in {hit.item for hit in index.search(vector, terms, EVERYONE, 10)}
    hits = index.search(vector, terms, EVERYONE | {"team:hr"}, 10)
    assert max(hits, key=lambda hit: hit.lexical).item == "request:3"
    assert max(hits, key=_near).item == "request:3"
    assert index.search(vector, terms, frozenset({"team:other"}), 10) == []


def test_an_item_found_only_by_the_lexical_leg_gets_its_cosines_too(
    settings: Settings, index: SearchIndex, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    vector = encoder.encode_queries(["vpn tunnel\nrestart the client"])[0]
    hits = {hit.item: hit for hit in index.search(vector, analyzer.query_terms("jam"), EVERYONE, 1)}
    assert set(hits) == {"request:1", "request:2"}
    jam = encoder.encode_passages(["printer jam\nopen the tray"])[0]
    assert _near(hits["request:1"]) == approx((float(vector @ jam),) * 3, settings)
    assert hits["request:1"].lexical > 0.0


def test_an_item_is_as_near_as_its_passages(
    settings: Settings,
    reindexed: Callable[..., SearchIndex],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
) -> None:
    add_request("printer jam", answer="open the tray")
    add_request("vpn", body="tunnel closed at night", answer="restart the client")
    index = reindexed()
    first, second = encoder.encode_passages(["vpn\ntunnel closed at night", "vpn\nrestart the client"])
    vector = encoder.encode_queries(["restart the client"])[0]
    hits = {hit.item: hit for hit in index.search(vector, Terms((), ()), EVERYONE, 10)}
    whole = normalise(((first + second) / 2)[None])[0]
    [direction] = [hit.near.direction for hit in hits.values() if hit.item == "request:2" and hit.near]
    assert direction is not None and direction() == approx(whole, settings)
    [answer] = [hit.near.answer_direction for hit in hits.values() if hit.item == "request:2" and hit.near]
    assert answer is not None and answer() == approx(normalise(second[None])[0], settings)
    expected = (float(second @ vector), float(first @ vector), float(whole @ vector))
    assert len(set(expected)) == 3
    assert _near(hits["request:2"]) == approx(expected, settings)
    near = hits["request:2"].near
    assert near is not None and index.passages([near.passage_id])[near.passage_id].text == "restart the client"
    # the cosines are the same, whichever passage or leg found the item
    for terms, top_k in ((Terms((), ()), 1), (analyzer.query_terms("night"), 1), (analyzer.query_terms("client"), 9)):
        [again] = [hit.near for hit in index.search(vector, terms, EVERYONE, top_k) if hit.item == "request:2"]
        assert again is not None and again[:4] == approx(near[:4], settings)


def test_the_passage_ids_of_an_item_are_in_order(
    reindexed: Callable[..., SearchIndex],
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    add_request: Callable[..., int],
) -> None:
    for number in range(12):
        add_request(f"vpn{number}", body=f"question{number}", answer=f"answer{number}")
    reindexed()
    with sessions.begin() as session:
        session.execute(update(HelpRequest).where(HelpRequest.id == 3).values(body="changed"))
        session.execute(update(HelpRequest).where(HelpRequest.id == 5).values(hidden=True))
    index = reindexed()
    for number in range(12):
        if number == 4:
            with pytest.raises(KeyError):
                index.passage_ids("request:5")
            continue
        ids = index.passage_ids(f"request:{number + 1}")
        passages = index.passages(ids)
        question = "changed" if number == 2 else f"question{number}"
        assert [passages[i].text for i in ids] == [question, f"answer{number}"]
        vector = encoder.encode_queries([f"vpn{number}\n{question}"])[0]
        best = max(index.search(vector, Terms((), ()), EVERYONE, 3), key=_near)
        assert best.near is not None and (best.item, best.near.passage_id) == (f"request:{number + 1}", ids[0])


def test_the_lexical_leg_finds_items_in_each_language(
    reindexed: Callable[..., SearchIndex],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
) -> None:
    add_request("vpn", answer="vpn vpn vpn")
    add_request("vpn", answer="tunnel client")
    add_request("vpn", answer="yhteys katkeaa", language="fi")
    index = reindexed()
    hits = index.search(None, analyzer.query_terms("vpn"), EVERYONE, 1)
    assert {(hit.item, hit.language) for hit in hits} == {("request:1", "en"), ("request:3", "fi")}
    vector = encoder.encode_queries(["tunnel client"])[0]
    hits = index.search(vector, analyzer.query_terms("vpn"), EVERYONE, 1)
    assert {(hit.item, hit.language) for hit in hits} == {
        ("request:1", "en"),
        ("request:2", "en"),
        ("request:3", "fi"),
    }


def test_both_legs_search_only_the_given_items(index: SearchIndex, encoder: FakeEncoder, analyzer: Analyzer) -> None:
    vector = encoder.encode_queries(["printer jam\nopen the tray"])[0]
    terms = analyzer.query_terms("printer jam tunnel")
    for among in ({"request:2"}, {"request:2", "request:3"}, {"request:1", "request:2"}, {"request:9"}, set[str]()):
        items = {hit.item for hit in index.search(vector, terms, EVERYONE, 10, Among.of(frozenset(among)))}
        assert items == among & {"request:1", "request:2"}  # only hr may read the third
        assert {hit.item for hit in index.search(None, terms, EVERYONE, 10, Among.of(frozenset(among)))} == items


def test_without_a_vector_only_the_lexical_leg_runs(index: SearchIndex, analyzer: Analyzer) -> None:
    (hit,) = index.search(None, analyzer.query_terms("tunnel"), EVERYONE, 10)
    assert (hit.item, hit.language, hit.near) == ("request:2", "en", None)
    assert hit.lexical > 0.0


def test_passages_are_returned_as_they_were_written(index: SearchIndex, analyzer: Analyzer) -> None:
    (hit,) = index.search(None, analyzer.query_terms("tunnel"), EVERYONE, 10)
    (identifier,) = index.passage_ids(hit.item)
    passage = index.passages([identifier])[identifier]
    assert (passage.item, passage.context, passage.text) == ("request:2", "vpn tunnel", "restart the client")
    assert index.passages([]) == {}
    assert index.passages([999]) == {}


def test_the_background_is_the_mean_cosine_of_different_items_and_of_the_model(
    settings: Settings, index: SearchIndex, encoder: FakeEncoder
) -> None:
    texts = ["printer jam\nopen the tray", "vpn tunnel\nrestart the client"]  # without what only hr may read
    texts += ["printer jam", "vpn tunnel"]  # the openings of the items
    cosines = encoder.encode_passages(texts) @ encoder.encode_passages(texts).T
    pairs = [cosines[a, b] for a in range(4) for b in range(4) if a % 2 != b % 2]
    expected = (sum(pairs) + 200 * unrelated_cosine(encoder)) / (len(pairs) + 200)
    assert index.background == approx(float(expected), settings)


def test_a_removed_item_is_found_by_neither_leg(
    reindexed: Callable[..., SearchIndex],
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
) -> None:
    for number in range(12):
        add_request(f"printer{number} jam", answer=f"tray{number}")
    reindexed()
    with sessions.begin() as session:
        session.execute(update(HelpRequest).where(HelpRequest.id == 3).values(hidden=True))
    index = reindexed()
    assert index.size(EVERYONE) == 11
    vector = encoder.encode_queries(["printer2 jam\ntray2"])[0]
    hits = index.search(vector, analyzer.query_terms("printer2 jam"), EVERYONE, 20)
    assert {hit.item for hit in hits} == {f"request:{n}" for n in range(1, 13) if n != 3}


def test_hidden_words_push_no_word_out_of_those_that_a_misspelt_word_may_stand_for(
    add_request: Callable[..., int], reindexed: Callable[..., SearchIndex]
) -> None:
    """Twenty words that are one edit away, and before the readable one in the alphabet: all are hidden but one."""
    add_request("printer jam")
    add_request(" ".join(f"p{letter}inter" for letter in "abcdefghijklmnopqst"), audience=["team:hr"])
    index = reindexed()
    assert index.similar_words("pvinter", EVERYONE) == [("printer", 1)]
    assert len(index.similar_words("pvinter", EVERYONE | {"team:hr"})) == 16
    assert index.similar_words("painter", frozenset()) == []


def test_a_language_that_only_hidden_items_have_takes_no_place_from_others(
    add_request: Callable[..., int], reindexed: Callable[..., SearchIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LEAST_SHARE", 1)
    for number in range(4):
        add_request(f"vpn number{number}")
    alone = reindexed().search(None, Terms(("vpn",), ()), EVERYONE, 4)
    add_request("vpn anslutning", language="sv", audience=["team:hr"])
    index = reindexed()
    assert index.search(None, Terms(("vpn",), ()), EVERYONE, 4) == alone
    assert len(alone) == 4
    everything = index.search(None, Terms(("vpn",), ()), EVERYONE | {"team:hr"}, 4)
    assert [hit.language for hit in everything] == ["en", "en", "sv"]


def test_item_vectors_are_the_mean_of_the_parts_of_each_readable_item(
    settings: Settings,
    reindexed: Callable[..., SearchIndex],
    encoder: FakeEncoder,
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> None:
    add_request("vpn", body="tunnel closed at night", answer="restart the client")
    add_request("salary", answer="ask the payroll", audience=["team:hr"])
    add_document("wifi", "Choose the network of the house.")
    add_request("printer", status="open")
    index = reindexed()
    keys, vectors = index.item_vectors(EVERYONE)
    assert keys == ["document:1", "request:1"] and vectors.shape == (2, 64)
    place, rows = index.vector_space.place_passages, index.passages(range(20))
    parts = {}
    for passage in rows.values():
        encoded = place(encoder.encode_passages([f"{passage.context}\n{passage.text}".strip()]), [passage])[0]
        parts[passage.item, passage.role.value] = encoded
    vpn = parts["request:1", "opening"] + parts["request:1", "question"] + parts["request:1", "answer"]
    assert vectors[1] == approx(normalise(vpn[None])[0], settings)
    wifi = parts["document:1", "opening"] + parts["document:1", "section"]
    assert vectors[0] == approx(normalise(wifi[None])[0], settings)
    assert index.item_vectors(frozenset({"team:hr"}))[0] == ["request:2"]
    some, of_some = index.item_vectors(EVERYONE, ["request:2", "request:1", "request:99"])
    assert some == ["request:1"] and (of_some == vectors[1:]).all()
    same, with_room = index.item_vectors(EVERYONE, room=3)
    assert same == keys and (with_room[:, :64] == vectors).all() and not with_room[:, 64:].any()
    nothing, none = index.item_vectors(frozenset({"team:it"}), room=3)
    assert nothing == [] and none.shape == (0, 67)
