"""The tables of what an identity provider says of the people and teams that it manages here (SCIM 2.0)."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base

LONGEST_EXTERNAL_ID = 200


class ProvisionedPerson(Base):
    """A person whom an identity provider manages. `external_id` is their id there, `said` what it has said of them that
    stands nowhere else, as it is to be given back. `removed` says that it has deleted them: they may not sign in, and
    it sees them no more, but what they wrote stays."""

    __tablename__ = "provisioned_people"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    external_id: Mapped[str | None] = mapped_column(String(LONGEST_EXTERNAL_ID), index=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    removed: Mapped[bool] = mapped_column(default=False, server_default=false())


class ProvisionedTeam(Base):
    """A team that is a group of an identity provider, with its id there. `removed` says that the group was deleted
    there: the team has no members any more and stays for what belongs to it."""

    __tablename__ = "provisioned_teams"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    external_id: Mapped[str | None] = mapped_column(String(LONGEST_EXTERNAL_ID), index=True)
    removed: Mapped[bool] = mapped_column(default=False, server_default=false())
