"""What the page about the system calls checks and states. What was found comes as sentences of the checks."""

from flask_babel import gettext

from recommender.monitoring.checks.finding import OK, WARNING


def state_name(state: str) -> str:
    """The word for the state of a finding."""
    names = {OK: gettext("In order"), WARNING: gettext("Warning")}
    return str(names.get(state) or gettext("Problem"))


def check_name(check: str) -> str:
    """What was looked at, in a word or two."""
    names: dict[str, str] = {
        "versions": gettext("Versions"),
        "machine": gettext("Memory and processors"),
        "home": gettext("Home directory"),
        "disk": gettext("Disk"),
        "permissions": gettext("Rights to files"),
        "settings": gettext("Settings"),
        "secret key": gettext("Secret key"),
        "address": gettext("Address"),
        "time zone": gettext("Time zone"),
        "database": gettext("Database"),
        "clock": gettext("Clock"),
        "backup": gettext("Backup"),
        "watcher": gettext("Work in the background"),
        "jobs": gettext("Jobs"),
        "sources": gettext("Sources"),
        "mail": gettext("Mail"),
        "index": gettext("Search index"),
        "model": gettext("Model"),
        "synonyms": gettext("Synonyms"),
        "learned": gettext("What was learned"),
        "mail server": gettext("Mail server"),
        "sign-in": gettext("Signing in"),
    }
    return names.get(check, check)
