"""Every error Kollega raises on purpose. Each message says what happened and what to do next."""


class KollegaError(Exception):
    """Base of all errors meant for a person to read."""


class IndexNotFound(KollegaError):
    """There is no live index generation yet."""


class IndexMismatch(KollegaError):
    """The index was made by another model than the one in use."""


class IndexDamaged(KollegaError):
    """A generation's files do not agree with its manifest."""


class IndexLocked(KollegaError):
    """Another process is writing the index."""


class SourceError(KollegaError):
    """A file to import is missing, unreadable or cut short."""


class ModelError(KollegaError):
    """The embedding model cannot be found, rebuilt or run."""


class SettingsError(KollegaError):
    """A setting has a value that cannot be used."""


class AccountError(KollegaError):
    """A name, password, role or scope that cannot be used."""


class NotAllowed(KollegaError):
    """The person may read this but not do that."""


class Conflict(KollegaError):
    """Somebody else was first."""


class EvaluationError(KollegaError):
    """An evaluation set that cannot be used."""


class SynonymsError(KollegaError):
    """A line of the synonyms file that cannot be used."""
