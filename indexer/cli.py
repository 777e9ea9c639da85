"""The command `kollega`. Bodies are short and call functions that tests call too; heavy imports wait until needed."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recommender.errors import KollegaError
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from indexer.records import Source
    from indexer.reindex import ReindexReport
    from recommender.language import Analyzer

_SERVER = "web.server"
ROLES = ("staff", "agent", "lead", "admin")
SCOPES = ("read", "write")
PARTS = ("test", "train", "all")


class _Group(click.Group):
    """Turns errors meant for a person into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KollegaError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kollega")
@click.option("-v", "--verbose", is_flag=True, help="Log in detail what happens.")
@click.pass_context
def main(ctx: click.Context, verbose: bool) -> None:
    """Ask a question, get the answer your organisation has already given and the colleagues who know.

    Settings are environment variables that start with KOLLEGA_; docs/settings.md lists them.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if ctx.invoked_subcommand:
        ctx.obj = Settings.from_environment()


@main.command()
@click.option(
    "--serve", is_flag=True, help="Then serve it, with `kollega watch` beside it, until stopped; prints the sign-ins."
)
@click.pass_obj
def demo(settings: Settings, serve: bool) -> None:
    """Load the demo organisation and index it.

    What is there already is not loaded or encoded again.
    """
    from dataclasses import replace
    from datetime import date

    from indexer import users
    from indexer.demo import SIGN_INS, DemoSource

    _import(settings, DemoSource(date.today()))
    _reindex(settings, full=False)
    if serve:
        _stop_when_terminated()
        with _session(settings) as session:
            for person, password in users.open_demo(session, SIGN_INS):
                click.echo(f"sign in as {person.handle:<16} {password}   ({person.name}, {person.role})")
        with _watching():
            _serve(replace(settings, demo=True, anonymous_reading=True))


@main.group("import")
def import_() -> None:
    """Load teams, people, requests and documents from files. Importing twice changes nothing."""


@import_.command("stackexchange")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--source",
    default="",
    help="Name that keeps its ids apart from those of other sources; the folder's name by default.",
)
@click.pass_obj
def import_stackexchange(settings: Settings, folder: Path, source: str) -> None:
    """Load a Stack Exchange dump: a FOLDER with Posts.xml, Users.xml and, if it is there, PostLinks.xml.

    A changed record is updated. A record that cannot be used is reported with its file and line, the rest goes in, and
    the exit status is 1.
    """
    from indexer.sources.stackexchange import StackExchangeSource

    _import(settings, StackExchangeSource(folder, source))


@import_.command("jsonl")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--source", default="jsonl", show_default=True, help="Name that keeps its ids apart from those of other sources."
)
@click.pass_obj
def import_jsonl(settings: Settings, file: Path, source: str) -> None:
    """Load a FILE of JSON Lines, which may be compressed with gzip; docs/import-format.md describes the format.

    A changed record is updated. A record that cannot be used is reported with its file and line, the rest goes in, and
    the exit status is 1.
    """
    from indexer.sources.jsonl import JSONLSource

    _import(settings, JSONLSource(file, source))


@main.command()
@click.option(
    "--full",
    is_flag=True,
    help="Build the whole index anew, beside the one in use. Needed after a change of KOLLEGA_MODEL.",
)
@click.pass_obj
def reindex(settings: Settings, full: bool) -> None:
    """Bring the index up to date with the database.

    Only new and changed texts are encoded. The new index is built beside the one in use, checked, and put in place in
    one step. The exit status is 1 when some items could not be indexed.
    """
    _reindex(settings, full)


@main.command()
@click.pass_obj
def watch(settings: Settings) -> None:
    """Follow the database and index what changes, until stopped. Run it beside `kollega serve`."""
    from indexer.watch import watch as follow
    from recommender.database import open_database
    from recommender.encoder import load_encoder

    _stop_when_terminated()
    encoder = load_encoder(settings)
    follow(settings, open_database(settings), encoder, _analyzer(settings), _report)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """Show what the database and the index hold, and whether they agree.

    The exit status is 1 when they do not, or when the index cannot be used.
    """
    from indexer.status import read_status

    found = read_status(settings)
    click.echo(found.as_json() if as_json else found.as_text())
    sys.exit(0 if found.healthy else 1)


@main.command()
@click.argument("sets", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--part", type=click.Choice(PARTS), default="test", show_default=True, help="Which questions to ask.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path),
    help="Draw into this file how true the probabilities are (a reliability diagram).",
)
@click.pass_obj
def evaluate(settings: Settings, sets: tuple[Path, ...], part: str, json_wanted: bool, picture: Path | None) -> None:
    """Measure how good search and the ranking of colleagues are, on SETS: folders of questions with known answers.

    docs/search.md describes the files of a set. Needs the extra `evaluate`.
    """
    from indexer import evaluate as evaluation
    from recommender.encoder import load_encoder

    held = evaluation.holding_sets(sets)
    for folder in (each for each in sets if each not in held):
        click.echo(f"{folder} holds no set and is left out.", err=True)
    with _bars() as progress:
        found = evaluation.evaluate(settings, load_encoder(settings), _analyzer(settings), held, part, progress)
    click.echo(evaluation.as_json(found) if json_wanted else evaluation.as_text(found))
    if picture:
        evaluation.plot(found, picture)


@main.command("train-experts")
@click.pass_obj
def train_experts(settings: Settings) -> None:
    """Learn from your own history how to rank colleagues; used only if that is better on the newest questions.

    Needs 200 answered requests that were imported.
    """
    from indexer.train_experts import train
    from recommender.recommender import Recommender

    with _bars() as progress, _session(settings) as session:
        found = train(settings, Recommender.open(settings), session, partial(progress, "questions"))
    click.echo(found.as_text())


@main.command()
@click.pass_obj
def calibrate(settings: Settings) -> None:
    """Fit the probability of an answer to your own history; used only if that is better on the newest questions.

    Needs 100 past requests that had an answer, and 100 that had none.
    """
    from indexer.calibrate import calibrate as fit
    from recommender.recommender import Recommender

    with _bars() as progress, _session(settings) as session:
        found = fit(settings, Recommender.open(settings), session, partial(progress, "questions"))
    click.echo(found.as_text())


@main.command()
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Put the previous index back in place."""
    from recommender.index.generations import roll_back

    click.echo(f"live again: {roll_back(settings.index_dir)}")


