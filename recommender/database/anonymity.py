"""Who may know the asker of a request that was sent without a name, as columns of the table of requests."""

from sqlalchemy import JSON, false
from sqlalchemy.orm import Mapped, mapped_column


class MayBeAnonymous:
    """The columns of a row that somebody may have sent without their name. While it is `anonymous`, only they and the
    agents of the teams whose ids are in `name_known_to` see who sent it: the team that it was sent to, and those to
    which the sender has shown their name since. A list is replaced, never changed in place."""

    anonymous: Mapped[bool] = mapped_column(default=False, server_default=false())
    name_known_to: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
