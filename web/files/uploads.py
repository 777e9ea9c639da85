"""Which requests may be larger than others: forms that take files, sent by people who have signed in.

The server asks before it reads a body (`may_send_files`), from the signature of the cookie alone, so that nobody
without an account can make it read or keep much; the application asks again, with the database, before it reads the
form.
"""

from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address

from flask import Flask, request
from itsdangerous import BadSignature
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_cookie

from recommender.settings import Settings
from web import current
from web.sign_in.session import current_person

TAKING_FILES = frozenset(
    {
        "requests.create", "requests.reply", "documents.create", "documents.save", "attachments.upload",
        "admin_import.upload",
    }
)  # fmt: skip
"""The endpoints of the forms with a field for files."""
_MEGABYTE = 1_000_000


def attach(app: Flask) -> None:
    """Let the forms that take files be larger, for people who have signed in."""
    app.before_request(_raise_limit)


def largest_upload(settings: Settings) -> int:
    """The largest body of a form with files, in bytes: the files, and as much text as any form may have."""
    return (settings.attachment_form_mb + 1) * _MEGABYTE


def may_send_files(app: Flask, settings: Settings, path: str, headers: Mapping[str, str], address: str) -> bool:
    """True when a POST to this path may be as large as `largest_upload`: the form takes files, and the request has a
    cookie that this installation has signed for somebody, or comes from a trusted proxy that names somebody.

    `headers` have names like `COOKIE`, and `address` is where the connection comes from."""
    if not settings.attachment_mb or not _takes_files(app, path):
        return False
    if settings.proxy_header:
        named = headers.get(settings.proxy_header.upper().replace("-", "_"), "")
        return bool(named) and _is_trusted(settings, address)
    cookie = parse_cookie(headers.get("COOKIE", "")).get(app.config["SESSION_COOKIE_NAME"], "")
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    try:
        values = signer.loads(cookie, max_age=int(app.permanent_session_lifetime.total_seconds()))
    except BadSignature:
        return False
    return "_user_id" in values


def _raise_limit() -> None:
    settings = current.settings()
    takes_files = request.method == "POST" and request.endpoint in TAKING_FILES and settings.attachment_mb
    if takes_files and current_person() is not None:
        request.max_content_length = largest_upload(settings)


def _takes_files(app: Flask, path: str) -> bool:
    try:
        endpoint, _values = app.url_map.bind("").match(path, method="POST")
    except HTTPException:
        return False
    return endpoint in TAKING_FILES


@cache
def _is_trusted(settings: Settings, address: str) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    client = getattr(client, "ipv4_mapped", None) or client
    return any(client in network for network in settings.trusted_networks)
