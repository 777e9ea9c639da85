"""How a team is reached, and whether private matters are its to handle."""

from sqlalchemy import String, false
from sqlalchemy.orm import Mapped, mapped_column


class HasContact:
    """Columns of a team: its telephone number, the hours in which it answers, also in Finnish, and whether questions
    about health, harassment, pay and family are offered to it first."""

    phone: Mapped[str | None] = mapped_column(String(64))
    hours: Mapped[str | None] = mapped_column(String(200))
    hours_fi: Mapped[str | None] = mapped_column(String(200))
    private_matters: Mapped[bool] = mapped_column(default=False, server_default=false())
