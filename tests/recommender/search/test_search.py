"""search/search.py: candidates, readable items and matches, on a real index with an encoder that counts words."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, EVERYONE, Reader, reader_of
from recommender.database.tables import HelpRequest, Person, RequestAudience, Team
from recommender.datatypes import DENSE_MISSING
from recommender.encoder import Vectors
from recommender.index import Hit
from recommender.index.local import LocalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.search import calibration
from recommender.search.results import Ranking
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender
from tests.recommender.conftest import Add, Build, add_unrelated_requests, change_request, get_person, related_ids

# scores


def _similarities(ranking: Ranking) -> list[float]:
    return [calibration.probability(features) for features in ranking.features]


def test_the_match_is_computed_from_nearness_and_coverage(
    build: Build, session: Session, add_request: Add, encoder: FakeEncoder
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", answer="open the tray")
    recommender = build()
    best = recommender.recommend("printer jam open tray", ANYONE, session).suggestions[0]
    passages = encoder.encode_passages(["printer jam\nopen the tray", "printer jam"])  # the second is its opening
    cosine = float(max(passages @ encoder.encode_queries(["printer jam open tray"])[0]))
    assert recommender.index is not None
    background = recommender.index.background
    near = (cosine - background) / (1 - background)
    assert best.why.nearness == pytest.approx(near, abs=1e-6)
    features = calibration.Features(near, 1.0, 4, 5)  # the item has every word of the question
    assert best.match == pytest.approx(calibration.probability(features), abs=1e-6)


def test_an_item_like_the_best_one_comes_before_an_equally_near_one(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    best = add_request("printer jam", answer="open the tray")
    different = add_request("printer smoke", answer="call the brigade")
    similar = add_request("jam somewhere inside", answer="open the tray")
    recommender = build()
    score = {candidate.item: candidate.score for candidate in recommender.candidates("printer jam", ANYONE)}
    assert score[f"request:{best}"] > score[f"request:{different}"] > score[f"request:{similar}"]
    keys = [suggestion.item.key for suggestion in recommender.recommend("printer jam", ANYONE, session).suggestions]
    assert keys[:3] == [f"request:{number}" for number in (best, similar, different)]


def test_without_a_model_the_best_match_is_the_probability_of_an_answer(
    settings: Settings, open_recommender: Build, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", answer="open the tray")
    open_recommender()
    words_alone = make_recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    ranking = words_alone.rank("printer jam", ANYONE, session, 5)
    best = max(_similarities(ranking))
    assert ranking.uncalibrated == best and ranking.exists == pytest.approx(best, abs=0.0025) and ranking.exists > 0.5


def test_words_of_restricted_items_change_no_score_for_other_readers(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request, 12)
    add_request("printer jam", answer="open the tray")
    add_request("takeover", answer="the printer of virtanen", audience=["team:hr"])
    recommender = build()
    ranked = {  # the vectors of these words are equally near to the other items
        word: recommender.rank(f"printer {word}", ANYONE, session, 5) for word in ("virtanen", "takeover", "nosuchword")
    }
    assert all(ranking.keys and min(_similarities(ranking)) > 0 for ranking in ranked.values())
    assert len({round(ranking.exists, 9) for ranking in ranked.values()}) == 1
    assert len({tuple(round(value, 9) for value in _similarities(ranking)) for ranking in ranked.values()}) == 1


# words and languages


def test_a_misspelt_word_finds_the_item_and_is_shown_corrected(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request, 12)
    number = add_request("printer jam", answer="open the tray")
    best = build().recommend("prnter jma tray", ANYONE, session).suggestions[0]
    assert best.item.id == number
    assert set(best.why.words) == {"printer", "tray"}  # "jma" is too short to be corrected
    assert [best.excerpt[start:end] for start, end in best.marks] == ["tray"]


def test_a_misspelt_word_is_not_corrected_from_items_that_may_not_be_read(
    build: Build, settings: Settings, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request, 12)
    add_request("printer jam", answer="open the tray")
    restricted = add_request("layoff plan", answer="ask virtanen", audience=["team:hr"])
    build()
    words_alone = make_recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    near, far = (words_alone.rank(f"printer {word}", ANYONE, session, 5) for word in ("virtannen", "wirtannen"))
    assert near == far and near.keys == ("request:13",)
    for_hr = Reader(None, frozenset(), frozenset({EVERYONE, "team:hr"}))
    assert words_alone.rank("virtannen", for_hr, session, 5).keys == (f"request:{restricted}",)
    assert words_alone.rank("wirtannen", for_hr, session, 5).keys == ()


def test_words_of_unreadable_items_do_not_displace_the_right_correction(
    build: Build, settings: Settings, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request, 12)
    add_request("secrets", answer="printea printeb printec printed printef", audience=["team:hr"])
    wanted = add_request("printer jam", answer="open the tray")
    build()
    words_alone = make_recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    assert words_alone.rank("printex", ANYONE, session, 5).keys == (f"request:{wanted}",)


def test_keyword_search_finds_a_finnish_compound_in_a_question_of_unknown_language(
    build: Build, settings: Settings, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request, 12)
    wanted = add_request("Projektori ei toimi", answer="vaihda kaapeli", language="fi")
    build()
    words_alone = make_recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    assert settings.language == "en" and analyzer.detect("projektorivika", fallback="") == ""
    assert words_alone.rank("projektorivika", ANYONE, session, 5).keys[:1] == (f"request:{wanted}",)


@pytest.mark.parametrize("item_language", ["en", "fi"])
def test_a_question_of_unknown_language_is_searched_in_the_language_of_the_nearest_item(
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    item_language: str,
) -> None:
    add_request("VRT-412", answer="restart it")
    add_unrelated_requests(add_request)
    recommender = build()
    index = recommender.index
    assert isinstance(index, LocalIndex)
    vector = encoder.encode_queries(["VRT-412"])[0]
    # after subtracting the mean of the other language the vector of the question points away from all items
    means = {language: np.tile(vector * (0 if language == item_language else 2), (4, 1)) for language in ("en", "fi")}
    monkeypatch.setattr(index, "vector_space", VectorSpace(questions=means))
    searched = []

    def search(vector: Vectors, *rest: Any) -> list[Hit]:
        searched.append(vector)
        return LocalIndex.search(index, vector, *rest)

    monkeypatch.setattr(index, "search", search)
    assert recommender.recommend("VRT-412", ANYONE, session).language == item_language
    assert [float(searched_vector @ vector) for searched_vector in searched] == [pytest.approx(1.0)]


def test_when_the_model_fails_keyword_search_answers_with_a_notice(
    build: Build, session: Session, add_request: Add, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_request("printer jam", answer="open the tray")
    recommender = build()

    def fail(_texts: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(encoder, "encode_queries", fail)
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.title for suggestion in result.suggestions] == ["printer jam"]


# who may read what


@pytest.mark.parametrize("values", [{"hidden": True}, {"status": "open"}])
def test_a_hidden_or_reopened_item_is_not_shown_while_it_is_still_indexed(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add, values: dict[str, object]
) -> None:
    add_unrelated_requests(add_request)
    changed_id = add_request("printer jam", answer="open the tray", by="groucho")
    unchanged_id = add_request("printer jam twice", answer="open the lid", by="harpo")
    recommender = build()
    assert {suggestion.item.id for suggestion in recommender.recommend("printer jam", ANYONE, session).suggestions} >= {
        changed_id,
        unchanged_id,
    }
    change_request(sessions, changed_id, **values)
    result = recommender.recommend("printer jam", ANYONE, session, top_k=1)
    assert [suggestion.item.id for suggestion in result.suggestions] == [unchanged_id]
    whole = recommender.recommend("printer jam", ANYONE, session)
    assert related_ids(whole.suggestions) == [unchanged_id]
    assert result.more == len(whole.suggestions) - 1
    assert [expert.handle for expert in result.experts] == ["harpo"]


def test_a_deleted_item_is_not_shown_while_it_is_still_indexed(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    deleted_id = add_request("printer jam", answer="open the tray", by="groucho")
    other_id = add_request("printer jam twice", answer="open the lid", by="harpo")
    recommender = build()
    with sessions.begin() as other:
        other.delete(other.get_one(HelpRequest, deleted_id))
    result = recommender.recommend("printer jam", ANYONE, session, top_k=1)
    assert [suggestion.item.id for suggestion in result.suggestions] == [other_id]
    whole = recommender.recommend("printer jam", ANYONE, session)
    assert related_ids(whole.suggestions) == [other_id]
    assert result.more == len(whole.suggestions) - 1
    assert [expert.handle for expert in result.experts] == ["harpo"]


def test_a_restricted_item_changes_nothing_that_other_readers_see(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    public = add_request("printer jam", answer="open the tray", by="harpo")
    secret = add_request("printer jam confidential", answer="open the vault", by="groucho", audience=["team:hr"])
    recommender = build()
    for reader in (ANYONE, Reader(99, frozenset({99}), frozenset({EVERYONE, "person:99", "team:it"}))):
        result = recommender.recommend("printer jam confidential", reader, session, top_k=1)
        assert [suggestion.item.id for suggestion in result.suggestions] == [public]
        whole = recommender.recommend("printer jam confidential", reader, session)
        assert related_ids(whole.suggestions) == [public]
        assert result.more == len(whole.suggestions) - 1
        assert [expert.handle for expert in result.experts] == ["harpo"]
        assert [piece.item.id for expert in result.experts for piece in expert.evidence] == [public]

    hr = Reader(99, frozenset(), frozenset({EVERYONE, "person:99", "team:hr"}))
    result = recommender.recommend("printer jam confidential", hr, session, top_k=1)
    assert [suggestion.item.id for suggestion in result.suggestions] == [secret]
    whole = recommender.recommend("printer jam confidential", hr, session)
    assert related_ids(whole.suggestions) == [secret, public]
    assert result.more == len(whole.suggestions) - 1
    assert {expert.handle for expert in result.experts} == {"groucho", "harpo"}
    assert {piece.item.id for expert in result.experts for piece in expert.evidence} == {public, secret}


def test_an_item_restricted_after_it_was_indexed_is_not_shown(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    request = add_request("printer jam", answer="open the tray", by="groucho")
    recommender = build()
    change_request(sessions, request, audience=[RequestAudience(token="team:hr")])
    result = recommender.recommend("printer jam", ANYONE, session)
    assert request not in {suggestion.item.id for suggestion in result.suggestions}
    assert "groucho" not in {expert.handle for expert in result.experts}


def test_the_asker_and_the_team_read_their_own_restricted_request(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    request = add_request("salary letter", answer="wait", audience=["team:board"], asked_by="minna", team="hr")
    with sessions.begin() as other:
        other.add(Person(handle="member", name="Member", teams=[other.scalars(select(Team)).one()]))
        other.add(Person(handle="outsider", name="Outsider"))
    recommender = build()
    for handle, readable in (("minna", True), ("member", True), ("outsider", False)):
        result = recommender.recommend("salary letter", reader_of(get_person(session, handle)), session)
        assert (request in {suggestion.item.id for suggestion in result.suggestions}) is readable


def test_restricted_items_that_fill_the_pool_do_not_displace_readable_ones(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    for number in range(120):  # more than the pool of each leg
        add_request("printer jam", answer=f"secret{number}", audience=["team:hr"])
    public = add_request("printer jam paper", answer="open the tray")
    result = build().recommend("printer jam", ANYONE, session)
    assert result.suggestions[0].item.id == public and related_ids(result.suggestions) == [public]


@pytest.mark.parametrize("question", ["printer jam", "printer jam in tray"])
def test_an_item_hidden_after_it_was_indexed_affects_the_order_no_more_than_an_excluded_one(
    build: Build, session: Session, add_request: Add, question: str
) -> None:
    add_unrelated_requests(add_request)
    best = add_request("printer jam in tray", answer="printer jam in tray", by="aino")
    add_request("printer smoke", answer="call the brigade", by="eero")
    add_request("jam somewhere inside", answer="open the tray", by="matti")
    for number in range(12):
        by = "eero" if number < 11 else "matti"
        add_request(f"printer alpha{number} beta{number}", answer="call the brigade", by=by)
    recommender = build()
    session.get_one(HelpRequest, best).hidden = True
    session.flush()
    search = recommender._search(question, recommender.snapshot)
    orders = [
        [item.key for item, _candidate in search.find(ANYONE, session, 10, leave_out).ranked]
        for leave_out in ([], [f"request:{best}"])
    ]
    assert len(orders[0]) > 10 and orders[0] == orders[1]
    hidden = recommender.recommend(question, ANYONE, session)
    excluded = recommender.recommend(question, ANYONE, session, leave_out={f"request:{best}"})
    assert hidden.experts
    assert [(expert.handle, [piece.item.key for piece in expert.evidence]) for expert in hidden.experts] == [
        (expert.handle, [piece.item.key for piece in expert.evidence]) for expert in excluded.experts
    ]
