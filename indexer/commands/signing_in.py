"""`kollega user`, the part about signing in: passwords, sessions, tokens, second factors, e-mail addresses."""

import click

from indexer.commands.people import read_password
from indexer.commands.people import user_group as user_group
from indexer.commands.running import database_session
from recommender.settings import Settings

SCOPES = ("read", "write", "load", "scim")  # as in recommender/accounts/tokens.py, which would load the database


@user_group.command("password")
@click.argument("handle")
@click.option("--keep-tokens", is_flag=True, help="Let their API tokens go on working.")
@click.pass_obj
def user_password(settings: Settings, handle: str, keep_tokens: bool) -> None:
    """Set a new password for HANDLE, and end their sessions and API tokens.

    The password is asked for, or read from the first line of standard input.
    """
    from recommender import accounts
    from recommender.membership.people import find

    password = read_password()
    with database_session(settings) as session:
        person = find(session, handle)
        accounts.set_password(session, person, password, words=settings.organisation_words, keep_tokens=keep_tokens)
    click.echo(f"{handle} has a new password")


@user_group.command("email")
@click.argument("handle")
@click.argument("address", default="")
@click.pass_obj
def user_email(settings: Settings, handle: str, address: str) -> None:
    """Set the e-mail address to which HANDLE gets links to a new password, and notifications.

    Without ADDRESS it is removed. The address before is told by mail.
    """
    from recommender import accounts
    from recommender.membership.people import find
    from recommender.organisation.values import Organisation

    with database_session(settings) as session:
        tell = Organisation.read(session, settings).settings.language_of_mail
        account = accounts.set_email(session, find(session, handle), address, tell=tell)
        click.echo(f"mail for {handle} goes to {account.email}" if account.email else f"{handle} gets no mail")


@user_group.command("send-link")
@click.argument("handle")
@click.option("--language", type=click.Choice(("fi", "sv", "en")), help="Of the mail; KOLLEGA_LANGUAGE by default.")
@click.pass_obj
def user_send_link(settings: Settings, handle: str, language: str | None) -> None:
    """Send HANDLE a link with which they set a password themselves.

    The link works once, within an hour. `kollega watch` sends the mail.
    """
    from indexer.commands import sign_ins
    from recommender.organisation.values import Organisation

    with database_session(settings) as session:
        usual = Organisation.read(session, settings).settings.language
        click.echo(sign_ins.send_link(session, settings, handle, language or usual))


@user_group.command("sessions")
@click.argument("handle")
@click.pass_obj
def user_sessions(settings: Settings, handle: str) -> None:
    """List where HANDLE is signed in: browser, since when, last used, way of signing in."""
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        for line in sign_ins.session_rows(session, settings, handle):
            click.echo(line)


@user_group.command("sign-out")
@click.argument("handle", default="")
@click.option("--everybody", is_flag=True, help="Sign out all people.")
@click.pass_obj
def user_sign_out(settings: Settings, handle: str, everybody: bool) -> None:
    """End all sessions of HANDLE, or of everybody.

    They have to sign in again. API tokens go on working.
    """
    from indexer.commands import sign_ins

    if bool(handle) == everybody:
        raise click.UsageError("Name one person, or give --everybody.")
    with database_session(settings) as session:
        click.echo(sign_ins.sign_out(session, handle))


@user_group.command("reset-second-factor")
@click.argument("handle")
@click.pass_obj
def user_reset_second_factor(settings: Settings, handle: str) -> None:
    """Turn off two-step sign-in for HANDLE, who has lost both phone and recovery codes.

    Make sure that it is really them who asks. Their sessions end.
    """
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        click.echo(sign_ins.reset_second_factor(session, settings, handle))


@user_group.command("unlink")
@click.argument("handle")
@click.pass_obj
def user_unlink(settings: Settings, handle: str) -> None:
    """Forget which account at the OpenID provider belongs to HANDLE, and end their sessions.

    Use this when that account was replaced. The next sign-in links the new one.
    """
    from recommender import accounts
    from recommender.membership.people import find

    with database_session(settings) as session:
        accounts.unlink(session, find(session, handle))
    click.echo(f"{handle} is no longer linked to an account at the OpenID provider")


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
@click.pass_obj
def user_token(settings: Settings, handle: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a bearer token with which a program uses the API as HANDLE.

    The token is printed only this once.
    """
    from recommender import accounts
    from recommender.membership.people import find

    with database_session(settings) as session:
        token = accounts.make_token(session, find(session, handle), name, scopes, days or None)
    click.echo(token)


@user_group.command("tokens")
@click.argument("handle", default="")
@click.pass_obj
def user_tokens(settings: Settings, handle: str) -> None:
    """List the API tokens of HANDLE, or of everybody.

    One line each: number, user name, name, scopes, last day, day of the last use.
    """
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        for line in sign_ins.token_rows(session, handle):
            click.echo(line)


@user_group.command("revoke")
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def user_revoke(settings: Settings, number: int) -> None:
    """End the API token with this NUMBER, which `kollega user tokens` shows."""
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        click.echo(sign_ins.revoke(session, number))


@user_group.command("mail")
@click.pass_obj
def user_mail(settings: Settings) -> None:
    """List the mails of the last 30 days: when, to whom, about what, and what became of them."""
    from indexer.commands import sign_ins

    with database_session(settings) as session:
        for line in sign_ins.mail_rows(session):
            click.echo(line)
