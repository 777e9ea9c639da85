"""The teams that most organisations have, ready to be chosen, and the making of what was chosen."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from recommender.audit import Actor
from recommender.database.tables import Team
from recommender.errors import TeamRefused
from recommender.teams import team as teams

MOST_TEAMS = 30
"""Teams of one form: a judgement."""

_TRANSLATED = ("fi", "sv")  # languages in which a team may have a name of its own


@dataclass(frozen=True)
class ChosenTeam:
    """A team to be made: its handle, its names by language, and how it is reached. `restricted`: only the asker and the
    team read new requests; None follows what the organisation has set for new teams. `private_matters`: it is offered
    first for questions about health, pay and the like."""

    handle: str
    names: dict[str, str] = field(default_factory=dict)
    restricted: bool | None = False
    private_matters: bool = False
    phone: str = ""
    hours: str = ""


READY = (
    ChosenTeam("it", {"en": "IT support", "fi": "IT-tuki", "sv": "IT-stöd"}),
    ChosenTeam(
        "hr",
        {"en": "Human resources", "fi": "Henkilöstöpalvelut", "sv": "Personaltjänster"},
        restricted=True,
        private_matters=True,
    ),
    ChosenTeam("finance", {"en": "Finance", "fi": "Talous", "sv": "Ekonomi"}),
    ChosenTeam("legal", {"en": "Legal", "fi": "Lakiasiat", "sv": "Juridik"}, restricted=True),
    ChosenTeam("facilities", {"en": "Facilities", "fi": "Toimitilat", "sv": "Lokaler"}),
)
"""Teams by the handles that are usual for them; the restricted ones are those whose requests are often personal."""


def make(session: Session, chosen: Iterable[ChosenTeam], by: Actor, language: str = "en") -> list[Team]:
    """The teams that were chosen. One whose handle there is already stays as it is: its own page changes it. The caller
    commits. Raises TeamRefused for what cannot be used, with the handle at the beginning of its message."""
    made = []
    for each in chosen:
        team = teams.find(session, each.handle)
        if team is not None:
            made.append(team)
            continue
        try:
            team = teams.add(session, each.handle, _names_in_columns(each.names, language), by)
            if each.restricted is not None:
                teams.restrict(session, team, each.restricted, by)
            teams.handle_private_matters(session, team, each.private_matters, by)
            own = {f"hours_{language}": each.hours} if language in _TRANSLATED else {}
            teams.set_contact(session, team, {"phone": each.phone, "hours": each.hours} | own, by)
        except TeamRefused as error:
            raise TeamRefused(f"{each.handle}: {error}", error.field, error.reason) from error
        made.append(team)
    return made


def handle_of(name: str) -> str:
    """A handle made of the name of a team: `Sähkö ja lämpö` becomes `sahko-ja-lampo`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]


def _names_in_columns(names: dict[str, str], language: str) -> dict[str, str]:
    """The names as the columns of a team have them: `name` is what everybody sees who has no other."""
    english = names.get("en", "")
    columns = {"name": english or names.get(language, "") or next(iter(names.values()), "")}
    return columns | {f"name_{code}": names[code] for code in _TRANSLATED if names.get(code)}
