"""`kollega init`: sets up a new installation in the terminal, as the page `/setup` does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.running import database, load_analyzer, running_count
from recommender.errors import KollegaError
from recommender.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from recommender.first_run.ready_teams import ChosenTeam

_READY = "it, hr, finance, legal, facilities"


@click.command("init")
@click.option("--name", help="Name of the organisation.")
@click.option("--language", "languages", multiple=True, help="Language of the pages: en, fi or sv; the first is usual.")
@click.option("--time-zone", help="Time zone, such as Europe/Helsinki.")
@click.option("--admin", help="User name of the first admin.")
@click.option("--admin-name", help="Name of the first admin.")
@click.option("--email", help="E-mail address of the first admin; may be empty.")
@click.option(
    "--team", "teams", multiple=True, metavar="TEAM",
    help=f"One of {_READY}, or HANDLE=NAME; may be given several times. Without any, all of these.",
)  # fmt: skip
@click.option("--no-teams", is_flag=True, help="Make no team.")
@click.option("--file", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="A table (.csv, .xlsx), JSON Lines (.jsonl) or a ZIP file of documents to load.")  # fmt: skip
@click.option("--file-team", help="Handle of the team of what in that file names none.")
@click.option("--yes", is_flag=True, help="Ask nothing: what no option says is taken as proposed.")
@click.pass_obj
def init(settings: Settings, /, yes: bool, path: Path | None, file_team: str | None, **given: Any) -> None:
    """Set up a new installation: the organisation, the first admin, the teams, and the first file.

    Whatever no option says is asked, with a proposal. Without a terminal the password is the next line of standard
    input, and an answer that cannot be used ends the command. A store that has an admin is left as it is, and the exit
    status is 1.
    """
    from recommender.first_run import code

    if path is not None and not path.is_file():
        raise KollegaError(f"There is no file {path}. Check the path; nothing was set up.")
    asks = _Asks(given, yes)
    with database(settings) as sessions, sessions(info={"via": "command"}) as session:
        if not code.is_needed(session, settings):
            raise KollegaError(
                "This installation is set up already: there is an admin. Use kollega user, kollega team and "
                "kollega import, or another KOLLEGA_HOME."
            )
        _organisation(session, settings, asks)
        _admin(session, settings, asks)
        if not given["no_teams"]:
            _teams(session, settings, given["teams"], asks)
        session.commit()
        code.end(session, settings)
        session.commit()
    path = path or (None if yes else asks.file())
    if path is not None:
        _load(settings, path, file_team, yes)
    click.echo("Set up. Start it with: kollega serve")


class _Asks:
    """The options, and questions for those that were not given."""

    def __init__(self, given: dict[str, Any], yes: bool) -> None:
        self._given, self._yes = given, yes

    def text(self, name: str, question: str, proposal: str = "") -> str:
        """What was given, else what somebody types; Enter takes the proposal."""
        if self._given.get(name) is not None:
            return str(self._given[name])
        if self._yes:
            return proposal
        return str(click.prompt(question, default=proposal or None, show_default=bool(proposal))).strip()

    def optional(self, name: str, question: str) -> str:
        """The same, and nothing is a good answer."""
        if self._given.get(name) is not None:
            return str(self._given[name])
        return "" if self._yes else str(click.prompt(question, default="", show_default=False)).strip()

    def until_taken(self, take: "Callable[[], None]", *names: str) -> None:
        """Ask for something and take it. What is refused is told, and asked again at a terminal: lines of a pipe would
        answer the wrong questions from there on, and a password would be taken for a name. What options or --yes say is
        not asked."""
        while True:
            try:
                return take()
            except KollegaError as error:
                given = any(self._given.get(name) not in (None, ()) for name in names)
                if self._yes or given or not sys.stdin.isatty():
                    raise
                click.echo(str(error))

    def languages(self) -> list[str]:
        """The languages; the first one is the usual one."""
        question = "Languages of the pages, by spaces; the first is the usual one"
        given = list(self._given["languages"]) or self.text("", question, "en fi sv").split()
        return [code for part in given for code in part.replace(",", " ").split()]

    def file(self) -> Path | None:
        """A file to load; None to start with nothing."""
        typed = str(click.prompt("File to load (Enter to start with nothing)", default="", show_default=False)).strip()
        if typed and not Path(typed).expanduser().is_file():
            if not sys.stdin.isatty():
                raise KollegaError(f"There is no file {typed}. The rest is set up; load a file with kollega import.")
            click.echo(f"There is no file {typed}.")
            return self.file()
        return Path(typed).expanduser() if typed else None


def _organisation(session: "Session", settings: Settings, asks: _Asks) -> None:
    from recommender.first_run.zones import USUAL_ZONES
    from recommender.organisation.values import Organisation, in_environment, set_value

    def name() -> None:
        set_value(session, settings, "name", asks.text("name", "Name of the organisation", "Our organisation"))

    def languages() -> None:
        codes = asks.languages()
        set_value(session, settings, "languages", codes)
        if not in_environment(settings, "language"):
            set_value(session, settings, "language", codes[0])

    def time_zone() -> None:
        usual = USUAL_ZONES.get(Organisation.read(session, settings).settings.language, "UTC")
        question = "Time zone, such as Europe/Helsinki"
        set_value(session, settings, "time_zone", asks.text("time_zone", question, usual))

    asks.until_taken(name, "name")
    asks.until_taken(languages, "languages")
    if not in_environment(settings, "time_zone"):
        asks.until_taken(time_zone, "time_zone")


def _admin(session: "Session", settings: Settings, asks: _Asks) -> None:
    from indexer.commands.people import read_password
    from recommender.errors import UnusablePassword
    from recommender.first_run.admin import NewAdmin, make

    elsewhere = bool(settings.proxy_header or settings.oidc_issuer)

    def admin() -> None:
        handle = asks.text("admin", "User name of the first admin", "admin")
        name = asks.text("admin_name", "Their name", handle)
        email = asks.optional("email", "Their e-mail address (Enter for none)")
        while True:
            password = "" if elsewhere else read_password()
            try:
                with session.begin_nested():
                    make(session, NewAdmin(handle, name, email, password), settings.organisation_words, not elsewhere)
                return
            except UnusablePassword as error:
                if not sys.stdin.isatty():
                    raise
                click.echo(str(error))

    if sys.stdin.isatty() and not elsewhere:
        click.echo("The first admin needs a password of at least ten characters; four words are easy to remember.")
    asks.until_taken(admin, "admin", "admin_name", "email")


def _teams(session: "Session", settings: Settings, wanted: tuple[str, ...], asks: _Asks) -> None:
    from recommender.audit import COMMAND
    from recommender.first_run.ready_teams import make
    from recommender.organisation.values import Organisation

    language = Organisation.read(session, settings).settings.language

    def teams() -> None:
        named = wanted
        if not named:
            typed = asks.text("", "Teams, by spaces (none for no team)", _READY.replace(",", ""))
            named = () if typed == "none" else tuple(typed.replace(",", " ").split())
        with session.begin_nested():
            made = make(session, [_chosen(each) for each in named], COMMAND, language)
        for team in made:
            click.echo(f"team {team.handle}: {team.name}{' (restricted)' if team.restricted else ''}")

    asks.until_taken(teams, "teams")


def _chosen(given: str) -> "ChosenTeam":
    """A team by its handle, or as HANDLE=NAME."""
    from recommender.errors import AccountError
    from recommender.first_run.ready_teams import READY, ChosenTeam

    handle, _, name = given.partition("=")
    if name:
        return ChosenTeam(handle, {"en": name}, restricted=None)
    for each in READY:
        if each.handle == handle:
            return each
    raise AccountError(f"{handle} is none of {_READY}. Give its name too: --team {handle}=NAME")


def _load(settings: Settings, path: Path, team: str | None, yes: bool) -> None:
    """Show what is understood of a file, load it, and index it."""
    from dataclasses import replace

    from indexer.commands.imports import masking, print_report
    from indexer.commands.index import update_index
    from indexer.loading.load import load
    from indexer.loading.uploaded import look, open_source
    from recommender.organisation.values import Organisation
    from recommender.uploads import upload as uploads
    from recommender.uploads.earlier import remember

    with path.open("rb") as content:
        choice = {"roles": True} | ({"team": team} if team else {})  # what `_lines` says is confirmed, or --yes
        upload = replace(uploads.keep(settings, path.name, content), choice=choice)
    kept = settings.home / upload.path
    with database(settings) as sessions:
        with sessions() as session:
            zone = Organisation.read(session, settings).settings.time_zone
        for line in _lines(look(upload, kept, zone)):
            click.echo(line)
        if not yes and not click.confirm("Load it like this?", default=True):
            uploads.remove_content(settings, upload.id)
            click.echo("Nothing was loaded. docs/sources/csv.md says how to correct what is read.")
            return
        with running_count("importing") as progress:
            source = open_source(upload, kept, zone)
            report = load(source, sessions, load_analyzer(settings), progress, mask=masking(settings))
        with sessions.begin() as session:
            remember(session, upload, report.counts())
    uploads.remove_content(settings, upload.id)
    print_report(report)
    click.echo(report.line())
    update_index(settings, full=False)


def _lines(found: dict[str, Any]) -> list[str]:
    """What was understood of a file, for the terminal."""
    counts = ", ".join(f"{number} {what}" for what, number in found["counts"].items()) or "nothing that can be loaded"
    lines = [f"Found: {counts}"]
    lines += [f"  {each['name']}: {each['role'] or 'not used'}" for each in found.get("columns", ())]
    lines += [f"Becomes {each['role']}: {each['name']} ({each['id']})" for each in found["roles"]]
    lines += [f"Check: {warning}" for warning in found.get("warnings", ())]
    lines += [f"Left out: {problem}" for problem in found["problems"]]
    return lines
