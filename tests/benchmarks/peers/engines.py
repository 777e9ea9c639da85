"""The engines. Each uses the model of a Sentence Transformers folder, with the prompts that it was taught with."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import Page, Peer

QUERY, PASSAGE = "query: ", "passage: "
_RRF = 60
"""Of reciprocal rank fusion, after Cormack, Clarke and Büttcher 2009."""


class Kollega:
    """Kollega as it is: passages, the second look, colleagues, and the database, which is asked who may read."""

    def __init__(self, models: Path) -> None:
        from recommender.encoder.load import load_encoder
        from recommender.language.analyzer import Analyzer
        from recommender.search.question import QuestionAnalyzer
        from recommender.settings import Settings

        home = Path(tempfile.mkdtemp(prefix="kollega-peers-"))
        (home / "models").symlink_to(models.resolve(), target_is_directory=True)
        self._settings = Settings(home=home)
        self._encoder = load_encoder(self._settings)
        self._analyzer = Analyzer(self._settings.models_dir / "dictionaries")
        self._analyzer.warm_up()
        self._questions = QuestionAnalyzer.load(self._analyzer, self._settings)

    def index(self, pages: Sequence[Page]) -> None:
        from indexer.evaluation.sets import EvaluationSet
        from indexer.evaluation.store import ITEMS, open_store
        from recommender.live import Live
        from recommender.recommender import Recommender

        rows = {page.id: _document(page) for page in pages}
        held = EvaluationSet("peers", rows, (), str(hash(tuple(rows))))
        silent = lambda _what, _done, _total: None  # noqa: E731
        store = open_store(held, ITEMS, self._settings, self._encoder, self._analyzer, silent)
        self._ids = {key: identifier for identifier, key in store.keys.items()}
        live = Live.load(store.settings.index_dir, self._encoder)
        self._recommender = Recommender(store.settings, self._questions, live)
        self._session = store.sessions()

    def ask(self, question: str, depth: int) -> list[str]:
        from recommender.access import ANYONE

        self._recommender.recommend(question, ANYONE, self._session)
        self._session.rollback()
        return []

    def rank(self, question: str, depth: int) -> list[str]:
        """The order in which `ask` takes the pages: it shows only the first ones."""
        from recommender.access import ANYONE

        keys = self._recommender.rank(question, ANYONE, self._session, depth).keys
        return [self._ids[key] for key in keys]


class ByHand:
    """sentence-transformers, FAISS and bm25s, put together with reciprocal rank fusion in thirty lines."""

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(folder), device="cpu")

    def index(self, pages: Sequence[Page]) -> None:
        import bm25s
        import faiss

        self._ids = [page.id for page in pages]
        texts = [page.text for page in pages]
        vectors = self._encode([PASSAGE + text for text in texts])
        self._vectors = faiss.IndexFlatIP(vectors.shape[1])
        self._vectors.add(vectors)
        self._words = bm25s.BM25()
        self._words.index(bm25s.tokenize(texts, stopwords=None, show_progress=False), show_progress=False)

    def ask(self, question: str, depth: int) -> list[str]:
        import bm25s

        near = self._vectors.search(self._encode([QUERY + question]), depth)[1][0]
        words = bm25s.tokenize([question], stopwords=None, show_progress=False)
        same = self._words.retrieve(words, k=min(depth, len(self._ids)), show_progress=False).documents[0]
        scores: dict[int, float] = {}
        for found in (near, same):
            for rank, place in enumerate(found):
                scores[int(place)] = scores.get(int(place), 0.0) + 1 / (_RRF + rank + 1)
        return [self._ids[place] for place in sorted(scores, key=lambda place: -scores[place])[:depth]]

    def _encode(self, texts: list[str]) -> Any:
        return self._model.encode(texts, prompt="", normalize_embeddings=True, show_progress_bar=False)


class Txtai:
    """txtai with its hybrid index."""

    def __init__(self, folder: Path) -> None:
        from txtai import Embeddings

        instructions = {"query": QUERY, "data": PASSAGE}
        self._index = Embeddings(path=str(folder), hybrid=True, gpu=False, instructions=instructions)

    def index(self, pages: Sequence[Page]) -> None:
        self._index.index((page.id, page.text, None) for page in pages)

    def ask(self, question: str, depth: int) -> list[str]:
        return [str(identifier) for identifier, _score in self._index.search(question, depth)]


class Haystack:
    """Haystack with its store in memory: vectors and BM25, joined by reciprocal rank fusion."""

    def __init__(self, folder: Path) -> None:
        from haystack.utils import ComponentDevice
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )

        cpu = {"device": ComponentDevice.from_str("cpu"), "progress_bar": False, "normalize_embeddings": True}
        self._documents = SentenceTransformersDocumentEmbedder(model=str(folder), prefix=PASSAGE, **cpu)
        self._questions = SentenceTransformersTextEmbedder(model=str(folder), prefix=QUERY, **cpu)
        self._documents.warm_up()
        self._questions.warm_up()

    def index(self, pages: Sequence[Page]) -> None:
        from haystack import Document
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
        documents = [Document(id=page.id, content=page.text) for page in pages]
        store.write_documents(self._documents.run(documents)["documents"])
        self._near, self._words = (
            InMemoryEmbeddingRetriever(document_store=store),
            InMemoryBM25Retriever(document_store=store),
        )
        self._joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def ask(self, question: str, depth: int) -> list[str]:
        vector = self._questions.run(question)["embedding"]
        near = self._near.run(query_embedding=vector, top_k=depth)["documents"]
        same = self._words.run(query=question, top_k=depth)["documents"]
        return [document.id for document in self._joiner.run([near, same])["documents"][:depth]]


class LangChain:
    """LangChain with Milvus Lite: vectors alone, as in its guide."""

    def __init__(self, folder: Path) -> None:
        from langchain_core.embeddings import Embeddings
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), device="cpu")

        class Packaged(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                prompted = [PASSAGE + text for text in texts]
                return model.encode(prompted, prompt="", normalize_embeddings=True, show_progress_bar=False).tolist()

            def embed_query(self, text: str) -> list[float]:
                return model.encode([QUERY + text], prompt="", normalize_embeddings=True)[0].tolist()

        self._embeddings = Packaged()

    def index(self, pages: Sequence[Page]) -> None:
        from langchain_milvus import Milvus

        from recommender.index.milvus.client import without_pkg_resources

        file = Path(tempfile.mkdtemp(prefix="kollega-peers-")) / "milvus.db"
        exact = {"index_type": "FLAT", "metric_type": "IP"}
        with without_pkg_resources():
            self._store = Milvus(self._embeddings, connection_args={"uri": str(file)}, index_params=exact, auto_id=True)
        self._store.add_texts([page.text for page in pages], metadatas=[{"page": page.id} for page in pages])

    def ask(self, question: str, depth: int) -> list[str]:
        return [str(found.metadata["page"]) for found in self._store.similarity_search(question, k=depth)]


ENGINES: dict[str, Callable[[Path], Peer]] = {
    "Kollega": lambda folder: Kollega(folder.parent),
    "sentence-transformers + FAISS + bm25s": ByHand,
    "txtai": Txtai,
    "Haystack (in memory)": Haystack,
    "LangChain + Milvus Lite": LangChain,
}
"""Opens an engine with the model of a folder."""


def _document(page: Page) -> dict[str, Any]:
    row = {"id": page.id, "kind": "document", "title": "", "body": page.text, "language": page.language}
    return {**row, "created_at": None}
