"""Which engine holds the index: local files, or Milvus (`KOLLEGA_INDEX`). An engine opens generations and writes them;
what a generation is otherwise is the same for both (`generations.py`)."""

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from recommender.encoder import ModelCard
from recommender.errors import SettingsError
from recommender.index import SearchIndex
from recommender.index.builder import IndexBuilder
from recommender.index.catalogue import Catalogue
from recommender.index.generations import CATALOGUE, ENGINE, Manifest
from recommender.index.item import IndexedItem
from recommender.index.local import LocalIndex
from recommender.index.register import Register
from recommender.index.writer import IndexWriter
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

LEFT_IN_MILVUS = (
    "An index is left in Milvus, and what is erased stays in it. Set KOLLEGA_MILVUS to its address, leave "
    "KOLLEGA_INDEX as it is, and run: kollega gc"
)


class Engine(Protocol):
    """Opens and writes generations of the index in one directory."""

    name: str
    """As manifests have it."""

    def follow(self) -> None:
        """Where the database names the live generation, have the directory agree with it. Nothing for local files."""
        ...

    def agree(self) -> None:
        """Where the database lists the generations, have those of this machine be the same ones. Nothing for local
        files. Call this under the write lock and `lock`."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Where several machines write one index, keep the others from it: beside `generations.write_lock`, which is
        for the files of this machine. Raises IndexLocked when another process writes."""
        ...

    def open_generation(self, directory: Path, model: ModelCard | None, keywords: bool = True) -> SearchIndex:
        """Open a generation: for keyword search alone without `model`, for dense search alone without `keywords`.

        Raises IndexDamaged when it cannot be read, IndexMismatch when another model or engine made it, and
        IndexUnavailable when the engine does not answer.
        """
        ...

    def builder(self, model: ModelCard, analyzer: Analyzer, full: bool, switch: bool = False) -> IndexWriter:
        """What writes a new generation; with `switch` the live one may be of another model. Raises the errors of
        `IndexBuilder.open`, and IndexUnavailable."""
        ...

    def items(self, directory: Path) -> Iterator[IndexedItem]:
        """All items of a generation, in any order. Raises the errors of `open_generation`."""
        ...

    def problems(self, directory: Path) -> Iterator[str]:
        """A sentence about each part of a generation that does not agree with the others. The caller has compared its
        files with their checksums. Raises the errors of `open_generation`."""
        ...

    def made_live(self, name: str) -> None:
        """Another generation was made live, by `generations.roll_back`."""
        ...

    def state(self) -> Hashable:
        """Something that changes when the engine has lost a part of the index, beside its files."""
        ...

    def clean(self, only_live: bool = False) -> None:
        """Remove what the engine holds of generations that are gone; with `only_live` of all but the live one. Call
        this under the write lock and `lock`."""
        ...


class LocalEngine:
    """FAISS and Tantivy on local files."""

    name = ENGINE

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir

    def follow(self) -> None:
        """Nothing: the directory itself names the live generation."""

    def agree(self) -> None:
        """Nothing: the directories themselves are the list."""

    def lock(self) -> AbstractContextManager[None]:
        """Nothing: each machine writes its own files."""
        return nullcontext()

    def open_generation(self, directory: Path, model: ModelCard | None, keywords: bool = True) -> LocalIndex:
        """As in the protocol."""
        return LocalIndex.open_generation(directory, model, keywords)

    def builder(self, model: ModelCard, analyzer: Analyzer, full: bool, switch: bool = False) -> IndexBuilder:
        """As in the protocol."""
        return IndexBuilder.open(self._index_dir, model, analyzer, full, switch)

    def items(self, directory: Path) -> Iterator[IndexedItem]:
        """As in the protocol. Only the catalogue is read."""
        catalogue = Catalogue.load(directory / CATALOGUE)
        try:
            digests, languages, audiences = catalogue.digests(), catalogue.languages(), dict(catalogue.audiences())
        finally:
            catalogue.close()
        for key, digest in digests.items():
            yield IndexedItem(key, digest, languages.get(key, ""), audiences[key])

    def problems(self, directory: Path) -> Iterator[str]:
        """As in the protocol (`LocalIndex.problems`). All of it is read into memory once."""
        model = Manifest.read(directory).model
        return LocalIndex.open_generation(directory, model, compared=True).problems()

    def made_live(self, name: str) -> None:
        """Nothing: the directory itself names the live generation."""

    def state(self) -> Hashable:
        """Nothing: all of it is in the directories."""
        return None

    def clean(self, only_live: bool = False) -> None:
        """Nothing: all of it is in the directories."""


def is_left_in_milvus(settings: Settings, register: Register) -> bool:
    """True when the index is in local files again, and the one in Milvus was not removed: what is erased stays in it.
    Raises the errors of the database."""
    return settings.index == ENGINE and bool(register.names())


def leave_milvus(settings: Settings, register: Register) -> int:
    """Remove an index that was left in Milvus; returns how many collections. Raises SettingsError without an address,
    IndexUnavailable when Milvus does not answer, IndexLocked when another process writes it."""
    if not settings.milvus:
        raise SettingsError(LEFT_IN_MILVUS)
    from recommender.index.milvus.engine import MilvusEngine

    return MilvusEngine(settings, register).leave()


def engine_of(settings: Settings, register: Register) -> Engine:
    """The engine of the settings. Raises SettingsError for an address that cannot be one."""
    if settings.index == ENGINE:
        return LocalEngine(settings.index_dir)
    from recommender.index.milvus.engine import MilvusEngine

    return MilvusEngine(settings, register)
