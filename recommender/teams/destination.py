"""Where new requests to a team go on to: a mailbox, a webhook, the system of a source, or nowhere else."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from recommender import audit
from recommender.audit import Actor
from recommender.database.handover_tables import TeamDestination
from recommender.database.tables import Team
from recommender.errors import TeamRefused
from recommender.outbox import handover
from recommender.settings import Settings
from recommender.teams.summary import without_secrets

MAIL = "mailto:"
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_LONGEST = 500  # characters, as in the table


def check(settings: Settings, target: str) -> None:
    """Raise TeamRefused unless `target` is HERE, a mailbox that can be written to ("mailto:it@example.org"), or the
    address of a webhook. Sources are checked by who reads them."""
    if target == handover.HERE:
        return
    if len(target) > _LONGEST:
        raise TeamRefused(f"Shorten the address to {_LONGEST} characters.", "send_to", "long")
    if target.startswith(MAIL):
        if not _ADDRESS.fullmatch(target.removeprefix(MAIL)):
            raise TeamRefused(
                f"{target} is no mail address. Write one such as mailto:it@example.org.", "send_to", "mail"
            )
        if not settings.mail_server:
            raise TeamRefused("There is no mail server. Set KOLLEGA_MAIL_SERVER first.", "send_to", "mail_server")
    elif not _is_webhook(target):
        raise TeamRefused(f"{target} is no webhook. Its address begins with https://.", "send_to", "webhook")


def store(session: Session, team: Team, target: str, options: Mapping[str, str], by: Actor) -> None:
    """Send new requests to a team on to `target`, which was checked before."""
    before = session.get(TeamDestination, team.id)
    shown = without_secrets(before.target) if before else handover.HERE
    details = {"before": shown, "after": without_secrets(target)}
    handover.set_destination(session, team, target, dict(options))
    audit.record(session, by, "team.destination", f"team:{team.handle}", details)


def _is_webhook(target: str) -> bool:
    try:
        parts = urlsplit(target)
        return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1"))
    except ValueError:
        return False
