"""insights/risk/acts.py, proposals.py and drafting.py: the life of an act, from the proposal to what came of it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE, Reader, document_audience, reader_of
from recommender.database.audit_table import AuditEntry
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import (
    DONE,
    DROPPED,
    PAIR,
    PROPOSED,
    STARTED,
    TRANSLATE,
    VERIFY,
    WRITE,
    TopicAnswer,
    TopicQuestion,
    TransferAct,
)
from recommender.database.tables import Document, HelpRequest, Person, RequestAudience, Team
from recommender.errors import Conflict, NotAllowed
from recommender.insights.risk.acts import Act, begin, drop, plan
from recommender.insights.risk.drafting import start_document
from recommender.insights.risk.recording import record_figures
from recommender.insights.topics.members import members_of_topics
from recommender.knowledge import documents
from recommender.settings import Settings

NOW = datetime(2026, 6, 1, 9)
DAY = datetime(2026, 5, 4, 9)
ANSWER = "Open the tray at the back of the printer and pull the paper out slowly."
Add = Callable[..., int]


class Office:
    """A topic of the team "it", whose questions aino answered; eero is an agent of the team too, and helmi leads it.
    What was found for a question is stored by hand."""

    def __init__(self, sessions: sessionmaker[Session], settings: Settings, audience: str = EVERYONE) -> None:
        self.sessions, self.settings, self.audience = sessions, settings, audience
        with sessions.begin() as session:
            row = TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=date(2026, 1, 1))
            session.add(row)
            session.flush()
            self.topic = row.id

    def asked(self, *keys: str, found: dict[str, float] | None = None) -> None:
        """These requests belong to the topic, and for each of them this was found."""
        with self.sessions.begin() as session:
            for key in keys:
                session.add(TopicItem(topic_id=self.topic, item=key))
                session.add(TopicQuestion(topic_id=self.topic, question=key, asked_on=NOW))
                for item, match in (found or {}).items():
                    session.add(TopicAnswer(topic_id=self.topic, question=key, item=item, match=match))

    def update(self, now: datetime = NOW) -> int:
        """Compute figures and acts."""
        with self.sessions.begin() as session:
            members = members_of_topics(session, self.audience)
            return record_figures(session, None, self.audience, members, self.settings, now)

    def plan(self, handle: str = "helmi") -> list[Act]:
        """The acts that this person sees."""
        with self.sessions() as session:
            return plan(session, reader(session, handle))


def reader(session: Session, handle: str) -> Reader:
    return reader_of(session.query(Person).filter_by(handle=handle).one())


@pytest.fixture
def office(sessions: sessionmaker[Session], settings: Settings, add_person: Add) -> Office:
    for handle, role in (("aino", "agent"), ("eero", "agent"), ("helmi", "lead")):
        add_person(handle, role, "it")
    return Office(sessions, settings)


@pytest.fixture
def asked(office: Office, add_request: Add) -> list[str]:
    """Six requests that only aino answered."""
    keys = [f"request:{add_request(f'printer {n}', 'It jams.', ANSWER, team='it', at=DAY)}" for n in range(6)]
    office.asked(*keys)
    return keys


def test_a_document_and_a_pairing_are_proposed_for_what_hangs_on_one_person(office: Office, asked: list[str]) -> None:
    assert office.update() == 2
    write, pair = office.plan()
    assert (write.kind, write.state, write.items) == (WRITE, PROPOSED, tuple(sorted(asked)[1:]))
    assert write.minutes == 15 + 5 * 6 + 15
    assert write.loss_before == pytest.approx(6 * 0.13) and write.loss_after == pytest.approx(0.13)
    assert (pair.kind, pair.minutes, pair.loss_after) == (PAIR, 30, 0.0)
    with office.sessions() as session:
        aino = session.query(Person).filter_by(handle="aino").one().id
        assert write.person_id == aino and write.colleague_id not in (None, aino)


def test_the_proposals_keep_their_ids_and_go_when_they_help_no_more(
    office: Office, asked: list[str], add_request: Add
) -> None:
    office.update()
    before = [act.id for act in office.plan()]
    office.update()
    assert [act.id for act in office.plan()] == before
    other = f"request:{add_request('printer', 'It jams.', ANSWER, by='eero', team='it', at=DAY)}"
    with office.sessions.begin() as session:
        session.add_all(TopicAnswer(topic_id=office.topic, question=key, item=other, match=0.9) for key in asked)
    assert office.update() == 0 and office.plan() == []


@pytest.mark.parametrize("missing", ["colleague", "words"])
def test_no_document_is_proposed_without_a_colleague_or_without_words(
    office: Office, add_request: Add, missing: str
) -> None:
    answer = "Done." if missing == "words" else ANSWER
    office.asked(*(f"request:{add_request(f'printer {n}', '', answer, team='it', at=DAY)}" for n in range(5)))
    if missing == "colleague":
        with office.sessions.begin() as session:
            for person in session.query(Person).filter(Person.handle != "aino"):
                person.away_until = date(2026, 7, 1)
    assert office.update() == len(office.plan())
    assert [act.kind for act in office.plan()] == ([PAIR] if missing == "words" else [])


def test_a_document_that_answers_and_is_not_verified_is_proposed_to_be_verified(
    office: Office, asked: list[str], add_document: Add
) -> None:
    guide = f"document:{add_document('Printers', 'Open the tray.', owner='aino', team='it')}"
    with office.sessions.begin() as session:
        session.add_all(TopicAnswer(topic_id=office.topic, question=key, item=guide, match=0.9) for key in asked)
    office.update()
    (act,) = office.plan()
    assert (act.kind, act.minutes, act.loss_after) == (VERIFY, 15, 0.0)
    with office.sessions.begin() as session:
        row = begin(session, reader(session, "helmi"), act.id, NOW)
        assert row.measured_before == 0.0
        document = session.get_one(Document, act.document_id)
        document.verified_on, document.verified_by_id = NOW.date(), act.colleague_id
    office.update(NOW + timedelta(days=1))
    (act,) = office.plan()
    assert (act.state, act.answered_before, act.answered_after) == (DONE, 0.0, 1.0)


def test_a_document_near_questions_in_the_other_language_is_proposed_to_be_translated(
    office: Office, add_request: Add, add_document: Add
) -> None:
    keys = [f"request:{add_request(f'tulostin {n}', '', ANSWER, team='it', language='fi', at=DAY)}" for n in range(6)]
    guide = f"document:{add_document('Printers', 'Open the tray.', owner='aino', verified_by='eero', team='it')}"
    office.asked(*keys, found={guide: 0.5})
    office.update()
    assert (office.plan()[0].kind, office.plan()[0].language, office.plan()[0].loss_after) == (TRANSLATE, "fi", 0.0)


def test_writing_makes_a_draft_of_the_one_who_knows_and_ends_when_a_colleague_has_verified_it(
    office: Office, asked: list[str]
) -> None:
    office.update()
    act = office.plan()[0]
    with office.sessions.begin() as session:
        draft = start_document(session, reader(session, "helmi"), act.id, 365, NOW)
        assert (draft.draft, draft.verified_on, draft.owner_id, draft.title) == (True, None, act.person_id, "Printer")
        assert document_audience(draft) == {"team:it", f"person:{act.person_id}"}
        assert draft.body.count("## printer") == 5 and draft.body.count(ANSWER) == 5 and "> It jams." in draft.body
        assert all(f"(/requests/{key.partition(':')[2]}), {DAY:%Y-%m-%d}" in draft.body for key in act.items)
        number = draft.id
    office.update()
    started, pair = office.plan()
    assert (started.state, started.document_id, started.answered_before, pair.kind) == (STARTED, number, 0.0, PAIR)
    for verified_by, done in ((act.person_id, False), (act.colleague_id, True)):
        with office.sessions.begin() as session:
            row = session.get_one(Document, number)
            row.draft, row.verified_on, row.verified_by_id = False, NOW.date(), verified_by
            session.merge(TopicAnswer(topic_id=office.topic, question=asked[0], item=f"document:{number}", match=0.9))
        office.update(NOW + timedelta(days=1))
        finished = {act.kind: act for act in office.plan()}[WRITE]
        assert (finished.state == DONE) is done
    assert finished.answered_after == pytest.approx(1 / 6)


def test_a_document_from_what_only_the_team_may_read_is_not_for_everyone(
    sessions: sessionmaker[Session], settings: Settings, add_person: Add, add_request: Add
) -> None:
    for handle, role in (("aino", "agent"), ("eero", "agent"), ("helmi", "lead")):
        add_person(handle, role, "it")
    office = Office(sessions, settings, "team:it")
    keys = [f"request:{add_request(f'pay {n}', '', ANSWER, team='it', audience=[], at=DAY)}" for n in range(5)]
    office.asked(*keys)
    office.update()
    with sessions.begin() as session:
        draft = start_document(session, reader(session, "helmi"), office.plan()[0].id, 365, NOW)
        draft.draft = False
        assert document_audience(draft) == {"team:it", f"person:{draft.owner_id}"}


def test_no_draft_is_made_when_who_would_own_it_may_not_read_a_request(office: Office, asked: list[str]) -> None:
    office.update()
    act = office.plan()[0]
    with office.sessions.begin() as session:
        request = session.get_one(HelpRequest, int(act.items[0].partition(":")[2]))
        request.audience = [RequestAudience(token="team:hr")]
        session.flush()
        with pytest.raises(NotAllowed):
            start_document(session, reader(session, "helmi"), act.id, 365, NOW)
    with office.sessions() as session:
        assert session.scalars(select(Document)).all() == []


def test_a_pairing_is_done_when_two_questions_were_answered_and_the_colleague_then_knows_them(
    office: Office, asked: list[str], add_request: Add
) -> None:
    office.update()
    pair = next(act for act in office.plan() if act.kind == PAIR)
    with office.sessions.begin() as session:
        begin(session, reader(session, "helmi"), pair.id, NOW)
    for number, state in enumerate((STARTED, DONE), 1):
        at = NOW + timedelta(days=number)
        office.asked(f"request:{add_request(f'printer again {number}', '', ANSWER, team='it', at=at)}")
        office.update(at + timedelta(hours=1))
        (act,) = [act for act in office.plan() if act.id == pair.id]
        assert act.state == state
    assert act.answered_before == 0.0 and act.answered_after == pytest.approx(2 / 8)


def test_what_was_dropped_is_not_proposed_again_for_half_a_year(office: Office, asked: list[str]) -> None:
    office.update()
    act = office.plan()[0]
    with office.sessions.begin() as session:
        drop(session, reader(session, "helmi"), act.id, NOW)
    office.update(NOW + timedelta(days=30))
    assert WRITE not in [act.kind for act in office.plan()]
    office.update(NOW + timedelta(days=200))
    assert WRITE in [act.kind for act in office.plan()]
    with office.sessions() as session:
        states = session.scalars(select(TransferAct.state).where(TransferAct.id == act.id)).all()
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"act:{act.id}")).all()
        assert states == [DROPPED] and actions == ["transfer.dropped"]


@pytest.mark.parametrize("handle", ["aino", "other"])
def test_only_the_lead_of_the_team_sees_and_starts_acts(
    office: Office, asked: list[str], add_person: Add, handle: str
) -> None:
    add_person("other", "lead", "hr")
    office.update()
    (act, *_others) = office.plan()
    assert office.plan(handle) == []
    with office.sessions.begin() as session:
        with pytest.raises(NotAllowed):
            begin(session, reader(session, handle), act.id, NOW)
        with pytest.raises(NotAllowed):
            start_document(session, reader(session, handle), act.id, 365, NOW)
        with pytest.raises(NotAllowed):
            drop(session, reader(session, "helmi"), act.id + 100, NOW)


def test_an_act_is_started_once(office: Office, asked: list[str]) -> None:
    office.update()
    act = office.plan()[0]
    with office.sessions.begin() as session:
        start_document(session, reader(session, "helmi"), act.id, 365, NOW)
        with pytest.raises(Conflict):
            start_document(session, reader(session, "helmi"), act.id, 365, NOW)
        assert len(session.scalars(select(Document)).all()) == 1


def test_a_document_without_its_heading_words_is_still_a_document(office: Office, asked: list[str]) -> None:
    """The draft can be published and verified as any other document."""
    office.update()
    with office.sessions.begin() as session:
        draft = start_document(session, reader(session, "helmi"), office.plan()[0].id, None, NOW)
        team = session.query(Team).filter_by(handle="it").one()
        content = documents.Content(draft.title, draft.body, "en", team, draft.owner, True, None, False)
        documents.edit(session, draft, reader(session, "helmi"), content, draft.updated_at)
        helmi = session.query(Person).filter_by(handle="helmi").one()
        documents.verify(session, draft, reader(session, "helmi"), helmi, draft.updated_at, 0)
        assert draft.verified_on is not None and document_audience(draft) == {EVERYONE}
