"""`kollega user`, the part about signing in: passwords, sessions, tokens, second factors, e-mail addresses."""

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.people import read_password
from indexer.commands.people import user_group as user_group
from indexer.commands.person_json import list_rows, tell
from indexer.commands.running import database_session
from recommender.settings import Settings

SCOPES = ("read", "write", "load", "scim")  # as in recommender/accounts/tokens.py, which would load the database


@user_group.command("password")
@click.argument("handle")
@click.option("--keep-tokens", is_flag=True, help="Let their API tokens go on working.")
@json_option
@click.pass_obj
def user_password(settings: Settings, handle: str, keep_tokens: bool, as_json: bool) -> None:
    """Set a new password for HANDLE, and end their sessions and API tokens.

    The password is asked for, or read from the first line of standard input.
    """
    from recommender import accounts
    from recommender.membership.people import find

    password = read_password()
    with database_session(settings) as session:
        person = find(session, handle)
        accounts.set_password(session, person, password, words=settings.organisation_words, keep_tokens=keep_tokens)
        tell(session, handle, f"{handle} has a new password", as_json)


@user_group.command("email")
@click.argument("handle")
@click.argument("address", default="")
@json_option
@click.pass_obj
def user_email(settings: Settings, handle: str, address: str, as_json: bool) -> None:
    """Set the e-mail address to which HANDLE gets links to a new password, and notifications.

    Without ADDRESS it is removed. The address before is told by mail.
    """
    from recommender import accounts
    from recommender.membership.people import find
    from recommender.organisation.values import Organisation

    with database_session(settings) as session:
        language = Organisation.read(session, settings).settings.language_of_mail
        account = accounts.set_email(session, find(session, handle), address, tell=language)
        said = f"mail for {handle} goes to {account.email}" if account.email else f"{handle} gets no mail"
        tell(session, handle, said, as_json)


@user_group.command("send-link")
@click.argument("handle")
@click.option("--language", type=click.Choice(("fi", "sv", "en")), help="Of the mail; KOLLEGA_LANGUAGE by default.")
@json_option
@click.pass_obj
def user_send_link(settings: Settings, handle: str, language: str | None, as_json: bool) -> None:
    """Send HANDLE a link with which they set a password themselves.

    The link works once, within an hour. `kollega watch` sends the mail.
    """
    from indexer.commands import sign_ins
    from recommender.organisation.values import Organisation

    with database_session(settings) as session:
        usual = Organisation.read(session, settings).settings.language
        tell(session, handle, sign_ins.send_link(session, settings, handle, language or usual), as_json)


@user_group.command("sessions")
@click.argument("handle")
@json_option
@click.pass_obj
def user_sessions(settings: Settings, handle: str, as_json: bool) -> None:
    """List where HANDLE is signed in: browser, since when, last used, way of signing in."""
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        rows = sign_ins.session_rows(session, settings, handle)
        list_rows(rows, [sign_ins.session_line(row) for row in rows], as_json)


@user_group.command("sign-out")
@click.argument("handle", default="")
@click.option("--everybody", is_flag=True, help="Sign out all people.")
@json_option
@click.pass_obj
def user_sign_out(settings: Settings, handle: str, everybody: bool, as_json: bool) -> None:
    """End all sessions of HANDLE, or of everybody.

    They have to sign in again. API tokens go on working.
    """
    from indexer.commands import sign_ins

    if bool(handle) == everybody:
        raise click.UsageError("Name one person, or give --everybody.")
    with database_session(settings) as session:
        ended = sign_ins.sign_out(session, handle)
        if as_json:
            return echo_json({"user_name": handle or None, "sessions_ended": ended})
        whose = f"sessions of {handle} have ended" if handle else "sessions have ended; everybody has to sign in again"
        click.echo(f"{ended} {whose}")


@user_group.command("reset-second-factor")
@click.argument("handle")
@json_option
@click.pass_obj
def user_reset_second_factor(settings: Settings, handle: str, as_json: bool) -> None:
    """Turn off two-step sign-in for HANDLE, who has lost both phone and recovery codes.

    Make sure that it is really them who asks. Their sessions end.
    """
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        tell(session, handle, sign_ins.reset_second_factor(session, settings, handle), as_json)


@user_group.command("unlink")
@click.argument("handle")
@json_option
@click.pass_obj
def user_unlink(settings: Settings, handle: str, as_json: bool) -> None:
    """Forget which account at the OpenID provider belongs to HANDLE, and end their sessions.

    Use this when that account was replaced. The next sign-in links the new one.
    """
    from recommender import accounts
    from recommender.membership.people import find

    with database_session(settings) as session:
        accounts.unlink(session, find(session, handle))
        tell(session, handle, f"{handle} is no longer linked to an account at the OpenID provider", as_json)


@user_group.command("token")
@click.argument("handle")
@click.option("--name", default="API", show_default=True, help="What the token is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=("read",), show_default=True,
    help="What it may do; may be given several times.",
)  # fmt: skip
@click.option(
    "--days", type=click.IntRange(0, 3650), default=90, show_default=True, help="Days until it expires; 0 means never."
)
@json_option
@click.pass_obj
def user_token(settings: Settings, handle: str, name: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a bearer token with which a program uses the API as HANDLE.

    The token is printed only this once.
    """
    from recommender import accounts
    from recommender.membership.people import find

    with database_session(settings) as session:
        token = accounts.make_token(session, find(session, handle), name, scopes, days or None)
    if as_json:
        return echo_json({"user_name": handle, "name": name, "scopes": list(scopes), "token": token})
    click.echo(token)


@user_group.command("tokens")
@click.argument("handle", default="")
@json_option
@click.pass_obj
def user_tokens(settings: Settings, handle: str, as_json: bool) -> None:
    """List the API tokens of HANDLE, or of everybody.

    One line each: number, user name, name, scopes, last day, day of the last use.
    """
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        rows = sign_ins.token_rows(session, handle)
        list_rows(rows, [sign_ins.token_line(row) for row in rows], as_json)


@user_group.command("revoke")
@click.argument("number", type=click.IntRange(1))
@json_option
@click.pass_obj
def user_revoke(settings: Settings, number: int, as_json: bool) -> None:
    """End the API token with this NUMBER, which `kollega user tokens` shows."""
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        name = sign_ins.revoke(session, number)
    if as_json:
        return echo_json({"token": number, "name": name})
    click.echo(f"the token {number} ({name}) no longer works")


@user_group.command("mail")
@json_option
@click.pass_obj
def user_mail(settings: Settings, as_json: bool) -> None:
    """List the mails of the last 30 days: when, to whom, about what, and what became of them."""
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        rows = sign_ins.mail_rows(session)
        list_rows(rows, [sign_ins.mail_line(row) for row in rows], as_json)
