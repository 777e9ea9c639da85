"""Makes a home with a million generated items out of one with fewer, in a small part of the time of `growing.py`.

All is as `kollega reindex` would write it, but for two things: terms are put together from those of the sentences that
a text is made of, and the graph of the nearest vectors is not computed. Instead the vectors and the graph of the
home in FOLDER are there several times, each time with other noise, and each vector is linked with its copies before and
after it. So the index is as large and as fast as a computed one, but says nothing about how long computing it takes,
and nothing about how many of the nearest vectors are found.

Usage: python -m tests.benchmarks.multiplying FOLDER --items 1000000
"""

import logging
from pathlib import Path

import click
import faiss
import numpy as np

from indexer.indexing.passages import make_passages
from indexer.indexing.stamps import stamps_of, write_stamps
from recommender.corpus import load_items
from recommender.database.engine import open_database
from recommender.datatypes import Item, Kind, Passage
from recommender.encoder import normalise
from recommender.encoder.load import known_card
from recommender.index import generations
from recommender.index.builder import IndexBuilder
from recommender.index.catalogue import Row
from recommender.index.dense import DenseIndex, Rows
from recommender.index.digest import item_digest, passage_digest
from recommender.index.item_terms import item_terms, spelling_words
from recommender.index.keyword_entries import Entry
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
from recommender.monitoring import freshness
from recommender.settings import Settings
from tests.benchmarks.growing import demo_and_number
from tests.benchmarks.speed import Made, made, store

_NOISE = 0.01  # of each coordinate of a copied vector
log = logging.getLogger("multiplying")


