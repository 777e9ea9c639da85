"""jobs/demo_jobs.py: the demo comes into an empty installation beside what is there, and goes without a trace."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.demo import DemoSource
from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import Located
from recommender import accounts, audit
from recommender.audit import Actor
from recommender.database.days import current_day
from recommender.database.handover_tables import TeamDestination
from recommender.database.import_tables import ImportedRecord
from recommender.database.tables import (
    Document,
    HelpRequest,
    Person,
    PersonSettings,
    Reply,
    RequestAudience,
    Team,
    utc_now,
)
from recommender.first_run import demo
from recommender.jobs import kinds, queue
from recommender.language.analyzer import Analyzer
from tests.indexer.jobs.conftest import Do

Sessions = sessionmaker[Session]


def _counts(sessions: Sessions) -> list[int]:
    with sessions() as session:
        tables = (HelpRequest, Document, Person, Team)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_the_numbers_that_the_page_tells_are_those_of_the_demo() -> None:
    kinds_of = Counter(
        located.record.type
        for located in DemoSource(current_day()).records()
        if isinstance(located, Located) and located.record
    )
    told = {"request": demo.REQUESTS, "document": demo.DOCUMENTS, "person": demo.PEOPLE, "team": demo.TEAMS}
    assert kinds_of == told


def test_the_ids_by_which_the_demo_is_known_are_those_that_it_has() -> None:
    ids: dict[str, set[str]] = {"request": set(), "document": set()}
    for located in DemoSource(current_day()).records():
        if isinstance(located, Located) and located.record and located.record.type in ids:
            ids[located.record.type].add(str(getattr(located.record, "id", "")))
    assert ids == {"request": demo.REQUEST_IDS, "document": demo.DOCUMENT_IDS}


def test_it_comes_beside_own_teams_and_goes_again(do: Do, sessions: Sessions, add_person: Callable[..., int]) -> None:
    with sessions.begin() as session:
        session.add(Team(handle="it", name="Our own IT", phone="040 1"))
        session.add(Person(handle="boss", name="Boss", role="admin", languages=[]))
    loaded = do(kinds.DEMO)
    assert (loaded.state, loaded.result["problems"]) == (queue.DONE, [])
    assert _counts(sessions) == [demo.REQUESTS, demo.DOCUMENTS, demo.PEOPLE + 1, demo.TEAMS]
    with sessions.begin() as session:
        own = session.scalars(select(Team).where(Team.handle == "it")).one()
        assert (own.name, own.phone) == ("Our own IT", "040 1")
        assert session.scalar(select(func.count()).select_from(HelpRequest).where(HelpRequest.team_id == own.id))
        assert {person.role for person in session.scalars(select(Person))} - {"staff", "agent"} == {"admin"}
        assert session.scalars(select(Person.handle).where(Person.role == "admin")).all() == ["boss"]
        boss = session.scalars(select(Person).where(Person.handle == "boss")).one()
        request = session.scalars(select(HelpRequest).order_by(HelpRequest.id).limit(1)).one()
        session.add(Reply(request_id=request.id, author_id=boss.id, body="mine", created_at=utc_now()))
    with sessions() as session:
        assert demo.here(session) == demo.DemoHere(demo.REQUESTS, demo.DOCUMENTS, 1) and demo.is_possible(session)
    gone = do(kinds.DEMO, remove=True)
    assert (gone.state, gone.result["problems"]) == (queue.DONE, [])
    assert gone.result["people"] == demo.PEOPLE and gone.result["teams"] == demo.TEAMS - 1
    assert _counts(sessions) == [0, 0, 1, 1]
    with sessions() as session:
        assert not demo.here(session)
        assert session.scalars(select(ImportedRecord)).all() == []
    assert do(kinds.DEMO).result["added"] == loaded.result["added"]


def test_who_was_given_an_account_and_a_team_that_was_used_stay(do: Do, sessions: Sessions) -> None:
    do(kinds.DEMO)
    with sessions.begin() as session:
        person = session.scalars(select(Person).where(Person.handle == "aino.virtanen")).one()
        accounts.open_account(session, person)
        sales = session.scalars(select(Team).where(Team.handle == "sales")).one()
        session.add(
            HelpRequest(
                title="Ours",
                body="",
                team_id=sales.id,
                tags=[],
                language="en",
                asked_by_id=person.id,
                created_at=utc_now(),
            )
        )
    gone = do(kinds.DEMO, remove=True)
    assert _counts(sessions) == [1, 0, 1, 1] and gone.result["problem_count"] == 2
    assert [problem.partition(" stays")[0] for problem in gone.result["problems"]] == [
        "aino.virtanen",
        "The team sales",
    ]


def _load_here(sessions: Sessions, analyzer: Analyzer, folder: Path, name: str, *records: dict[str, object]) -> None:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    load(JSONLSource(path, name), sessions, analyzer)


def test_people_who_are_in_use_stay(do: Do, sessions: Sessions, analyzer: Analyzer, tmp_path: Path) -> None:
    do(kinds.DEMO)
    mikko, request = {"type": "person", "id": "mikko.lahti", "name": "Mikko Lahti"}, {
        "type": "request", "id": "1", "title": "Our printer", "body": "Jams.", "team": None, "status": "open",
        "language": "en", "asked_by": "mikko.lahti", "created_at": "2026-05-04T09:00:00",
    }  # fmt: skip
    _load_here(sessions, analyzer, tmp_path, "ours", mikko, request)
    with sessions.begin() as session:
        ids = {person.handle: person.id for person in session.scalars(select(Person))}
        number = session.scalars(select(HelpRequest.id).where(HelpRequest.source == "ours")).one()
        session.add(RequestAudience(request_id=number, token=f"person:{ids['henri.laine']}"))
        session.add(PersonSettings(person_id=ids["riikka.salonen"], paused=True))
        audit.record(session, Actor(ids["tuomas.rinne"], "web"), "request.hidden", f"request:{number}")
    gone = do(kinds.DEMO, remove=True)
    assert _counts(sessions)[:3] == [1, 0, 4] and gone.result["people"] == demo.PEOPLE - 4
    with sessions() as session:
        (kept,) = session.scalars(select(HelpRequest))
        assert kept.asked_by is not None and kept.asked_by.handle == "mikko.lahti"
        assert [row.token for row in kept.audience if row.token.startswith("person:")] == [
            f"person:{ids['henri.laine']}"
        ]


def test_teams_that_are_in_use_stay(do: Do, sessions: Sessions, analyzer: Analyzer, tmp_path: Path) -> None:
    do(kinds.DEMO)
    _load_here(sessions, analyzer, tmp_path, "ours", {"type": "team", "id": "hr", "name": "HR", "restricted": True})
    with sessions.begin() as session:
        teams = {team.handle: team for team in session.scalars(select(Team))}
        teams["it"].members.append(Person(handle="boss", name="Boss", role="agent", languages=[]))
        teams["finance"].phone = "040 1"
        session.add(TeamDestination(team_id=teams["legal"].id, target="mailto:legal@example.org", options={}))
    gone = do(kinds.DEMO, remove=True)
    with sessions() as session:
        stay = set(session.scalars(select(Team.handle)))
        assert stay == {"hr", "it", "finance", "legal"} and gone.result["teams"] == demo.TEAMS - 4
        it = session.scalars(select(Team).where(Team.handle == "it")).one()
        assert [person.handle for person in it.members] == ["boss"]


def test_a_source_of_ones_own_that_is_called_like_the_demo_loses_nothing(
    do: Do, sessions: Sessions, analyzer: Analyzer, tmp_path: Path
) -> None:
    own = {
        "type": "request", "id": "1", "title": "Our printer", "body": "Jams.", "team": None, "status": "open",
        "language": "en", "asked_by": "pia", "created_at": "2026-05-04T09:00:00",
    }  # fmt: skip
    pia: dict[str, object] = {"type": "person", "id": "pia", "name": "Pia"}
    mikko: dict[str, object] = {"type": "person", "id": "mikko.lahti", "name": "The real Mikko"}
    _load_here(sessions, analyzer, tmp_path, demo.SOURCE, mikko)
    with sessions() as session:
        assert demo.is_possible(session) and not demo.here(session)
    refused = do(kinds.DEMO)
    assert refused.state == queue.FAILED and "has the user name mikko.lahti" in refused.result["problems"][0]
    _load_here(sessions, analyzer, tmp_path, demo.SOURCE, pia, own)
    with sessions() as session:
        assert not demo.is_possible(session) and not demo.here(session)
    assert do(kinds.DEMO).state == queue.FAILED
    gone = do(kinds.DEMO, remove=True)
    assert (gone.state, gone.result["removed"]) == (queue.DONE, 0) and _counts(sessions) == [1, 0, 2, 0]
    with sessions() as session:
        assert len(session.scalars(select(ImportedRecord)).all()) == 3


def test_it_is_not_mixed_with_data_or_people_of_ones_own(
    do: Do, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    with sessions.begin() as session:
        session.add(Person(handle="aino.virtanen", name="The real Aino", role="staff", languages=[]))
    refused = do(kinds.DEMO)
    assert refused.state == queue.FAILED and "has the user name aino.virtanen" in refused.result["problems"][0]
    with sessions.begin() as session:
        assert session.scalars(select(Person.name).where(Person.handle == "aino.virtanen")).one() == "The real Aino"
        assert session.scalars(select(HelpRequest)).all() == []
    add_request("Our own printer")
    assert "requests or guides of your own" in do(kinds.DEMO).result["problems"][0]
