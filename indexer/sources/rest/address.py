"""Which addresses a REST client may ask: with encryption, without a password in them, and all on one host."""

import ipaddress
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence


def is_address(place: str) -> bool:
    """True when a place is an address, and not a file or folder. Raises SourceError for one that is not http(s)."""
    scheme, separator, _rest = place.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        raise SourceError(
            Sentence(
                "%(address)s is no address that can be asked. Give one with https://.", address=place.partition("?")[0]
            )
        )
    return bool(separator)


def usable_address(source: str, address: str, allow_http: bool) -> str:
    """The address without its last slash. Raises SourceError when it cannot be used."""
    is_address(address)
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _port = parts.port
    except ValueError:
        host = ""
    if not host:
        raise SourceError(
            Sentence("%(source)s: the address cannot be read. Give one such as https://example.com.", source=source)
        )
    if parts.username is not None or parts.password is not None:
        raise SourceError(
            Sentence(
                "%(source)s: the address has a user or password in it. Take them out, and set the token.", source=source
            )
        )
    if parts.scheme == "http" and not allow_http and not _is_this_machine(host):
        raise SourceError(
            Sentence(
                "%(source)s: %(address)s is not encrypted, so anybody on the way could read the token. Use https://.",
                source=source, address=address,
            )
        )  # fmt: skip
    return address.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(address: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(address)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def certificates(source: str, ca_file: Path | None) -> ssl.SSLContext:
    """The authorities that this machine trusts, and those of a file."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SourceError(
                Sentence(
                    "%(source)s: %(file)s has no certificates that can be read. Give a PEM file.",
                    source=source, file=ca_file,
                )
            ) from error  # fmt: skip
    return context
