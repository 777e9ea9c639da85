"""Addresses of our pages: which item somebody means by one, and how one is written for outside."""

import re

from flask import request

from recommender.corpus import is_key
from recommender.datatypes import Kind, item_key
from web import current
from web.input import parts_of

LONGEST_ADDRESS = 500  # characters of what was typed that are shown again: a judgement
_PAGE = re.compile(r".*/(request|document)s/([1-9][0-9]{0,8})/?")


def absolute(path: str) -> str:
    """The address of one of our pages for somebody outside of them: another site, a chat, a browser."""
    return (current.settings().public_url or request.host_url).rstrip("/") + path


def named_key(typed: str) -> str:
    """The key that was typed, or of the page whose address was typed; anything else as it is."""
    if is_key(typed.lower()):
        return typed.lower()
    parts = parts_of(typed)
    own_hosts = {"", request.host, parts_of(current.settings().public_url).netloc}
    page = _PAGE.fullmatch(parts.path)
    return item_key(Kind(page[1]), page[2]) if page and parts.netloc in own_hosts else typed
