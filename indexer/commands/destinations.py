"""Where the requests to a team go on to."""

import re
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from indexer.delivery.handover.deliver import source_of
from indexer.delivery.handover.systems import check_options
from indexer.delivery.handover.webhook import SECRET, secret_name
from indexer.sources.configuration import read_sources
from recommender import audit
from recommender.accounts.source_secret import secret_variable
from recommender.errors import SettingsError
from recommender.outbox import handover
from recommender.settings import Settings
from recommender.teams.team import get_team

_MAIL = re.compile(r"mailto:[^@\s,;<>]+@[^@\s,;<>]+")


def set_destination(settings: Settings, session: Session, handle: str, target: str, values: tuple[str, ...]) -> str:
    """Set where new requests to a team go on to; a sentence about it. Raises SettingsError for a place that cannot be
    used, and SourceError for an option that is missing."""
    team = get_team(session, handle)
    options = dict(_pair(value) for value in values)
    sentence = _checked(settings, handle, target, options)
    handover.set_destination(session, team, target, options)
    audit.record(session, audit.actor(session, None), "team.destination", f"team:{team.handle}", {"target": target})
    return sentence


def send_again(session: Session, handle: str) -> str:
    """Send again what could not be sent on, to where the team works now; a sentence about it. Raises SettingsError when
    its requests stay here."""
    team = get_team(session, handle)
    if handover.destination_of(session, team) is None:
        raise SettingsError(
            f"Requests to {handle} stay here. Say where they go on to: kollega team set {handle} --send-to"
        )
    count = handover.try_again(session, team)
    audit.record(session, audit.actor(session, None), "team.sent_again", f"team:{team.handle}", {"requests": count})
    return f"{count} requests of {handle} are sent again by `kollega watch`"


def _pair(value: str) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not equals or not name.strip() or not text.strip():
        raise SettingsError(f"--set {value!r} is no NAME=VALUE, such as --set project=IT.")
    return name.strip(), text.strip()


def _checked(settings: Settings, handle: str, target: str, options: dict[str, str]) -> str:
    if target == handover.HERE:
        return f"new requests to {handle} stay here"
    if target.startswith("mailto:"):
        if not _MAIL.fullmatch(target):
            raise SettingsError(f"{target} is no mail address. Write one such as mailto:it@example.org.")
        if not settings.mail_server:
            raise SettingsError("There is no mail server. Set KOLLEGA_MAIL_SERVER first.")
        return f"new requests to {handle} are mailed to {target.removeprefix('mailto:')}"
    if source_of(target) is None:
        if urlsplit(target).scheme != "https" and urlsplit(target).hostname not in ("localhost", "127.0.0.1"):
            raise SettingsError(f"{target} is no webhook. Its address begins with https://.")
        variable = secret_variable(secret_name(handle), SECRET)
        return f"new requests to {handle} are sent to {target}; `kollega watch` needs {variable}"
    return _checked_source(settings, handle, target, options)


def _checked_source(settings: Settings, handle: str, target: str, options: dict[str, str]) -> str:
    configured = {each.name: each for each in read_sources(settings.sources_file)}.get(target)
    if configured is None:
        raise SettingsError(
            f"There is no source {target!r} in {settings.sources_file}. Add it, or write mailto:ADDRESS."
        )
    check_options(configured.kind, options)
    if "://" not in configured.options.place:
        raise SettingsError(f"{target} reads files. Requests can be sent on to a source with an address.")
    return f"new requests to {handle} become tickets in {target} ({configured.kind})"
