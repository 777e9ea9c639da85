"""insights/topics/editing.py: what leads change about topics stays, is recorded, and nobody else may do it."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE, Reader
from recommender.access import reader_of as reader_of_person
from recommender.database.audit_table import AuditEntry
from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import DONE, PAIR, PROPOSED, STARTED, TransferAct
from recommender.database.service_tables import Teaching
from recommender.database.tables import HelpRequest, Person
from recommender.errors import NotAllowed, TopicRefused
from recommender.index.local import LocalIndex
from recommender.insights.topics import editing, left_out, stored
from recommender.insights.topics.topic import Topic, visible_topics
from recommender.language.analyzer import Analyzer
from tests.recommender.insights.conftest import LATER, SUBJECTS, Update


@pytest.fixture
def topics(
    sessions: sessionmaker[Session],
    add_about: Callable[..., list[str]],
    add_person: Callable[..., int],
    run: Update,
) -> dict[str, int]:
    """Topics of team it by subject: printers, parking, and payslips with invoices as one; aino leads it."""
    add_person("aino", "lead", "it")
    add_person("eero", "lead", "hr")
    add_person("agent", "agent", "it")
    items = {subject: add_about(subject, team="it") for subject in SUBJECTS}
    run()
    with sessions() as session:
        shown = visible_topics(session, _reader(session, "aino"))
    return {subject: topic.id for subject in SUBJECTS for topic in shown if set(items[subject]) == set(topic.items)}


def _reader(session: Session, handle: str) -> Reader:
    return reader_of_person(session.scalars(select(Person).where(Person.handle == handle)).one())


def _shown(session: Session) -> dict[int, Topic]:
    return {topic.id: topic for topic in visible_topics(session, _reader(session, "aino"))}


def _recorded(session: Session) -> list[tuple[str, str]]:
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("topic.")).order_by(AuditEntry.id))
    return [(entry.action, entry.subject) for entry in entries]


def test_a_given_name_stays_and_an_empty_one_brings_the_computed_one_back(
    sessions: sessionmaker[Session],
    topics: dict[str, int],
    run: Update,
) -> None:
    printer = topics["printer"]
    with sessions.begin() as session:
        computed = _shown(session)[printer].names
        editing.rename(session, _reader(session, "aino"), printer, {"fi": " Tulostus ", "en": "Printing"})
    run(LATER, True)
    with sessions.begin() as session:
        assert _shown(session)[printer].names == {"fi": "Tulostus", "en": "Printing"}
        assert _recorded(session) == [("topic.renamed", f"topic:{printer}")]
        editing.rename(session, _reader(session, "aino"), printer, {"fi": "", "en": ""})
        assert _shown(session)[printer].names == computed
        with pytest.raises(TopicRefused, match="Another topic is called"):
            editing.rename(
                session, _reader(session, "aino"), printer, {"en": _shown(session)[topics["parking"]].names["en"]}
            )
        with pytest.raises(TopicRefused, match="200 characters"):
            editing.rename(session, _reader(session, "aino"), printer, {"en": "x" * 201})


def test_merged_topics_stay_one(
    sessions: sessionmaker[Session],
    topics: dict[str, int],
    run: Update,
) -> None:
    with sessions.begin() as session:
        both = {*_shown(session)[topics["printer"]].items, *_shown(session)[topics["parking"]].items}
        editing.merge(session, _reader(session, "aino"), topics["parking"], topics["printer"])
    run(LATER, True)
    with sessions() as session:
        assert set(_shown(session)[topics["printer"]].items) == both
        assert topics["parking"] not in _shown(session)
        assert session.get_one(TopicRow, topics["parking"]).merged_into_id == topics["printer"]


def test_what_is_under_way_for_a_topic_goes_along_when_it_becomes_part_of_another(
    sessions: sessionmaker[Session], topics: dict[str, int], add_person: Callable[..., int]
) -> None:
    printer, parking = topics["printer"], topics["parking"]
    one, other, third = (add_person(handle, "agent", "it") for handle in ("oili", "ossi", "outi"))
    with sessions.begin() as session:
        for state in (PROPOSED, STARTED, DONE):
            session.add(
                TransferAct(topic_id=parking, kind=PAIR, state=state, minutes=30, loss_before=2.0, loss_after=1.0)
            )
        for topic, colleague in ((parking, other), (parking, third), (printer, other)):
            session.add(Teaching(topic_id=topic, person_id=one, colleague_id=colleague, since=LATER.date()))
        session.flush()
        editing.merge(session, _reader(session, "aino"), parking, printer)
    with sessions() as session:
        acts = session.execute(select(TransferAct.topic_id, TransferAct.state).order_by(TransferAct.id)).all()
        assert [tuple(act) for act in acts] == [(printer, STARTED), (printer, DONE)]
        taught = session.execute(select(Teaching.topic_id, Teaching.colleague_id)).all()
        assert {tuple(each) for each in taught} == {(printer, other), (printer, third)} and len(taught) == 2


def test_of_two_topics_that_are_made_part_of_each_other_at_the_same_moment_one_stays(
    sessions: sessionmaker[Session], topics: dict[str, int]
) -> None:
    printer, parking = topics["printer"], topics["parking"]
    writes = Event()

    def when_it_writes(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.lstrip().startswith("SELECT"):
            writes.set()

    def second() -> None:
        with sessions.begin() as session:
            reader = _reader(session, "aino")
            _shown(session)  # the page that asks whether to do it
            event.listen(session.connection(), "before_cursor_execute", when_it_writes)
            editing.merge(session, reader, printer, parking)

    with ThreadPoolExecutor(1) as pool, sessions() as session:
        editing.merge(session, _reader(session, "aino"), parking, printer)
        other = pool.submit(second)
        assert writes.wait(60)
        session.commit()
        with pytest.raises(NotAllowed):
            other.result(60)
    with sessions() as session:
        assert printer in _shown(session) and parking not in _shown(session)


def test_a_topic_is_divided_into_the_two_parts_that_were_shown(
    sessions: sessionmaker[Session],
    topics: dict[str, int],
    run: Update,
    reindexed: Callable[..., LocalIndex],
    analyzer: Analyzer,
) -> None:
    with sessions.begin() as session:
        one, other = (set(_shown(session)[topics[subject]].items) for subject in ("printer", "parking"))
        editing.merge(session, _reader(session, "aino"), topics["parking"], topics["printer"])
        parts = editing.parts_of(_shown(session)[topics["printer"]], reindexed())
        assert parts is not None and {frozenset(parts[0]), frozenset(parts[1])} == {frozenset(one), frozenset(other)}
        agent = session.scalars(select(Person.id).where(Person.handle == "agent")).one()
        left_out.leave_out(session, agent, topics["printer"])
        new = editing.split(session, _reader(session, "aino"), topics["printer"], parts[1], analyzer)
        assert left_out.left_out(session, [new, topics["printer"]]) == {new: {agent}, topics["printer"]: {agent}}
        assert all(_shown(session)[new].names.values())
        with pytest.raises(TopicRefused, match="at least 5"):
            editing.split(session, _reader(session, "aino"), new, parts[1][:2], analyzer)
        with pytest.raises(TopicRefused):
            editing.split(session, _reader(session, "aino"), new, parts[0], analyzer)
    run(LATER, True)
    with sessions() as session:
        assert set(_shown(session)[new].items) == set(parts[1])
        assert set(_shown(session)[topics["printer"]].items) == set(parts[0])


def test_no_name_keeps_words_of_items_that_have_left(
    sessions: sessionmaker[Session], topics: dict[str, int], analyzer: Analyzer
) -> None:
    printer, parking = topics["printer"], topics["parking"]
    with sessions.begin() as session:
        reader, items = _reader(session, "aino"), _shown(session)[parking].items
        editing.merge(session, reader, parking, printer)
        row = session.get_one(TopicRow, printer)
        row.name_fi, row.name_en = "parking, printer", "parking, printer"
        editing.move(session, reader, items[0], topics["payslip"], analyzer)
        assert _shown(session)[printer].names["en"] == "parking, printer"  # others of its items still have both words
        new = editing.split(session, reader, printer, items[1:], analyzer)
        names = {part: _shown(session)[part].names for part in (printer, new)}
        assert all("parking" not in name and "printer" in name for name in names[printer].values())
        assert all("parking" in name and "printer" not in name for name in names[new].values())


def test_a_part_whose_words_make_no_name_is_shown_by_its_number(
    sessions: sessionmaker[Session], topics: dict[str, int], analyzer: Analyzer
) -> None:
    printer, parking = topics["printer"], topics["parking"]
    with sessions.begin() as session:
        reader, items = _reader(session, "aino"), _shown(session)[parking].items
        editing.merge(session, reader, parking, printer)
        for item in items:
            request = session.get_one(HelpRequest, int(item.partition(":")[2]))
            request.title = request.body = "?"
        new = editing.split(session, reader, printer, items, analyzer)
        assert _shown(session)[new].names == {"fi": f"Aihe {new}", "en": f"Topic {new}"}


def test_an_item_stays_in_the_topic_that_it_was_put_into(
    sessions: sessionmaker[Session],
    topics: dict[str, int],
    run: Update,
    analyzer: Analyzer,
    add_request: Callable[..., int],
) -> None:
    hidden = f"request:{add_request('printer secret', team='hr', audience=[])}"
    with sessions.begin() as session:
        reader = _reader(session, "aino")
        item = _shown(session)[topics["printer"]].items[0]
        editing.move(session, reader, item, topics["parking"], analyzer)
        with pytest.raises(TopicRefused, match="unknown"):
            editing.move(session, reader, hidden, topics["parking"], analyzer)
    run(LATER, True)
    with sessions() as session:
        assert item in _shown(session)[topics["parking"]].items
        assert item not in _shown(session)[topics["printer"]].items


def test_who_is_left_out_of_a_topic_stays_left_out_where_its_items_go(
    sessions: sessionmaker[Session], topics: dict[str, int], run: Update, analyzer: Analyzer
) -> None:
    printer, parking, payslip = topics["printer"], topics["parking"], topics["payslip"]
    with sessions.begin() as session:
        reader = _reader(session, "aino")
        agent = session.scalars(select(Person.id).where(Person.handle == "agent")).one()
        items = _shown(session)[parking].items
        left_out.leave_out(session, agent, parking)
        editing.merge(session, reader, parking, printer)
        new = editing.split(session, reader, printer, items, analyzer)
        assert left_out.left_out(session, [new]) == {new: {agent}}
        editing.move(session, reader, items[0], payslip, analyzer)
        assert left_out.left_out(session, [payslip]) == {payslip: {agent}}


def test_who_is_left_out_stays_left_out_of_what_an_update_divides_off(
    sessions: sessionmaker[Session], topics: dict[str, int]
) -> None:
    printer = topics["printer"]
    with sessions.begin() as session:
        agent = session.scalars(select(Person.id).where(Person.handle == "agent")).one()
        left_out.leave_out(session, agent, printer)
        before = stored.read(session, EVERYONE)
        names, items = before[printer].names, sorted(before[printer].items)
        rest, off = frozenset(items[3:]), frozenset(items[:3])
        parts = [stored.NewTopic(printer, rest, names), stored.NewTopic(None, off, {"fi": "Uusi", "en": "New"})]
        stored.write(session, EVERYONE, {printer: before[printer]}, parts, {}, frozenset(), LATER)
        new = session.scalars(select(TopicRow.id).where(TopicRow.name_en == "New")).one()
        assert left_out.left_out(session, [new, printer]) == {new: {agent}, printer: {agent}}


def test_an_ended_topic_is_not_made_again(
    sessions: sessionmaker[Session],
    topics: dict[str, int],
    run: Update,
    add_about: Callable[..., list[str]],
) -> None:
    with sessions.begin() as session:
        items = set(_shown(session)[topics["printer"]].items)
        editing.end(session, _reader(session, "aino"), topics["printer"])
    add_about("printer", 2, team="it")
    run(LATER, True)
    with sessions() as session:
        assert items.isdisjoint(item for topic in _shown(session).values() for item in topic.items)


def test_an_ended_topic_is_shown_again_as_it_was(
    sessions: sessionmaker[Session], topics: dict[str, int], run: Update, analyzer: Analyzer
) -> None:
    printer = topics["printer"]
    with sessions.begin() as session:
        before = _shown(session)[printer]
        rows = stored.read(session, EVERYONE)[printer].items
        editing.end(session, _reader(session, "aino"), printer)
    run(LATER, True)
    with sessions.begin() as session:
        aino = _reader(session, "aino")
        assert printer not in _shown(session)
        assert [topic.id for topic in editing.may_show_again(session, aino)] == [printer]
        assert editing.may_show_again(session, _reader(session, "eero")) == []
        for handle, topic in (("eero", printer), ("aino", topics["parking"])):
            with pytest.raises(NotAllowed):
                editing.show_again(session, _reader(session, handle), topic, analyzer)
        editing.show_again(session, aino, printer, analyzer)
    with sessions() as session:
        assert _shown(session)[printer] == before
        assert stored.read(session, EVERYONE)[printer].items == rows
        assert [action for action, _topic in _recorded(session)] == ["topic.ended", "topic.shown_again"]
    run(LATER, True)
    with sessions() as session:
        assert _shown(session)[printer] == before


def test_a_topic_that_is_shown_again_has_no_name_that_another_one_has_got(
    sessions: sessionmaker[Session], topics: dict[str, int], analyzer: Analyzer
) -> None:
    printer = topics["printer"]
    with sessions.begin() as session:
        aino = _reader(session, "aino")
        editing.rename(session, aino, printer, {"fi": "Laitteet", "en": ""})
        computed = _shown(session)[printer].names["en"]
        editing.end(session, aino, printer)
        editing.rename(session, aino, topics["parking"], {"fi": "Laitteet", "en": computed})
        editing.show_again(session, aino, printer, analyzer)
    with sessions() as session:
        names, others = _shown(session)[printer].names, _shown(session)[topics["parking"]].names
        assert others == {"fi": "Laitteet", "en": computed}
        assert all(names.values()) and not set(names.values()) & set(others.values())


@pytest.mark.parametrize("handle", ["eero", "agent"])
def test_only_leads_of_the_team_that_handles_a_topic_change_it(
    sessions: sessionmaker[Session],
    topics: dict[str, int],
    analyzer: Analyzer,
    add_person: Callable[..., int],
    handle: str,
) -> None:
    printer, parking = topics["printer"], topics["parking"]
    with sessions.begin() as session:
        reader, items = _reader(session, handle), _shown(session)[printer].items
        acts: Collection[Callable[[], object]] = (
            lambda: editing.rename(session, reader, printer, {"en": "x"}),
            lambda: editing.merge(session, reader, printer, parking),
            lambda: editing.split(session, reader, printer, items[:5], analyzer),
            lambda: editing.move(session, reader, items[0], parking, analyzer),
            lambda: editing.end(session, reader, printer),
            lambda: editing.end(session, reader, 999),
        )
        for act in acts:
            with pytest.raises(NotAllowed):
                act()
        assert _recorded(session) == []
    add_person("paula", "admin")
    with sessions() as session:
        assert editing.may_edit(session, _shown(session)[printer], _reader(session, "paula"))
