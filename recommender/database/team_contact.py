"""How a team is reached, and whether private matters are its to handle."""

from sqlalchemy import String, false
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.lengths import LONGEST_CONTACT


class HasContact:
    """Columns of a team: its telephone number, the hours in which it answers, also in Finnish and Swedish, and whether
    questions about health, harassment, pay and family are offered to it first."""

    phone: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["phone"]))
    hours: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["hours"]))
    hours_fi: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["hours"]))
    hours_sv: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["hours"]))
    private_matters: Mapped[bool] = mapped_column(default=False, server_default=false())

    def in_language(self, field: str, language: str) -> str | None:
        """The "name" or the "hours" in a language, if the team has them in it; else as they are usually written."""
        text: str | None = getattr(self, f"{field}_{language}", None) or getattr(self, field)
        return text