class SentenceTerms:
    """The terms of texts that are put together from sentences, in one language."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._known: dict[tuple[str, str], Terms] = {}

    def of(self, sentences: list[str], language: str) -> Terms:
        """The terms of these sentences, one after the other."""
        words: list[str] = []
        grams: list[str] = []
        written: list[str] = []
        for sentence in sentences:
            terms = self._known.get((sentence, language))
            if terms is None:
                terms = self._known[sentence, language] = self._analyzer.index_terms(sentence, language)
            words += terms.words
            grams += terms.grams
            written += terms.written
        return Terms(tuple(words), tuple(grams), written=tuple(written))

    def spelling_words(self) -> set[str]:
        """The words of all sentences that a misspelt word may stand for."""
        return spelling_words(self._known.values())


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--items", default=1_000_000, show_default=True, help="How many items there are to be.")
def main(folder: Path, items: int) -> None:
    """Store the items that the home lacks, and write a generation with all of them."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    settings = Settings(home=folder)
    sessions, analyzer = open_database(settings), Analyzer(settings.models_dir / "dictionaries")
    card = known_card(settings)
    if card is None:
        raise SystemExit("The model is not prepared.")
    with generations.write_lock(settings.index_dir):
        builder = IndexBuilder.open(settings.index_dir, card, analyzer, full=False)
        with sessions() as session:
            seeds, number = demo_and_number(session)
            seen_before = len(builder.known)
            builder.begin(expected=3 * items, hnsw_from=settings.hnsw_from)
            base = builder._dense.merged()  # type: ignore[union-attr]
            copies = -(-items // seen_before)
            log.info("%d items, %d vectors, %d times", seen_before, len(base), copies)
            dense = multiplied(base, copies)
            log.info("the graph has %d vectors", len(dense))
            first = len(base)
            terms = SentenceTerms(analyzer)
            catalogue, lexical = builder._catalogue, builder._lexical
            for chunk in made(session, seeds, range(number, items - len(seeds))):
                store(session, chunk)
                for each in chunk:
                    item, passages = _item(each)
                    digest = item_digest(item, settings.passage_tokens)
                    rows = [Row(first + n, passage_digest(passage), passage) for n, passage in enumerate(passages)]
                    first += len(rows)
                    catalogue.add(item, digest, rows)  # type: ignore[union-attr]
                    of_title = terms.of([each.seed_title], item.language)
                    of_number = analyzer.index_terms(str(each.number), item.language)
                    context = Terms(of_title.words + of_number.words, of_title.grams, written=of_title.written)
                    text = terms.of([*each.body, *each.answer], item.language)
                    lexical.add([Entry(item.key, item.language, item.audience, context, text)])  # type: ignore[union-attr]
                stored = load_items(session, [item.key])[item.key]
                is_same = item_terms(analyzer, item.kind, passages, item.language)[:2] == (context, text)
                if not is_same or digest != item_digest(stored, settings.passage_tokens):
                    raise SystemExit(f"{item.key} would be indexed in another way: {is_same}")
                log.info("%d", each.number)
            catalogue.add_words(terms.spelling_words())  # type: ignore[union-attr]
            if first > len(dense):
                raise SystemExit(f"There are {first} passages, but {len(dense)} vectors.")
            stamps, seen = stamps_of(session), freshness.look(session)
        builder._dense, builder._removed = dense, 0
        del dense, base
        manifest = builder.finish(settings.hnsw_from)
    write_stamps(settings, manifest.generation, stamps)
    freshness.Seen(*seen, manifest.generation).write(settings.index_dir)
    log.info("%s: %d items, %d passages", manifest.generation, manifest.items, manifest.passages)


def multiplied(base: DenseIndex, copies: int) -> DenseIndex:
    """The vectors of `base` and their graph so many times: with other noise in each copy, and each vector linked with
    its copies before and after it, in the place of its two last links."""
    index = base.shared.index
    rows, dimension = index.ntotal, index.d
    whole = DenseIndex.empty(dimension, approximate=True)
    graph, made = index.hnsw, whole.shared.index
    levels = faiss.vector_to_array(graph.levels)
    offsets = faiss.vector_to_array(graph.offsets)
    links = faiss.vector_to_array(graph.neighbors).astype(np.int64)
    starts, most = offsets[:-1].astype(np.int64), graph.nb_neighbors(0)
    links_of = (links[starts[:, None] + np.arange(most)] >= 0).sum(axis=1)  # of each row in the lowest level
    storage = faiss.downcast_index(made.storage)
    rng = np.random.default_rng(11)
    all_links = []
    for copy in range(copies):
        shifted = np.where(links >= 0, links + copy * rows, -1).astype(np.int32)
        here = np.arange(rows, dtype=np.int64)
        for place, other in enumerate(((copy + 1) % copies, (copy - 1) % copies)):
            shifted[starts + np.minimum(links_of, most - 2) + place] = here + other * rows
        all_links.append(shifted)
        for start in range(0, rows, 20_000):
            vectors = base.vectors(np.arange(start, min(start + 20_000, rows), dtype=np.int64))
            if copy:
                vectors = normalise(vectors + rng.normal(0.0, _NOISE, vectors.shape).astype(np.float32))
            storage.add(np.ascontiguousarray(vectors, np.float32))
    hnsw = made.hnsw
    faiss.copy_array_to_vector(np.tile(levels, copies), hnsw.levels)
    ends = [offsets[1:].astype(np.uint64) + np.uint64(copy * len(links)) for copy in range(copies)]
    faiss.copy_array_to_vector(np.concatenate([offsets[:1].astype(np.uint64), *ends]), hnsw.offsets)
    faiss.copy_array_to_vector(np.concatenate(all_links), hnsw.neighbors)
    hnsw.entry_point, hnsw.max_level = graph.entry_point, graph.max_level
    made.ntotal = rows * copies
    return DenseIndex(Rows(made))


def _item(each: Made) -> tuple[Item, list[Passage]]:
    """The item, and its passages: the words of its texts are counted, not the tokens, since they are short."""
    key, title = f"{Kind.REQUEST}:{each.identifier}", f"{each.seed_title} {each.number}"
    body, answer = " ".join(each.body), " ".join(each.answer)
    item = Item(key, Kind.REQUEST, title, body, answer, each.language, None, frozenset({"everyone"}), each.at)
    return item, make_passages(item, lambda text: 2 * len(text.split()), 256)


if __name__ == "__main__":
    main()
