"""Sends a question, or a reply to it, to a webhook as JSON, signed."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlsplit

import httpx

from indexer.delivery.handover.text import Comment, Question
from recommender.accounts.source_secret import secret_of, secret_variable
from recommender.errors import SourceError
from recommender.outbox.handover import Ticket

_SECONDS = 20.0  # for an answer: a judgement
SECRET = "webhook_secret"  # noqa: S105 - the end of a variable's name
_LARGEST_ANSWER = 100_000  # bytes


def secret_name(team: str) -> str:
    """The name under which the secret of a team's webhook is in the environment."""
    return f"team-{team}"


def send_to_webhook(address: str, team: str, question: Question) -> Ticket:
    """Send a question, with its key as `Idempotency-Key` and the signature of the body in `X-Hub-Signature-256`. The
    answer may name the ticket: {"id": ..., "number": ..., "url": ...}. Raises SourceError when it was not taken."""
    return _ticket(_post(address, team, question.key, vars(question)))


def send_comment_to_webhook(address: str, team: str, ticket_id: str, comment: Comment) -> str:
    """Send a reply as `send_to_webhook` sends a question, with the key of its request in `reply_to`, and the id of the
    ticket in `ticket` where the webhook has named it. The id of the reply there, or empty."""
    values = {name: value for name, value in vars(comment).items() if name != "request_key"}
    values |= {"reply_to": comment.request_key, "ticket": ticket_id}
    return _ticket(_post(address, team, comment.key, values)).external_id


def _post(address: str, team: str, key: str, values: dict[str, Any]) -> httpx.Response:
    secret = secret_of(secret_name(team), SECRET)
    if not secret:
        raise SourceError(f"The webhook of {team} has no secret. Set {secret_variable(secret_name(team), SECRET)}.")
    body = json.dumps(values, ensure_ascii=False).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "X-Hub-Signature-256": f"sha256={signature}",
        "User-Agent": "Kollega",
    }
    host = urlsplit(address).hostname or address
    try:
        answer = httpx.post(address, content=body, headers=headers, timeout=_SECONDS, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(f"The webhook at {host} cannot be reached ({type(error).__name__}).") from None
    if not 200 <= answer.status_code < 300:
        raise SourceError(f"The webhook at {host} answers with status {answer.status_code}.")
    return answer


def _ticket(answer: httpx.Response) -> Ticket:
    try:
        value = answer.json() if len(answer.content) <= _LARGEST_ANSWER else {}
    except ValueError:
        value = {}
    if not isinstance(value, dict):
        return Ticket()
    url = str(value.get("url") or "")
    return Ticket(
        str(value.get("id") or ""),
        str(value.get("number") or ""),
        url if url.startswith(("https://", "http://")) else "",
    )
