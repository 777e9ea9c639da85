"""recommender/teams/removing.py: what belongs to a team, and what becomes of it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.access import knows_asker, readable_documents, readable_requests, reader_of
from recommender.database.audit_table import AuditEntry
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.request_tables import CannedReply
from recommender.database.tables import (
    Base,
    Document,
    HelpRequest,
    Person,
    RequestAudience,
    Team,
    team_members,
    utc_now,
)
from recommender.errors import TeamRefused
from recommender.insights.topics import stored
from recommender.knowledge import versions
from recommender.teams import removing, team

Sessions = sessionmaker[Session]
DELETED_WITH_IT = {"team_members", "team_destinations", "provisioned_teams"}


def _row(session: Session, handle: str) -> Team:
    return team.get_team(session, handle)


def _readable(session: Session, person_id: int) -> tuple[int, int]:
    """How many requests and documents a person may read."""
    reader = reader_of(session.get_one(Person, person_id))
    requests = session.scalars(select(HelpRequest.id).where(readable_requests(reader))).all()
    return len(requests), len(session.scalars(select(Document.id).where(readable_documents(reader))).all())


def test_every_table_that_names_teams_is_moved_or_deleted() -> None:
    naming = {
        table.name
        for table in Base.metadata.tables.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.target_fullname == "teams.id"
    }
    assert "requests" in naming
    assert naming == {table.__tablename__ for table in removing._MOVED} | DELETED_WITH_IT


def test_a_team_to_which_nothing_belongs_is_removed_with_its_memberships(
    sessions: Sessions, add_person: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it", "hr")
    with sessions.begin() as session:
        assert not removing.belongings(session, _row(session, "it")).keep_it
        removing.remove(session, _row(session, "it"), audit.COMMAND)
    with sessions() as session:
        assert [row.handle for row in team.all_teams(session)] == ["hr"]
        assert len(session.execute(select(team_members)).all()) == 1
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None and (entry.action, entry.subject) == ("team.removed", "team:it")


@pytest.mark.parametrize("belonging", ["request", "document", "canned", "named"])
def test_a_team_is_not_removed_while_something_belongs_to_it(
    sessions: Sessions, add_request: Callable[..., int], add_document: Callable[..., int], belonging: str
) -> None:
    number = add_request("VPN", team="it" if belonging == "request" else "hr")
    add_document("Guide", "Text", team="it" if belonging == "document" else "hr")
    with sessions.begin() as session:
        row = team.find(session, "it") or team.add(session, "it", {"name": "IT"}, audit.COMMAND)
        if belonging == "canned":
            session.add(CannedReply(team_id=row.id, title="Hello", body="Hello"))
        if belonging == "named":
            session.add(RequestAudience(request_id=number, token="team:it"))
    with sessions() as session, pytest.raises(TeamRefused, match="--merge-into"):
        removing.remove(session, _row(session, "it"), audit.COMMAND)


def test_a_merge_moves_everything_and_says_before_who_reads_more(
    sessions: Sessions,
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> None:
    aino, eeva, both = add_person("aino", "agent", "it"), add_person("eeva", "agent", "hr"), 0
    both = add_person("both", "agent", "it", "hr")
    add_request("VPN", team="it", audience=("team:it",))
    add_request("Shared", team="it")
    twice = add_request("Twice", team="hr", audience=("team:it", "team:hr"))
    add_document("Pay", "Text", team="hr", audience=("team:hr",))
    with sessions.begin() as session:
        it, hr = _row(session, "it"), _row(session, "hr")
        assert (_readable(session, aino), _readable(session, eeva), _readable(session, both)) == (
            (3, 0), (2, 1), (3, 1),
        )  # fmt: skip
        means = removing.what_merging_means(session, it, hr)
        assert (means.joining, means.for_joining, means.others, means.for_others) == (1, 2, 1, 2)
        moved = removing.merge(session, it, hr, audit.COMMAND)
        assert (moved.members, moved.open_requests + moved.solved_requests, moved.shared) == (2, 2, 1)
    with sessions() as session:
        assert [row.handle for row in team.all_teams(session)] == ["hr"]
        assert _readable(session, aino) == _readable(session, eeva) == _readable(session, both) == (3, 1)
        tokens = select(RequestAudience.token).where(RequestAudience.request_id == twice)
        assert session.scalars(tokens).all() == ["team:hr"]
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None and entry.action == "team.merged" and entry.details is not None
        assert (entry.details["into"], entry.details["widened"], entry.details["people"]) == ("hr", True, [aino])
        assert audit.verify(session) == []


def test_the_history_of_guides_and_the_topics_go_along(
    sessions: Sessions, add_person: Callable[..., int], add_document: Callable[..., int]
) -> None:
    aino = add_person("aino", "agent", "payroll")
    add_person("eeva", "agent", "hr")
    number = add_document("Pay", "First", team="payroll", audience=())
    with sessions.begin() as session:
        document = session.get_one(Document, number)
        versions.store(session, document, aino, utc_now())
        document.body = "Second"
        versions.store(session, document, aino, utc_now())
        for token, items in (("team:payroll", ("document:1", "document:2")), ("team:hr", ("document:2",))):
            row = TopicRow(audience=token, name_en="pay", given_en="Pay days", made_on=utc_now().date())
            session.add(row)
            session.flush()
            session.add_all(TopicItem(topic_id=row.id, item=item) for item in items)
    with sessions.begin() as session:
        removing.merge(session, _row(session, "payroll"), _row(session, "hr"), audit.COMMAND)
    with sessions() as session:
        reader = reader_of(session.get_one(Person, aino))
        found = versions.history(session, session.get_one(Document, number), reader).versions
        assert [version.body for version in found] == ["Second", "First"]
        topics = stored.read(session, "team:hr").values()
        assert [(topic.given["en"], set(topic.items)) for topic in topics] == [
            ("Pay days", {"document:1"}), ("Pay days", {"document:2"}),
        ]  # fmt: skip
        assert stored.stored_tokens(session) == ["team:hr"]


def test_a_merge_tells_nobody_who_asked_without_a_name(
    sessions: Sessions, add_person: Callable[..., int], add_request: Callable[..., int]
) -> None:
    eeva = add_person("eeva", "agent", "hr")
    number = add_request("Unwell", team="it")
    with sessions.begin() as session:
        request, it = session.get_one(HelpRequest, number), _row(session, "it")
        request.anonymous, request.name_known_to = True, [it.id]
        removing.merge(session, it, _row(session, "hr"), audit.COMMAND)
    with sessions() as session:
        request = session.get_one(HelpRequest, number)
        assert not knows_asker(request, reader_of(session.get_one(Person, eeva)))


def test_a_team_is_not_merged_into_itself(sessions: Sessions, add_person: Callable[..., int]) -> None:
    add_person("aino", "agent", "it")
    with sessions() as session, pytest.raises(TeamRefused, match="into itself"):
        removing.merge(session, _row(session, "it"), _row(session, "it"), audit.COMMAND)
