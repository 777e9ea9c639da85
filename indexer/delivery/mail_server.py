"""Hands a mail over to a mail server (SMTP), encrypted whenever the server can."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from recommender.errors import SettingsError

_TIMEOUT = 15  # seconds that the server may take for each step: a judgement


class MailServer:
    """A mail server by its address: `smtps://USER:PASSWORD@HOST:PORT` is encrypted from the beginning; with `smtp://`
    encryption is begun (STARTTLS) when the server offers it, and a password is never sent without it."""

    def __init__(self, address: str) -> None:
        """Raises SettingsError for an address without a host or with a port that is no number."""
        try:
            parts = urlsplit(address)
            self._host, port = parts.hostname or "", parts.port
        except ValueError:
            self._host, port = "", None
        if not self._host:
            raise SettingsError("KOLLEGA_MAIL_SERVER must be like smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT.")
        self._encrypted = parts.scheme == "smtps"
        self._port = port or (465 if self._encrypted else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    def send(self, message: EmailMessage) -> tuple[str, bool]:
        """(what went wrong, whether it is of no use to try again); an empty text when the server has taken the mail.
        The text names neither the address of the person nor the password."""
        try:
            with self._connect() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            return f"The mail server refuses the address (code {codes[0]}).", all(code >= 500 for code in codes)
        except smtplib.SMTPAuthenticationError as error:
            return f"The mail server refuses KOLLEGA_MAIL_SERVER's user or password (code {error.smtp_code}).", False
        except smtplib.SMTPResponseException as error:
            return f"The mail server answers with code {error.smtp_code}.", False
        except (OSError, smtplib.SMTPException) as error:
            return f"The mail server {self._host}:{self._port} cannot be used: {type(error).__name__}.", False
        return "", False

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif self._user:
                server.close()
                raise smtplib.SMTPNotSupportedError("no encryption for the password")
        if self._user:
            server.login(self._user, self._password)
        return server
