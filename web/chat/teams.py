"""The message extension of Microsoft Teams: a search whose results only the asker sees.

Calls have a token (JWT) of the Bot Framework, signed with one of its published keys, for the id of the app.
"""

from html import escape
from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from recommender.accounts.chat_accounts import ChatUser
from recommender.errors import SettingsError, how_to_install
from recommender.setting_values import PAGE_LANGUAGES
from recommender.settings import Settings
from web import current
from web.chat.answers import ChatAnswer, LinkFirst, Shown, ask, refuse
from web.client_address import limit_key
from web.formatting import markdown_of_page
from web.limits import limiter

blueprint = Blueprint("teams", __name__, url_prefix="/chat/teams")
_RATE = "10 per second; 300 per minute"
_QUERY = "composeExtension/query"
_CHANNEL = "msteams"
_CARD = "application/vnd.microsoft.card.thumbnail"


def attach(settings: Settings) -> None:
    """Raises SettingsError when Teams may ask, and the package is missing that checks its calls."""
    if not settings.teams_app_id:
        return
    try:
        import web.chat.teams_token  # noqa: F401
    except ImportError as error:
        raise SettingsError(f"KOLLEGA_TEAMS_APP_ID needs PyJWT. {how_to_install('teams')}") from error


@blueprint.post("/messages")
@limiter.limit(_RATE, key_func=limit_key)
def messages() -> ResponseReturnValue:
    """Answer a search from Teams. 404 without the setting, 401 for a call without a token of the Bot Framework."""
    activity = request.get_json(silent=True)
    _require_token(activity if isinstance(activity, dict) else {})
    if not isinstance(activity, dict) or activity.get("name") != _QUERY:
        return jsonify({}), 200  # such as being added to a team: nothing to answer
    who, question = _user(activity), _question(activity)
    with force_locale(_language(activity)):
        found = ask(who, question)
        return jsonify(_ask_to_link(found) if isinstance(found, LinkFirst) else _as_cards(found))


def _require_token(activity: dict[str, Any]) -> None:
    """Refuse calls without a token, with one for another service, and of other channels such as the web chat, whose
    callers say themselves who they are."""
    from web.chat.teams_token import is_valid  # the package that it needs is an extra

    settings = current.settings()
    if not settings.teams_app_id:
        abort(404)
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    service = str(activity.get("serviceUrl") or "")
    if kind.lower() != "bearer" or not is_valid(token, settings.teams_app_id, settings.teams_keys, service):
        refuse()
    if activity.get("channelId") != _CHANNEL:
        refuse()


def _user(activity: dict[str, Any]) -> ChatUser:
    sender, data = _part(activity, "from"), _part(activity, "channelData")
    user = str(sender.get("aadObjectId") or sender.get("id") or "")[:128]
    tenant = str(_part(data, "tenant").get("id") or "")[:64]
    if not user or not tenant:
        abort(400)
    return ChatUser("teams", tenant, user, str(sender.get("name") or "")[:100])


def _question(activity: dict[str, Any]) -> str:
    parameters = _part(activity, "value").get("parameters")
    for parameter in parameters if isinstance(parameters, list) else []:
        if isinstance(parameter, dict) and parameter.get("name") != "initialRun":
            return str(parameter.get("value") or "").strip()
    return ""


def _language(activity: dict[str, Any]) -> str:
    language = str(activity.get("locale") or "")[:2].lower()
    return language if language in PAGE_LANGUAGES else current.settings().language


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _ask_to_link(first: LinkFirst) -> dict[str, Any]:
    action = {"type": "openUrl", "value": first.url, "title": first.button}
    return {"composeExtension": {"type": "auth", "suggestedActions": {"actions": [action]}}}


def _message(text: str) -> dict[str, Any]:
    return {"composeExtension": {"type": "message", "text": text}}


def _as_cards(found: ChatAnswer) -> dict[str, Any]:
    if not found.shown:
        return _message("\n".join(filter(None, (found.said(), found.helpers()))))
    cards = [_card(shown) for shown in found.shown]
    return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": cards}}


def _card(shown: Shown) -> dict[str, Any]:
    content = {
        "title": shown.title,
        "subtitle": shown.facts,
        "text": str(markdown_of_page(shown.text)),
        "buttons": [{"type": "openUrl", "title": gettext("Open in Kollega"), "value": shown.url}],
    }
    preview = {"contentType": _CARD, "content": {"title": shown.title, "text": escape(shown.facts)}}
    return {"contentType": _CARD, "content": content, "preview": preview}
