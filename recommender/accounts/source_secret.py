"""The passwords and tokens of sources in the environment. They stand nowhere else."""

import os
import re

from recommender.settings import PREFIX, Settings

_SECRETS = ("token", "password", "webhook_secret")


def secret_of(source: str, what: str) -> str:
    """The secret of a source in the environment: of `help-desk` and "token" the variable KOLLEGA_HELP_DESK_TOKEN. Empty
    when there is none."""
    return os.environ.get(secret_variable(source, what), "").strip()


def secret_variable(source: str, what: str) -> str:
    """The name of the variable of a source's secret."""
    return f"{PREFIX}{re.sub('[^A-Z0-9]+', '_', source.upper())}_{what.upper()}"


def takes_a_setting(source: str) -> bool:
    """True when a secret of a source of this name would be in the variable of a setting: `mcp` would send
    KOLLEGA_MCP_TOKEN, which is that of a person, to the address of the source."""
    settings = {variable for variable, _default, _help in Settings.table()}
    return any(secret_variable(source, what) in settings for what in _SECRETS)
