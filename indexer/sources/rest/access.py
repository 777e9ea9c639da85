"""The token of a REST interface: read from the environment or a file, sent in one header, and shown nowhere."""

import base64
from collections.abc import Callable
from pathlib import Path

from indexer.sources.secret import read_secret
from recommender.accounts.source_secret import secret_of, secret_variable
from recommender.errors import SourceError
from recommender.sentences.sentence import N_, Sentence

Form = Callable[[str], str]
"""What a header has of a token."""


def bearer(token: str) -> str:
    """`Bearer TOKEN`."""
    return f"Bearer {token}"


def basic(user: str) -> Form:
    """`Basic ...` of this user and the token."""
    return lambda token: "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


class Access:
    """The header with the token of a source. `file` is a file of mode 600; without one the environment has the token.

    Its representation and its errors never have the token.
    """

    def __init__(
        self, source: str, form: Form = bearer, header: str = "Authorization", file: Path | None = None
    ) -> None:
        self._source, self._form, self._header, self._file = source, form, header, file
        self._token = ""

    def headers(self) -> dict[str, str]:
        """The header to send. Raises SourceError when there is no token, or it cannot be one."""
        if not self._token:
            self._token = self._read()
        return {self._header: self._form(self._token)}

    def renewed(self) -> bool:
        """True when another token stands now where this one was read from. Call it when this one was refused."""
        before, self._token = self._token, self._read()
        return self._token != before

    def without_secret(self, text: str) -> str:
        """The text without the token, for errors that quote what the other system says."""
        for secret in (self._token, self._form(self._token)):
            text = text.replace(secret, "…") if self._token else text
        return text

    def remedy(self) -> str:
        """How a new token gets to where this one is read from."""
        if self._file:
            return Sentence("write it to %(file)s", file=self._file)
        return Sentence("set %(variable)s", variable=secret_variable(self._source, "token"))

    def _read(self) -> str:
        token = read_secret(self._source, "token", self._file)
        if not token.isascii() or not token.isprintable() or " " in token:
            wrong = N_("%(source)s: the token has characters that no token has. Copy it again, and %(remedy)s.")
            raise SourceError(Sentence(wrong, source=self._source, remedy=self.remedy()))
        return token

    def __repr__(self) -> str:
        return f"Access({self._source!r})"


class NoAccess(Access):
    """No token, for a system that answers everybody."""

    def headers(self) -> dict[str, str]:
        """None."""
        return {}

    def renewed(self) -> bool:
        """False: there is no other token."""
        return False


def access_or_none(source: str, file: Path | None, form: Form = bearer, header: str = "Authorization") -> Access:
    """The token of a source where there is one, else none."""
    has_token = file is not None or bool(secret_of(source, "token"))
    return Access(source, form, header, file) if has_token else NoAccess(source)
