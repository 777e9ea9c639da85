"""The tables of what an organisation has set in Kollega itself, and of the code that its first admin needs."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class OrganisationValue(Base):
    """One value that the organisation has set, such as its name or its time zone, and who set it last. Which keys there
    are and what a value may be says `recommender/organisation/values.py`."""

    __tablename__ = "organisation_values"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)


class SetUpCode(Base):
    """The SHA-256 digest of the code with which a new installation is set up, and how often a wrong one was given.
    There is one row at most, and none once there is an admin."""

    __tablename__ = "set_up_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
