"""How long somebody has to wait who has tried too often, in the page's language."""

from flask_babel import ngettext

_MINUTE, _HOUR = 60, 3600


def how_long(seconds: int) -> str:
    """A sentence with minutes, or with hours when it is longer than two."""
    if seconds <= 2 * _HOUR:
        minutes = -(-seconds // _MINUTE)
        return str(ngettext("Wait %(num)d minute and try again.", "Wait %(num)d minutes and try again.", minutes))
    return str(ngettext("Wait %(num)d hour and try again.", "Wait %(num)d hours and try again.", -(-seconds // _HOUR)))
