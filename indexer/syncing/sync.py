"""Reads one source of sources.toml from its mark on, and stores how far it came."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.apart import apart_if_large
from indexer.loading.load import load
from indexer.loading.named_teams import require_teams
from indexer.loading.report import LoadReport
from indexer.sources.configuration import ConfiguredSource
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import DeletedRecord, DocumentRecord, Located, QuestionRecord, RequestRecord
from indexer.syncing.widening import Item, Widened, readers_by_rules, widen
from indexer.texts.masking import SHIPPED, MaskingRules
from recommender.database import leading
from recommender.database.audit_table import AuditEntry
from recommender.database.dialects import Lock
from recommender.database.source_tables import state_of
from recommender.database.tables import Document, HelpRequest, utc_now
from recommender.errors import SourceBusy, SourceError
from recommender.language.analyzer import Analyzer
from recommender.sentences.sentence import Sentence, joined

MOST_STORED = 50
"""Problems that are stored with the state of a source."""
_SENT = "items.load"
"""The action in the audit log of a program that has sent items."""
_FEW, _SHARE = 10, 0.2
"""How many items, and which share of a source, may vanish at once without a word from an admin: judgements."""


@dataclass
class SyncReport:
    """What came of reading one source: what was loaded, whether it was read from the beginning, how many items it no
    longer has, which got more readers, when that was wanted, and what an admin should know."""

    name: str
    loaded: LoadReport
    whole: bool
    deleted: int = 0
    widened: Widened | None = None
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line for an admin."""
        counts = [self.loaded.line()]
        counts += [Sentence("%(num)s deleted there", num=self.deleted)] if self.deleted else []
        values = {"name": self.name, "counts": joined(counts, ", ")}
        read = Sentence("%(name)s: %(counts)s (read from the beginning)", **values)
        if not self.whole:
            read = Sentence("%(name)s: %(counts)s (read since the last time)", **values)
        return read if self.widened is None else joined([read, str(self.widened)], "; ")

    @property
    def has_problems(self) -> bool:
        """True when something could not be read or used, or waits for an admin."""
        return bool(self.loaded.problems or self.notes)


def sync(
    configured: ConfiguredSource,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    progress: Callable[[int], None] = lambda _n: None,
    full: bool = False,
    allow_deletions: bool = False,
    show: Callable[[str], None] | None = None,
    mask: MaskingRules = SHIPPED,
    widens: bool = False,
) -> SyncReport:
    """Read a source from where the last run ended, from its beginning when `full` or `widens`, when it cannot do
    otherwise, or when its options have changed. What it no longer has is deleted here after a whole read without a
    problem; when that is much, only with `allow_deletions`. With `widens` those may read then whom the rules name.

    Only one process of this database reads a source at a time, on any machine. Raises SourceBusy when another one is
    at it, SourceError when the source cannot be opened. What goes wrong is stored in the state of the source.
    """
    engine: Engine = sessions.kw["bind"]
    lock = leading.take_lock(engine, _lock_name(configured.name))
    if lock is None:
        busy = Sentence("%(name)s is being read by another process. Wait until that has ended.", name=configured.name)
        raise SourceBusy(busy)
    with closing(lock):
        since, before, is_first = _begin(configured, sessions, full or widens)
        try:
            source = _Seen(_opened(configured, sessions, mask, is_first))
            shown, store = LoadReport(show=show, tells_known=full or is_first), _store_mark(configured, sessions)
            report = load(source, sessions, analyzer, progress, shown, since, store, mask)
            result = SyncReport(configured.name, report, since is None)
            if since is None and source.abilities.lists_all:
                _require_lock(configured.name, lock)
                _delete_missing(source, result, sessions, analyzer, allow_deletions)
            if widens:
                _widen(source, result, sessions)
        except Exception as error:
            _end(configured, sessions, str(error) if isinstance(error, SourceError) else type(error).__name__, None)
            raise
        except BaseException:  # the process is being ended
            _go_on_later(configured, sessions, before)
            raise
        _end(configured, sessions, report.broken_off, result)
    return result


def _opened(
    configured: ConfiguredSource, sessions: sessionmaker[Session], mask: MaskingRules, is_first: bool
) -> Source:
    """The source, once it is certain that its options fit what is here."""
    require_teams(sessions, configured.name, configured.kind, configured.options)
    if is_first:
        _require_own_name(configured, sessions)
    return apart_if_large(configured.open(), configured.kind, configured.name, configured.options, mask)


def is_being_read(name: str, engine: Engine) -> bool:
    """True while a process reads the source of this name into this database."""
    return leading.leader(engine, _lock_name(name)) is not None


def _lock_name(source: str) -> str:
    return f"sync-{source}"


def _require_lock(source: str, lock: Lock) -> None:
    """Raises SourceError when the lock was lost: another process may have read newer items since, which this one would
    take for deleted ones."""
    if not lock.is_held():
        lost = Sentence(
            "%(source)s: the connection to the database was lost while it was read. Nothing that is no longer there "
            "was deleted. Read it again.", source=source,
        )  # fmt: skip
        raise SourceError(lost)


