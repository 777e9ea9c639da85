"""The errors that Kollega raises on purpose. Their messages say what happened and what to do next."""

from collections.abc import Mapping
from typing import Any

from recommender.sentences.sentence import N_, Sentence


class KollegaError(Exception):
    """Base class of the errors whose message is shown to people."""


class IndexNotFound(KollegaError):
    """There is no index yet, or no earlier generation of it."""


class IndexMismatch(KollegaError):
    """The index was made with another model than the one in use."""


class IndexDamaged(KollegaError):
    """The files of an index generation cannot be read, or do not agree with its manifest."""


class IndexRefused(KollegaError):
    """The engine that holds the index does not understand one question; it answers others."""


class IndexUnavailable(KollegaError):
    """The engine that holds the index does not answer; it may be back in a moment."""


class KeywordsDamaged(IndexDamaged):
    """The files of keyword search are damaged; the vectors may be whole."""


class KeywordsUnopened(KeywordsDamaged):
    """Keyword search cannot be opened, because nothing can be written into its folder; its files may be whole."""


class IndexLocked(KollegaError):
    """Another process is writing the index."""


class SourceError(KollegaError):
    """A file to import is missing, unreadable or cut short."""


class SourceBusy(SourceError):
    """Another process reads this source now."""


class ModelError(KollegaError):
    """The embedding model cannot be found, rebuilt or run."""


class SettingsError(KollegaError):
    """A setting has a value that cannot be used."""


class OrganisationError(KollegaError):
    """A value that the organisation wants to set cannot be used."""


class DatabaseUnusable(KollegaError):
    """The database cannot be read or written."""


class DatabaseVersion(KollegaError):
    """The tables of the database are of another version of Kollega."""


class BackupError(KollegaError):
    """A backup cannot be made or restored."""


class ExportError(KollegaError):
    """The store cannot be exported to this file."""


class JobError(KollegaError):
    """There is no such job, or it cannot be ended or done once more now."""


class AccountError(KollegaError):
    """A name, password, role or scope cannot be used. `reason` is one word for what is wrong, by which a page says it
    in its own language: `handle`, `handle_taken`, `team`, `email`, `email_taken`, `last_admin` or `merge`; it is empty
    for what only a command can meet."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class SetUpRefused(KollegaError):
    """An installation cannot be set up by who wants to; `reason` is "wrong" or "none"."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UploadRefused(KollegaError):
    """A file cannot be uploaded to be loaded; `reason` is "format" or "empty"."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnusablePassword(AccountError):
    """A password is too short, too long or easy to guess; `reason` is "short", "long" or "easy"."""


class TeamRefused(AccountError):
    """A team cannot be made or changed like this: `field` is what cannot be used, `reason` why ("unusable", "taken",
    "empty", "long", "days" or "here")."""

    def __init__(self, message: str, field: str, reason: str) -> None:
        super().__init__(message, reason)
        self.field = field


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


class PinRefused(KollegaError):
    """An answer cannot be shown first in this way; `field` names what has to be written differently."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class AttachmentRefused(KollegaError):
    """A file cannot be attached; `reason` says why ("empty", "large", "type", "together", "count", "day", "room"
    or "away"),
    and `name` which file it is, as it was sent."""

    def __init__(self, message: str, reason: str, name: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.name = name


class FilesUnavailable(KollegaError):
    """The attached files cannot be reached now; the message says what to check."""


class TopicRefused(KollegaError):
    """A topic cannot be changed in this way; the message says what can be done instead. `reason` names why: `too_long`
    and `taken` (its name in `language`), `other_readers`, `too_small`, `unreadable`."""

    def __init__(self, message: str, reason: str, language: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.language = language


class ErasureError(KollegaError):
    """What was named to be erased does not exist."""


class EvaluationError(KollegaError):
    """An evaluation set cannot be used."""


class SynonymsError(KollegaError):
    """A line of the synonyms cannot be used; `reason` says why ("arrows", "empty", "single" or "unsearchable")."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def how_to_install(extra: str) -> str:
    """The end of a message about a missing extra. Extras are installed from the repository: Kollega is in no index."""
    return f"In the folder of Kollega run: .venv/bin/pip install --no-build-isolation -e '.[{extra}]'"


_A_LIST = N_('it should be a list, such as ["a", "b"]')
_A_TABLE = N_('it should be names with values: in JSON {"name": "value"}, in TOML {name = "value"}')
_WRONG: dict[str, str] = {
    "missing": N_("it is missing"),
    "extra_forbidden": N_("it is not known. Check how it is spelt"),
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), _A_LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _A_TABLE),
    **dict.fromkeys(("string_type", "path_type"), N_("it should be a text in quotes")),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), N_("it should be a whole number")),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), N_("it should be a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), N_("it should be true or false")),
    "literal_error": N_("write %(expected)s"),
    "greater_than_equal": N_("it should be at least %(ge)s"),
    "less_than_equal": N_("it should be at most %(le)s"),
    "string_too_short": N_("it should have at least %(min_length)s characters"),
    "string_too_long": N_("it should have at most %(max_length)s characters"),
    "too_short": N_("it should have at least %(min_length)s entries"),
    "too_long": N_("it should have at most %(max_length)s entries"),
}
"""What is expected, by the kind of error that pydantic names."""
_FORMS: dict[str, str] = {
    r"[^\s\u0085\u001C-\u001F\uFEFF]": N_("it should contain more than spaces"),
    "^[a-z]{2}$": N_("write the two letters of a language, such as fi"),
    r"^(everyone|(team|person):\S+)$": N_("write everyone, team: with the name of a team, or person: with a user name"),
    r"^[a-z0-9][a-z0-9._-]{0,63}$": N_("use small letters, digits, '-' and '_', at most 64"),
    r"^[a-z0-9_]+$": N_("use small letters, digits and '_'"),
    r"^(request|document):[1-9][0-9]{0,8}$": N_("write the key of an item, such as request:17"),
}
"""What a text should be like, by the pattern that it does not match."""


def wrong_value(detail: Mapping[str, Any]) -> str:
    """What is wrong with a value and what is expected instead, in plain words, of an entry of `errors()` of pydantic's
    ValidationError."""
    limits = detail.get("ctx") or {}
    if detail["type"] == "string_pattern_mismatch":
        form = _FORMS.get(limits["pattern"])
        return Sentence(form) if form else Sentence("it is not written in the form that is needed")
    if limits.get("min_length") == 1:
        return Sentence("it is empty")
    words = _WRONG.get(detail["type"])
    if words:
        return Sentence(words, **limits)
    if isinstance(limits.get("error"), ValueError):
        return str(limits["error"])
    return str(detail["msg"]).removeprefix("Value error, ")
