"""What is still to be done until an installation is in good use."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account, OutgoingMail
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Document, HelpRequest, Team
from recommender.settings import Settings

DATA, TEAMS, PEOPLE, MAIL, BACKUP, CALIBRATED = "data", "teams", "people", "mail", "backup", "calibrated"
_BACKUP_ACTION = "store.backup"
_CALIBRATION = "calibration.json"


@dataclass(frozen=True)
class Task:
    """One thing to be done, and whether it is."""

    name: str
    done: bool


def tasks(session: Session, settings: Settings) -> list[Task]:
    """The list, in the order in which it is best done."""
    handed_over = select(OutgoingMail.id).where(OutgoingMail.message_id.is_not(None)).limit(1)
    done: Mapping[str, bool] = {
        TEAMS: _any(session, Team),
        DATA: _any(session, HelpRequest) or _any(session, Document),
        PEOPLE: (session.scalar(select(func.count()).select_from(Account)) or 0) > 1,
        MAIL: bool(settings.mail_server) and session.scalar(handed_over) is not None,
        BACKUP: session.scalar(select(AuditEntry.id).where(AuditEntry.action == _BACKUP_ACTION).limit(1)) is not None,
        CALIBRATED: any(settings.index_dir.glob(f"gen-*/{_CALIBRATION}")),
    }
    return [Task(name, is_done) for name, is_done in done.items()]


def _any(session: Session, table: type[Team] | type[HelpRequest] | type[Document]) -> bool:
    return session.scalar(select(table.id).limit(1)) is not None
