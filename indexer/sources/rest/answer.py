"""Reads the body of an answer: JSON, or what an error says about itself."""

import json
from typing import Any

import httpx

from indexer.sources.rest.waiting import Again, used_up
from recommender.sentences.sentence import Sentence


def read_json(body: bytes) -> Any:
    """The value of a body. Raises Again when it is no JSON."""
    try:
        return json.loads(body, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        if body.lstrip()[:1] == b"<":
            raise Again(
                Sentence("answers with a web page instead of JSON (a page to sign in, or of a proxy?)")
            ) from None
        raise Again(Sentence("answers with something that is not JSON, or was cut off")) from None


def error_text(body: bytes) -> str:
    """What an error says about itself, in one line that begins with a colon; empty when it is not JSON."""
    try:
        value = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return ""
    found: Any = value
    for name in ("error", "errorMessages", "errors", "message", "detail", "error_description", "description"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
    text = " ".join(str(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)).split())
    return f": {text[:200]}" if text not in ("", "{}", "[]", "null") else ""


def is_limit(headers: httpx.Headers, detail: str) -> bool:
    """True for a refusal that is about too many requests: GitHub says so with 403, some systems with 503."""
    words = detail.lower()
    return used_up(headers) or "retry-after" in headers or "rate limit" in words or "abuse detection" in words
