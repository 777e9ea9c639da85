"""The passwords and tokens of sources in the environment. They stand nowhere else."""

import os
import re

from recommender.settings import PREFIX


def secret_of(source: str, what: str) -> str:
    """The secret of a source in the environment: of `help-desk` and "token" the variable KOLLEGA_HELP_DESK_TOKEN. Empty
    when there is none."""
    return os.environ.get(secret_variable(source, what), "").strip()


def secret_variable(source: str, what: str) -> str:
    """The name of the variable of a source's secret."""
    return f"{PREFIX}{re.sub('[^A-Z0-9]+', '_', source.upper())}_{what.upper()}"
