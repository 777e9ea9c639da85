"""Which team handles a topic: the one that most of its items belong to."""

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.corpus import rows_of
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Kind, item_key
from recommender.insights.topics.topic import Topic


def teams_of(session: Session, keys: Collection[str]) -> dict[str, int | None]:
    """The id of the team that handles each item."""
    teams: dict[str, int | None] = {}
    for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document)):
        for identifier, team in rows_of(session, select(table.id, table.team_id), table.id, keys, kind):
            teams[item_key(kind, identifier)] = team
    return teams


def team_of_most(members: Collection[str], teams: Mapping[str, int | None]) -> int | None:
    """The team that most of these items belong to, of those that `teams_of` gives; of equal ones that with the smallest
    id. None when no item has a team."""
    handled = Counter(team for key in members if (team := teams.get(key)) is not None)
    return min(handled, key=lambda team: (-handled[team], team), default=None)


def handling_team(session: Session, topic: Topic) -> int | None:
    """The id of the team that handles a topic, as it is now; its figures name the one that did when they were
    computed."""
    return team_of_most(topic.items, teams_of(session, topic.items))
