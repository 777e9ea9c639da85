"""recommender.py: whole recommendations on a real index, with an encoder that counts words; a few with the real
model."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from recommender.access import ANYONE, EVERYONE, reader_of
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Reply, RequestAudience, utc_now
from recommender.datatypes import Verdict
from recommender.encoder.load import load_encoder
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.learned import ANSWER_MODEL
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender
from tests.recommender.conftest import (
    Add,
    Build,
    Reopen,
    add_unrelated_requests,
    change_request,
    get_person,
    item_ids,
    related_ids,
)

# suggestions


def test_the_best_item_comes_first_with_its_passage_and_reasons(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray and pull the paper", team="it")
    result = build().recommend("printer jam paper", ANYONE, session)
    best = result.suggestions[0]
    assert result.verdict is Verdict.ANSWER
    assert result.notices == ()
    assert (best.item.key, best.item.title, best.item.team) == (f"request:{request_id}", "printer jam", "it")
    assert best.excerpt == "open the tray and pull the paper"
    assert [best.excerpt[start:end] for start, end in best.marks] == ["paper"]
    assert set(best.why.words) == {"printer", "jam", "paper"}


def test_the_answer_model_decides_whether_something_is_related_and_changes_no_match(
    open_recommender: Build,
    settings: Settings,
    analyzer: Analyzer,
    encoder: FakeEncoder,
    session: Session,
    add_request: Add,
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", answer="open the tray")
    open_recommender()
    # one for which no match is high enough to be an answer, and one for which it is
    strict, usual = (
        make_recommender(replace(settings, answer_from=answer_from), analyzer, encoder) for answer_from in (1.0, 0.7)
    )
    usual.refresh(wait=True)
    ranking = usual.rank("printer jam", ANYONE, session, 5)
    match = calibration.probability(ranking.features[0])
    assert ranking.exists == pytest.approx(calibration.SHIPPED.probability(match)) and match > 0.7
    for constant, verdict in ((9.0, Verdict.MAYBE), (-0.2, Verdict.MAYBE), (-9.0, Verdict.UNKNOWN)):
        ANSWER_MODEL.save(generations.live(settings.index_dir), calibration.AnswerModel(constant, 0.0))
        found = []
        for recommender in (strict, usual):
            recommender.refresh(wait=True)
            found.append(recommender.recommend("printer jam", ANYONE, session))
            assert found[-1].exists == pytest.approx(1 / (1 + math.exp(-constant)))
            assert usual.rank("printer jam", ANYONE, session, 5).uncalibrated == ranking.uncalibrated
        assert [each.verdict for each in found] == [verdict, Verdict.ANSWER]
        shown = [suggestion.match for each in found for suggestion in each.suggestions[:1]]
        assert shown == [match] * (1 if verdict is Verdict.UNKNOWN else 2)


def test_an_unrelated_question_is_unknown(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    result = build().recommend("saxophone mango", ANYONE, session)
    assert (result.verdict, result.suggestions, result.more) == (Verdict.UNKNOWN, (), 0)


def test_an_empty_index_answers_unknown(build: Build, session: Session) -> None:
    result = build().recommend("printer jam", ANYONE, session)
    assert (result.verdict, result.suggestions, result.experts, result.more) == (Verdict.UNKNOWN, (), (), 0)


def test_the_only_item_of_an_index_is_found(build: Build, session: Session, add_request: Add) -> None:
    only = add_request("printer jam", answer="open the tray")
    result = build().recommend("printer jam", ANYONE, session)
    assert [suggestion.item.id for suggestion in result.suggestions] == [only]
    assert result.more == 0


def test_a_top_k_larger_than_the_index_gives_all_items(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    ids = {add_request("printer jam", answer=f"open tray{number}") for number in range(3)}
    result = build().recommend("printer jam", ANYONE, session, top_k=50)
    assert {suggestion.item.id for suggestion in result.suggestions} == ids
    assert result.more == 0


def test_suggestions_beyond_top_k_are_counted(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
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
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray")
    question = "printer jam open the tray " * 200
    assert len(question) >= 5000
    result = build().recommend(question, ANYONE, session)
    assert result.suggestions[0].item.id == request_id
    assert result.question == question


def test_query_syntax_and_markup_in_a_question_are_plain_text(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray")
    question = '"printer" AND jam) OR (audience:team\\: *\' --<script>'
    assert build().recommend(question, ANYONE, session).suggestions[0].item.id == request_id


# items that are left out


def test_a_left_out_item_is_neither_suggested_nor_counted_nor_evidence(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    left_out, second, third = [
        add_request("printer jam", answer=f"open tray{n}", by=by) for n, by in enumerate(["a", "b", "c"])
    ]
    recommender = build()
    whole = recommender.recommend("printer jam", ANYONE, session, top_k=1)
    assert (len(whole.suggestions), whole.more, {expert.handle for expert in whole.experts}) == (1, 2, {"a", "b", "c"})
    result = recommender.recommend("printer jam", ANYONE, session, top_k=1, leave_out=[f"request:{left_out}"])
    rest = recommender.recommend("printer jam", ANYONE, session, leave_out=[f"request:{left_out}"])
    assert sorted(related_ids(rest.suggestions)) == [second, third] and len(rest.suggestions) == result.more + 1
    assert result.suggestions == rest.suggestions[:1] and result.suggestions[0].item.id in (second, third)
    assert {expert.handle for expert in result.experts} == {"b", "c"}


def test_when_every_answer_is_left_out_the_verdict_is_unknown(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    number = add_request("printer jam", answer="open the tray")
    result = build().recommend("printer jam", ANYONE, session, leave_out={f"request:{number}", "request:404"})
    assert (result.verdict, result.suggestions, result.experts) == (Verdict.UNKNOWN, (), ())


# similar open requests


def test_similar_open_finds_open_requests_and_recommend_finds_resolved_ones(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    solved = add_request("printer jam", answer="open the tray")
    opened = {add_request("printer jam", answer=f"looking{n}", status="open", by="groucho") for n in range(2)}
    add_request("saxophone mango", status="open")
    recommender = build()
    assert item_ids(recommender.similar_open("printer jam", ANYONE, session)) == opened
    result = recommender.recommend("printer jam", ANYONE, session)
    assert related_ids(result.suggestions) == [solved]
    assert "groucho" not in {expert.handle for expert in result.experts}
    assert {piece.item.id for expert in result.experts for piece in expert.evidence} == {solved}


def test_a_question_is_encoded_once_for_answers_and_for_similar_open_requests(
    build: Build, session: Session, add_request: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_unrelated_requests(add_request)
    solved = add_request("printer jam", answer="open the tray")
    other = add_request("coffee beans", answer="call facilities")
    still_open = add_request("printer jam", status="open")
    recommender = build()
    encoded: list[str] = []
    encode = FakeEncoder.encode_queries
    monkeypatch.setattr(FakeEncoder, "encode_queries", lambda self, texts: encoded.extend(texts) or encode(self, texts))
    for question, answer, similar in (("printer jam", solved, {still_open}), ("coffee beans", other, set())):
        recommendation, open_requests = recommender.recommend_with_open(question, ANYONE, session, 10, 10)
        first = related_ids(recommendation.suggestions)[0]
        assert first == answer and item_ids(open_requests) == similar
        assert recommendation.experts
    assert encoded == ["printer jam", "coffee beans"]


def test_answers_and_similar_open_requests_are_the_same_in_one_call_as_in_two(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    for number in range(3):
        add_request("printer jam", answer=f"open the tray {number}", by=f"helper{number}", at=utc_now())
        add_request("printer jam", body=f"again {number}", status="open")
    left_out = [add_request("printer jam", status="open"), add_request("printer jam", answer="open the lid", by="own")]
    recommender = build()
    leave_out = {f"request:{number}" for number in left_out}
    asker = get_person(session, "helper0").id
    both = recommender.recommend_with_open("printer jam", ANYONE, session, 2, 1, leave_out, asker)
    answers = recommender.recommend("printer jam", ANYONE, session, 2, leave_out, asker)
    assert both[0].suggestions == answers.suggestions and both[0].more == answers.more == 1
    assert [expert.handle for expert in both[0].experts] == [expert.handle for expert in answers.experts]
    assert {expert.handle for expert in answers.experts} == {"helper1", "helper2"}
    assert both[1] == recommender.similar_open("printer jam", ANYONE, session, 1, leave_out) and len(both[1]) == 1


def test_similar_open_shows_each_reader_only_what_they_may_read(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add, add_person: Add
) -> None:
    add_unrelated_requests(add_request)
    public = add_request("printer jam", status="open")
    restricted = add_request("printer jam", status="open", audience=[], asked_by="minna", team="it")
    for_agents = add_request("printer jam", status="open", audience=["agents"], asked_by="lasse")
    hr = add_request("printer jam", status="open", audience=[], team="hr")
    for handle, role, *teams in (
        ("minna", "staff"),
        ("lasse", "staff"),
        ("otto", "agent", "it"),
        ("vera", "staff", "hr"),
    ):
        add_person(handle, role, *teams)
    recommender = build()
    assert item_ids(recommender.similar_open("printer jam", ANYONE, session)) == {public}
    for handle, readable in (
        ("minna", {public, restricted}),
        ("lasse", {public, for_agents}),
        ("otto", {public, restricted, for_agents}),
        ("vera", {public, hr}),
    ):
        reader = reader_of(get_person(session, handle))
        assert item_ids(recommender.similar_open("printer jam", reader, session)) == readable, handle
        assert recommender.recommend("printer jam", reader, session).suggestions == ()


def test_an_open_request_restricted_after_it_was_indexed_is_no_longer_similar(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    number = add_request("printer jam", status="open")
    recommender = build()
    assert item_ids(recommender.similar_open("printer jam", ANYONE, session)) == {number}
    change_request(sessions, number, audience=[RequestAudience(token="team:hr")])
    assert recommender.similar_open("printer jam", ANYONE, session) == ()


@pytest.mark.parametrize("values", [{"hidden": True}, {"status": "resolved"}])
def test_an_open_request_hidden_or_resolved_after_it_was_indexed_is_no_longer_similar(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add, values: dict[str, object]
) -> None:
    add_unrelated_requests(add_request)
    number, other = [add_request("printer jam", status="open") for _ in range(2)]
    recommender = build()
    change_request(sessions, number, **values)
    assert item_ids(recommender.similar_open("printer jam", ANYONE, session)) == {other}


def test_similar_open_applies_leave_out_and_top_k(build: Build, session: Session, add_request: Add) -> None:
    add_unrelated_requests(add_request)
    numbers = {add_request("printer jam", answer=f"looking{n}", status="open") for n in range(3)}
    left_out = min(numbers)
    recommender = build()
    result = recommender.similar_open("printer jam", ANYONE, session, leave_out=[f"request:{left_out}"])
    assert item_ids(result) == numbers - {left_out}
    (suggestion,) = recommender.similar_open("printer jam", ANYONE, session, top_k=1, leave_out=[f"request:{left_out}"])
    assert suggestion.item.id in numbers - {left_out}


@pytest.mark.parametrize("question", ["vpn tunnel", "", "?!"])
def test_no_open_request_is_similar_to_an_unrelated_or_empty_question(
    build: Build, session: Session, add_request: Add, question: str
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", status="open")
    assert build().similar_open(question, ANYONE, session) == ()


def test_without_an_index_no_open_request_is_similar(session: Session, encoder: FakeEncoder, reopen: Reopen) -> None:
    assert reopen(encoder).similar_open("printer jam", ANYONE, session) == ()


# the real model


def _real_recommender(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer, texts: list[tuple[str, str, str]]
) -> Recommender:
    """A recommender with the packaged model on requests (title, answer, language), in a home of its own."""
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
    return make_recommender(settings, analyzer, encoder, LocalIndex.open(settings.index_dir, encoder.card))


TEXTS = [
    ("Printer shows a paper jam", "Open the tray and pull the paper out gently.", "en"),
    ("VPN disconnects every hour", "Update the client and set the session length to eight hours.", "en"),
    ("Miten haen vanhempainvapaata?", "Täytä hakemus henkilöstöjärjestelmässä kaksi kuukautta ennen vapaata.", "fi"),
    ("Salasana vanheni", "Vaihda salasana osoitteessa, jonka saat esihenkilöltä.", "fi"),
    ("Expense report was rejected", "Attach the receipt and the cost centre.", "en"),
    ("Kokoushuoneen varaus", "Varaa huone kalenterista ja valitse sijainti.", "fi"),
]


def test_the_real_model_finds_items_in_other_words_and_other_languages(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer
) -> None:
    recommender = _real_recommender(real_settings, tmp_path, analyzer, TEXTS)
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


def test_the_real_model_does_not_answer_every_question_with_the_only_item(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer
) -> None:
    recommender = _real_recommender(real_settings, tmp_path, analyzer, TEXTS[:1])
    sessions = open_database(recommender._settings)
    with sessions() as session:
        result = recommender.recommend("Montako lomapäivää minulla on jäljellä?", ANYONE, session)
    sessions.kw["bind"].dispose()
    assert result.verdict is not Verdict.ANSWER


def test_a_question_with_broken_characters_is_answered_by_the_real_model(
    real_settings: Settings, tmp_path: Path, analyzer: Analyzer
) -> None:
    recommender = _real_recommender(real_settings, tmp_path, analyzer, TEXTS)
    sessions = open_database(recommender._settings)
    with sessions() as session:
        result = recommender.recommend("printer paper jam \udce4", ANYONE, session)
    sessions.kw["bind"].dispose()
    assert result.suggestions[0].item.title == "Printer shows a paper jam"
