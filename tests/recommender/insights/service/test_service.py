"""insights/service/service.py: whom a team serves, what came of it and how long it took; never of fewer than five."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE, reader_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.service_tables import SentAfterwards
from recommender.database.tables import Event, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.insights.service.asked import window_of
from recommender.insights.service.service import Group, TeamService, groups_of, service_of
from recommender.insights.service.waits import Missing, Waits
from recommender.knowledge import handling, requests
from recommender.knowledge.outcomes import EventKind
from recommender.knowledge.sent_afterwards import four_weeks

NOW = datetime(2026, 11, 18, 12)  # a Wednesday
DAY = date(2026, 10, 14)


class House:
    """A team `it` with four agents, and six people in each of two other teams."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.teams = {handle: Team(handle=handle, name=handle.upper()) for handle in ("it", "hr", "sales")}
        self.it = self.teams["it"]
        session.add_all(self.teams.values())
        self.agents = [Person(handle=f"agent{n}", name="Agent", role="agent", teams=[self.it]) for n in range(4)]
        self.people = {
            handle: [Person(handle=f"{handle}{n}", name="Staff", teams=[self.teams[handle]]) for n in range(6)]
            for handle in ("hr", "sales")
        }
        session.add_all([*self.agents, *self.people["hr"], *self.people["sales"]])
        session.flush()

    def ask(
        self, number: int, group: str = "hr", hours: float | None = 2, *, team: str = "it", audience: str = EVERYONE,
        anonymous: bool = False, at: datetime = datetime(2026, 10, 14, 9), agent: int | None = None,
        source: str = "kollega", hidden: bool = False,
    ) -> str:  # fmt: skip
        """A request of person `number` of a group, answered after so many hours and solved after twice as many."""
        asker = self.people[group][number % 6]
        row = HelpRequest(
            title="Printer", body="", language="en", team=self.teams[team], asked_by=asker, created_at=at,
            anonymous=anonymous, source=source, audience=[RequestAudience(token=audience)], hidden=hidden,
        )  # fmt: skip
        if hours is not None:
            author = self.agents[number % 4 if agent is None else agent]
            at = row.created_at + timedelta(hours=hours)
            row.replies.append(Reply(author=asker, body="also", created_at=row.created_at + timedelta(minutes=1)))
            row.replies.append(Reply(author=author, body="Restart it.", created_at=at, accepted=True))
            row.status, row.resolved_at = "resolved", row.created_at + timedelta(hours=2 * hours)
        self.session.add(row)
        self.session.flush()
        return f"request:{row.id}"

    def topic(self, items: list[str], audience: str = EVERYONE) -> int:
        row = TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=DAY)
        self.session.add(row)
        self.session.flush()
        self.session.add_all(TopicItem(topic_id=row.id, item=item) for item in items)
        self.session.flush()
        return row.id

    def events(self, kind: EventKind, item: str, times: int, day: date = DAY) -> None:
        self.session.add_all(Event(kind=kind, item=item, day=day) for _ in range(times))
        self.session.flush()

    def service(self, now: datetime = NOW) -> TeamService:
        self.session.flush()
        self.session.expire_all()
        return service_of(self.session, self.it, now)


@pytest.fixture
def house(sessions: sessionmaker[Session]) -> Iterator[House]:
    with sessions() as session:
        yield House(session)


def test_a_team_that_nobody_has_asked_has_no_figures(house: House) -> None:
    found = house.service()
    assert not found.any and found.groups == () and found.topics == ()
    assert found.whole.sent is None and found.whole.first_answer == Waits(missing=Missing.FEW)


def test_times_are_those_of_answers_by_others_than_the_asker(house: House) -> None:
    for number in range(10):
        house.ask(number, hours=number + 1)
    found = house.service().whole
    assert found.sent == found.came_of.sent == 10
    assert found.first_answer == Waits(timedelta(hours=5), timedelta(hours=9))
    assert found.solution == Waits(timedelta(hours=10), timedelta(hours=18))


def test_answers_of_services_are_no_answers(house: House) -> None:
    robot = Person(handle="no-reply", name="Robot", kind="service", stated_kind="service")
    for number in range(8):
        request_id = int(house.ask(number, hours=4).partition(":")[2])
        at = house.session.get_one(HelpRequest, request_id).created_at + timedelta(minutes=1)
        house.session.add(Reply(request_id=request_id, author=robot, body="We got it.", created_at=at))
    assert house.service().whole.first_answer.half == timedelta(hours=4)


