"""The errors that Kollega raises on purpose. Their messages say what happened and what to do next."""


class KollegaError(Exception):
    """Base class of the errors whose message is shown to people."""


class IndexNotFound(KollegaError):
    """There is no index yet, or no earlier generation of it."""


class IndexMismatch(KollegaError):
    """The index was made with another model than the one in use."""


class IndexDamaged(KollegaError):
    """The files of an index generation cannot be read, or do not agree with its manifest."""


class KeywordsDamaged(IndexDamaged):
    """The files of keyword search are damaged; the vectors may be whole."""


class IndexLocked(KollegaError):
    """Another process is writing the index."""


class SourceError(KollegaError):
    """A file to import is missing, unreadable or cut short."""


class ModelError(KollegaError):
    """The embedding model cannot be found, rebuilt or run."""


class SettingsError(KollegaError):
    """A setting has a value that cannot be used."""


class DatabaseUnusable(KollegaError):
    """The database cannot be read or written."""


class DatabaseVersion(KollegaError):
    """The tables of the database are of another version of Kollega."""


class BackupError(KollegaError):
    """A backup cannot be made or restored."""


class ExportError(KollegaError):
    """The store cannot be exported to this file."""


class AccountError(KollegaError):
    """A name, password, role or scope cannot be used."""


class UnusablePassword(AccountError):
    """A password is too short, too long or easy to guess; `reason` is "short", "long" or "easy"."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class TooBusy(KollegaError):
    """Too much of the same is going on at this moment; trying again in a few seconds helps."""


class NotAllowed(KollegaError):
    """The person may read the item but may not change it in this way."""


class Conflict(KollegaError):
    """Somebody else has changed the item meanwhile."""


class CannotReplace(KollegaError):
    """An item cannot be marked as replaced by the one that was named; `reason` says why."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class AttachmentRefused(KollegaError):
    """A file cannot be attached; `reason` says why ("empty", "large", "type", "together", "count", "day" or "room"),
    and `name` which file it is, as it was sent."""

    def __init__(self, message: str, reason: str, name: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.name = name


class TopicRefused(KollegaError):
    """A topic cannot be changed in this way; the message says what can be done instead."""


class ErasureError(KollegaError):
    """What was named to be erased does not exist."""


class EvaluationError(KollegaError):
    """An evaluation set cannot be used."""


class SynonymsError(KollegaError):
    """A line of the synonyms file cannot be used."""


def how_to_install(extra: str) -> str:
    """The end of a message about a missing extra. Extras are installed from the repository: Kollega is in no index."""
    return f"In the folder of Kollega run: .venv/bin/pip install --no-build-isolation -e '.[{extra}]'"
