"""The time zones that are proposed for a new installation."""

USUAL_ZONES = {"fi": "Europe/Helsinki", "sv": "Europe/Stockholm"}
"""By the language of the pages."""
