"""Milvus as the engine of the index. The database names the live generation; a machine has of it a directory with small
files, which it makes from the database when another machine has published it."""

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TypeVar

from recommender.encoder import ModelCard
from recommender.errors import IndexLocked, IndexUnavailable
from recommender.index import generations
from recommender.index.generations import Manifest
from recommender.index.item import IndexedItem
from recommender.index.milvus.builder import MilvusBuilder
from recommender.index.milvus.checks import problems
from recommender.index.milvus.client import Milvus
from recommender.index.milvus.contents import ENGINE, collections_of, is_in_milvus
from recommender.index.milvus.index import MilvusIndex
from recommender.index.register import Register
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

Result = TypeVar("Result")
_LOOK_AGAIN = 1.0  # seconds after which the database is asked again which generation is live: a judgement


class MilvusEngine:
    """Generations in Milvus. It connects when it is first needed, and anew after an error of the connection."""

    name = ENGINE

    def __init__(self, settings: Settings, register: Register) -> None:
        self._address, self._home, self._index_dir = settings.milvus, settings.home, settings.index_dir
        self._register = register
        self._milvus: Milvus | None = None
        self._connecting = threading.Lock()
        self._looked_at = -_LOOK_AGAIN

    def follow(self) -> None:
        """Make the generation live here that the database names, and its directory if there is none. While another
        process of this machine writes the index, nothing is done: the next look does it."""
        if time.monotonic() < self._looked_at + _LOOK_AGAIN:
            return
        self._looked_at = time.monotonic()
        name = self._register.live()
        if name is None or name == generations.live_name(self._index_dir):
            return
        with contextlib.suppress(IndexLocked), generations.write_lock(self._index_dir):
            self._take_over()

    def _take_over(self) -> None:
        """The same, under the write lock; what is live is asked once more, since another process may have been
        faster."""
        name = self._register.live()
        if name is not None and name != generations.live_name(self._index_dir) and self._fetch(name):
            generations.publish(self._index_dir, self._index_dir / name)

    def agree(self) -> None:
        """As in the protocol. So the numbers of generations, and the one to go back to, are the same on all
        machines."""
        self._take_over()
        names = self._register.names()
        for name in names:
            self._fetch(name)
        for name in generations.finished(self._index_dir):
            directory = self._index_dir / name
            if name not in names and name != generations.live_name(self._index_dir) and is_in_milvus(directory):
                generations.remove(directory)

    def _fetch(self, name: str) -> bool:
        """Make the directory of a generation from the database, if there is none; False when the database does not have
        it any more. Call this under the write lock."""
        if (self._index_dir / name / "manifest.json").is_file():
            return True
        files = self._register.files(name)
        if not files:
            return False
        self._index_dir.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".fetched-", dir=self._index_dir))
        try:
            for member, content in files.items():
                (made / Path(member).name).write_bytes(content)
            shutil.rmtree(self._index_dir / name, ignore_errors=True)
            os.rename(made, self._index_dir / name)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return True

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """As in the protocol: a lock in the database, since all its machines write the same collections."""
        return self._register.locked()

    def open_generation(self, directory: Path, model: ModelCard | None, keywords: bool = True) -> MilvusIndex:
        """As in the protocol. Without `keywords` too, all of it is opened: Milvus holds both."""
        return self._connected(lambda milvus: MilvusIndex.open_generation(milvus, directory, model))

    def builder(self, model: ModelCard, analyzer: Analyzer, full: bool, switch: bool = False) -> MilvusBuilder:
        """As in the protocol."""
        self.agree()
        return self._connected(
            lambda milvus: MilvusBuilder.open(milvus, self._register, self._index_dir, model, analyzer, full, switch)
        )

    def items(self, directory: Path) -> Iterator[IndexedItem]:
        """As in the protocol."""
        fields = ("key", "digest", "language", "audience")
        for row in self.open_generation(directory, None).all_items(fields):
            yield IndexedItem(row["key"], row["digest"], row["language"], frozenset(row["audience"]))

    def problems(self, directory: Path) -> Iterator[str]:
        """As in the protocol (`checks.py`)."""
        return problems(self.open_generation(directory, Manifest.read(directory).model))

    def made_live(self, name: str) -> None:
        """As in the protocol: the other machines follow."""
        self._register.make_live(name)

    def state(self) -> Hashable:
        """As in the protocol: the collections that there are."""
        store = self._register.store()
        return self._connected(lambda milvus: tuple(milvus.collections(f"{store}_")))

    def clean(self, only_live: bool = False) -> None:
        """As in the protocol. What is needed says the database, for all machines, and no directory of this one. No run
        is in progress on another machine, whose collections are in no list yet: it would have the lock."""
        self._take_over()
        if only_live:
            self._register.forget_others()
        self.agree()
        store, kept = self._register.store(), collections_of(self._register)
        self._connected(lambda milvus: MilvusBuilder.remove_left(milvus, store, kept))

    def leave(self) -> int:
        """Remove all collections of this installation: its index is in local files again. Returns how many they were.
        Raises IndexLocked when another process writes them."""
        with self.lock():
            store = self._register.store()
            dropped = self._connected(lambda milvus: MilvusBuilder.remove_left(milvus, store, ()))
            self._register.forget_all()
            return dropped

    def _connected(self, work: Callable[[Milvus], Result]) -> Result:
        """What `work` makes of the connection, which is made when there is none, and anew once when it does not answer
        any more."""
        with self._connecting:
            fresh, milvus = self._milvus is None, self._milvus or Milvus.connect(self._address, self._home)
            self._milvus = milvus
        try:
            return work(milvus)
        except IndexUnavailable:
            with self._connecting:
                if self._milvus is milvus:  # it is not closed: a snapshot may be using it
                    self._milvus = None
            if fresh:
                raise
        return self._connected(work)
