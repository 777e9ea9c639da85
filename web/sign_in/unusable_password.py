"""Why a password cannot be used, in the page's language."""

from flask_babel import gettext

from recommender.accounts.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from recommender.errors import UnusablePassword


def what_is_wrong(error: UnusablePassword) -> str:
    """A sentence about what is wrong with the password, and what would be right."""
    if error.reason == "short":
        return str(gettext("A password needs at least %(n)d characters.", n=SHORTEST_PASSWORD))
    if error.reason == "long":
        return str(gettext("A password has at most %(n)d characters.", n=LONGEST_PASSWORD))
    return str(
        gettext(
            "This password is easy to guess. Choose a longer one, such as four words that do not belong together,"
            " without names and years."
        )
    )
