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

from recommender.access import reader_of
from recommender.accounts import chat_accounts
from recommender.accounts.chat_accounts import ChatUser
from web import current
from web.chat.answers import ChatAnswer, Shown, answer
from web.chat.link_address import link_for
from web.client_address import limit_key
from web.current import session
from web.formatting import LANGUAGES
from web.limits import limiter

blueprint = Blueprint("slack", __name__, url_prefix="/chat/slack")
_OLDEST = 300  # seconds that a call may be old, as Slack recommends
_RATE = "10 per second; 300 per minute"  # for one workspace's address: a judgement
_LONGEST_TEXT = 600  # characters of an answer in a chat: a judgement


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
        person = chat_accounts.person_of(session(), who)
        if person is None:
            return jsonify(_ask_to_link(who))
        if not question.strip():
            return jsonify(_only_you(gettext("Write your question after the command."), []))
        return jsonify(_as_blocks(answer(question, reader_of(person))))


def _require_signed(body: bytes) -> None:
    secret = current.settings().slack_signing_secret
    if not secret:
        abort(404)
    sent_at = request.headers.get("X-Slack-Request-Timestamp", "")
    if not sent_at.isdecimal() or len(sent_at) > 12 or abs(time.time() - int(sent_at)) > _OLDEST:
        abort(401)
    expected = "v0=" + hmac.new(secret.encode(), f"v0:{sent_at}:".encode() + body, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Slack-Signature", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        abort(401)


def _language(question: str) -> str:
    found = current.recommender().language_of(question) if question.strip() else ""
    return found if found in LANGUAGES else current.settings().language


def _ask_to_link(who: ChatUser) -> dict[str, Any]:
    text = gettext(
        "Link this account with Kollega first, so that you see what you may read. The link works for ten minutes."
    )
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": gettext("Link the account")},
        "url": link_for(who),
        "action_id": "link",
    }
    return _only_you(text, [_section(_escaped(text)), {"type": "actions", "elements": [button]}])


def _as_blocks(found: ChatAnswer) -> dict[str, Any]:
    blocks = [_section(f"*{_escaped(found.heading)}*"), *(_section(_shown(shown)) for shown in found.shown)]
    if found.people:
        people = gettext("People who can help: %(names)s", names=", ".join(found.people))
        blocks.append(_section(_escaped(people)))
    more = f"<{found.more}|{_escaped(gettext('Ask in Kollega'))}>"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": more}]})
    return _only_you(found.heading, blocks)


def _shown(shown: Shown) -> str:
    text = shown.text[:_LONGEST_TEXT] + ("…" if len(shown.text) > _LONGEST_TEXT else "")
    title = _escaped(shown.title).replace("|", "¦")
    return f"*<{shown.url}|{title}>*\n{_escaped(text)}\n_{_escaped(shown.facts)}_"


def _only_you(text: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that only the asker sees; `text` stands in notifications."""
    return {"response_type": "ephemeral", "text": _escaped(text), **({"blocks": blocks} if blocks else {})}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:2_900]}}


def _escaped(text: str) -> str:
    """Text in which nothing is a link, a mention or a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
