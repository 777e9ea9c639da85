"""Says for each setting its value, where that comes from, and whether a change needs a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from os import environ
from typing import Any

from sqlalchemy.orm import Session

from recommender.organisation.values import NEEDS_RESTART, Organisation, changed, in_environment
from recommender.sentences.sentence import Sentence
from recommender.settings import PREFIX, Settings

SECRETS = frozenset(
    {
        "secret_key", "mail_server", "oidc_client_secret", "metrics_token", "slack_signing_secret", "mcp_token",
        "database", "milvus",
    }
)  # fmt: skip
"""Settings whose value is never shown: a password or token is, or may be, in it."""


class Origin(StrEnum):
    """Where a value comes from."""

    ENVIRONMENT = "environment"
    DATABASE = "database"
    DEFAULT = "default"


@dataclass(frozen=True)
class Origins:
    """A setting: its name as in `Settings`, its variable, what it is for, its value ("set" or empty for a secret),
    where that comes from, whether the organisation may change it in Kollega, and whether a change needs a restart."""

    name: str
    variable: str
    help: str
    value: Any
    origin: Origin
    secret: bool
    changeable: bool
    needs_restart: bool


def of_all(session: Session, settings: Settings, environment: Mapping[str, str] = environ) -> list[Origins]:
    """All settings in the order of the documentation. `settings` are those of the environment."""
    applied, in_database = Organisation.read(session, settings).settings, changed(session)
    rows = []
    for setting in fields(Settings):
        name, help = setting.name, setting.metadata["help"]
        origin = Origin.DEFAULT
        if in_environment(settings, name, environment):
            origin = Origin.ENVIRONMENT
        elif name in NEEDS_RESTART and name in in_database:
            origin = Origin.DATABASE
        value = getattr(applied, name)
        secret = name in SECRETS
        shown = ("set" if value else "") if secret else value
        changeable = name in NEEDS_RESTART and origin is not Origin.ENVIRONMENT
        rows.append(
            Origins(
                name, PREFIX + name.upper(), Sentence(help), shown, origin, secret, changeable,
                NEEDS_RESTART.get(name, True),
            )
        )  # fmt: skip
    return rows