def test_requests_whose_source_has_no_times_are_told_apart(house: House) -> None:
    for number in range(6):
        house.ask(number, hours=0, source="elsewhere")
    found = house.service()
    assert found.untimed == 6 and found.whole.first_answer == Waits(missing=Missing.UNTIMED)
    for number in range(8):
        house.ask(number, hours=3, source="elsewhere")
    assert house.service().whole.first_answer.half == timedelta(hours=3)


def test_a_team_is_named_when_five_of_its_people_have_asked(house: House) -> None:
    items = [house.ask(number, "hr") for number in range(7)]
    for number in (0, 1, 2, 3, 3, 3):
        house.ask(number, "sales")
    topic = house.topic(items)
    found = house.service().groups
    assert [(group.handle, group.requests) for group in found] == [("hr", 7), (None, 6)]
    ((of_hr, count),) = found[0].topics
    assert (of_hr.id, count) == (topic, 7) and found[1].topics == ()


def test_others_who_are_few_cannot_be_found_out_by_subtracting(house: House) -> None:
    for number in range(9):
        house.ask(number, "hr")
    assert house.service().groups == (Group("hr", 9),)
    house.ask(0, "sales")
    assert house.service().groups == (Group(None, 10),)


def test_who_asked_without_a_name_counts_for_no_team(house: House) -> None:
    for number in range(6):
        house.ask(number, "hr")
        house.ask(number, "sales", anonymous=True)
    assert house.service().groups == (Group("hr", 6), Group(None, 6))
    assert groups_of([], []) == []


def test_what_came_of_questions_is_told_without_those_who_sent_a_request(house: House) -> None:
    items = [house.ask(number) for number in range(6)]
    topic, other = house.topic(items[:5]), items[5]
    house.events(EventKind.SOLVED, items[0], 6)
    house.events(EventKind.SOLVED, other, 5)
    house.events(EventKind.LEFT, items[1], 9)
    house.events(EventKind.UNHELPFUL, items[1], 5)
    house.session.add(SentAfterwards(team_id=house.it.id, topic_id=topic, kind="left", since=four_weeks(DAY), times=3))
    found = house.service()
    assert (found.whole.came_of.solved, found.whole.came_of.left, found.whole.came_of.sent) == (11, 6, 6)
    (part,) = found.topics
    assert part.topic and part.topic.id == topic and (part.came_of.solved, part.came_of.left) == (6, 6)
    assert part.marks.not_helped == 5 and part.sent == 5
    house.session.add(SentAfterwards(team_id=house.it.id, topic_id=topic, kind="left", since=four_weeks(DAY), times=2))
    assert house.service().topics[0].came_of.left is None  # four: too few to be shown


def test_what_came_of_answers_is_told_when_the_keys_are_destroyed(house: House) -> None:
    item = house.ask(0)
    house.events(EventKind.SOLVED, item, 7, NOW.date() - timedelta(days=6))
    assert house.service().whole.came_of.solved is None
    assert house.service(NOW + timedelta(days=1)).whole.came_of.solved == 7


def test_a_request_that_was_opened_again_counts_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [house.ask(number) for number in range(5)]
    for key in [*keys, keys[0]]:
        row = house.session.get_one(HelpRequest, int(key.partition(":")[2]))
        requests.reply(house.session, row, house.people["hr"][0], "It is broken again.")
        row.status, row.resolved_at = "resolved", NOW
        house.session.flush()
    events = house.session.scalars(select(Event).where(Event.kind == EventKind.REOPENED)).all()
    assert len(events) == 6 and {event.subject_id for event in events} == {None}
    for event in events:
        event.day = DAY
    assert house.service().whole.marks.reopened == 5


def test_a_longer_time_is_looked_at_until_enough_was_asked(house: House) -> None:
    assert (NOW.date() - window_of(house.session, house.it, NOW.date()).since).days < 24 * 7
    for number in range(20):
        house.ask(number, at=NOW - timedelta(days=500, hours=number))
    long = window_of(house.session, house.it, NOW.date())
    assert (NOW.date() - long.since).days > 500 and long.weeks_of_period == 48
    for number in range(60):
        house.ask(number, at=NOW - timedelta(days=number % 30))
    window = window_of(house.session, house.it, NOW.date())
    assert window.since == four_weeks(NOW.date()) - timedelta(weeks=20) and window.weeks_of_period == 4
    assert len(window.periods()) == 5 and window.periods()[-1][1] == four_weeks(NOW.date())


