"""The address at which somebody links their chat account: signed, for a few minutes."""

from datetime import datetime

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from recommender.accounts.chat_accounts import ChatUser
from web.addresses import absolute

VALID = 600  # seconds in which a link can be used: a judgement
SYSTEMS = {"slack": "Slack", "teams": "Teams"}


def link_for(who: ChatUser) -> str:
    """The address at which this chat account is linked, for its owner only."""
    token = _serializer().dumps([who.system, who.workspace, who.user, who.name[:100]])
    return absolute(url_for("chat.show_link", token=token))


def user_of(token: str) -> tuple[ChatUser, datetime] | None:
    """(whose account the token of such an address links, the UTC time at which it was made); None when it was not made
    here, or is too old."""
    try:
        (system, workspace, user, name), at = _serializer().loads(token, max_age=VALID, return_timestamp=True)
    except (BadSignature, ValueError, TypeError):
        return None
    if system not in SYSTEMS:
        return None
    return ChatUser(str(system), str(workspace)[:64], str(user)[:128], str(name)), at.replace(tzinfo=None)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="chat account")
