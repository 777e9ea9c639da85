"""Which team handles a topic: the one that most of its items belong to."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.corpus import rows_of
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Kind
from recommender.insights.topics.topic import Topic


def team_of_most(teams: Iterable[int | None]) -> int | None:
    """The team that most items belong to, given the id of that of each item; of equal ones that with the smallest id.
    None when no item has a team."""
    handled = Counter(team for team in teams if team is not None)
    return min(handled, key=lambda team: (-handled[team], team), default=None)


def handling_team(session: Session, topic: Topic) -> int | None:
    """The id of the team that handles a topic, as it is now; its figures name the one that did when they were
    computed."""
    return team_of_most(
        team
        for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document))
        for _id, team in rows_of(session, select(table.id, table.team_id), table.id, topic.items, kind)
    )
