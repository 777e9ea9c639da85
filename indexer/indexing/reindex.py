"""Updates the index from the database: encodes only what changed, writes a new generation, and makes it live."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.changes import Changes, find_changes, find_changes_or_compare
from indexer.indexing.chosen import Choose
from indexer.indexing.encoding_ahead import Batch, EncodingAhead, one_ahead, when_done
from indexer.indexing.passages import make_passages
from indexer.indexing.report import ReindexReport
from indexer.indexing.stamps import Stamps, Sums, read_stamps, stamps_of, sums_of, write_stamps
from recommender.corpus import load_items
from recommender.database.fingerprint import mark_changes
from recommender.database.index_register import IndexRegister
from recommender.database.storing import in_chunks
from recommender.datatypes import Item, Passage
from recommender.encoder import Encoder, ModelCard, Vectors, unrelated_cosine
from recommender.errors import IndexNotFound, ModelError
from recommender.index import generations
from recommender.index.digest import item_digest, passage_digest, read_text
from recommender.index.engines import Engine, engine_of
from recommender.index.journal import Journal, remove_journals
from recommender.index.vector_space import SAMPLE, VectorSpace
from recommender.index.writer import IndexWriter
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.monitoring import freshness
from recommender.sentences.sentence import joined
from recommender.settings import Settings

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
Seen = tuple[tuple[str, ...], datetime | None]
"""A fingerprint of the database and the time of its newest change, as `freshness.look` gives them."""
_CHUNK = 256  # items whose passages are sorted by length together; with 128, more had to be filled up: a judgement
_BATCH = 64  # passages that are encoded and written to the journal at once: a judgement


def reindex(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: Encoder,
    analyzer: Analyzer,
    full: bool = False,
    progress: Progress = lambda _done, _total: None,
    only: Choose | None = None,
    switch: bool = False,
    first: Callable[[], object] = lambda: None,
    by_times: bool = False,
    or_all: bool = False,
) -> ReindexReport:
    """Bring the index up to date with the database, if anything changed. With `full` it is built anew, with `switch`
    from the last one of this model, if it is kept; the live one may be of another model then. Items that fail are
    listed and left out. Changed items that `only` does not choose wait; what is gone is taken out. With `by_times` only
    items are read that were changed since (`changes.py`), with `or_all` all where none was. `first` is called under the
    same lock. Raises IndexLocked when another process writes, IndexMismatch when the live one is of another model,
    IndexNotFound when `only` has none."""
    started, report = time.monotonic(), ReindexReport()
    engine = engine_of(settings, IndexRegister(settings, sessions))
    with generations.write_lock(settings.index_dir), engine.lock(), sessions() as session:
        wishes = frozenset() if only else generations.rewrites_asked_for(settings.index_dir)  # before anything is read
        first()
        sums, seen = _look(sessions, session)  # first, so that what changes meanwhile counts as not indexed
        builder = engine.builder(encoder.card, analyzer, full, switch)
        _prepare(builder, only, rewrite=bool(wishes))
        held = read_stamps(settings) if by_times and not (full or switch or builder.must_be_written) else Stamps()
        find, stamps = find_changes_or_compare if or_all else find_changes, stamps_of(session, held, sums)
        found = find(session, builder.known, settings.passage_tokens, stamps, held)
        changed = _chosen(found, only(session), report) if only is not None else _changed_or_all(builder, found)
        deleted, report.items = found.gone if builder.known else [], len(found.numbers)
        progress(0, len(changed))
        if changed or deleted or not builder.known or builder.must_be_written:
            _write(settings, session, encoder, builder, changed, deleted, found.typical, report, progress)
        else:
            _leave_as_it_is(settings.index_dir, engine, builder, encoder.card, report)
        if wishes:
            engine.clean(only_live=True)  # before the wishes go: when Milvus is away, the next run does it
            generations.remove_all_but(settings.index_dir, report.generation, wishes)
        report.reused, report.removed = report.passages - report.encoded, len(deleted)
        if not report.waiting:
            _note(settings, report, stamps, seen)
    report.seconds = time.monotonic() - started
    return report


def _look(sessions: sessionmaker[Session], session: Session) -> tuple[Sums, Seen]:
    mark_changes(sessions)
    sums = sums_of(session)
    return sums, freshness.look(session, sums.of_tables)


def _note(settings: Settings, report: ReindexReport, stamps: Stamps, seen: Seen) -> None:
    """Note what this generation was made from, for the next run, which tries what failed again, and for who asks
    whether it is up to date."""
    write_stamps(settings, report.generation, stamps.without(report.failed_keys))
    freshness.Seen(*seen, report.generation).write(settings.index_dir)


def _prepare(builder: IndexWriter, only: Choose | None, rewrite: bool) -> None:
    if rewrite:
        builder.rewrite()
    if only is not None and (builder.fresh or (builder.must_be_written and not builder.known)):
        raise IndexNotFound("There is no index of this version yet. Run: kollega reindex")


def _changed_or_all(builder: IndexWriter, found: Changes) -> list[str]:
    """The changed items, or all of them when everything has to be built or written anew."""
    if builder.fresh:
        return found.changed
    if _is_outgrown(builder, found):
        builder.start_over()
        return sorted(found.searchable)
    if builder.must_rewrite(len(found.changed) + len(found.gone)):
        builder.rewrite()
        return sorted(found.searchable)
    return found.changed


def _chosen(found: Changes, chosen: Collection[str], report: ReindexReport) -> list[str]:
    """The changed items that were chosen; the others are counted as waiting."""
    wanted = [key for key in found.changed if key in chosen]
    report.waiting = len(found.changed) - len(wanted)
    return wanted


def _leave_as_it_is(path: Path, engine: Engine, builder: IndexWriter, card: ModelCard, report: ReindexReport) -> None:
    report.passages, report.generation = builder.passages, generations.live_name(path) or ""
    generations.remove_unfinished(path)
    remove_journals(path, card)  # not that of another model, which is perhaps being built
    engine.clean()


def _is_outgrown(builder: IndexWriter, found: Changes) -> bool:
    """True when the space of the vectors was learned from so few passages that it should be learned again."""
    space = builder.vector_space
    if space.learned_from >= SAMPLE:
        return False
    return space.outgrown(max(builder.passages_of(found.typical), len(found.typical)))


def _write(
    settings: Settings,
    session: Session,
    encoder: Encoder,
    builder: IndexWriter,
    changed: Sequence[str],
    deleted: Sequence[str],
    typical: Sequence[str],
    report: ReindexReport,
    progress: Progress,
) -> None:
    journal = Journal(settings.index_dir, encoder.card)
    try:
        with EncodingAhead(encoder, journal, _BATCH) as ahead:
            space = _learn_vector_space(settings, session, encoder, typical, ahead, report) if builder.fresh else None
            builder.begin(expected=3 * report.items, hnsw_from=settings.hnsw_from, vector_space=space)
            done = 0
            cut = partial(_cut, settings, session, encoder, builder, ahead, report)
            for keys, chunk in one_ahead((keys, cut(keys)) for keys in in_chunks(changed, _CHUNK)):
                step = partial(_show_share, progress, done, len(keys), len(changed))
                _add(settings, builder, chunk, report, step)
                done += len(keys)
                progress(done, len(changed))
        builder.remove(deleted)
        unrelated = None if builder.vector_space.passages else unrelated_cosine(encoder)
        manifest = builder.finish(settings.hnsw_from, unrelated, typical)
    except BaseException:
        journal.close()
        raise
    journal.drop()
    report.items, report.passages, report.generation = manifest.items, manifest.passages, manifest.generation


@dataclass(frozen=True)
class _Chunk:
    """Items cut into `passages`, with the vectors that the generation has of them, by digest, and with those that are
    being encoded."""

    passages: list[tuple[Item, list[Passage]]]
    there: dict[str, Vectors]
    coming: list[Future[Batch]]


def _cut(
    settings: Settings,
    session: Session,
    encoder: Encoder,
    builder: IndexWriter,
    ahead: EncodingAhead,
    report: ReindexReport,
    keys: Sequence[str],
) -> _Chunk:
    """The items of `keys`, whose passages begin to be encoded where the generation has no vectors of them."""
    made = _passages_of(load_items(session, keys).values(), settings, encoder, report)
    session.expunge_all()
    wanted = {passage_digest(passage): passage for _item, passages in made for passage in passages}
    there = builder.vectors_of(wanted)
    return _Chunk(made, there, ahead.begin([wanted[digest] for digest in wanted.keys() - there.keys()]))


def _add(
    settings: Settings,
    builder: IndexWriter,
    chunk: _Chunk,
    report: ReindexReport,
    step: Callable[[float], None],
) -> None:
    """Add items as soon as all of them are encoded. `step` is called with the share that is."""
    wanted = {passage_digest(passage): passage for _item, passages in chunk.passages for passage in passages}
    vectors = dict(chunk.there)
    raw = _collected(chunk.coming, report, step)
    if raw:
        placed = builder.vector_space.place_passages(np.stack(list(raw.values())), [wanted[digest] for digest in raw])
        vectors |= dict(zip(raw, placed, strict=True))
    builder.remove(list(builder.known.digests_of([item.key for item, _passages in chunk.passages])))
    for item, passages in chunk.passages:
        digests = [passage_digest(passage) for passage in passages]
        builder.add(item, item_digest(item, settings.passage_tokens), passages, [vectors[digest] for digest in digests])


def _learn_vector_space(
    settings: Settings,
    session: Session,
    encoder: Encoder,
    keys: Sequence[str],
    ahead: EncodingAhead,
    report: ReindexReport,
) -> VectorSpace:
    """The vector space of a new generation, from a sample of the items `keys`. Their vectors are then in the journal,
    so that they are not encoded twice, nor is the opening of one of these items that reads the same."""
    sampled = keys[:: max(1, len(keys) // (SAMPLE // 2))]
    passages: list[Passage] = []
    for chunk in in_chunks(sampled, _CHUNK):
        batch = _passages_of(load_items(session, chunk).values(), settings, encoder, ReindexReport())
        passages += [passage for _item, made in batch for passage in made]
        session.expunge_all()
    chosen = [passages[row] for row in sorted(np.random.default_rng(0).permutation(len(passages))[:SAMPLE])]
    texts = {read_text(passage) for passage in chosen}
    vectors = _collected(ahead.begin([passage for passage in passages if read_text(passage) in texts]), report)
    raw = np.array([vectors[passage_digest(passage)] for passage in chosen], np.float32)
    return VectorSpace.learn(chosen, raw, encoder, Alignment.load(encoder.card))


def _passages_of(
    batch: Iterable[Item], settings: Settings, encoder: Encoder, report: ReindexReport
) -> list[tuple[Item, list[Passage]]]:
    longest = min(settings.passage_tokens, encoder.card.max_tokens)
    made = []
    for item in batch:
        told: list[str] = []
        try:
            made.append((item, make_passages(item, encoder.count_tokens, longest, settings.max_passages, told.append)))
        except ModelError:  # which is the same for all items: nothing is known to be wrong with this one
            raise
        except Exception as error:
            log.exception("%s cannot be cut into passages", item.key)
            report.failed.append(f"{item.key}: {error}")
        if told:
            report.left_out.append(joined([item.key, joined(told, "; ")], ": "))  # without its title: this goes to logs
    return made


def _collected(
    batches: Sequence[Future[Batch]], report: ReindexReport, step: Callable[[float], None] = lambda _share: None
) -> dict[str, Vectors]:
    """The vectors of batches, by passage digest, as soon as all are encoded. `step` is called with the share that is
    encoded."""
    vectors: dict[str, Vectors] = {}
    for number, batch in enumerate(batches, 1):
        encoded = when_done(batch)
        vectors |= encoded.vectors
        report.encoded += encoded.encoded
        step(number / len(batches))
    return vectors


def _show_share(progress: Progress, before: int, items: int, total: int, share: float) -> None:
    progress(before + int(share * items), total)
