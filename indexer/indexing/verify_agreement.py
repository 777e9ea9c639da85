"""Whether the index has every item as it is in the database, and nothing else; also while people write.

What differs is looked at twice, so that `watch` can bring it into the index meanwhile. What was changed since the index
was last brought up to date only waits, and is no problem.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from recommender.corpus import items
from recommender.database.index_register import IndexRegister
from recommender.errors import IndexNotFound, KollegaError
from recommender.index import generations
from recommender.index.digest import item_digest
from recommender.index.engines import engine_of
from recommender.index.item import IndexedItem
from recommender.monitoring import freshness
from recommender.sentences.sentence import Sentence, joined
from recommender.settings import Settings

REINDEX, REBUILD = Sentence("Run: kollega reindex"), Sentence("Run: kollega reindex --full")
COMPARE = Sentence("Run: kollega reindex --compare")  # this and REBUILD begin with the words of REINDEX
_NAMED = 20  # items that are named when many differ: a judgement
_TRIES = 5  # to read an index before it is replaced: a judgement


@dataclass(frozen=True)
class _Indexed:
    """What the live generation has of each item, by key, and what was noted when it was made live."""

    items: dict[str, IndexedItem]
    seen: freshness.Seen | None


@dataclass(frozen=True)
class _Look:
    """What differed at one moment: {item key: (how, digest of the item in the database)}. `recent` are the items that
    were changed since the index was last brought up to date; None when nothing was, `known` False when nobody noted
    when that was. `wishes` are those for writing the index anew without what was erased."""

    differing: dict[str, tuple[str, str]] = field(default_factory=dict)
    recent: frozenset[str] | None = None
    known: bool = True
    wishes: frozenset[str] = frozenset()

    def waits(self, key: str) -> bool:
        """True when this item was changed since, or perhaps removed."""
        return self.recent is not None and (key in self.recent or not self.differing[key][1])


def agreement(
    settings: Settings, sessions: sessionmaker[Session], note: Callable[[str], None], wait: Callable[[float], object]
) -> Iterator[str]:
    """A sentence about each item that differs. `note` is called with a sentence about changes that only wait, `wait`
    with the seconds between two looks."""
    try:
        first = last = _look(settings, sessions)
        if first.wishes or (first.differing and (first.recent is not None or not first.known)):
            wait(settings.watch_seconds)
            last = _look(settings, sessions)
    except IndexNotFound:  # named already
        return
    except (KollegaError, OSError, ValueError, sqlite3.Error) as error:
        if not isinstance(error, KollegaError):
            unread = Sentence("The items of the index cannot be read (%(reason)s).", reason=error)
            yield joined([unread, REBUILD], " ")
        return
    both = [key for key, found in last.differing.items() if first.differing.get(key) == found]
    wrong = [last.differing[key][0] for key in both if not last.waits(key)]
    yield from (joined([what, COMPARE], ". ") for what in wrong[:_NAMED])
    if len(wrong) > _NAMED:
        yield joined([Sentence("%(num)s more items differ.", num=len(wrong) - _NAMED), COMPARE], " ")
    if first.wishes & last.wishes:
        yield joined([Sentence("What was erased is still in files of the index."), REINDEX], " ")
    if waiting := len(last.differing) - len(wrong):
        note(Sentence("%(num)s changes wait for kollega watch or kollega reindex", num=waiting))


def _look(settings: Settings, sessions: sessionmaker[Session]) -> _Look:
    wishes = generations.rewrites_asked_for(settings.index_dir)
    indexed = _indexed(settings)
    with sessions() as session:
        differing = _differing(session, settings, indexed)
        recent = freshness.changed_since(session, indexed.seen) if indexed.seen and differing else None
    return _Look(differing, recent, indexed.seen is not None, wishes)


def _indexed(settings: Settings) -> _Indexed:
    """What the live generation has. It is read again when `watch` has replaced it meanwhile."""
    engine = engine_of(settings, IndexRegister(settings))
    for left in reversed(range(_TRIES)):
        directory = generations.live(settings.index_dir)
        try:
            found = {item.key: item for item in engine.items(directory)}
        except (KollegaError, OSError, ValueError, sqlite3.Error):
            if not left or generations.live_name(settings.index_dir) == directory.name:
                raise
            continue
        seen = freshness.Seen.read(settings.index_dir)
        if not left or generations.live_name(settings.index_dir) == directory.name:
            break
    return _Indexed(found, seen)


def _differing(session: Session, settings: Settings, indexed: _Indexed) -> dict[str, tuple[str, str]]:
    """{item key: (how it differs, digest of the item in the database or nothing)}."""
    differing: dict[str, tuple[str, str]] = {}
    missing = dict(indexed.items)
    for item in items(session):
        key, digest, before = item.key, item_digest(item, settings.passage_tokens), missing.pop(item.key, None)
        if before is None:
            differing[key] = Sentence("%(key)s is not in the index", key=key), digest
        elif digest != before.digest:
            differs = Sentence("%(key)s differs from what was indexed: it was edited since, or is damaged", key=key)
            differing[key] = differs, digest
        elif before.audience != item.audience:
            differing[key] = Sentence("%(key)s has another audience in the index", key=key), digest
        elif before.language != item.language:
            differing[key] = Sentence("%(key)s has another language in the index", key=key), digest
    gone = {key: Sentence("%(key)s is in the index, but no longer in the database", key=key) for key in missing}
    return differing | {key: (said, "") for key, said in gone.items()}
