"""recommender.py: the whole recipe on a real index, with an encoder that counts words; a few runs of the real model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from recommender import answer_model_file
from recommender import recommender as recommender_module
from recommender.access import ANYONE, EVERYONE, Reader, reader_of
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Person, Reply, RequestAudience, Team, utc_now
from recommender.datatypes import DENSE_MISSING, INDEX_MISMATCH, INDEX_MISSING, Suggestion, Verdict
from recommender.encoder import Encoder, Vectors
from recommender.encoder.load import load_encoder
from recommender.index import Hit, generations
from recommender.index.local import LocalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.people import experts
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.settings import Settings
from tests.conftest import FakeEncoder

Add = Callable[..., int]
Build = Callable[[], Recommender]


@pytest.fixture
def build(settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer) -> Build:
    """Indexes what the database holds and opens a recommender on it."""

    def built() -> Recommender:
        reindex(settings, sessions, encoder, analyzer)
        return Recommender(settings, analyzer, encoder, LocalIndex.open(settings.index_dir, encoder.card))

    return built


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


def _change(sessions: sessionmaker[Session], request_id: int, **values: object) -> None:
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, request_id)
        for name, value in values.items():
            setattr(request, name, value)


def _person(session: Session, handle: str) -> Person:
    return session.scalars(select(Person).where(Person.handle == handle)).one()


def _background_items(add_request: Add, count: int = 6) -> None:
    """Requests that share no word with the questions asked here."""
    for number in range(count):
        add_request(f"unrelated{number} subject{number}", answer=f"other{number} reply{number}", by="zeppo")


# what is suggested


def test_the_best_item_comes_first_with_its_passage_and_reasons(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    found = add_request("printer jam", answer="open the tray and pull the paper", team="it")
    result = build().recommend("printer jam paper", ANYONE, session)
    best = result.suggestions[0]
    assert result.verdict is Verdict.ANSWER
    assert result.notices == ()
    assert (best.item.key, best.item.title, best.item.team) == (f"request:{found}", "printer jam", "it")
    assert best.excerpt == "open the tray and pull the paper"
    assert [best.excerpt[start:end] for start, end in best.marks] == ["paper"]
    assert set(best.why.words) == {"printer", "jam", "paper"}


def test_the_score_mixes_nearness_and_coverage(
    build: Build, session: Session, add_request: Add, encoder: FakeEncoder
) -> None:
    _background_items(add_request)
    add_request("printer jam", answer="open the tray")
    recommender = build()
    best = recommender.recommend("printer jam open tray", ANYONE, session).suggestions[0]
    passages = encoder.encode_passages(["printer jam\nopen the tray", "printer jam"])  # the second is its opening
    cosine = float(max(passages @ encoder.encode_queries(["printer jam open tray"])[0]))
    assert recommender.index is not None
    background = recommender.index.background
    near = (cosine - background) / (1 - background)
    assert best.why.nearness == pytest.approx(near, abs=1e-6)
    assert best.match == pytest.approx(
        calibration.probability(calibration.Features(near, 1.0, 4, 5)), abs=1e-6
    )  # every word is there


def test_what_says_the_same_as_the_best_comes_before_what_is_as_near_alone(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    best = add_request("printer jam", answer="open the tray")
    alone = add_request("printer smoke", answer="call the brigade")
    alike = add_request("jam somewhere inside", answer="open the tray")
    recommender = build()
    score = {each.item: each.score for each in recommender.candidates("printer jam", ANYONE)}
    assert score[f"request:{best}"] > score[f"request:{alone}"] > score[f"request:{alike}"]
    found = [each.item.key for each in recommender.recommend("printer jam", ANYONE, session).suggestions]
    assert found[:3] == [f"request:{number}" for number in (best, alike, alone)]


def test_what_was_edited_out_is_not_shown_before_the_index_catches_up(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    number = add_request("printer jam", "the secret code is hunter2", answer="open the tray")
    recommender = build()
    before = recommender.recommend("printer jam secret code", ANYONE, session).suggestions[0]
    assert "hunter2" in before.excerpt
    _change(sessions, number, body="the code is with the help desk")
    session.expire_all()
    after = recommender.recommend("printer jam secret code", ANYONE, session).suggestions[0]
    assert (after.item.key, after.excerpt) == (before.item.key, "the code is with the help desk")
    assert [after.excerpt[start:end] for start, end in after.marks] == ["code"]
    assert "secret" not in after.why.words


def test_the_verdict_is_on_the_probability_of_an_answer_and_a_match_stays_the_suggestions_own(
    open_recommender: Build, settings: Settings, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    add_request("printer jam", answer="open the tray")
    recommender = open_recommender()
    question = ("printer jam", ANYONE, session)
    ranking = recommender.rank(*question, 5)
    assert ranking.exists == pytest.approx(calibration.SHIPPED.probability(ranking.matches))
    for constant, verdict in ((9.0, Verdict.ANSWER), (-0.2, Verdict.MAYBE), (-9.0, Verdict.UNKNOWN)):
        answer_model_file.save(generations.live(settings.index_dir), calibration.AnswerModel(constant, 0.0, 0.0))
        found = recommender.recommend(*question)
        assert found.verdict is verdict and recommender.rank(*question, 5).matches == ranking.matches
        assert [suggestion.match for suggestion in found.suggestions[:1]] == (
            [] if verdict is Verdict.UNKNOWN else [ranking.matches[0]]
        )


def test_without_the_model_the_best_match_of_words_is_the_probability(
    settings: Settings, open_recommender: Build, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    add_request("printer jam", answer="open the tray")
    open_recommender()
    words = Recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    ranking = words.rank("printer jam", ANYONE, session, 5)
    assert ranking.exists == pytest.approx(max(ranking.matches), abs=0.0025) and ranking.exists > 0.5


def test_words_of_restricted_items_change_no_number_for_others(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request, 12)
    add_request("printer jam", answer="open the tray")
    add_request("takeover", answer="the printer of virtanen", audience=["team:hr"])
    recommender = build()
    ranked = {  # by words that the encoder puts equally near to the other items
        word: recommender.rank(f"printer {word}", ANYONE, session, 5) for word in ("virtanen", "takeover", "nosuchword")
    }
    assert all(found.keys and min(found.matches) > 0 for found in ranked.values())
    assert len({round(found.exists, 9) for found in ranked.values()}) == 1
    assert len({tuple(round(match, 9) for match in found.matches) for found in ranked.values()}) == 1


def test_a_misspelt_word_finds_and_what_was_meant_is_named(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request, 12)
    number = add_request("printer jam", answer="open the tray")
    best = build().recommend("prnter jma tray", ANYONE, session).suggestions[0]
    assert best.item.id == number
    assert set(best.why.words) == {"printer", "tray"}  # "jam" is too short to tell it from another word
    assert [best.excerpt[start:end] for start, end in best.marks] == ["tray"]


def test_a_misspelt_word_is_not_mended_from_what_may_not_be_read(
    build: Build, settings: Settings, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    _background_items(add_request, 12)
    add_request("printer jam", answer="open the tray")
    restricted = add_request("layoff plan", answer="ask virtanen", audience=["team:hr"])
    build()
    words_alone = Recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    near, far = (words_alone.rank(f"printer {word}", ANYONE, session, 5) for word in ("virtannen", "wirtannen"))
    assert near == far and near.keys == ("request:13",)
    for_hr = Reader(None, frozenset(), frozenset({EVERYONE, "team:hr"}))
    assert words_alone.rank("virtannen", for_hr, session, 5).keys == (f"request:{restricted}",)
    assert words_alone.rank("wirtannen", for_hr, session, 5).keys == ()


def test_what_may_not_be_read_does_not_stand_before_what_was_meant(
    build: Build, settings: Settings, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    _background_items(add_request, 12)
    add_request("secrets", answer="printea printeb printec printed printef", audience=["team:hr"])
    wanted = add_request("printer jam", answer="open the tray")
    build()
    words_alone = Recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    assert words_alone.rank("printex", ANYONE, session, 5).keys == (f"request:{wanted}",)


def test_words_alone_meet_a_finnish_compound_whose_language_cannot_be_told(
    build: Build, settings: Settings, analyzer: Analyzer, session: Session, add_request: Add
) -> None:
    _background_items(add_request, 12)
    wanted = add_request("Projektori ei toimi", answer="vaihda kaapeli", language="fi")
    build()
    words_alone = Recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None))
    assert settings.language == "en" and analyzer.detect("projektorivika", fallback="") == ""
    assert words_alone.rank("projektorivika", ANYONE, session, 5).keys[:1] == (f"request:{wanted}",)


@pytest.mark.parametrize("spoken", ["en", "fi"])
def test_a_question_whose_language_cannot_be_told_goes_with_that_of_which_something_is_nearest(
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    spoken: str,
) -> None:
    add_request("VRT-412", answer="restart it")
    _background_items(add_request)
    recommender = build()
    index = recommender.index
    assert isinstance(index, LocalIndex)
    vector = encoder.encode_queries(["VRT-412"])[0]
    # seen from the other language's mean the question lies on the other side of all there is
    means = {language: np.tile(vector * (0 if language == spoken else 2), (4, 1)) for language in ("en", "fi")}
    monkeypatch.setattr(index, "space", VectorSpace(questions=means))
    searched = []

    def search(vector: Vectors, *rest: Any) -> list[Hit]:
        searched.append(vector)
        return LocalIndex.search(index, vector, *rest)

    monkeypatch.setattr(index, "search", search)
    assert recommender.recommend("VRT-412", ANYONE, session).language == spoken
    assert [float(found @ vector) for found in searched] == [pytest.approx(1.0)]


def test_a_model_that_fails_at_a_question_leaves_words_alone(
    build: Build, session: Session, add_request: Add, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_request("printer jam", answer="open the tray")
    recommender = build()

    def fails(_texts: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(encoder, "encode_queries", fails)
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [found.item.title for found in result.suggestions] == ["printer jam"]


def test_an_unrelated_question_is_unknown(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    result = build().recommend("saxophone mango", ANYONE, session)
    assert (result.verdict, result.suggestions, result.more) == (Verdict.UNKNOWN, (), 0)


def test_an_empty_index_answers_unknown(build: Build, session: Session) -> None:
    result = build().recommend("printer jam", ANYONE, session)
    assert (result.verdict, result.suggestions, result.experts, result.more) == (Verdict.UNKNOWN, (), (), 0)


def test_one_item_is_found_among_one(build: Build, session: Session, add_request: Add) -> None:
    only = add_request("printer jam", answer="open the tray")
    result = build().recommend("printer jam", ANYONE, session)
    assert [suggestion.item.id for suggestion in result.suggestions] == [only]
    assert result.more == 0


def test_top_k_larger_than_the_index_gives_what_there_is(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    ids = {add_request("printer jam", answer=f"open tray{number}") for number in range(3)}
    result = build().recommend("printer jam", ANYONE, session, top_k=50)
    assert {suggestion.item.id for suggestion in result.suggestions} == ids
    assert result.more == 0


def test_what_top_k_leaves_out_is_counted(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    ids = {add_request("printer jam", answer=f"open tray{number}") for number in range(5)}
    result = build().recommend("printer jam", ANYONE, session, top_k=2)
    assert len({suggestion.item.id for suggestion in result.suggestions} & ids) == 2
    assert result.more == 3


@pytest.mark.parametrize("question", ["", "   \n\t ", "🙂🎉👍🏽", "?!… --", "\x00"])
def test_a_question_without_words_is_unknown(build: Build, session: Session, add_request: Add, question: str) -> None:
    add_request("printer jam")
    result = build().recommend(question, ANYONE, session)
    assert (result.question, result.verdict) == (question, Verdict.UNKNOWN)
    assert (result.suggestions, result.experts) == ((), ())


def test_a_question_of_five_thousand_characters_is_answered(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    found = add_request("printer jam", answer="open the tray")
    question = "printer jam open the tray " * 200
    assert len(question) >= 5000
    result = build().recommend(question, ANYONE, session)
    assert result.suggestions[0].item.id == found
    assert result.question == question


def test_markup_in_a_question_is_only_text(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    found = add_request("printer jam", answer="open the tray")
    question = '"printer" AND jam) OR (audience:team\\: *\' --<script>'
    assert build().recommend(question, ANYONE, session).suggestions[0].item.id == found


# who is shown what


@pytest.mark.parametrize("values", [{"hidden": True}, {"status": "open"}])
def test_what_was_hidden_or_reopened_is_not_shown_while_it_is_still_indexed(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add, values: dict[str, object]
) -> None:
    _background_items(add_request)
    gone = add_request("printer jam", answer="open the tray", by="groucho")
    kept = add_request("printer jam twice", answer="open the lid", by="harpo")
    recommender = build()
    assert {s.item.id for s in recommender.recommend("printer jam", ANYONE, session).suggestions} >= {gone, kept}
    _change(sessions, gone, **values)
    result = recommender.recommend("printer jam", ANYONE, session, top_k=1)
    assert [suggestion.item.id for suggestion in result.suggestions] == [kept]
    assert result.more == 0
    assert [expert.handle for expert in result.experts] == ["harpo"]


def test_what_was_deleted_is_not_shown_while_it_is_still_indexed(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    gone = add_request("printer jam", answer="open the tray", by="groucho")
    kept = add_request("printer jam twice", answer="open the lid", by="harpo")
    recommender = build()
    with sessions.begin() as other:
        other.delete(other.get_one(HelpRequest, gone))
    result = recommender.recommend("printer jam", ANYONE, session, top_k=1)
    assert [suggestion.item.id for suggestion in result.suggestions] == [kept]
    assert result.more == 0
    assert [expert.handle for expert in result.experts] == ["harpo"]


def test_a_restricted_item_shows_in_no_way_to_the_wrong_reader(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    public = add_request("printer jam", answer="open the tray", by="harpo")
    secret = add_request("printer jam confidential", answer="open the vault", by="groucho", audience=["team:hr"])
    recommender = build()
    for reader in (ANYONE, Reader(99, frozenset({99}), frozenset({EVERYONE, "person:99", "team:it"}))):
        result = recommender.recommend("printer jam confidential", reader, session, top_k=1)
        assert [suggestion.item.id for suggestion in result.suggestions] == [public]
        assert result.more == 0
        assert [expert.handle for expert in result.experts] == ["harpo"]
        assert [piece.item.id for expert in result.experts for piece in expert.evidence] == [public]

    hr = Reader(99, frozenset(), frozenset({EVERYONE, "person:99", "team:hr"}))
    result = recommender.recommend("printer jam confidential", hr, session, top_k=1)
    assert [suggestion.item.id for suggestion in result.suggestions] == [secret]
    assert result.more == 1
    assert {expert.handle for expert in result.experts} == {"groucho", "harpo"}
    assert {piece.item.id for expert in result.experts for piece in expert.evidence} == {public, secret}


def test_an_item_restricted_after_it_was_indexed_is_not_shown(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    request = add_request("printer jam", answer="open the tray", by="groucho")
    recommender = build()
    _change(sessions, request, audience=[RequestAudience(token="team:hr")])
    result = recommender.recommend("printer jam", ANYONE, session)
    assert request not in {suggestion.item.id for suggestion in result.suggestions}
    assert "groucho" not in {expert.handle for expert in result.experts}


def test_the_asker_and_the_team_read_their_own_restricted_request(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    request = add_request("salary letter", answer="wait", audience=["team:board"], asked_by="minna", team="hr")
    with sessions.begin() as other:
        other.add(Person(handle="member", name="Member", teams=[other.scalars(select(Team)).one()]))
        other.add(Person(handle="outsider", name="Outsider"))
    recommender = build()
    for handle, may in (("minna", True), ("member", True), ("outsider", False)):
        result = recommender.recommend("salary letter", reader_of(_person(session, handle)), session)
        assert (request in {suggestion.item.id for suggestion in result.suggestions}) is may


def test_restricted_items_that_fill_the_pool_do_not_push_out_readable_ones(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    for number in range(120):  # more than the pool of each leg
        add_request("printer jam", answer=f"secret{number}", audience=["team:hr"])
    public = add_request("printer jam paper", answer="open the tray")
    result = build().recommend("printer jam", ANYONE, session)
    assert [suggestion.item.id for suggestion in result.suggestions] == [public]


# experts


def test_an_expert_carries_the_evidence_and_a_vote_by_hand(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    found = add_request("printer jam", answer="open the tray", by="groucho", at=utc_now() - timedelta(days=365))
    (expert,) = build().recommend("printer jam", ANYONE, session).experts
    # the best candidate of both legs has the fused score 1; accepted counts 1; one half-life has passed
    assert (expert.handle, expert.name) == ("groucho", "Groucho")
    assert [piece.item.id for piece in expert.evidence] == [found]
    assert expert.evidence[0].weight == pytest.approx(0.5, abs=1e-4)


def test_neither_who_looks_nor_the_asker_of_the_request_is_suggested(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    for by in ("groucho", "harpo", "chico"):
        add_request("printer jam", answer="open the tray", by=by, at=utc_now())
    recommender, reader = build(), reader_of(_person(session, "chico"))
    asker = _person(session, "harpo").id
    found = recommender.recommend("printer jam", reader, session, asker=asker)
    assert [expert.handle for expert in found.experts] == ["groucho"]
    assert {expert.handle for expert in recommender.recommend("printer jam", ANYONE, session).experts} == {
        "groucho", "harpo", "chico",
    }  # fmt: skip


def test_who_helps_in_the_language_of_the_question_comes_first(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    for number in range(3):
        add_request(f"my printer has a paper jam {number}", answer="open the tray", by="groucho", at=utc_now())
    add_request("my printer has a paper jam", answer="open the tray", by="harpo", at=utc_now())
    recommender, question = build(), "my printer has a paper jam and I cannot print"

    def named() -> list[str]:
        with sessions() as fresh:
            return [expert.handle for expert in recommender.recommend(question, ANYONE, fresh).experts]

    assert recommender.language_of(question) == "en" and named() == ["groucho", "harpo"]
    with sessions.begin() as other:
        _person(other, "groucho").languages, _person(other, "harpo").languages = ["fi"], ["fi", "en"]
    assert named() == ["harpo", "groucho"]


def test_accepted_counts_more_than_upvoted_and_that_more_than_a_mere_reply(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    now = utc_now()
    request = add_request("printer jam", answer="open the tray", by="accepted", at=now)
    with sessions.begin() as other:
        for handle, score in (("upvoted", 3), ("replied", 0)):
            author = Person(handle=handle, name=handle)
            other.add(Reply(request_id=request, author=author, body="try this", created_at=now, score=score))
    experts = build().recommend("printer jam", ANYONE, session).experts
    assert [expert.handle for expert in experts] == ["accepted", "upvoted", "replied"]
    assert [expert.evidence[0].weight for expert in experts] == pytest.approx([1.0, 0.5, 0.2], abs=1e-4)


def test_an_old_answer_counts_less_than_a_new_one(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    for handle, years in (("oldest", 2), ("new", 0), ("old", 1)):
        add_request("printer jam", answer="open the tray", by=handle, at=utc_now() - timedelta(days=365 * years))
    experts = build().recommend("printer jam", ANYONE, session).experts
    assert [expert.handle for expert in experts] == ["new", "old"]  # the oldest is far below
    assert [expert.evidence[0].weight for expert in experts] == pytest.approx([1.0, 0.5], abs=1e-4)


def test_the_asker_is_not_named_as_an_expert(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    add_request("printer jam", answer="open the tray", by="groucho")
    add_request("printer jam", answer="open the lid", by="harpo")
    recommender = build()
    reader = reader_of(_person(session, "groucho"))
    assert [e.handle for e in recommender.recommend("printer jam", reader, session).experts] == ["harpo"]
    assert {e.handle for e in recommender.recommend("printer jam", ANYONE, session).experts} == {"groucho", "harpo"}


def test_people_who_left_are_not_named_and_people_who_are_away_come_last(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    for handle in ("gone", "leaving", "away", "back", "here"):
        add_request("printer jam", answer="open the tray", by=handle)
    today = utc_now().date()
    with sessions.begin() as other:
        _person(other, "gone").left_on = today
        _person(other, "leaving").left_on = today + timedelta(days=2)
        _person(other, "away").away_until = today + timedelta(days=2)
        _person(other, "back").away_until = today - timedelta(days=2)
    experts = build().recommend("printer jam", ANYONE, session).experts
    found = [(expert.handle, expert.away_until) for expert in experts]
    assert sorted(found[:3]) == [("back", None), ("here", None), ("leaving", None)]
    assert found[3:] == [("away", today + timedelta(days=2))]


def test_the_team_is_named_when_nobody_who_answered_can_be(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    add_request("printer jam", answer="open the tray", by="groucho", team="it")
    recommender = build()
    found = recommender.recommend("printer jam", ANYONE, session)
    assert ([expert.handle for expert in found.experts], found.teams) == (["groucho"], ())
    with sessions.begin() as other:
        _person(other, "groucho").left_on = utc_now().date()
    found = recommender.recommend("printer jam", ANYONE, session)
    assert (found.experts, found.teams) == ((), ("it",))
    assert recommender.recommend("saxophone mango", ANYONE, session).teams == ()


def test_an_expert_names_the_words_of_the_question_in_the_evidence(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    add_request("Jammed printers upstairs", answer="open the tray", by="groucho")
    (expert,) = build().recommend("printer upstairs", ANYONE, session).experts
    assert sorted(expert.words) == ["printers", "upstairs"]
    assert expert.reasons == ()  # there is nobody else to have more than


def test_nobody_is_named_for_an_unrelated_question(build: Build, session: Session, add_request: Add) -> None:
    _background_items(add_request)
    assert build().recommend("saxophone mango", ANYONE, session).experts == ()


# what is missing, and what changes meanwhile


def _remove_vectors(directory: Path) -> None:
    (directory / "vectors.faiss").unlink()


def _cut_vectors(directory: Path) -> None:
    (directory / "vectors.faiss").write_bytes(b"IxFI")


@pytest.fixture
def reopen(settings: Settings, analyzer: Analyzer) -> Callable[[Encoder | None], Recommender]:
    """Opens a recommender as `Recommender.open` does, with the encoder that it is given."""

    def opened(encoder: Encoder | None) -> Recommender:
        recommender = Recommender(settings, analyzer, encoder, None, (INDEX_MISSING,))
        recommender.refresh(wait=True)
        return recommender

    return opened


@pytest.mark.parametrize("damage", [_remove_vectors, _cut_vectors])
def test_damaged_vectors_leave_the_words_and_a_notice(
    settings: Settings,
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    reopen: Callable[[Encoder | None], Recommender],
    damage: Callable[[Path], None],
) -> None:
    _background_items(add_request)
    found = add_request("printer jam", answer="open the tray")
    build()
    damage(generations.live(settings.index_dir))
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [found]
    assert result.suggestions[0].why.nearness is None
    assert result.verdict is Verdict.ANSWER


def test_a_damaged_manifest_leaves_a_notice_and_no_error(
    settings: Settings,
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    reopen: Callable[[Encoder | None], Recommender],
) -> None:
    add_request("printer jam")
    build()
    (generations.live(settings.index_dir) / "manifest.json").write_text("{", encoding="utf-8")
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert (result.notices, result.verdict, result.suggestions) == ((INDEX_MISSING,), Verdict.UNKNOWN, ())


def test_an_index_of_another_model_is_searched_by_words_with_a_notice(
    build: Build, session: Session, add_request: Add, reopen: Callable[[Encoder | None], Recommender]
) -> None:
    _background_items(add_request)
    found = add_request("printer jam")
    build()
    result = reopen(FakeEncoder("other")).recommend("printer jam", ANYONE, session)
    assert result.notices == (INDEX_MISMATCH,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [found]


def test_without_a_model_the_words_answer_with_a_notice(
    build: Build, session: Session, add_request: Add, reopen: Callable[[Encoder | None], Recommender]
) -> None:
    _background_items(add_request)
    found = add_request("printer jam")
    build()
    result = reopen(None).recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [found]


def test_without_an_index_there_is_a_notice(
    session: Session, encoder: FakeEncoder, reopen: Callable[[Encoder | None], Recommender]
) -> None:
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert (result.notices, result.verdict, result.suggestions) == ((INDEX_MISSING,), Verdict.UNKNOWN, ())


def test_a_model_that_cannot_be_found_is_a_notice_and_not_an_error(
    settings: Settings, build: Build, session: Session, add_request: Add, analyzer: Analyzer
) -> None:
    _background_items(add_request)
    found = add_request("printer jam")
    build()
    recommender = Recommender.open(replace(settings, model=str(settings.home / "no-such-model")))
    recommender._analyzer = analyzer
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [found]


def test_refresh_takes_over_a_new_generation_and_the_old_one_answers_until_then(
    settings: Settings,
    sessions: sessionmaker[Session],
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    _background_items(add_request)
    add_request("printer jam", answer="open the tray")
    recommender = build()
    recommender.refresh(wait=True)
    old = recommender.index
    new = add_request("vpn tunnel", answer="restart the client")
    reindex(settings, sessions, encoder, analyzer)
    assert recommender.recommend("vpn tunnel", ANYONE, session).suggestions == ()
    assert recommender.index is old
    recommender.refresh(wait=True)
    assert recommender.index is not old
    assert [s.item.id for s in recommender.recommend("vpn tunnel", ANYONE, session).suggestions] == [new]
    taken = recommender.index
    recommender.refresh(wait=True)
    assert recommender.index is taken  # nothing new, nothing done


def test_the_old_generation_answers_after_its_files_are_gone(
    settings: Settings,
    sessions: sessionmaker[Session],
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    _background_items(add_request)
    found = add_request("printer jam", answer="open the tray")
    recommender = build()
    opened = generations.live(settings.index_dir)
    for number in range(3):
        add_request(f"filler{number}")
        reindex(settings, sessions, encoder, analyzer)
    assert not opened.exists()
    assert [s.item.id for s in recommender.recommend("printer jam", ANYONE, session).suggestions] == [found]


def test_refresh_in_the_background_ends_with_the_new_generation(
    settings: Settings,
    sessions: sessionmaker[Session],
    build: Build,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    add_request("printer jam")
    recommender = build()
    add_request("vpn tunnel")
    reindex(settings, sessions, encoder, analyzer)
    recommender.refresh()
    recommender.refresh(wait=True)  # waits for the thread, whichever of the two loads
    assert isinstance(recommender.index, LocalIndex)
    assert recommender.index.manifest.generation == "gen-000002"
    assert recommender.index.manifest.items == 2


# what is left out


def test_what_is_left_out_is_neither_suggested_nor_counted_nor_evidence(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    left, kept, more = [
        add_request("printer jam", answer=f"open tray{n}", by=by) for n, by in enumerate(["a", "b", "c"])
    ]
    recommender = build()
    whole = recommender.recommend("printer jam", ANYONE, session, top_k=1)
    assert (len(whole.suggestions), whole.more, {e.handle for e in whole.experts}) == (1, 2, {"a", "b", "c"})
    result = recommender.recommend("printer jam", ANYONE, session, top_k=1, leave_out=[f"request:{left}"])
    assert result.suggestions[0].item.id in (kept, more) and result.more == 1
    assert {expert.handle for expert in result.experts} == {"b", "c"}


def test_when_all_that_answers_is_left_out_the_answer_is_unknown(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    number = add_request("printer jam", answer="open the tray")
    result = build().recommend("printer jam", ANYONE, session, leave_out={f"request:{number}", "request:404"})
    assert (result.verdict, result.suggestions, result.experts) == (Verdict.UNKNOWN, (), ())


# similar open requests


def _keys(found: Iterable[Suggestion]) -> set[int]:
    return {suggestion.item.id for suggestion in found}


def test_similar_open_finds_open_requests_and_recommend_finds_resolved_ones(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    solved = add_request("printer jam", answer="open the tray")
    opened = {add_request("printer jam", answer=f"looking{n}", status="open", by="groucho") for n in range(2)}
    add_request("saxophone mango", status="open")
    recommender = build()
    assert _keys(recommender.similar_open("printer jam", ANYONE, session)) == opened
    result = recommender.recommend("printer jam", ANYONE, session)
    assert _keys(result.suggestions) == {solved}
    assert "groucho" not in {expert.handle for expert in result.experts}
    assert {piece.item.id for expert in result.experts for piece in expert.evidence} == {solved}


def test_the_same_question_asked_twice_in_a_row_is_encoded_once_and_another_anew(
    build: Build, session: Session, add_request: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    _background_items(add_request)
    solved = add_request("printer jam", answer="open the tray")
    other = add_request("coffee beans", answer="call facilities")
    recommender = build()
    encoded: list[str] = []
    encode = FakeEncoder.encode_queries
    monkeypatch.setattr(FakeEncoder, "encode_queries", lambda self, texts: encoded.extend(texts) or encode(self, texts))
    for question, found in (("printer jam", solved), ("printer jam", solved), ("coffee beans", other)):
        assert _keys(recommender.recommend(question, ANYONE, session).suggestions) == {found}
        recommender.similar_open(question, ANYONE, session)
    assert encoded == ["printer jam", "coffee beans"]


def test_similar_open_shows_each_reader_what_they_may_read(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add, add_person: Add
) -> None:
    _background_items(add_request)
    public = add_request("printer jam", status="open")
    own = add_request("printer jam", status="open", audience=[], asked_by="minna", team="it")
    untaken = add_request("printer jam", status="open", audience=["agents"], asked_by="lasse")
    hr = add_request("printer jam", status="open", audience=[], team="hr")
    for handle, role, *teams in (
        ("minna", "staff"),
        ("lasse", "staff"),
        ("otto", "agent", "it"),
        ("vera", "staff", "hr"),
    ):
        add_person(handle, role, *teams)
    recommender = build()
    assert _keys(recommender.similar_open("printer jam", ANYONE, session)) == {public}
    for handle, readable in (
        ("minna", {public, own}),
        ("lasse", {public, untaken}),
        ("otto", {public, own, untaken}),
        ("vera", {public, hr}),
    ):
        reader = reader_of(_person(session, handle))
        assert _keys(recommender.similar_open("printer jam", reader, session)) == readable, handle
        assert recommender.recommend("printer jam", reader, session).suggestions == ()


def test_an_open_request_narrowed_after_it_was_indexed_is_not_similar_any_more(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    number = add_request("printer jam", status="open")
    recommender = build()
    assert _keys(recommender.similar_open("printer jam", ANYONE, session)) == {number}
    _change(sessions, number, audience=[RequestAudience(token="team:hr")])
    assert recommender.similar_open("printer jam", ANYONE, session) == ()


@pytest.mark.parametrize("values", [{"hidden": True}, {"status": "resolved"}])
def test_an_open_request_hidden_or_resolved_after_it_was_indexed_is_not_similar_any_more(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add, values: dict[str, object]
) -> None:
    _background_items(add_request)
    number, other = [add_request("printer jam", status="open") for _ in range(2)]
    recommender = build()
    _change(sessions, number, **values)
    assert _keys(recommender.similar_open("printer jam", ANYONE, session)) == {other}


def test_similar_open_leaves_out_what_it_is_told_and_shows_top_k(
    build: Build, session: Session, add_request: Add
) -> None:
    _background_items(add_request)
    numbers = {add_request("printer jam", answer=f"looking{n}", status="open") for n in range(3)}
    own = min(numbers)
    recommender = build()
    found = recommender.similar_open("printer jam", ANYONE, session, leave_out=[f"request:{own}"])
    assert _keys(found) == numbers - {own}
    (one,) = recommender.similar_open("printer jam", ANYONE, session, top_k=1, leave_out=[f"request:{own}"])
    assert one.item.id in numbers - {own}


@pytest.mark.parametrize("question", ["vpn tunnel", "", "?!"])
def test_nothing_open_is_similar_to_something_else_or_to_nothing(
    build: Build, session: Session, add_request: Add, question: str
) -> None:
    _background_items(add_request)
    add_request("printer jam", status="open")
    assert build().similar_open(question, ANYONE, session) == ()


def test_without_an_index_nothing_open_is_similar(
    session: Session, encoder: FakeEncoder, reopen: Callable[[Encoder | None], Recommender]
) -> None:
    assert reopen(encoder).similar_open("printer jam", ANYONE, session) == ()


# the real model


def _real(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer, texts: list[tuple[str, str, str]]
) -> Recommender:
    """A recommender of the packaged model over (title, answer, language), in a home of its own."""
    settings = replace(real_settings, home=tmp_path / "real")
    settings.home.mkdir()
    (settings.home / "models").symlink_to(real_settings.models_dir.resolve(), target_is_directory=True)
    sessions = open_database(settings)
    with sessions.begin() as session:
        for title, answer, language in texts:
            request = HelpRequest(
                title=title,
                body="",
                language=language,
                status="resolved",
                created_at=utc_now(),
                audience=[RequestAudience(token=EVERYONE)],
            )
            request.replies.append(Reply(body=answer, created_at=utc_now(), accepted=True))
            session.add(request)
    encoder = load_encoder(settings)
    reindex(settings, sessions, encoder, analyzer)
    sessions.kw["bind"].dispose()
    return Recommender(settings, analyzer, encoder, LocalIndex.open(settings.index_dir, encoder.card))


TEXTS = [
    ("Printer shows a paper jam", "Open the tray and pull the paper out gently.", "en"),
    ("VPN disconnects every hour", "Update the client and set the session length to eight hours.", "en"),
    ("Miten haen vanhempainvapaata?", "Täytä hakemus henkilöstöjärjestelmässä kaksi kuukautta ennen vapaata.", "fi"),
    ("Salasana vanheni", "Vaihda salasana osoitteessa, jonka saat esihenkilöltä.", "fi"),
    ("Expense report was rejected", "Attach the receipt and the cost centre.", "en"),
    ("Kokoushuoneen varaus", "Varaa huone kalenterista ja valitse sijainti.", "fi"),
]


def test_the_real_model_answers_in_other_words_and_finds_across_languages(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer
) -> None:
    recommender = _real(real_settings, tmp_path, analyzer, TEXTS)
    sessions = open_database(recommender._settings)
    with sessions() as session:
        for question, title in (
            ("printer paper stuck", "Printer shows a paper jam"),
            ("my receipts were not accepted", "Expense report was rejected"),
            ("tulostimeen on juuttunut paperi", "Printer shows a paper jam"),
        ):
            assert recommender.recommend(question, ANYONE, session).suggestions[0].item.title == title
        for question, key in (
            ("salasanani ei enää kelpaa", "request:4"),
            ("VPN-yhteys katkeaa tunnin välein", "request:2"),
            ("how do I apply for parental leave", "request:3"),
        ):
            assert recommender.rank(question, ANYONE, session, 1).keys == (key,)
    sessions.kw["bind"].dispose()


def test_the_real_model_does_not_take_the_only_item_for_the_answer_to_anything(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer
) -> None:
    recommender = _real(real_settings, tmp_path, analyzer, TEXTS[:1])
    sessions = open_database(recommender._settings)
    with sessions() as session:
        result = recommender.recommend("Montako lomapäivää minulla on jäljellä?", ANYONE, session)
    sessions.kw["bind"].dispose()
    assert result.verdict is not Verdict.ANSWER


def test_a_question_with_broken_characters_is_answered_by_the_real_model(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer
) -> None:
    recommender = _real(real_settings, tmp_path, analyzer, TEXTS)
    sessions = open_database(recommender._settings)
    with sessions() as session:
        result = recommender.recommend("printer paper jam \udce4", ANYONE, session)
    sessions.kw["bind"].dispose()
    assert result.suggestions[0].item.title == "Printer shows a paper jam"


@pytest.mark.parametrize("question", ["printer jam", "printer jam in tray"])
def test_an_item_hidden_since_the_index_was_made_is_as_one_that_is_left_out(
    build: Build, session: Session, add_request: Add, question: str
) -> None:
    _background_items(add_request)
    best = add_request("printer jam in tray", answer="printer jam in tray", by="aino")
    add_request("printer smoke", answer="call the brigade", by="eero")
    add_request("jam somewhere inside", answer="open the tray", by="matti")
    for number in range(12):
        by = "eero" if number < 11 else "matti"
        add_request(f"printer alpha{number} beta{number}", answer="call the brigade", by=by)
    recommender = build()
    session.get_one(HelpRequest, best).hidden = True
    session.flush()
    orders = [
        [item.key for item, _candidate in recommender._find(question, ANYONE, session, 10, out).ranked]
        for out in ([], [f"request:{best}"])
    ]
    assert len(orders[0]) > 10 and orders[0] == orders[1]
    hidden = recommender.recommend(question, ANYONE, session)
    gone = recommender.recommend(question, ANYONE, session, leave_out={f"request:{best}"})
    assert hidden.experts
    assert [(each.handle, [piece.item.key for piece in each.evidence]) for each in hidden.experts] == [
        (each.handle, [piece.item.key for piece in each.evidence]) for each in gone.experts
    ]


def test_whoever_did_what_convinces_is_named_however_much_others_did_that_does_not(
    build: Build, session: Session, add_request: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    _background_items(add_request)
    add_request("printer jam upstairs", answer="open the tray", by="groucho")
    for number in range(5):
        add_request(f"jam alpha{number} beta{number} gamma{number}", answer=f"delta{number} eps{number}", by="harpo")
    recommender = build()
    monkeypatch.setattr(experts, "NEAR", 0.0)
    near = recommender.evidence("printer jam upstairs", ANYONE, session)
    assert len(experts.rank(near.traces, recommender.ranker, utc_now(), 365, "en")) > 1
    [expert] = recommender.recommend("printer jam upstairs", ANYONE, session).experts
    assert expert.handle == "groucho"
    rank = experts.rank
    monkeypatch.setattr(experts, "rank", lambda *given: tuple(reversed(rank(*given))))
    monkeypatch.setattr(recommender_module, "EXPERTS_WEIGHED", 1)
    assert [each.handle for each in recommender.recommend("printer jam upstairs", ANYONE, session).experts] == [
        "groucho"
    ]
