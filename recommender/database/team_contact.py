"""How a team is reached, and whether private matters are its to handle."""

from sqlalchemy import String, false
from sqlalchemy.orm import Mapped, mapped_column

LONGEST_CONTACT = {"phone": 64, "hours": 200, "hours_fi": 200}
"""Characters that the columns hold."""


class HasContact:
    """Columns of a team: its telephone number, the hours in which it answers, also in Finnish, and whether questions
    about health, harassment, pay and family are offered to it first."""

    phone: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["phone"]))
    hours: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["hours"]))
    hours_fi: Mapped[str | None] = mapped_column(String(LONGEST_CONTACT["hours"]))
    private_matters: Mapped[bool] = mapped_column(default=False, server_default=false())
