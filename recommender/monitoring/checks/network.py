"""The servers that Kollega depends on: the mail server and the OpenID provider. Each is asked once, for a few
seconds."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from recommender.accounts.provider import AWAY, OTHER, examine
from recommender.monitoring.checks.finding import Finding, fine, problem, warning
from recommender.settings import Settings

_SECONDS = 5.0  # that a server may take for each step: a judgement


def mail_server(settings: Settings) -> Iterator[Finding]:
    """Whether the mail server lets Kollega sign in and accepts the sender; no mail is sent."""
    if not settings.mail_server:
        yield fine("mail server", "mail_none")
        return
    try:
        _ask(settings)
        yield fine("mail server", "mail")
    except smtplib.SMTPAuthenticationError as error:
        yield problem("mail server", "mail_refused", code=error.smtp_code)
    except smtplib.SMTPNotSupportedError:
        yield problem("mail server", "mail_unencrypted")
    except smtplib.SMTPSenderRefused as error:
        yield problem("mail server", "mail_sender_refused", code=error.smtp_code)
    except socket.gaierror:
        yield problem("mail server", "mail_no_host")
    except ssl.SSLError:
        yield problem("mail server", "mail_certificate")
    except (OSError, smtplib.SMTPException) as error:  # names without the text, which has the host
        yield problem("mail server", "mail_away", error=type(error).__name__)


def openid_provider(settings: Settings) -> Iterator[Finding]:
    """Whether the provider is one with which people can sign in, as the test on the page about signing in finds it.
    Only the kinds of faults are said: what they are about has addresses."""
    if not settings.oidc_issuer:
        yield fine("sign-in", "oidc_none")
        return
    faults = [each.code for each in examine(settings) if not each.fine]
    if away := [code for code in faults if code in AWAY]:
        yield problem("sign-in", "oidc_away", error=", ".join(away))
    elif other := [code for code in faults if code in OTHER]:
        yield problem("sign-in", "oidc_wrong", code=", ".join(other))
    elif faults:
        yield warning("sign-in", "oidc_faults", faults=", ".join(faults))
    else:
        yield fine("sign-in", "oidc")


def waiting_mail(waiting: int, given_up: int) -> Iterator[Finding]:
    """What waits to be sent, and what was given up."""
    if given_up:
        yield warning("mail", "mail_failed", failed=given_up)
    else:
        yield fine("mail", "mail_queue", waiting=waiting)


def _ask(settings: Settings) -> None:
    """Connect, sign in and name the sender, as a mail would. Raises what `smtplib` raises."""
    parts = urlsplit(settings.mail_server)
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=_SECONDS)
    with server:
        server.ehlo()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif parts.scheme != "smtps" and parts.username:
            raise smtplib.SMTPNotSupportedError("no encryption for the password")
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        code, text = server.mail(settings.mail_from)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, text, settings.mail_from)
        server.rset()
