"""What all pages for admins share: who may open them, and the menu of their sections."""

from dataclasses import dataclass

from flask import Flask, abort
from flask_babel import gettext

from recommender import access
from recommender.database.tables import Person
from web.sign_in.session import current_person, signed_in


@dataclass(frozen=True)
class Section:
    """An entry of the menu: the endpoint of its page, its name, the name of its picture."""

    endpoint: str
    text: str
    picture: str

    @property
    def blueprint(self) -> str:
        """The blueprint of its pages: on all of them the entry is marked."""
        return self.endpoint.partition(".")[0]


@dataclass(frozen=True)
class Attention:
    """Something that an admin should look at: a sentence, and the address of the page where it is seen and mended."""

    text: str
    address: str


def attach(app: Flask) -> None:
    """Make the menu known to the templates."""
    app.jinja_env.globals.update(admin_sections=sections, is_admin=is_admin)


def is_admin() -> bool:
    """True when the person who makes this request is an admin."""
    person = current_person()
    return person is not None and access.is_admin(person)


def current_admin() -> Person:
    """The admin who makes this request; 401 when nobody has signed in, 403 for others."""
    person = signed_in()
    if not access.is_admin(person):
        abort(403)
    return person


def sections() -> list[Section]:
    """The sections of the admin area that this person may open, in the order of the menu: leads only see the teams."""
    every = (
        Section("admin.home", gettext("Overview"), "home"),
        Section("admin_people.listed", gettext("People"), "users"),
        Section("admin_teams.listed", gettext("Teams"), "user-group"),
        Section("admin_import.show", gettext("Import"), "arrow-up-tray"),
        Section("admin_sources.listed", gettext("Sources"), "arrow-path"),
        Section("admin_index.show", gettext("Search index"), "magnifying-glass"),
        Section("admin_words.show", gettext("Words"), "language"),
        Section("admin_answers.listed", gettext("Answers"), "chat-bubble-left-right"),
        Section("admin_quality.show", gettext("Quality"), "chart-bar"),
        Section("admin_settings.show", gettext("Settings"), "cog-6-tooth"),
        Section("admin_look.show", gettext("Look"), "swatch"),
        Section("admin_sign_in.show", gettext("Signing in"), "key"),
        Section("admin_audit.listed", gettext("Audit log"), "clipboard-document-list"),
        Section("admin_jobs.listed", gettext("Jobs"), "queue-list"),
        Section("admin_system.show", gettext("System"), "server"),
    )
    return [section for section in every if is_admin() or section.blueprint == "admin_teams"]
