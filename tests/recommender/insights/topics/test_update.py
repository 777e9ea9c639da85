"""insights/topics/update.py: topics are formed, go on, and tell nothing of what may not be read."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, EVERYONE
from recommender.audit import COMMAND
from recommender.database.audit_table import AuditEntry
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.person_kind import SERVICE
from recommender.database.risk_tables import TopicFigure
from recommender.database.tables import HelpRequest, Person, RequestAudience, utc_now
from recommender.index.local import LocalIndex
from recommender.insights.topics.questions import without_name
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.topic import Topic, reader_of, visible_topics
from recommender.insights.topics.update import (
    FEW_ITEMS,
    NO_VECTORS,
    NOT_FOR_EVERYONE,
    reader_of_words,
    update_topics,
)
from recommender.knowledge.erased_names import names_of_people
from recommender.knowledge.erasure import erase_person
from recommender.language.analyzer import Analyzer
from tests.recommender.insights.conftest import LATER, NOW, SUBJECTS, Add, Update


def _seen(sessions: sessionmaker[Session], token: str = EVERYONE) -> list[Topic]:
    with sessions() as session:
        return [topic for topic in visible_topics(session, reader_of(session, token)) if topic.audience == token]


def _by_items(topics: Sequence[Topic]) -> dict[frozenset[str], int]:
    return {frozenset(topic.items): topic.id for topic in topics}


def test_requests_about_the_same_are_one_topic_named_by_their_words(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    items = {subject: add_about(subject) for subject in SUBJECTS}
    report = run()
    assert (report.topics, report.items, report.new, report.missing) == (4, 24, 4, ())
    shown = _seen(sessions)
    assert _by_items(shown).keys() == {frozenset(keys) for keys in items.values()}
    for topic in shown:
        (subject,) = (subject for subject, keys in items.items() if set(keys) == set(topic.items))
        assert subject in topic.names["en"]
        assert subject in topic.names["fi"]  # nobody writes Finnish here


def test_a_second_update_changes_nothing(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    for subject in SUBJECTS:
        add_about(subject)
    run()
    before = _seen(sessions)
    report = run(LATER)
    assert (report.new, report.ended, report.renamed) == (0, 0, 0)
    assert _seen(sessions) == before


@pytest.mark.parametrize("again", [False, True])
def test_topics_keep_their_id_and_name_when_items_are_added(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update, again: bool
) -> None:
    for subject in ("printer", "payslip", "parking"):
        add_about(subject)
    run()
    before = {topic.id: topic for topic in _seen(sessions)}
    more = add_about("printer", 2)
    new = set(add_about("invoice", 7))
    run(LATER, again)
    after = {topic.id: topic for topic in _seen(sessions)}
    assert before.keys() < after.keys()
    assert {topic.names["en"] for topic in before.values()} == {after[topic].names["en"] for topic in before}
    grown = [topic for topic in after.values() if set(more) <= set(topic.items)]
    assert [topic.id in before for topic in grown] == [True]
    assert [set(topic.items) for topic in after.values() if topic.id not in before] == [new]
    assert {topic.made_on for topic in after.values()} == {NOW.date(), LATER.date()}


def test_an_item_that_may_not_be_read_any_more_leaves_its_topic(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    keys = add_about("printer", 8)
    add_about("payslip")
    run()
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, int(keys[0].partition(":")[2]))
        request.audience = [RequestAudience(token="team:hr")]
    run(LATER)
    assert keys[0] not in {item for topic in _seen(sessions) for item in topic.items}
    assert any(set(keys[1:]) == set(topic.items) for topic in _seen(sessions))


def test_what_the_index_still_has_but_the_database_hides_is_in_no_topic(
    sessions: sessionmaker[Session],
    add_about: Callable[..., list[str]],
    reindexed: Callable[..., LocalIndex],
    analyzer: Analyzer,
) -> None:
    keys = add_about("printer", 8)
    add_about("payslip")
    index = reindexed()
    with sessions.begin() as session:
        session.execute(update(HelpRequest).where(HelpRequest.id == 1).values(hidden=True))
    update_topics(sessions, index, analyzer, NOW)
    with sessions() as session:
        assert keys[0] not in set(session.scalars(select(TopicItem.item)))


def test_a_team_has_topics_of_what_only_it_may_read(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    own = [*add_about("payslip", team="hr", audience=[]), *add_about("parking", team="hr", audience=[])]
    add_about("printer")
    add_about("invoice")
    run()
    assert {item for topic in _seen(sessions, "team:hr") for item in topic.items} == set(own)
    assert len(_seen(sessions, "team:hr")) == len(_seen(sessions)) == 2
    with sessions() as session:
        seen = visible_topics(session, ANYONE)
    assert set(own).isdisjoint(item for topic in seen for item in topic.items)


def test_a_topic_whose_items_are_gone_has_ended(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    add_about("printer")
    gone = add_about("payslip")
    run()
    ended = _by_items(_seen(sessions))[frozenset(gone)]
    with sessions.begin() as session:
        ids = [int(key.partition(":")[2]) for key in gone]
        session.execute(update(HelpRequest).where(HelpRequest.id.in_(ids)).values(hidden=True))
    assert run(LATER).ended == 1
    with sessions() as session:
        assert session.get_one(TopicRow, ended).ended_on == LATER.date()
        assert session.scalar(select(TopicItem).where(TopicItem.topic_id == ended)) is None


def test_names_of_people_name_no_topic(
    sessions: sessionmaker[Session], add_request: Add, add_person: Add, run: Update
) -> None:
    with sessions.begin() as session:
        session.get_one(Person, add_person("maija.m")).name = "Maija Meikäläinen"
    for number in range(6):
        add_request(f"Maija Meikäläinen printer {'abcdef'[number]}x")
        add_request(f"parking permit {'abcdef'[number]}y")
    run()
    names = " ".join(name for topic in _seen(sessions) for name in topic.names.values()).lower()
    assert "printer" in names and "maija" not in names and "meikäläi" not in names


def test_a_topic_that_was_named_by_somebody_who_is_erased_gets_another_name(
    sessions: sessionmaker[Session], add_request: Add, add_person: Add, run: Update
) -> None:
    for number in range(6):
        add_request(f"Virtanen printer {'abcdef'[number]}x")
        add_request(f"parking permit {'abcdef'[number]}y")
    run()
    (topic,) = [topic for topic in _seen(sessions) if "printer" in topic.names["en"].lower()]
    assert "virtanen" in topic.names["en"].lower()
    with sessions.begin() as session:
        aino = session.get_one(Person, add_person("aino.v"))
        aino.name = "Aino Virtanen"
        session.get_one(TopicRow, topic.id).given_fi = "Aino Virtasen tulostimet"
    with sessions.begin() as session:
        erase_person(session, session.get_one(Person, aino.id), COMMAND)
        row = session.get_one(TopicRow, topic.id)
        assert (row.name_en, row.given_fi) == ("", None)
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "topic.name_removed")).all()
        assert [(entry.subject, (entry.details or {})["languages"]) for entry in entries] == [
            (f"topic:{topic.id}", ["fi"])
        ]
    assert topic.id not in {seen.id for seen in _seen(sessions)}
    run(LATER)
    (again,) = [seen for seen in _seen(sessions) if seen.id == topic.id]
    names = " ".join(again.names.values()).lower()
    assert "virta" not in names and "aino" not in names and again.items == topic.items


def test_of_what_was_read_only_words_are_kept_for_the_next_time(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], add_person: Add, run: Update,
    analyzer: Analyzer,
) -> None:  # fmt: skip
    for subject in SUBJECTS:
        add_about(subject)
    run()
    with sessions() as session:
        reader = reader_of_words(analyzer, names_of_people(session))
        assert reader.is_verb.cache_info().currsize > 0 and reader.read.cache_info().currsize == 0
    add_person("toner.t")
    with sessions() as session:
        assert reader_of_words(analyzer, names_of_people(session)) is not reader


def test_initials_and_names_of_services_go_on_naming_topics(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], add_person: Add, run: Update
) -> None:
    for subject in ("printer", "parking"):
        add_about(subject)
    run()
    before = {topic.id: topic.names for topic in _seen(sessions)}
    with sessions.begin() as session:
        desk, aino = (session.get_one(Person, add_person(handle)) for handle in ("desk", "aino"))
        desk.name, desk.stated_kind, aino.name = "Printer parking", SERVICE, "Aino J"
        session.get_one(TopicRow, min(before)).given_en = "Plan J"
        session.flush()
        assert not names_of_people(session).has(["printer", "parking"])
        erase_person(session, desk, COMMAND)
        erase_person(session, aino, COMMAND)
        assert not names_of_people(session).has(["printer", "parking", "j"]) and names_of_people(session).has(["aino"])
    after = {topic.id: topic.names for topic in _seen(sessions)}
    assert after == before | {min(before): {**before[min(before)], "en": "Plan J"}}


def test_it_is_said_what_topics_lack(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], analyzer: Analyzer, run: Update
) -> None:
    assert update_topics(sessions, None, analyzer, NOW).missing == (NO_VECTORS,)
    assert run().missing == (NO_VECTORS,)  # nothing to index
    add_about("printer", 3)
    assert run().missing == (FEW_ITEMS,)


def test_with_everything_restricted_there_are_topics_of_teams_only(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    for subject in ("printer", "payslip"):
        add_about(subject, team="hr", audience=[])
    assert run().missing == (NOT_FOR_EVERYONE,)
    assert _seen(sessions) == [] and len(_seen(sessions, "team:hr")) == 2


def test_an_index_without_vectors_leaves_the_topics_as_they_are(
    sessions: sessionmaker[Session],
    add_about: Callable[..., list[str]],
    run: Update,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    settings: object,
) -> None:
    for subject in SUBJECTS:
        add_about(subject)
    run()
    before = _seen(sessions)
    index = LocalIndex.open(settings.index_dir, None)  # type: ignore[attr-defined]
    assert update_topics(sessions, index, analyzer, LATER).missing == (NO_VECTORS,)
    assert _seen(sessions) == before != []


def test_a_name_that_was_not_found_is_looked_for_again_when_something_changed(
    sessions: sessionmaker[Session],
    add_about: Callable[..., list[str]],
    run: Update,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = []

    def names(_texts: Texts, _vectors: object, rows: Sequence[int], *_others: object) -> dict[str, str]:
        looked.append(len(rows))
        return {"fi": "", "en": ""}

    monkeypatch.setattr(Texts, "names", names)
    items = {subject: add_about(subject, count) for subject, count in (("printer", 6), ("parking", 8))}
    run()
    assert {6, 8} <= set(looked)
    later = utc_now() + timedelta(hours=2)
    with sessions.begin() as session:
        topics = session.scalars(select(TopicRow.id)).all()
        session.add_all(
            TopicFigure(topic_id=topic, computed_at=later, demand=1.0, asked=1, answerable=1.0, expected_loss=0.0)
            for topic in topics
        )

    def looked_at(at: datetime = NOW, again: bool = False) -> set[int]:
        looked.clear()
        run(at, again)
        return set(looked)

    with sessions() as session:
        assert (len((found := without_name(session, EVERYONE, NOW)).nameless), found.forgotten) == (2, frozenset())
    assert looked_at(NOW + timedelta(days=27)) == set()
    assert looked_at(NOW + timedelta(days=28)) == {6, 8}
    assert looked_at(NOW + timedelta(days=55)) == set()
    assert looked_at(NOW + timedelta(days=55), again=True) >= {6, 8}
    with sessions.begin() as session:
        edited = session.get_one(HelpRequest, int(items["printer"][0].partition(":")[2]))
        edited.body, edited.updated_at = f"{edited.body}.", later
    assert looked_at(NOW + timedelta(days=56)) == {6}
    with sessions.begin() as session:
        session.execute(update(TopicRow).values(updated_at=later + timedelta(hours=1)))  # as when a name is forgotten
        assert len(without_name(session, EVERYONE, NOW).forgotten) == 2
    assert looked_at(NOW + timedelta(days=57)) == {6, 8}


def test_a_name_stays_until_its_words_are_gone(
    sessions: sessionmaker[Session], add_about: Callable[..., list[str]], run: Update
) -> None:
    keys = add_about("printer", 8)
    add_about("payslip", 8)
    run()
    topic = _by_items(_seen(sessions))[frozenset(keys)]
    with sessions.begin() as session:
        session.get_one(TopicRow, topic).name_en = "printer"  # right, though not what would be chosen now
    add_about("printer", 1)
    run(LATER)
    assert [shown.names["en"] for shown in _seen(sessions) if shown.id == topic] == ["printer"]
    with sessions.begin() as session:
        session.get_one(TopicRow, topic).name_en = "scanner"
    add_about("printer", 1)
    assert run(LATER).renamed == 1
    assert ["printer" in shown.names["en"] for shown in _seen(sessions) if shown.id == topic] == [True]
