"""The forms of the set-up: what was sent, and what is wrong with it."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from recommender.errors import AccountError
from recommender.first_run.admin import NewAdmin
from recommender.first_run.zones import USUAL_ZONES
from recommender.organisation.values import Organisation
from recommender.setting_values import PAGE_LANGUAGES


@dataclass
class OrganisationForm:
    """The name of the organisation, the languages of its pages, the one of those who prefer none, its time zone."""

    name: str = ""
    languages: list[str] = field(default_factory=list)
    language: str = ""
    time_zone: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, organisation: Organisation, language: str) -> "OrganisationForm":
        """What is set, else what is likely for whoever reads the page in this language."""
        settings, is_new = organisation.settings, not organisation.name
        zone = settings.time_zone
        if is_new and zone == "UTC":
            zone = USUAL_ZONES.get(language, zone)
        chosen = language if is_new and settings.language == "en" else settings.language
        return cls(organisation.name, list(organisation.languages), chosen, zone)

    @classmethod
    def sent(cls, form: MultiDict[str, str]) -> "OrganisationForm":
        """What was sent."""
        languages = [code for code in PAGE_LANGUAGES if code in form.getlist("languages")]
        name, language = " ".join(form.get("name", "").split()), form.get("language", "")
        return cls(name, languages, language, form.get("time_zone", "").strip())

    def values(self) -> dict[str, Any]:
        """The values by their keys."""
        return {
            "name": self.name,
            "languages": self.languages,
            "language": self.language,
            "time_zone": self.time_zone,
        }


@dataclass
class AdminForm:
    """The first admin."""

    handle: str = ""
    name: str = ""
    email: str = ""
    password: str = ""
    again: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls, form: MultiDict[str, str]) -> "AdminForm":
        """What was sent; a password as it is."""
        handle, name, email = (form.get(field, "").strip() for field in ("handle", "name", "email"))
        return cls(handle, name, email, form.get("password", ""), form.get("again", ""))

    def new(self) -> NewAdmin:
        """The admin to be made."""
        return NewAdmin(self.handle, self.name, self.email, self.password)

    def add_problem(self, error: AccountError) -> None:
        """Say beside the field what cannot be used."""
        texts = {
            "name": ("name", gettext("Write the name of the admin.")),
            "handle": ("handle", gettext("A user name is one word, without spaces and / ? # %.")),
            "handle_taken": ("handle", gettext("Somebody has this user name already. Choose another one.")),
            "email": ("email", gettext("This is not an e-mail address such as aino@example.org.")),
            "email_taken": ("email", gettext("Somebody has this e-mail address already.")),
        }
        name, text = texts.get(error.reason, ("name", str(error)))
        self.problems[name] = text


@cache
def time_zones() -> list[str]:
    """The names of time zones that people choose from."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in available_timezones() if name.startswith(areas))]
