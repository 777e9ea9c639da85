"""access.py: the rule in Python and the rule in SQL are one rule."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import (
    ANYONE,
    EVERYONE,
    document_audience,
    may_read,
    readable_documents,
    readable_requests,
    reader_of,
    request_audience,
)
from recommender.models import Document, DocumentAudience, HelpRequest, Person, RequestAudience, Team

TEAMS = ("hr", "it", "legal")
PEOPLE = (1, 2, 3)
TOKENS = (EVERYONE, *(f"team:{handle}" for handle in TEAMS), *(f"person:{number}" for number in PEOPLE), "team:gone")


@dataclass(frozen=True)
class Row:
    """A request or document to be made: its written audience, its person and its team."""

    written: frozenset[str]
    person: int | None
    team: int | None


ROWS = st.builds(
    Row,
    written=st.frozensets(st.sampled_from(TOKENS), max_size=3),
    person=st.sampled_from((None, *PEOPLE)),
    team=st.sampled_from((None, 0, 1, 2)),
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.tuples(*[st.frozensets(st.sampled_from((0, 1, 2))) for _ in PEOPLE]),
    rows=st.lists(ROWS, min_size=1, max_size=6),
)
def test_the_condition_in_sql_and_may_read_agree(
    sessions: sessionmaker[Session], members: tuple[frozenset[int], ...], rows: list[Row]
) -> None:
    with sessions() as session:  # never committed
        teams = [Team(id=n + 1, handle=handle, name=handle) for n, handle in enumerate(TEAMS)]
        people = [
            Person(id=number, handle=f"p{number}", name="P", teams=[teams[t] for t in sorted(mine)])
            for number, mine in zip(PEOPLE, members, strict=True)
        ]
        session.add_all([*teams, *people])
        session.flush()
        requests, documents = [_request(row) for row in rows], [_document(row) for row in rows]
        session.add_all([*requests, *documents])
        session.flush()
        session.expire_all()
        for reader in (ANYONE, *map(reader_of, people)):
            assert set(session.scalars(select(HelpRequest.id).where(readable_requests(reader)))) == {
                request.id for request in requests if may_read(request_audience(request), reader)
            }
            assert set(session.scalars(select(Document.id).where(readable_documents(reader)))) == {
                document.id for document in documents if may_read(document_audience(document), reader)
            }


def _request(row: Row) -> HelpRequest:
    return HelpRequest(
        title="t",
        body="",
        language="en",
        created_at=datetime(2026, 1, 1),
        asked_by_id=row.person,
        team_id=None if row.team is None else row.team + 1,
        audience=[RequestAudience(token=token) for token in row.written],
    )


def _document(row: Row) -> Document:
    return Document(
        title="t",
        body="",
        language="en",
        written_at=datetime(2026, 1, 1),
        owner_id=row.person,
        team_id=None if row.team is None else row.team + 1,
        audience=[DocumentAudience(token=token) for token in row.written],
    )


def test_a_person_holds_everyone_their_teams_and_themselves() -> None:
    teams = [Team(id=4, handle="hr", name="HR"), Team(id=6, handle="it", name="IT")]
    reader = reader_of(Person(id=7, handle="aino", name="Aino", teams=teams))
    assert reader.tokens == {"everyone", "person:7", "team:hr", "team:it"}
    assert (reader.person_id, reader.team_ids) == (7, {4, 6})


@pytest.mark.parametrize(
    ("audience", "readable"),
    [({"everyone"}, True), ({"team:hr"}, False), ({"person:1", "everyone"}, True), (set(), False), ({"every"}, False)],
)
def test_someone_not_signed_in_reads_only_what_everyone_may(audience: set[str], readable: bool) -> None:
    assert may_read(frozenset(audience), ANYONE) is readable


def test_a_request_is_readable_by_its_asker_and_its_team_besides_the_written_audience() -> None:
    request = HelpRequest(
        asked_by_id=3, team=Team(id=1, handle="hr", name="HR"), audience=[RequestAudience(token="team:it")]
    )
    assert request_audience(request) == {"team:it", "person:3", "team:hr"}


def test_a_document_is_readable_by_its_owner_and_its_team_besides_the_written_audience() -> None:
    document = Document(owner_id=3, team=Team(id=1, handle="hr", name="HR"), audience=[])
    assert document_audience(document) == {"person:3", "team:hr"}


def test_an_audience_of_everyone_is_nothing_more() -> None:
    written = [RequestAudience(token=token) for token in ("team:it", "everyone")]
    assert request_audience(HelpRequest(asked_by_id=3, audience=written)) == {"everyone"}


def test_the_answerer_of_a_restricted_request_holds_no_token_by_answering() -> None:
    reader = reader_of(Person(id=8, handle="vera", name="Vera", teams=[]))
    assert not may_read(request_audience(HelpRequest(asked_by_id=3, audience=[])), reader)
