"""Where the requests to a team go on to."""

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
from recommender.teams import destination
from recommender.teams.team import get_team


def set_destination(settings: Settings, session: Session, handle: str, target: str, values: tuple[str, ...]) -> str:
    """Set where new requests to a team go on to; a sentence about it. Raises SettingsError for a place that cannot be
    used, and SourceError for an option that is missing."""
    team = get_team(session, handle)
    options = dict(_pair(value) for value in values)
    sentence = _checked(settings, handle, target, options)
    destination.store(session, team, target, options, audit.COMMAND)
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
    if target != handover.HERE and source_of(target) is not None:
        return _checked_source(settings, handle, target, options)
    destination.check(settings, target)
    if target == handover.HERE:
        return f"new requests to {handle} stay here"
    if target.startswith(destination.MAIL):
        return f"new requests to {handle} are mailed to {target.removeprefix(destination.MAIL)}"
    variable = secret_variable(secret_name(handle), SECRET)
    return f"new requests to {handle} are sent to {target}; `kollega watch` needs {variable}"


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
