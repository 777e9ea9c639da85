"""The slash command of Slack: `/kollega how do I get VPN at home` is answered to the asker only.

Calls are signed as Slack documents it (version v0): HMAC-SHA256 of time and body with the signing secret of the app.
"""

import hashlib
import hmac
import time
from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext

from recommender.accounts.chat_accounts import ChatUser
from recommender.setting_values import PAGE_LANGUAGES
from web import current
from web.chat.answers import ChatAnswer, LinkFirst, Shown, ask, refuse
from web.chat.mrkdwn import escaped, mrkdwn
from web.client_address import limit_key
from web.limits import limiter

blueprint = Blueprint("slack", __name__, url_prefix="/chat/slack")
_OLDEST = 300  # seconds that a call may be old, as Slack recommends
_RATE = "10 per second; 300 per minute"  # for one workspace's address: a judgement


@blueprint.post("/command")
@limiter.limit(_RATE, key_func=limit_key)
def command() -> ResponseReturnValue:
    """Answer a slash command. 404 without the setting, 401 for a call that Slack has not signed."""
    body = request.get_data(cache=True)
    _require_signed(body)
    who = ChatUser(
        "slack",
        request.form.get("team_id", "")[:64],
        request.form.get("user_id", "")[:128],
        request.form.get("user_name", "")[:100],
    )
    if not who.workspace or not who.user:
        abort(400)
    question = request.form.get("text", "")
    language = _language(question)
    with force_locale(language):
        found = ask(who, question)
        return jsonify(_ask_to_link(found) if isinstance(found, LinkFirst) else _as_blocks(found))


def _require_signed(body: bytes) -> None:
    secret = current.settings().slack_signing_secret
    if not secret:
        abort(404)
    sent_at = request.headers.get("X-Slack-Request-Timestamp", "")
    if not sent_at.isdecimal() or len(sent_at) > 12 or abs(time.time() - int(sent_at)) > _OLDEST:
        refuse()
    expected = "v0=" + hmac.new(secret.encode(), f"v0:{sent_at}:".encode() + body, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Slack-Signature", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        refuse()


def _language(question: str) -> str:
    found = current.recommender().language_of(question) if question.strip() else ""
    return found if found in PAGE_LANGUAGES else current.settings().language


def _ask_to_link(first: LinkFirst) -> dict[str, Any]:
    label = {"type": "plain_text", "text": first.button}
    button = {"type": "button", "text": label, "url": first.url, "action_id": "link"}
    return _only_you(first.text, [_section(escaped(first.text)), {"type": "actions", "elements": [button]}])


def _as_blocks(found: ChatAnswer) -> dict[str, Any]:
    said = "\n".join(filter(None, (f"*{escaped(found.heading)}*", escaped(found.hint))))
    blocks = [_section(said), *(_section(_shown(shown)) for shown in found.shown)]
    if found.people:
        blocks.append(_section(escaped(found.helpers())))
    more = f"<{found.more}|{escaped(gettext('Ask in Kollega'))}>"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": more}]})
    return _only_you(found.said(), blocks)


def _shown(shown: Shown) -> str:
    title = escaped(shown.title).replace("|", "¦")
    return f"*<{shown.url}|{title}>*\n{mrkdwn(shown.text)}\n_{escaped(shown.facts)}_"


def _only_you(text: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that only the asker sees; `text` stands in notifications."""
    return {"response_type": "ephemeral", "text": escaped(text), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:2_900]}}
