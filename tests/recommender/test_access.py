"""access.py: who may read what, and that the rule in Python and the rule in SQL agree."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import (
    AGENTS,
    ANY_AGENT,
    ANYONE,
    EVERYONE,
    Reader,
    asker,
    author,
    covers,
    document_audience,
    led_teams,
    may_edit,
    may_handle,
    may_read,
    named_people,
    open_audience,
    readable_documents,
    readable_requests,
    reader_of,
    request_audience,
    without_open_prefix,
)
from recommender.access import leads as leads_team
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, Team

TEAMS = ("hr", "it", "legal")
PEOPLE = (1, 2, 3)
NAMED = (*(f"team:{handle}" for handle in TEAMS), *(f"person:{number}" for number in PEOPLE))
TOKENS = (EVERYONE, ANY_AGENT, *NAMED, "team:gone")


@dataclass(frozen=True)
class Row:
    """A request or document to add: its stored audience, its asker or owner, its team, and whether it is a draft."""

    written: frozenset[str]
    person: int | None
    team: int | None
    draft: bool


ROWS = st.builds(
    Row,
    written=st.frozensets(st.sampled_from(TOKENS), max_size=3),
    person=st.sampled_from((None, *PEOPLE)),
    team=st.sampled_from((None, 0, 1, 2)),
    draft=st.booleans(),
)
ROLES_AND_TEAMS = st.tuples(st.sampled_from(("staff", *AGENTS)), st.frozensets(st.sampled_from((0, 1, 2))))
EVERYBODY = st.tuples(*[ROLES_AND_TEAMS for _ in PEOPLE])


def _people(everybody: tuple[tuple[str, frozenset[int]], ...]) -> tuple[list[Team], list[Person]]:
    teams = [Team(id=n + 1, handle=handle, name=handle) for n, handle in enumerate(TEAMS)]
    people = [
        Person(id=number, handle=f"p{number}", name="P", role=role, teams=[teams[t] for t in sorted(mine)])
        for number, (role, mine) in zip(PEOPLE, everybody, strict=True)
    ]
    return teams, people


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(everybody=EVERYBODY, rows=st.lists(ROWS, min_size=1, max_size=6))
def test_the_sql_condition_and_may_read_agree(
    sessions: sessionmaker[Session], everybody: tuple[tuple[str, frozenset[int]], ...], rows: list[Row]
) -> None:
    with sessions() as session:  # never committed
        teams, people = _people(everybody)
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
        draft=row.draft,
        audience=[DocumentAudience(token=token) for token in row.written],
    )


def test_a_person_has_tokens_for_everyone_their_teams_and_themselves() -> None:
    teams = [Team(id=4, handle="hr", name="HR"), Team(id=6, handle="it", name="IT")]
    reader = reader_of(Person(id=7, handle="aino", name="Aino", teams=teams))
    assert reader.tokens == {"everyone", "person:7", "team:hr", "team:it"}
    assert reader.person_id == 7 and set(reader.team_ids) == {4, 6}
    assert (reader.agent, set(reader.serves_teams)) == (False, set())


@pytest.mark.parametrize("role", AGENTS)
def test_an_agent_also_has_the_agents_token_and_serves_their_teams(role: str) -> None:
    reader = reader_of(Person(id=7, handle="aino", name="Aino", role=role, teams=[Team(id=4, handle="hr", name="HR")]))
    assert reader.tokens == {"everyone", "agents", "person:7", "team:hr"}
    assert (reader.agent, set(reader.serves_teams)) == (True, {4})


@pytest.mark.parametrize(
    ("audience", "readable"),
    [({"everyone"}, True), ({"team:hr"}, False), ({"person:1", "everyone"}, True), (set(), False), ({"every"}, False)],
)
def test_a_person_who_is_not_signed_in_reads_only_what_everyone_may_read(audience: set[str], readable: bool) -> None:
    assert may_read(frozenset(audience), ANYONE) is readable


def test_a_request_is_readable_by_its_audience_its_asker_and_its_team() -> None:
    request = HelpRequest(
        asked_by_id=3, team=Team(id=1, handle="hr", name="HR"), audience=[RequestAudience(token="team:it")]
    )
    assert request_audience(request) == {"team:it", "person:3", "team:hr"}


@pytest.mark.parametrize(("role", "leads"), [("staff", set()), ("agent", set()), ("lead", {4}), ("admin", {4})])
def test_a_lead_or_an_admin_leads_their_teams(role: str, leads: set[int]) -> None:
    person = Person(id=1, handle="aino", name="Aino", role=role, teams=[Team(id=4, handle="hr", name="HR")])
    assert led_teams(person) == leads
    assert [leads_team(person, team) for team in (4, 6, None)] == [4 in leads, role == "admin", role == "admin"]


def test_a_document_is_readable_by_its_audience_its_owner_and_its_team() -> None:
    document = Document(owner_id=3, team=Team(id=1, handle="hr", name="HR"), audience=[])
    assert document_audience(document) == {"person:3", "team:hr"}


def test_an_audience_with_everyone_has_no_other_token() -> None:
    written = [RequestAudience(token=token) for token in ("team:it", "everyone")]
    assert request_audience(HelpRequest(asked_by_id=3, audience=written)) == {"everyone"}


def test_answering_a_restricted_request_gives_no_token() -> None:
    reader = reader_of(Person(id=8, handle="vera", name="Vera", teams=[]))
    assert not may_read(request_audience(HelpRequest(asked_by_id=3, audience=[])), reader)


# two people of a team and three others: anonymous askers, agents, editors

IT, HR = Team(id=1, handle="it", name="IT"), Team(id=2, handle="hr", name="HR")
MINNA = Person(id=1, handle="minna", name="Minna", role="staff", teams=[])
OTTO = Person(id=2, handle="otto", name="Otto", role="agent", teams=[IT])
IIDA = Person(id=3, handle="iida", name="Iida", role="staff", teams=[IT])
VERA = Person(id=4, handle="vera", name="Vera", role="lead", teams=[HR])
LASSE = Person(id=5, handle="lasse", name="Lasse", role="staff", teams=[])
READERS = {person.handle: reader_of(person) for person in (MINNA, OTTO, IIDA, VERA, LASSE)} | {"": ANYONE}


def _answered_request(team: Team | None, *, anonymous: bool) -> HelpRequest:
    """A request by Minna with a reply by her and a reply by Otto."""
    request = HelpRequest(asked_by=MINNA, asked_by_id=1, team=team, team_id=team and team.id, anonymous=anonymous)
    request.name_known_to = [team.id] if team else []
    request.replies = [Reply(author=MINNA, author_id=1), Reply(author=OTTO, author_id=2), Reply()]
    return request


@pytest.mark.parametrize(("team", "informed"), [(IT, {"minna", "otto"}), (HR, {"minna", "vera"}), (None, {"minna"})])
def test_an_anonymous_asker_is_shown_only_to_themselves_and_the_agents_who_handle_the_request(
    team: Team | None, informed: set[str]
) -> None:
    request = _answered_request(team, anonymous=True)
    assert {name: asker(request, reader) for name, reader in READERS.items()} == {
        name: MINNA if name in informed else None for name in READERS
    }
    reply_of_minna, reply_of_otto, imported = request.replies
    for name, reader in READERS.items():
        assert author(reply_of_minna, reader) is (MINNA if name in informed else None)
        assert author(reply_of_otto, reader) is OTTO  # people who answer are not anonymous
        assert author(imported, reader) is None


def test_the_team_that_gets_an_anonymous_request_from_another_does_not_know_the_asker() -> None:
    request = _answered_request(IT, anonymous=True)
    request.team, request.team_id = HR, 2
    assert {name for name, reader in READERS.items() if asker(request, reader)} == {"minna", "otto"}
    request.name_known_to = [1, 2]
    assert {name for name, reader in READERS.items() if asker(request, reader)} == {"minna", "otto", "vera"}


def test_what_an_unknown_asker_may_read_makes_no_difference_to_a_reader() -> None:
    request = _answered_request(IT, anonymous=True)
    for asked_by in (MINNA, VERA, IIDA):
        request.asked_by, request.asked_by_id = asked_by, asked_by.id
        people = {asked_by.id: asked_by}
        for name in ("lasse", ""):
            assert not covers(frozenset({"team:it", "team:hr", "person:1"}), request, people, READERS[name])
            assert covers(frozenset({"everyone"}), request, people, READERS[name])
    assert covers(frozenset({"team:it"}), request, people, READERS["otto"])  # he knows that Iida asked


def test_an_asker_who_is_not_anonymous_is_shown_to_all_readers() -> None:
    request = _answered_request(IT, anonymous=False)
    for reader in READERS.values():
        assert asker(request, reader) is MINNA
        assert [author(reply, reader) for reply in request.replies] == [MINNA, OTTO, None]


def test_an_anonymous_request_without_an_asker_belongs_to_nobody() -> None:
    request = HelpRequest(asked_by=None, anonymous=True, team=IT, team_id=1)
    request.replies = [Reply(author=OTTO, author_id=2)]
    assert asker(request, ANYONE) is None
    assert author(request.replies[0], ANYONE) is OTTO


@pytest.mark.parametrize(("team", "handling"), [(IT, {"otto"}), (HR, {"vera"}), (None, {"otto", "vera"})])
def test_a_request_is_handled_by_its_team_s_agents_or_by_any_agent_while_it_has_no_team(
    team: Team | None, handling: set[str]
) -> None:
    request = _answered_request(team, anonymous=False)
    assert {name for name, reader in READERS.items() if may_handle(request, reader)} == handling


@pytest.mark.parametrize(
    ("owner", "team", "editing"),
    [
        (LASSE, IT, {"lasse", "otto"}),
        (LASSE, None, {"lasse"}),
        (IIDA, IT, {"iida", "otto"}),
        (None, HR, {"vera"}),
        (None, None, set()),
    ],
)
def test_a_document_is_edited_by_its_owner_and_its_team_s_agents(
    owner: Person | None, team: Team | None, editing: set[str]
) -> None:
    document = Document(owner_id=owner and owner.id, team_id=team and team.id)
    assert {name for name, reader in READERS.items() if may_edit(document, reader)} == editing


# drafts


def test_a_draft_is_readable_only_by_its_owner_and_team_whatever_its_audience() -> None:
    written = [DocumentAudience(token=token) for token in ("everyone", "agents", "team:hr")]
    document = Document(owner_id=5, team=IT, audience=written, draft=True)
    assert document_audience(document) == {"person:5", "team:it"}
    document.draft = False
    assert document_audience(document) == {"everyone"}


# which items can be quoted in a request


@hypothesis_settings(max_examples=300, deadline=None)
@given(everybody=EVERYBODY, row=ROWS, audience=st.frozensets(st.sampled_from(TOKENS), max_size=4))
def test_an_audience_that_covers_a_request_includes_all_of_its_readers(
    everybody: tuple[tuple[str, frozenset[int]], ...], row: Row, audience: frozenset[str]
) -> None:
    teams, people = _people(everybody)
    request = _request(row)
    request.team = None if row.team is None else teams[row.team]
    named = {person.id: person for person in people if person.id in named_people(request)}
    if covers(audience, request, named, ANYONE):
        readers = [
            reader for reader in (ANYONE, *map(reader_of, people)) if may_read(request_audience(request), reader)
        ]
        assert all(may_read(audience, reader) for reader in readers)


@pytest.mark.parametrize(
    ("written", "team", "audience", "covered"),
    [
        ({"everyone"}, IT, {"everyone"}, True),
        ({"everyone"}, IT, {"team:it", "agents", "person:1"}, False),
        (set(), IT, {"everyone"}, True),
        (set(), IT, {"team:it", "person:1"}, True),
        (set(), IT, {"team:it"}, False),  # Minna is the asker, and she is not in the team
        (set(), IT, {"person:1"}, False),
        ({"person:3"}, IT, {"team:it", "person:1"}, True),  # Iida is in the team
        ({"person:4"}, None, {"person:1", "team:hr"}, True),  # Vera is in hr
        ({"person:4"}, None, {"person:1", "agents"}, True),  # Vera is an agent
        ({"person:3"}, None, {"person:1", "agents"}, False),
        ({"agents"}, None, {"agents", "person:1"}, True),
        ({"agents"}, None, {"team:it", "team:hr", "person:1"}, False),  # there may be agents in other teams
        ({"team:hr"}, IT, {"team:it", "person:1"}, False),
        ({"person:99"}, None, {"person:1", "team:it"}, False),  # an unknown person
        (set(), None, set(), False),
    ],
)
def test_which_items_can_be_quoted_in_minna_s_request(
    written: set[str], team: Team | None, audience: set[str], covered: bool
) -> None:
    request = HelpRequest(asked_by_id=1, team=team, audience=[RequestAudience(token=token) for token in written])
    people = {person.id: person for person in (MINNA, IIDA, VERA) if person.id in named_people(request)}
    assert covers(frozenset(audience), request, people, ANYONE) is covered


def test_the_named_people_of_a_request_are_its_asker_and_those_in_its_audience() -> None:
    written = [RequestAudience(token=token) for token in ("person:12", "team:it", "agents")]
    assert named_people(HelpRequest(asked_by_id=3, audience=written)) == {3, 12}
    assert named_people(HelpRequest(asked_by_id=3, audience=[RequestAudience(token="everyone")])) == set()


# open requests in the index


@given(audience=st.frozensets(st.sampled_from(TOKENS)), reader_tokens=st.frozensets(st.sampled_from(TOKENS)))
def test_an_open_audience_is_readable_only_in_a_search_for_open_requests(
    audience: frozenset[str], reader_tokens: frozenset[str]
) -> None:
    reader = Reader(1, frozenset(), reader_tokens)
    assert not may_read(open_audience(audience), reader)
    assert audience.isdisjoint(reader.for_open_requests)
    assert (not open_audience(audience).isdisjoint(reader.for_open_requests)) is may_read(audience, reader)


@given(st.frozensets(st.sampled_from(TOKENS)))
def test_without_open_prefix_removes_the_prefix_of_an_open_audience(audience: frozenset[str]) -> None:
    assert without_open_prefix(open_audience(audience)) == without_open_prefix(audience) == audience
