"""Encodes what is new in the database on several machines at once, before the index is written.

The texts go into the database in batches. This process and each `kollega encode-worker` take them, and this one puts
the vectors into the journal of its index, where `reindex` finds them. A killed worker's batch is taken by another one;
after a kill of this process, what was encoded is in the journal, and the next run encodes only the rest.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.chosen import known_items
from indexer.indexing.passages import make_passages
from recommender.corpus import items, load_items
from recommender.database import shared_texts
from recommender.database.encode_batches import EncodeBatches
from recommender.database.leading import index_lead
from recommender.database.storing import in_chunks
from recommender.encoder import Encoder
from recommender.index.digest import item_digest, passage_digest, read_text
from recommender.index.journal import Journal
from recommender.settings import Settings

_BATCH = 64  # texts: as many as reindex encodes at once
_CHUNK = 512  # items whose passages are sorted by length together: a judgement
_AHEAD = 400  # batches that wait in the database at most, about 25 MB of texts: a judgement
_LOOKS = 0.2  # seconds between two looks at what others encode: a judgement
Progress = Callable[[int, int], None]


def encode_together(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: Encoder,
    full: bool,
    progress: Progress = lambda _done, _total: None,
) -> int:
    """Have all that `reindex` will need encoded by this process and the workers; how many texts were. `progress` is
    called with (texts encoded, texts known so far). Ends when something is erased meanwhile, which might be among the
    texts; `reindex` encodes what is missing then. Call it as `first` of `reindex`, whose lock keeps others from
    removing the journal before it is used. Raises DatabaseUnusable on SQLite, and the errors of `known_items`."""
    batches = EncodeBatches(sessions.kw["bind"], encoder.card.key)
    name = index_lead(settings)
    journal = Journal(settings.index_dir, encoder.card)
    run = _Run(batches, name, encoder, journal, sessions)
    try:
        batches.drop(name)  # what a killed run has left
        for texts in _texts(settings, sessions, encoder, journal, full):
            if run.is_outdated():
                break
            run.add(texts)
            progress(run.done, run.total)
            while batches.waiting(name) > _AHEAD and run.step():
                progress(run.done, run.total)
        while run.done < run.total and run.step():
            progress(run.done, run.total)
    finally:
        batches.drop(name)  # also when it is interrupted: nobody collects them any more
        journal.close()
    return run.done


def _last_erasure(sessions: sessionmaker[Session]) -> str | None:
    """What is another text after each erasure."""
    with sessions() as session:
        row = shared_texts.stored(session, shared_texts.REWRITE)
        return row.text if row else None


def encode_for(encoder: Encoder) -> Callable[[list[str]], bytes]:
    """What encodes the texts of a batch."""
    return lambda texts: encoder.encode_passages(texts).astype(np.float32).tobytes()


class _Run:
    """What this process has given to all, and what came of it. `_digests` has those of each text that waits."""

    def __init__(
        self, batches: EncodeBatches, name: str, encoder: Encoder, journal: Journal, sessions: sessionmaker[Session]
    ) -> None:
        self._batches, self._name, self._encoder, self._journal = batches, name, encoder, journal
        self._encode = encode_for(encoder)
        self._digests: dict[str, list[str]] = {}
        self._sessions, self._erased = sessions, _last_erasure(sessions)  # before any text is read
        self.done = self.total = 0

    def is_outdated(self) -> bool:
        """True when something was erased since the run began: it may have been read before."""
        return _last_erasure(self._sessions) != self._erased

    def add(self, texts: dict[str, list[str]]) -> None:
        """Let texts be encoded; each with the digests of the passages that read so."""
        self._digests |= texts
        self.total += len(texts)
        self._batches.add(self._name, list(texts))

    def step(self) -> bool:
        """Encode a batch, or wait a moment for others; then store what is done. False when nothing waits any more,
        or something was erased."""
        if self.is_outdated():
            return False
        if self._batches.work(self._encode) or self.collect():
            return True
        time.sleep(_LOOKS)
        return self._batches.waiting(self._name) > 0

    def collect(self) -> int:
        """Put what is done into the journal; how many texts. Those that this run did not give are left out."""
        collected = 0
        for texts, values in self._batches.collect(self._name):
            vectors = np.frombuffer(values, np.float32).reshape(len(texts), self._encoder.card.dimension)
            known = [(text, vector) for text, vector in zip(texts, vectors, strict=True) if text in self._digests]
            self._journal.keep({digest: vector for text, vector in known for digest in self._digests.pop(text)})
            self.done += len(known)
            collected += len(texts)
        return collected


def _texts(
    settings: Settings, sessions: sessionmaker[Session], encoder: Encoder, journal: Journal, full: bool
) -> Iterator[dict[str, list[str]]]:
    """The texts to encode, in batches of about the same length: each with the digests of its passages."""
    known = (None if full else known_items(settings)) or {}
    longest = min(settings.passage_tokens, encoder.card.max_tokens)
    given: set[str] = set()
    with sessions() as session:
        tokens = settings.passage_tokens
        changed = [item.key for item in items(session) if known.get(item.key) != item_digest(item, tokens)]
        for keys in in_chunks(changed, _CHUNK):
            texts: dict[str, list[str]] = {}
            for item in load_items(session, keys).values():
                try:
                    passages = make_passages(item, encoder.count_tokens, longest, settings.max_passages)
                except Exception:  # noqa: S112 - reindex tells of it
                    continue
                for passage in passages:
                    texts.setdefault(read_text(passage), []).append(passage_digest(passage))
            session.expunge_all()
            there = journal.find([digest for digests in texts.values() for digest in digests])
            missing = {text: each for text, each in texts.items() if text not in given and each[0] not in there}
            given |= missing.keys()
            for batch in in_chunks(sorted(missing, key=lambda text: (len(text), text)), _BATCH):
                yield {text: list(dict.fromkeys(missing[text])) for text in batch}