@main.group()
def user() -> None:
    """Manage who may sign in, and in which role."""


@user.command("add")
@click.argument("handle")
@click.option("--name", default="", help="Full name; HANDLE when left out.")
@click.option("--role", type=click.Choice(ROLES), help="Role; staff when left out.")
@click.option("--team", "teams", multiple=True, help="A team's handle; may be given several times.")
@click.option("--no-password", is_flag=True, help="For those who sign in through an identity provider or a proxy.")
@click.pass_obj
def user_add(
    settings: Settings, handle: str, name: str, role: str | None, teams: tuple[str, ...], no_password: bool
) -> None:
    """Let HANDLE sign in. The password is asked for, or read from standard input.

    Somebody who was imported keeps their name, role and teams, unless the options say otherwise.
    """
    from indexer import users

    password = None if no_password else _password()
    with _session(settings) as session:
        click.echo(users.add(session, handle, name, role or "", teams, password))


@user.command("password")
@click.argument("handle")
@click.pass_obj
def user_password(settings: Settings, handle: str) -> None:
    """Give HANDLE a new password and end their sessions."""
    from indexer import users
    from recommender import accounts

    password = _password()
    with _session(settings) as session:
        accounts.set_password(session, users.get_person(session, handle), password)
    click.echo(f"{handle} has a new password")


@user.command("role")
@click.argument("handle")
@click.argument("role", type=click.Choice(ROLES))
@click.option(
    "--team",
    "teams",
    multiple=True,
    help="A team's handle; may be given several times. Replaces the teams they are in.",
)
@click.pass_obj
def user_role(settings: Settings, handle: str, role: str, teams: tuple[str, ...]) -> None:
    """Change the role of HANDLE, and with --team their teams."""
    from indexer import users

    with _session(settings) as session:
        click.echo(users.set_role(session, handle, role, teams))


@user.command("disable")
@click.argument("handle")
@click.option("--undo", is_flag=True, help="Let them sign in again.")
@click.pass_obj
def user_disable(settings: Settings, handle: str, undo: bool) -> None:
    """Do not let HANDLE sign in any more: their sessions and API tokens end, and they are suggested to nobody."""
    from indexer import users
    from recommender import accounts

    with _session(settings) as session:
        person = users.get_person(session, handle)
        (accounts.enable if undo else accounts.disable)(session, person)
    click.echo(f"{handle} may sign in again" if undo else f"{handle} may not sign in any more; their tokens are gone")


@user.command("unlink")
@click.argument("handle")
@click.pass_obj
def user_unlink(settings: Settings, handle: str) -> None:
    """Forget who HANDLE is at the OpenID provider, and end their sessions.

    For when their identity at the provider changes; their next sign-in links them again.
    """
    from indexer import users
    from recommender import accounts

    with _session(settings) as session:
        accounts.unlink(session, users.get_person(session, handle))
    click.echo(f"{handle} is linked to nobody at the OpenID provider")


@user.command("token")
@click.argument("handle")
@click.option("--name", default="API", show_default=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("read",),
    show_default=True,
    help="What the token may do.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Days until it expires; never when left out.")
