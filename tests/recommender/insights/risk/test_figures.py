"""insights/risk/figures.py, answerability.py, judging.py and recording.py: from items to stored figures."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import TopicAnswer, TopicFigure, TopicKnower, TopicQuestion, TopicWeek
from recommender.database.tables import Event, HelpRequest, Person, Reply, RequestAudience
from recommender.insights.risk.answerability import AskedAgain, answerable, answerable_without, ask_again
from recommender.insights.risk.figures import FiguresReport, update_figures
from recommender.insights.risk.holders import Holders, holders_of
from recommender.recommender import Recommender
from recommender.settings import Settings

NOW = datetime(2026, 6, 1, 9)
DAY = datetime(2026, 5, 4, 9)
Add = Callable[..., int]
Update = Callable[..., FiguresReport]


@pytest.fixture
def update(
    settings: Settings, sessions: sessionmaker[Session], open_recommender: Callable[[], Recommender]
) -> Iterator[Update]:
    """Indexes the items, makes them one topic, and computes its figures."""

    def run(keys: list[str], audience: str = EVERYONE, now: datetime = NOW) -> FiguresReport:
        recommender = open_recommender()
        with sessions.begin() as session:
            row = session.scalars(select(TopicRow).where(TopicRow.audience == audience)).first()
            row = row or TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=date(2026, 1, 1))
            session.add(row)
            session.flush()
            there = set(session.scalars(select(TopicItem.item).where(TopicItem.topic_id == row.id)))
            session.add_all(TopicItem(topic_id=row.id, item=key) for key in keys if key not in there)
        assert recommender.index is not None
        return update_figures(sessions, recommender.searching, recommender.index, settings, now)

    yield run


def _figure(sessions: sessionmaker[Session]) -> TopicFigure:
    with sessions() as session:
        return session.scalars(select(TopicFigure)).one()


def _without(sessions: sessionmaker[Session]) -> dict[str, tuple[float, float]]:
    """(share, answerable without them) by handle."""
    with sessions() as session:
        rows = session.execute(
            select(Person.handle, TopicKnower.share, TopicKnower.answerable_without).join(
                Person, Person.id == TopicKnower.person_id
            )
        )
        return {handle: (round(share, 3), without) for handle, share, without in rows}


def _requests(add_request: Add, *answers: tuple[str, str], at: datetime = DAY) -> list[str]:
    """Requests with these titles, answered by these people."""
    return [f"request:{add_request(title, answer=f'{title} fixed', by=by, at=at)}" for title, by in answers]


def test_what_one_person_answered_hangs_on_them_and_what_two_answered_alike_on_nobody(
    sessions: sessionmaker[Session], add_request: Add, update: Update
) -> None:
    keys = _requests(
        add_request,
        ("printer jams", "aino"),
        ("printer jams", "eero"),
        ("toner empty", "aino"),
        ("tray broken", "aino"),
    )
    report = update(keys)
    assert (report.topics, report.asked, report.reused) == (1, 4, 0)
    figure = _figure(sessions)
    assert (figure.demand, figure.asked, figure.answerable, figure.bus_factor) == (4.0, 4, 1.0, 1)
    assert _without(sessions) == {"aino": (0.75, 0.5), "eero": (0.25, 1.0)}
    assert figure.expected_loss == pytest.approx(4.0 * 0.5 * 0.13)


def test_the_arithmetic_on_what_was_found_is_the_same_as_asking_again_without_what_hangs_on_a_person(
    settings: Settings, sessions: sessionmaker[Session], add_request: Add, update: Update,
    open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    words = ("printer", "toner", "tray", "paper", "cable", "screen", "mouse")
    people = ("aino", "eero", "helmi")
    asked = [(f"{words[n % 7]} {words[(n + n // 7) % 7]}", people[(n * n + n // 5) % 3]) for n in range(35)]
    keys = _requests(add_request, *asked)
    update(keys)
    recommender = open_recommender()
    pairs = 0
    with sessions() as session:
        holders = holders_of(session, keys, ANYONE, NOW)
        stored: dict[str, dict[str, float]] = {key: {} for key in session.scalars(select(TopicQuestion.question))}
        for answer in session.scalars(select(TopicAnswer)):
            stored[answer.question][answer.item] = answer.match
        texts = {row.id: f"{row.title}\n{row.body}" for row in session.scalars(select(HelpRequest))}
        for key, found in stored.items():
            for person in session.scalars(select(Person.id)):
                hidden = {item for item in keys if not holders.counts_without(item, person)}
                text = texts[int(key.partition(":")[2])]
                again = ask_again(recommender.searching, ANYONE, session, text, settings, hidden)
                assert again is not None
                truly = any(match >= settings.answer_from for match in again.values()) or key not in hidden
                asked_again = [AskedAgain(key, found)]
                assert truly == bool(answerable_without(asked_again, holders, settings.answer_from, person))
                pairs += 1
    assert pairs >= 60


def test_figures_of_very_many_items_are_those_of_few(
    sessions: sessionmaker[Session], add_request: Add, update: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = _requests(add_request, *((f"printer {n}", ("aino", "eero")[n % 2]) for n in range(8)))
    more = _requests(add_request, *((f"printer {n}", "eero") for n in range(8, 12)))
    with sessions.begin() as session:
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        session.add(Reply(request_id=int(keys[1][8:]), author_id=aino.id, body="printer 1 fixed", created_at=DAY))
        session.add(Event(kind="not_my_topic", item=keys[0], subject_id=aino.id, day=DAY.date()))
    update([*keys, *more])
    few, shares = _figure(sessions), _without(sessions)
    for name in ("corpus.MANY", "people.evidence.MANY", "knowledge.outcomes._MANY"):
        monkeypatch.setattr(f"recommender.{name}", 0)
    update([])
    many = _figure(sessions)
    assert len(shares) == 2 and _without(sessions) == shares
    columns = [column.name for column in TopicFigure.__table__.columns]
    assert [getattr(many, name) for name in columns] == [getattr(few, name) for name in columns]


def test_only_what_changed_is_asked_again(sessions: sessionmaker[Session], add_request: Add, update: Update) -> None:
    keys = _requests(add_request, ("printer jams", "aino"), ("toner empty", "aino"), ("tray broken", "eero"))
    far = _requests(add_request, *((f"unrelated{n} subject{n}", "zeppo") for n in range(9)))
    at = datetime.now() - timedelta(hours=1)
    assert update([*keys, *far], now=at + timedelta(hours=3)).asked == 12
    before = _without(sessions)
    assert update(keys, now=at + timedelta(hours=4)).asked == 0 and _without(sessions) == before
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, int(keys[0].partition(":")[2]))
        request.title, request.updated_at = "printer jams again", at + timedelta(hours=5)
    assert 1 <= update(keys, now=at + timedelta(hours=6)).asked <= 2
    assert update(keys, now=at + timedelta(days=40)).asked == 12  # after four weeks


def test_what_was_found_is_asked_for_again_when_it_is_gone(
    sessions: sessionmaker[Session], add_request: Add, update: Update
) -> None:
    keys = _requests(add_request, ("printer jams", "aino"), ("toner empty", "aino"))
    (other,) = _requests(add_request, ("printer jams", "eero"))
    later = datetime.now() + timedelta(hours=1)
    update(keys, now=later)
    assert _without(sessions)["aino"][1] == 0.5
    with sessions.begin() as session:
        session.get_one(HelpRequest, int(other.partition(":")[2])).audience = [RequestAudience(token="team:hr")]
    assert update(keys, now=later + timedelta(hours=1)).asked == 1
    assert _without(sessions) == {"aino": (1.0, 0.0)}
    with sessions() as session:
        assert session.scalars(select(TopicAnswer).where(TopicAnswer.item == other)).all() == []


def test_a_question_is_asked_again_when_what_was_found_for_it_changed_or_something_new_is_near(
    sessions: sessionmaker[Session], add_request: Add, update: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.insights.risk.figures.POOL", 6)
    keys = _requests(add_request, *[("printer jams", "aino")] * 4, ("toner empty", "eero"))
    at = datetime.now() + timedelta(hours=1)
    assert update(keys, now=at).asked == 5
    with sessions.begin() as session:
        found = session.get_one(HelpRequest, int(keys[1].partition(":")[2]))
        found.title, found.updated_at = "wholly otherwise", at + timedelta(minutes=1)
    assert update(keys, now=at + timedelta(hours=2)).asked == 4  # itself, and those for which it was found
    (new,) = _requests(add_request, ("toner empty", "eero"))
    with sessions.begin() as session:
        session.get_one(HelpRequest, int(new.partition(":")[2])).updated_at = at + timedelta(hours=3)
    assert update(keys, now=at + timedelta(hours=5)).asked == 1  # the other one has other items nearer to it
    assert update(keys, now=at + timedelta(hours=7)).asked == 0


def test_what_changed_after_the_index_was_made_is_looked_at_the_next_time(
    sessions: sessionmaker[Session], add_request: Add, update: Update
) -> None:
    keys = _requests(add_request, *[("printer jams", "aino")] * 4, ("toner empty", "eero"))
    at = datetime.now() + timedelta(hours=3)
    assert update(keys, now=at).asked == 5
    (new,) = _requests(add_request, ("toner empty", "eero"))
    with sessions.begin() as session:  # the index did not have it yet
        session.get_one(HelpRequest, int(new.partition(":")[2])).updated_at = at - timedelta(minutes=50)
    assert update(keys, now=at + timedelta(minutes=5)).asked >= 1
    update(keys, now=at + timedelta(hours=2))
    assert update(keys, now=at + timedelta(hours=3)).asked == 0


@pytest.mark.parametrize("at_once", [1, 4_096])
def test_each_of_many_changes_has_the_questions_nearest_to_it_asked_again(
    sessions: sessionmaker[Session], add_request: Add, update: Update, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("recommender.insights.risk.figures._AT_ONCE", at_once)
    words = ("printer jams", "toner empty", "tray broken", "mouse lost", "screen dark", "cable torn")
    keys = _requests(add_request, *((word, "aino") for word in words))
    at = datetime.now() + timedelta(hours=1)
    assert update(keys, now=at).asked == 6
    near = _requests(add_request, ("printer jams toner empty", "eero"), ("mouse lost screen dark", "eero"))
    with sessions.begin() as session:
        for key in near:
            session.get_one(HelpRequest, int(key.partition(":")[2])).updated_at = at + timedelta(hours=1)
    update(keys, now=at + timedelta(hours=3))
    with sessions() as session:
        again = set(session.scalars(select(TopicQuestion.question).where(TopicQuestion.asked_on > at)))
    assert again == {keys[0], keys[1], keys[3], keys[4]}


def test_the_history_has_the_last_figures_of_each_week(
    sessions: sessionmaker[Session], add_request: Add, update: Update
) -> None:
    keys = _requests(add_request, ("printer jams", "aino"))
    update(keys)
    update(keys + _requests(add_request, ("toner empty", "aino")))
    update(keys, now=NOW + timedelta(days=7))
    with sessions() as session:
        weeks = session.scalars(select(TopicWeek).order_by(TopicWeek.week)).all()
        assert [(week.week, week.demand) for week in weeks] == [(date(2026, 6, 1), 2.0), (date(2026, 6, 8), 2.0)]


def test_a_known_last_day_makes_the_loss_certain(
    sessions: sessionmaker[Session], add_request: Add, update: Update
) -> None:
    keys = _requests(add_request, ("printer jams", "aino"), ("toner empty", "aino"))
    update(keys)
    assert _figure(sessions).expected_loss == pytest.approx(2 * 0.13)
    with sessions.begin() as session:
        session.query(Person).filter_by(handle="aino").one().left_on = date(2026, 8, 1)
    update(keys)
    assert _figure(sessions).expected_loss == 2.0
    update(keys, now=datetime(2026, 8, 1))
    assert (_figure(sessions).answerable, _figure(sessions).expected_loss) == (0.0, 2.0)  # now it is lost
    assert _without(sessions) == {}


@pytest.mark.parametrize("case", ["old", "documents", "unanswered", "vague", "nothing"])
def test_a_topic_without_questions_of_this_year_has_figures_and_no_loss(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add, update: Update, case: str
) -> None:
    cases: dict[str, Callable[[], list[str]]] = {
        "old": lambda: _requests(add_request, ("printer jams", "aino"), at=datetime(2019, 1, 1)),
        "documents": lambda: [f"document:{add_document('Printers', 'Open the tray.', owner='aino')}"],
        "unanswered": lambda: [f"request:{add_request('printer jams', status='open', at=DAY)}"],
        "vague": lambda: _requests(add_request, ("help", "aino")),
        "nothing": lambda: [],
    }
    keys = cases[case]()
    assert update(keys).acts == 0
    with sessions() as session:
        rows = session.scalars(select(TopicFigure)).all()
        assert [row.expected_loss for row in rows] == ([0.0] if keys else [])
        assert all(0.0 <= row.answerable <= 1.0 for row in rows)


def test_nothing_is_asked_where_there_are_no_topics(
    settings: Settings, sessions: sessionmaker[Session], open_recommender: Callable[[], Recommender], add_request: Add
) -> None:
    add_request("printer jams")
    recommender = open_recommender()
    assert recommender.index is not None
    report = update_figures(sessions, recommender.searching, recommender.index, settings, NOW)
    assert (report.topics, report.asked, report.acts) == (0, 0, 0)


def test_what_not_all_may_read_changes_no_figure_of_those_who_may_not(
    sessions: sessionmaker[Session], add_request: Add, add_document: Add, update: Update
) -> None:
    """Hidden requests and documents about the same, by the same and by other people, change nothing."""
    keys = _requests(add_request, ("printer jams", "aino"), ("toner empty", "eero"), ("tray broken", "aino"))

    def everything() -> list[object]:
        with sessions() as session:
            return [
                [(row.answerable, row.demand, row.bus_factor, row.expected_loss) for row in session.query(TopicFigure)],
                [(row.person_id, row.share, row.answerable_without) for row in session.query(TopicKnower)],
                sorted((row.question, row.item, round(row.match, 9)) for row in session.query(TopicAnswer)),
            ]

    update(keys)
    before = everything()
    for number, audience in enumerate((["team:hr"], ["person:1"], [])):
        for title, by in (("printer jams", "helmi"), ("toner empty", "aino"), ("tray broken", "helmi")):
            add_request(title, answer=f"{title} fixed", by=by, at=DAY, team="hr", audience=audience)
        add_document(f"printer jams {number}", "printer jams", audience, owner="aino", verified_by="helmi", team="hr")
    with sessions.begin() as session:  # so that everything is asked again
        session.query(TopicQuestion).delete()
    assert update(keys).asked == 3
    assert everything() == before


def test_no_questions_are_answerable_by_nobody() -> None:
    assert answerable([], Holders(), 0.75) == 0.0 == answerable_without([], Holders(), 0.75, 1)
