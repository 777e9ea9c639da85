"""Whether the files are whole that Kollega can do without: what lies beside the index and beside its catalogue. Who
finds one of them damaged goes on as if it were not there, which takes longer or tells less, until it is written anew.

A file of JSON has no checksum: it is damaged when it is not JSON any more.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from recommender.checksums import states
from recommender.errors import IndexDamaged, IndexNotFound
from recommender.index import generations
from recommender.index.generations import JOURNAL, Manifest, question_vectors_path
from recommender.index.journal import journal_is_damaged, journal_name
from recommender.index.members import MEMBERS, members_are_damaged
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

_REINDEX, _CALIBRATE, _CLEAN, _INSIGHTS = "reindex", "calibrate", "gc", "insights update"


def beside_problems(settings: Settings, wait: Callable[[float], object]) -> Iterator[str]:
    """A sentence about each of these files that is damaged, with the command that writes it anew or removes it. One
    that somebody is writing is looked at again: `wait` is called with the seconds before."""
    suspect = [(path, command, damaged) for path, command, damaged in _files(settings.index_dir) if damaged()]
    before = _states(path for path, _command, _damaged in suspect)
    if suspect:
        wait(settings.watch_seconds)
    for path, command, damaged in suspect:
        if damaged() and _states([path]) & before:
            name = path.relative_to(settings.index_dir).as_posix()
            yield Sentence(
                "%(file)s is damaged, and Kollega does without it. Run: %(command)s",
                file=name,
                command=f"kollega {command}",
            )


def _states(paths: Iterable[Path]) -> set[tuple[Path, int, int]]:
    """What is different when a file was written meanwhile; without its time, which `watch` sets of `seen.json` at each
    look."""
    return {(path, size, inode) for path, _time, size, inode in states(paths)}


def _files(index_dir: Path) -> Iterator[tuple[Path, str, Callable[[], bool]]]:
    """(file, command that helps, what tells whether it is damaged) of those that there are. `reindex` goes on from the
    whole vectors of an interrupted run of its model, which `gc` removes."""
    for name, command in (("seen", _REINDEX), ("checked", _REINDEX), ("quality", _CALIBRATE)):
        path = index_dir / f"{name}.json"
        yield path, command, partial(_json_is_damaged, path)
    stamps = index_dir / "stamps.npz"
    yield stamps, _REINDEX, partial(_arrays_are_damaged, stamps)
    for path in sorted(index_dir.glob(question_vectors_path(index_dir, None).name)):
        yield path, _INSIGHTS, partial(_arrays_are_damaged, path, may_be_empty=True)
    manifest: Manifest | None = None
    with suppress(IndexNotFound, IndexDamaged):  # named already
        live = generations.live(index_dir)
        manifest = Manifest.read(live)
        yield live / MEMBERS, _REINDEX, partial(members_are_damaged, live, manifest)
    for path in sorted(index_dir.glob(f"{JOURNAL}*.db")):
        of_another_model = manifest is not None and path.name != journal_name(manifest.model)
        yield path, _CLEAN if of_another_model else _REINDEX, partial(journal_is_damaged, path)


def _json_is_damaged(path: Path) -> bool:
    try:
        return not isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


def _arrays_are_damaged(path: Path, may_be_empty: bool = False) -> bool:
    """True when an array cannot be read, or is not as its checksum in the file says."""
    try:
        with path.open("rb") as file:
            if may_be_empty and not file.read(1):
                return False
            file.seek(0)
            with np.load(file) as held:
                for name in held.files:
                    held[name]
    except FileNotFoundError:
        return False
    except Exception:  # reading a damaged file may raise errors of many kinds
        return True
    return False
