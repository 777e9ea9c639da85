"""Checks that the teams which the options of a source name are here, before hours are spent on reading it."""

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.protocol import Options
from recommender.database.tables import Team
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence


def require_teams(sessions: sessionmaker[Session], name: str, kind: str, options: Options) -> None:
    """Raises SourceError for a team of the options that is not in the database. A file of the import format may bring
    its teams itself."""
    tokens = [token for tokens in options.audiences.values() for token in tokens]
    named = {*options.teams.values(), *(token.removeprefix("team:") for token in tokens if token.startswith("team:"))}
    if options.team is not None:
        named.add(options.team)
    if not named or kind == "jsonl":
        return
    with sessions() as session:
        known = set(session.scalars(select(Team.handle)))
    if missing := sorted(named - known):
        raise SourceError(
            Sentence(
                "%(name)s: there is no team '%(team)s'; there are: %(known)s. Correct its name, or make it with: "
                "kollega team add %(team)s --name NAME",
                name=name,
                team=missing[0],
                known=", ".join(sorted(known)) or Sentence("none yet"),
            )
        )
