"""The index as an admin sees it: what is in use, what it lacks, which models are kept, how long building one took."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from recommender.corpus import items
from recommender.database.index_register import IndexRegister
from recommender.errors import KollegaError
from recommender.index import generations
from recommender.index.digest import item_digest
from recommender.index.engines import engine_of
from recommender.index.generations import Manifest
from recommender.index.model_in_use import model_in_use
from recommender.jobs import kinds, queue
from recommender.settings import Settings

_ENOUGH = 50  # passages that were encoded, from which a rate follows: a judgement


@dataclass(frozen=True)
class IndexInUse:
    """A generation of the index: when it was made (UTC), with which model, and how much is in it."""

    name: str
    model: str
    made_at: datetime
    items: int
    passages: int


@dataclass(frozen=True)
class IndexState:
    """The index in use (None when there is none that can be read: then `problem` says why), and the one before it."""

    model: str
    live: IndexInUse | None
    previous: IndexInUse | None
    problem: str = ""


@dataclass(frozen=True)
class Difference:
    """How many searchable items there are, and how many of them are not in the index, or otherwise there; and how many
    are in the index and no longer in the database."""

    searchable: int
    missing: int
    outdated: int
    gone: int

    @property
    def to_index(self) -> int:
        """Items that the next update encodes."""
        return self.missing + self.outdated


@dataclass(frozen=True)
class KeptModel:
    """A model, and the index that is kept of it."""

    name: str
    in_use: bool
    index: IndexInUse | None


def read_state(settings: Settings) -> IndexState:
    """What is in use now. Reads small files only."""
    model, directory = model_in_use(settings), settings.index_dir
    name = generations.live_name(directory)
    if name is None:
        return IndexState(model, None, None, "")
    older = [each for each in generations.finished(directory) if each < name]
    previous = _read(directory / older[-1]) if older else None
    try:
        Manifest.read(directory / name)
    except KollegaError as error:
        return IndexState(model, None, previous, str(error))
    return IndexState(model, _read(directory / name), previous)


def difference(session: Session, settings: Settings) -> Difference:
    """Compare every searchable item with the index in use: takes about a second for each few thousand items."""
    in_database = {item.key: item_digest(item, settings.passage_tokens) for item in items(session)}
    in_index: dict[str, str] = {}
    try:
        live = generations.live(settings.index_dir)
        in_index = {item.key: item.digest for item in engine_of(settings, IndexRegister(settings)).items(live)}
    except KollegaError:
        pass
    both = in_database.keys() & in_index.keys()
    return Difference(
        searchable=len(in_database),
        missing=len(in_database.keys() - in_index.keys()),
        outdated=sum(in_database[key] != in_index[key] for key in both),
        gone=len(in_index.keys() - in_database.keys()),
    )


def kept_models(settings: Settings) -> list[KeptModel]:
    """The model in use, and then those whose index is kept, the newest first."""
    used, newest = model_in_use(settings), dict[str, IndexInUse]()
    for name in reversed(generations.finished(settings.index_dir)):
        found = _read(settings.index_dir / name)
        if found is not None:
            newest.setdefault(found.model, found)
    others = [KeptModel(name, False, index) for name, index in newest.items() if name != used]
    return [KeptModel(used, True, newest.get(used)), *others]


def passages_a_second(session: Session) -> float | None:
    """How many passages the last job encoded that encoded many; None when there was none."""
    for job in queue.listed(session, kinds=(kinds.REINDEX, kinds.MODEL), states=(queue.DONE,)):
        encoded, seconds = job.result.get("encoded", 0), job.result.get("seconds", 0.0)
        if encoded >= _ENOUGH and seconds > 0:
            return float(encoded / seconds)
    return None


def _read(directory: Path) -> IndexInUse | None:
    values: dict[str, Any] = generations.values_of(directory)
    try:
        made_at = datetime.fromisoformat(values["created_at"])
        made_at = made_at.astimezone(UTC).replace(tzinfo=None) if made_at.tzinfo else made_at
        return IndexInUse(directory.name, values["model"]["name"], made_at, values["items"], values["passages"])
    except (KeyError, TypeError, ValueError):
        return None
