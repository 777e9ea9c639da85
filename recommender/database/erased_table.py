"""The table of what has been erased."""

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base


class Erased(Base):
    """A request, document or person that was erased, so that the next import does not bring it back. Only a digest of
    its name in its source is stored (`knowledge.erasure`)."""

    __tablename__ = "erased"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_on: Mapped[date]
