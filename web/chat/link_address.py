"""The address at which somebody links their chat account: signed, for a few minutes."""

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from recommender.accounts.chat_accounts import ChatUser
from web.chat.answers import absolute

VALID = 600  # seconds in which a link can be used: a judgement
SYSTEMS = {"slack": "Slack", "teams": "Teams"}


def link_for(who: ChatUser) -> str:
    """The address at which this chat account is linked, for its owner only."""
    token = _serializer().dumps([who.system, who.workspace, who.user, who.name[:100]])
    return absolute(url_for("chat.show_link", token=token))


def user_of(token: str) -> ChatUser | None:
    """Whose account the token of such an address links; None when it was not made here, or is too old."""
    try:
        system, workspace, user, name = _serializer().loads(token, max_age=VALID)
    except (BadSignature, ValueError, TypeError):
        return None
    return ChatUser(str(system), str(workspace)[:64], str(user)[:128], str(name)) if system in SYSTEMS else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="chat account")
