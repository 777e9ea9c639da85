"""Sends a question to a webhook as JSON, signed."""

import hashlib
import hmac
import json
from urllib.parse import urlsplit

import httpx

from indexer.delivery.handover.text import Question
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
    secret = secret_of(secret_name(team), SECRET)
    if not secret:
        raise SourceError(f"The webhook of {team} has no secret. Set {secret_variable(secret_name(team), SECRET)}.")
    body = json.dumps(vars(question), ensure_ascii=False).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": question.key,
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
    return _ticket(answer)


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
