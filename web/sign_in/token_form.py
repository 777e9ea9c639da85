"""The form in which a token is made: what it is called, what it may do, and how long it works."""

from collections.abc import Collection

from flask import request

_LONGEST_NAME = 200  # characters of a token's name, as in the table
_MOST_DAYS = 3650


def read(allowed: Collection[str]) -> tuple[str, list[str], int | None]:
    """The form as it was sent: (name, those scopes of it that are allowed, days). The days are 0 for a token that does
    not expire, None when they cannot be used."""
    name = " ".join(request.form.get("token_name", "").split())[:_LONGEST_NAME]
    scopes = [scope for scope in request.form.getlist("scopes") if scope in allowed]
    days = request.form.get("days", "")
    usable = days.isascii() and days.isdecimal() and len(days) < 5 and int(days) <= _MOST_DAYS
    return name, scopes, int(days) if usable else None