def test_each_period_has_its_own_figures(house: House) -> None:
    for number in range(50):
        house.ask(number, at=datetime(2026, 10, 1) + timedelta(hours=number))
    found = house.service()
    assert [part.sent for part in found.periods if part.sent] == [50]
    assert sum(part.sent is None for part in found.periods) == len(found.periods) - 1


@pytest.mark.parametrize("team", ["hr", "sales"])
def test_requests_of_other_teams_and_hidden_ones_change_nothing(house: House, team: str) -> None:
    items = [house.ask(number, hours=number) for number in range(12)]
    house.topic(items[:6])
    before = house.service()
    hidden = [house.ask(number, "sales", team=team, audience=f"team:{team}") for number in range(9)]
    hidden += [house.ask(number, hidden=True) for number in range(9)]
    house.topic(hidden, f"team:{team}")
    for item in hidden:
        house.events(EventKind.SOLVED, item, 5)
    house.session.add(
        SentAfterwards(team_id=house.teams[team].id, topic_id=1, kind="solved", since=four_weeks(DAY), times=9)
    )
    assert house.service() == before


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(("hr", "sales")), st.sampled_from((None, 0.0, 3.0)),
        st.sampled_from(("hr", "sales", "it")), st.sampled_from(("team:hr", "team:sales", "person:1", EVERYONE)),
        st.booleans(), st.sampled_from(("solved", "left", "unhelpful", "reopened")), st.integers(0, 8),
    ),
    max_size=6,
)  # fmt: skip


def test_what_the_team_may_not_read_changes_nothing(house: House) -> None:
    items = [house.ask(number // 2, ("hr", "sales")[number % 2], hours=number % 7) for number in range(60)]
    house.topic(items[:20])
    for item in items[:8]:
        house.events(EventKind.SOLVED, item, 2)
    before = house.service()
    assert before.whole.came_of.solved == 16 and len(before.groups) == 2 and before.topics
    tried = 0

    @hypothesis_settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CHANGES)
    def hidden_rows_are_added(rows: list[tuple[int, str, float | None, str, str, bool, EventKind, int]]) -> None:
        nonlocal tried
        with house.session.begin_nested() as trial:
            keys = []
            for number, group, hours, team, audience, anonymous, kind, times in rows:
                hidden = team == "it"  # what the team handles itself is hidden from it only when it is hidden from all
                key = house.ask(number, group, hours, team=team, audience=audience, anonymous=anonymous, hidden=hidden)
                house.events(EventKind(kind), key, times)
                keys.append(key)
            if keys:
                house.topic(keys, "team:hr")
            tried += bool(keys)
            assert house.service() == before
            trial.rollback()

    hidden_rows_are_added()
    assert tried > 20


def test_every_figure_is_of_five_at_least(house: House) -> None:
    """Whatever was asked, no number below five is part of what a page could show."""

    @hypothesis_settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CHANGES.filter(bool), st.integers(0, 6))
    def figures_are_large_enough(
        rows: list[tuple[int, str, float | None, str, str, bool, EventKind, int]], more: int
    ) -> None:
        with house.session.begin_nested() as trial:
            keys = [
                house.ask(number, group, hours, anonymous=anonymous)
                for number, group, hours, _team, _audience, anonymous, _kind, _times in rows * 2
            ]
            keys += [house.ask(number) for number in range(more)]
            for key, row in zip(keys, rows, strict=False):
                house.events(EventKind(row[6]), key, row[7])
            if len(keys) >= 5:
                house.topic(keys[:5])
            found = house.service()
            figures = [group.requests for group in found.groups] + [found.untimed]
            for part in (found.whole, *found.topics, *found.periods):
                figures += [part.sent, part.came_of.solved, part.came_of.left, part.came_of.sent]
                figures += [part.marks.not_helped, part.marks.reopened]
            assert [figure for figure in figures if figure is not None and figure < 5] == []
            trial.rollback()

    figures_are_large_enough()


def test_an_undone_click_is_no_reopening(
    sessions: sessionmaker[Session], add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    agent = add_person("aino", "agent", "it")
    number = add_request("Printer", team="it", status="open", asked_by="matti")
    with sessions.begin() as session:
        row, person = session.get_one(HelpRequest, number), session.get_one(Person, agent)
        solution = requests.reply_and_resolve(session, row, reader_of(person), person, "Restart it.")
        handling.undo_solution(session, row, reader_of(person), solution)
        assert row.status == "open" and session.scalars(select(Event)).all() == []
