"""The generations of the index that are on disk, and what of the index nobody needs any more."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from recommender.database.index_register import IndexRegister
from recommender.errors import IndexDamaged, KeywordsDamaged
from recommender.index import generations
from recommender.index.engines import engine_of, is_left_in_milvus, leave_milvus
from recommender.index.generations import Manifest
from recommender.index.journal import remove_journals
from recommender.index.model_in_use import model_in_use
from recommender.settings import Settings

LIVE, PREVIOUS, NEWER, DAMAGED, UNFINISHED = "in use", "previous", "newer", "damaged", "unfinished"


@dataclass(frozen=True)
class Generation:
    """One generation on disk; what its manifest would say is None when that cannot be read or was never written."""

    name: str
    state: str
    megabytes: float
    created_at: str | None = None
    model: str | None = None
    items: int | None = None
    passages: int | None = None

    def line(self) -> str:
        """The generation in one line, for an admin."""
        told = (
            f"{self.items} items, {self.passages} passages, model {self.model}, {self.created_at}; "
            if self.model
            else ""
        )
        return f"{self.name}: {self.state}; {told}{self.megabytes:.1f} MB"

    def as_dict(self) -> dict[str, object]:
        """The same for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ModelOnDisk:
    """An embedding model and its newest generation on disk; `generation` is None when no index was made with it yet."""

    model: str
    in_use: bool
    generation: str | None

    def line(self) -> str:
        """The model in one line, for an admin."""
        index = f"its index is {self.generation}" if self.generation else "no index was made with it yet"
        return f"{self.model}: {'in use' if self.in_use else 'kept'}; {index}"

    def as_dict(self) -> dict[str, object]:
        """The same for JSON."""
        return asdict(self)


def models_on_disk(settings: Settings) -> list[ModelOnDisk]:
    """The model in use, and then those whose index is kept, the newest first."""
    used = model_in_use(settings)
    newest: dict[str, str] = {}
    for each in read_generations(settings):
        if each.model and each.state in (LIVE, PREVIOUS):
            newest.setdefault(each.model, each.name)
    kept = [ModelOnDisk(model, False, name) for model, name in newest.items() if model != used]
    return [ModelOnDisk(used, True, newest.get(used)), *kept]


def read_generations(settings: Settings) -> list[Generation]:
    """All generations on disk, the newest first. A file that several share counts as one of the generation in use, or
    else of the newest that has it."""
    live = generations.live_name(settings.index_dir) or ""
    found = sorted(settings.index_dir.glob("gen-*"), reverse=True)
    counted: set[tuple[int, int]] = set()
    sizes = {path: _megabytes(path, counted) for path in sorted(found, key=lambda path: path.name != live)}
    return [_read(path, live, sizes[path]) for path in found]


def _read(directory: Path, live: str, size: float) -> Generation:
    if not (directory / "manifest.json").is_file():
        return Generation(directory.name, UNFINISHED, size)
    try:
        manifest = Manifest.read(directory)
    except IndexDamaged:
        return Generation(directory.name, DAMAGED, size)
    state = LIVE if directory.name == live else NEWER if directory.name > live else PREVIOUS
    values = (manifest.created_at, manifest.model.name, manifest.items, manifest.passages)
    return Generation(directory.name, state, size, *values)


def follow(settings: Settings) -> None:
    """Take over here what another machine has made live: once in each command, before it acts on the index or its
    model. Nothing with an index of local files, for which the database is not asked either."""
    engine_of(settings, IndexRegister(settings)).follow()


def clean(settings: Settings, previous: bool) -> float:
    """Remove what interrupted runs left, and with `previous` all generations but the one in use; then there is none to
    roll back to. An index that was left in Milvus is removed from there when its address is set. Returns the megabytes
    that were freed here. Raises IndexLocked when another process is writing, and IndexNotFound or IndexDamaged when the
    index in use is missing or not whole: another one may be needed then."""
    register = IndexRegister(settings)
    engine = engine_of(settings, register)
    engine.follow()
    with generations.write_lock(settings.index_dir), engine.lock():
        live = generations.live(settings.index_dir)
        Manifest.read(live).check_files(live)
        before = _megabytes(settings.index_dir, set())
        generations.remove_unfinished(settings.index_dir)
        remove_journals(settings.index_dir)
        if previous:
            generations.remove_all_but(settings.index_dir, live.name, ())
        engine.clean(only_live=previous)
        if is_left_in_milvus(settings, register) and settings.milvus:
            leave_milvus(settings, register)
        return before - _megabytes(settings.index_dir, set())


def roll_back(settings: Settings) -> str:
    """Make the generation before the live one live again, on all machines, and return its name. Raises the errors of
    `generations.roll_back`, and those of opening that generation."""
    engine = engine_of(settings, IndexRegister(settings))
    with engine.lock():
        with generations.write_lock(settings.index_dir):
            engine.agree()
        live = generations.live_name(settings.index_dir) or ""
        for name in [name for name in generations.finished(settings.index_dir) if name < live][-1:]:
            try:
                engine.open_generation(settings.index_dir / name, None)
            except KeywordsDamaged as error:
                raise IndexDamaged(f"{name} cannot be used again. {error}") from error
        name = generations.roll_back(settings.index_dir)
        engine.made_live(name)
    return name


def remove_damaged(settings: Settings) -> bool:
    """Remove generations that are damaged and not in use; True when there were any. Raises IndexLocked when another
    process is writing."""
    removed = False
    with generations.write_lock(settings.index_dir):
        live = generations.live_name(settings.index_dir)
        for name in generations.finished(settings.index_dir):
            if name == live:
                continue
            try:
                Manifest.read(settings.index_dir / name).check_files(settings.index_dir / name)
            except IndexDamaged:
                generations.remove(settings.index_dir / name)
                removed = True
    return removed


def _megabytes(folder: Path, counted: set[tuple[int, int]]) -> float:
    """The size of the files in a folder, but of those in `counted` (device and inode), to which they are added."""
    sizes = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # removed meanwhile by `kollega watch`
            status = path.stat()
            if path.is_file() and (status.st_dev, status.st_ino) not in counted:
                counted.add((status.st_dev, status.st_ino))
                sizes += status.st_size
    return sizes / 1e6
