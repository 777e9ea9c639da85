"""Reads the fields of ServiceNow's rows, in any of the forms in which its interface and its exports give them."""

import re

from indexer.sources.rest.paging import Row
from indexer.sources.tickets import html_text

_HTML = re.compile(r"\[code\](.*?)\[/code\]", re.DOTALL | re.IGNORECASE)
TIMES = ("opened_at", "sys_created_on", "resolved_at", "sys_updated_on")


def value_of(row: Row, name: str) -> str:
    """The value of a field, in any of the forms in which it is given; empty when there is none."""
    held = row.get(name, row.get(f"{name}_value"))
    value = (
        held.get("value") or (held.get("display_value") if name not in TIMES else "")
        if isinstance(held, dict)
        else held
    )
    return "" if value is None else str(value)


def shown(row: Row, name: str) -> str:
    """The value of a field as people see it."""
    held = row.get(name)
    return str(held.get("display_value") or "") if isinstance(held, dict) else value_of(row, name)


def is_named(row: Row, name: str) -> bool:
    """True when a reference comes with the name of what it refers to."""
    return bool(shown(row, name)) and shown(row, name) != value_of(row, name)


def written(text: str) -> str:
    """Text in which HTML stands between marks."""
    return _HTML.sub(lambda found: html_text(found[1]), text).replace("\r\n", "\n")
