"""The sources of sources.toml as an admin sees them: how each is read, what the last run brought, what went wrong.
Secrets never stand in that file, but somebody may have written one there: addresses are shown without what may hold
one, and only options that are known are shown."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender.accounts.source_secret import secret_variable
from recommender.database.job_tables import Job
from recommender.database.source_tables import SourceState
from recommender.database.tables import Document, HelpRequest
from recommender.jobs import kinds, queue
from recommender.settings import Settings

OPTIONS = (
    "address", "allow_http", "by_brand", "ca_file", "channel", "condition", "everyone", "exclude", "filter", "folder",
    "include", "language", "mapping", "markup", "namespaces", "not_answered", "private", "projects", "repositories",
    "resolved_states", "rest_days", "server", "site", "solution_field", "spaces", "subject_weeks", "table", "tagged",
    "team", "team_only", "team_slug", "timezone", "user", "v2", "without_git",
)  # fmt: skip
"""The options of the kinds of sources that are shown; what else a table has may be a secret at a wrong place."""

OPEN_KINDS = ("discourse", "mediawiki", "stackexchange-api")
"""Kinds of sources that often let everybody read them."""


@dataclass(frozen=True)
class SourceSeen:
    """A source. `options` are those of its kind, in plain texts; `teams` and `audiences` its mapping: what a group of
    the source is here. `secret_in` is where its token comes from: a file or a variable. `job` is the one that reads it
    now or is to."""

    name: str
    kind: str
    place: str
    every: str
    full_every: str
    options: Mapping[str, str]
    teams: Mapping[str, str]
    audiences: Mapping[str, str]
    secret_in: str
    is_secret_in_file: bool
    state: SourceState | None
    job: Job | None

    @property
    def error(self) -> str:
        """Why the last run broke off; empty when it did not."""
        return (self.state.error_said or self.state.error or "") if self.state else ""

    @property
    def is_open(self) -> bool:
        """True for a source that needs no token as far as its table says: a file, or what anybody may read."""
        return "://" not in self.place or self.kind in OPEN_KINDS

    @property
    def problems(self) -> list[str]:
        """What the last run could not use, record by record."""
        return [problem for problem in self.state.problems if problem != self.error] if self.state else []

    @property
    def lacks_right(self) -> bool:
        """True when the last run broke off because of its token, as the readers of the systems say it."""
        said = self.error.lower()
        return any(word in said for word in ("token", "password", "(401)", "(403)"))


@dataclass(frozen=True)
class SourcesSeen:
    """All sources in the order of the file, and why it cannot be read (empty when it can)."""

    sources: list[SourceSeen]
    problem: str = ""


def read_sources_seen(session: Session, settings: Settings) -> SourcesSeen:
    """The sources of the file with their states. Whether the options of each kind fit is found out when it is read."""
    try:
        tables = tomllib.loads(settings.sources_file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return SourcesSeen([])
    except (OSError, ValueError) as error:
        return SourcesSeen([], f"{settings.sources_file}: {error}")
    jobs = queue.listed(session, kinds=(kinds.SYNC,), states=queue.UNFINISHED)
    by_name = {job.payload.get("source"): job for job in jobs}
    return SourcesSeen(
        [_seen(session, name, table, by_name.get(name)) for name, table in tables.items() if isinstance(table, dict)]
    )


def items_here(session: Session, name: str) -> int:
    """How many requests and documents came from this source."""
    counts = (
        session.scalar(select(func.count()).select_from(table).where(table.source == name))
        for table in (HelpRequest, Document)
    )
    return sum(count or 0 for count in counts)


def _seen(session: Session, name: str, table: dict[str, Any], job: Job | None) -> SourceSeen:
    secret = "password" if table.get("kind") == "mail" else "token"
    file = table.get(f"{secret}_file")
    options = {key: shown_place(_text(table[key])) for key in table if key in OPTIONS}
    return SourceSeen(
        name=name,
        kind=_text(table.get("kind", "")),
        place=shown_place(_text(table.get("place", ""))),
        every=_text(table.get("every", "")),
        full_every=_text(table.get("full_every", "")),
        options=options,
        teams=_texts(table.get("teams")),
        audiences=_texts(table.get("audiences")),
        secret_in=_text(file) if file else secret_variable(name, secret),
        is_secret_in_file=bool(file),
        state=session.get(SourceState, name),
        job=job,
    )


def _texts(values: object) -> dict[str, str]:
    return {key: _text(value) for key, value in values.items()} if isinstance(values, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_text(each)}" for key, each in value.items())
    return str(value)


def shown_place(text: str) -> str:
    """The scheme, host and path of an address, as it may be shown; other texts as they are."""
    scheme, mark, _rest = text.partition("://")
    if not mark:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:  # no address: where in it a secret may stand is not known
        return f"{scheme}://…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
