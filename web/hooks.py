"""Webhooks: another system says that something changed there, and its source is read within seconds.

Nothing of what it sends is stored or believed but that. The signature is checked in the form of each system, with the
secret of the source, which is in the environment of the server.
"""

import base64
import hashlib
import hmac

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from recommender.accounts.source_secret import secret_of
from recommender.database.source_tables import mark_as_due
from web.client_address import limit_key
from web.current import session
from web.limits import limiter

blueprint = Blueprint("hooks", __name__)
_RATE = "120 per minute"  # from one address: a judgement
_SECRET = "webhook_secret"  # noqa: S105 - the end of a variable's name
_SHORTEST = 16  # characters of a secret: a judgement


@blueprint.post("/hooks/<source>")
@limiter.limit(_RATE, key_func=limit_key)
def changed(source: str) -> ResponseReturnValue:
    """Note that a source has changed: 204. A source without a secret, and a wrong signature, are answered alike."""
    secret = secret_of(source, _SECRET)
    body = request.get_data()
    if len(secret) < _SHORTEST or not is_signed(secret.encode(), body, request.headers):
        abort(404)
    mark_as_due(session(), source)
    session().commit()
    return "", 204


def is_signed(secret: bytes, body: bytes, headers: Headers) -> bool:
    """True when the body was signed with the secret, as one of the systems does it: GitHub and Jira (HMAC-SHA256 as
    hexadecimal digits), Zammad (HMAC-SHA1), Zendesk (HMAC-SHA256 of time and body, in Base64), GitLab (the secret
    itself)."""
    expected = {
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        "X-Zendesk-Webhook-Signature": _base64_of(
            secret, headers.get("X-Zendesk-Webhook-Signature-Timestamp", "").encode("utf-8", "replace") + body
        ),
        "X-Gitlab-Token": secret.decode(),
    }
    for name, signature in expected.items():
        if name in headers:
            return _same(headers[name], signature)
    given = headers.get("X-Hub-Signature", "")
    kinds = {"sha256=": hashlib.sha256, "sha1=": hashlib.sha1}
    return any(
        given.startswith(start) and _same(given, start + hmac.new(secret, body, kind).hexdigest())
        for start, kind in kinds.items()
    )


def _base64_of(secret: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