@click.pass_obj
def user_token(settings: Settings, handle: str, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make a bearer token with which a program uses the API as HANDLE. It is shown only this once."""
    from indexer import users
    from recommender import accounts

    with _session(settings) as session:
        token = accounts.make_token(session, users.get_person(session, handle), name, scopes, days)
    click.echo(token)


@user.command("list")
@click.pass_obj
def user_list(settings: Settings) -> None:
    """List who may sign in: handle, name, role, teams, and how they sign in."""
    from indexer import users

    with _session(settings) as session:
        for line in users.rows(session):
            click.echo(line)


@main.command()
@click.argument("handle")
@click.option("--restricted/--shared", required=True, help="Who can read new requests, unless the sender chooses.")
@click.pass_obj
def team(settings: Settings, handle: str, restricted: bool) -> None:
    """Set whether new requests to team HANDLE are only for the people in them, or shared with everyone."""
    from indexer import users

    with _session(settings) as session:
        click.echo(users.restrict(session, handle, restricted))


@main.command()
@click.argument("question")
@click.option(
    "--as", "handle", help="Handle of the person to ask as; when left out, only what everyone may read is searched."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "-n",
    "top_k",
    default=3,
    show_default=True,
    type=click.IntRange(1, 50),
    help="How many suggestions to show at most.",
)
@click.pass_obj
def ask(settings: Settings, question: str, handle: str | None, as_json: bool, top_k: int) -> None:
    """Ask a QUESTION: prints the verdict, suggestions with their passage, and colleagues who can help."""
    from indexer.ask import answer

    click.echo(answer(settings, question, handle, top_k, as_json))


@main.command()
@click.option("--host", help="Address to listen on, instead of the setting.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on, instead of the setting.")
@click.pass_obj
def serve(settings: Settings, host: str | None, port: int | None) -> None:
    """Serve the web pages with a production server, until stopped."""
    from dataclasses import replace

    _serve(replace(settings, host=host or settings.host, port=port or settings.port))


def _password() -> str:
    """Asked for twice at a terminal; else the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    typed = sys.stdin.readline().rstrip("\r\n")
    if not typed.isprintable():  # half characters, of another encoding, among them
        raise click.ClickException("The password has characters that cannot be typed, or is not UTF-8.")
    return typed


@contextmanager
def _session(settings: Settings) -> "Iterator[Session]":
    """A session on the database, committed when the command went well."""
    from recommender.database import open_database

    with open_database(settings).begin() as session:
        yield session


def _serve(settings: Settings) -> None:
    from importlib import import_module

    _stop_when_terminated()
    import_module(_SERVER).run(settings)


def _import(settings: Settings, source: "Source") -> None:
    from indexer.load import load
    from recommender.database import open_database

    with _counter("importing") as progress:
        report = load(source, open_database(settings), _analyzer(settings), progress)
    for problem in report.problems:
        click.echo(problem, err=True)
    click.echo(report.line())
    if report.problems:
        sys.exit(1)


def _reindex(settings: Settings, full: bool) -> None:
    from indexer.reindex import reindex as run
    from recommender.database import open_database
    from recommender.encoder import load_encoder

    encoder = load_encoder(settings)
    click.echo(f"model {encoder.card.name}, run by {encoder.backend}", err=True)
    with _bar("indexing") as progress:
        report = run(settings, open_database(settings), encoder, _analyzer(settings), full, progress)
    _report(report)
    if report.failed:
        sys.exit(1)


def _report(report: "ReindexReport") -> None:
    for failure in report.failed:
        click.echo(f"could not be indexed: {failure}", err=True)
    click.echo(report.line())


def _analyzer(settings: Settings) -> "Analyzer":
    from recommender.language import Analyzer

    return Analyzer(settings.models_dir / "dictionaries")


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with an ETA on standard error."""
    with _bars() as show:
        yield partial(show, label)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """The same for work in several parts: the bar is named after the part that is under way."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda label, done, total: bar.update(task, description=label, completed=done, total=total)


@contextmanager
def _counter(label: str) -> Iterator[Callable[[int], None]]:
    """A running count on standard error, for work whose size is not known."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done: bar.update(task, completed=done)


def _stop_when_terminated() -> None:
    """Make SIGTERM end the command as Ctrl+C does, so that what it started is stopped too."""
    import signal

    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))


@contextmanager
def _watching() -> Iterator[None]:
    """`kollega watch` as a process of its own, stopped at the end."""
    import subprocess

    child = subprocess.Popen([sys.executable, "-m", "indexer", "watch"], env=os.environ.copy())
    try:
        yield
    finally:
        child.terminate()
        child.wait(timeout=20)