class _Seen:
    """A source that notes which items it has yielded, and whom rules let read them; `unread` is how many of them it
    could not read."""

    def __init__(self, source: Source) -> None:
        self.name, self.abilities, self._source = source.name, source.abilities, source
        self.items: set[Item] = set()
        self.readers: dict[Item, tuple[str, ...]] = {}
        self.unread = 0

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """What the source yields."""
        for located in self._source.read(since):
            if isinstance(located, Located):
                match located.record:
                    case RequestRecord() | QuestionRecord():
                        self._note(("request", located.record.id), located.record)
                    case DocumentRecord():
                        self._note(("document", located.record.id), located.record)
                    case DeletedRecord():
                        self.items.discard((located.record.type, located.record.id))
                        self.readers.pop((located.record.type, located.record.id), None)
                    case None if located.unread is not None:
                        self.items.add(located.unread)
                        self.readers.pop(located.unread, None)
                        self.unread += 1
            yield located

    def _note(self, item: Item, record: object) -> None:
        self.items.add(item)
        self.readers.pop(item, None)  # an item may come twice, and what is said last holds
        if readers := readers_by_rules(record):
            self.readers[item] = readers


class _Deletions:
    """The source of what another one no longer has."""

    abilities = Abilities(deletions=True)

    def __init__(self, name: str, items: list[Item]) -> None:
        self.name, self._items = name, items

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """A record of each deletion."""
        for number, (kind, identifier) in enumerate(self._items, 1):
            record = DeletedRecord(type="request" if kind == "request" else "document", id=identifier)
            yield Located("deleted", number, record)


Before = tuple[datetime | None, bool]
"""(when the run before began, whether the source was due)."""


def _begin(
    configured: ConfiguredSource, sessions: sessionmaker[Session], full: bool
) -> tuple[str | None, Before, bool]:
    """Store that a run has begun; the mark it goes on from, what was stored before, and whether no run has come to the
    end so far."""
    with sessions.begin() as session:
        state = state_of(session, configured.name)
        before = (state.started_at, state.is_due)
        if full or state.options != configured.options_digest():
            state.mark = None
        state.options, state.started_at, state.is_due = configured.options_digest(), utc_now(), False
        return state.mark, before, state.finished_at is None


def _require_own_name(configured: ConfiguredSource, sessions: sessionmaker[Session]) -> None:
    """Raises SourceError when a program has sent items under the name of a source that was never read."""
    sent = select(AuditEntry.id).where(AuditEntry.subject == f"source:{configured.name}", AuditEntry.action == _SENT)
    with sessions() as session:
        if session.scalar(sent.limit(1)) is not None and _items_of(session, configured.name):
            raise SourceError(
                Sentence(
                    "%(source)s is also the name under which a program has sent items to the API. Reading the "
                    "source would delete those. Give it another name in sources.toml.",
                    source=configured.name,
                )
            )


def _go_on_later(configured: ConfiguredSource, sessions: sessionmaker[Session], before: Before) -> None:
    """Store that a run was ended from outside: it is due as it was before it began."""
    with sessions.begin() as session:
        state = state_of(session, configured.name)
        state.started_at, state.is_due = before[0], state.is_due or before[1]


def _store_mark(configured: ConfiguredSource, sessions: sessionmaker[Session]) -> Callable[[str], None]:
    def store(mark: str) -> None:
        with sessions.begin() as session:
            state_of(session, configured.name).mark = mark

    return store


def _end(configured: ConfiguredSource, sessions: sessionmaker[Session], error: str, result: SyncReport | None) -> None:
    with sessions.begin() as session:
        state = state_of(session, configured.name)
        state.error, state.error_said = error or None, error if isinstance(error, Sentence) else None
        state.failures = state.failures + 1 if error else 0
        if result is not None:
            state.counts = {**result.loaded.counts(), "deleted": result.deleted}
            state.problems = [*result.notes, *result.loaded.problems][:MOST_STORED]
        if not error:
            state.finished_at = utc_now()
            if result is not None and result.whole:
                state.read_whole_at = state.finished_at


def _delete_missing(
    source: _Seen, result: SyncReport, sessions: sessionmaker[Session], analyzer: Analyzer, allowed: bool
) -> None:
    """Delete what the source no longer has, unless that is not certain."""
    with sessions() as session:
        known = _items_of(session, source.name)
    missing = sorted(known - source.items)
    if not missing:
        return
    if result.loaded.problems.total > source.unread:
        result.notes.append(
            Sentence(
                "%(name)s: %(num)s items may have been deleted there, and stay here: not everything could be read, so "
                "that is not certain. Mend the problems, then run it again.",
                name=source.name, num=len(missing),
            )
        )  # fmt: skip
    elif not allowed and (missing == sorted(known) or (len(missing) > _FEW and len(missing) > _SHARE * len(known))):
        result.notes.append(
            Sentence(
                "%(name)s: %(num)s of %(total)s items are no longer there, and stay here. If they were deleted there, "
                "run: kollega sync %(name)s --full --allow-deletions",
                name=source.name, num=len(missing), total=len(known),
            )
        )  # fmt: skip
    else:
        deletions = load(_Deletions(source.name, missing), sessions, analyzer)
        result.deleted = deletions.removed
        result.loaded.conflicts += deletions.conflicts
        result.loaded.conflicts.more += deletions.conflicts.more


def _widen(source: _Seen, result: SyncReport, sessions: sessionmaker[Session]) -> None:
    """Let those read whom the rules name, unless not everything was read: then the newest rules of an item may be
    unknown."""
    if result.loaded.broken_off:
        said = Sentence("nobody can read more than before, because it was not read to its end.")
        result.notes.append(joined((source.name, said), ": "))
    else:
        result.widened = widen(source.name, source.readers, sessions)
        result.loaded.widened += result.widened.lines


def _items_of(session: Session, source: str) -> set[Item]:
    """The requests and documents here that came from a source."""
    found: set[Item] = set()
    for kind, table in (("request", HelpRequest), ("document", Document)):
        ids = session.scalars(select(table.external_id).where(table.source == source, table.external_id.is_not(None)))
        found |= {(kind, identifier) for identifier in ids if identifier is not None}
    return found
