"""Finds the files of a folder: in the order of their names, without hidden ones, and never outside of the folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from re import Pattern, compile, escape

_LEFT_OUT = frozenset({"node_modules", "__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini"})
_TEMPORARY = ("~$", "~")
_DEEPEST = 50  # folders within folders: a judgement


@dataclass(frozen=True)
class Patterns:
    """Which files are read. A pattern without `/` fits a name anywhere, one with `/` the path from the folder on; `**`
    stands for any folders. With no `include` every file is."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def take(self, path: str) -> bool:
        """True for a file that is to be read, by its path from the folder on."""
        return (not self.include or _fits(path, self.include)) and not self.leave(path)

    def leave(self, path: str) -> bool:
        """True for a file or folder that is excluded."""
        return _fits(path, self.exclude)


def files_of(folder: Path, patterns: Patterns) -> Iterator[tuple[str, Path]]:
    """(path from the folder on, with `/`; the file) of each file. Links to folders, and those that lead out of the
    folder, are left out. Raises OSError when the folder cannot be listed."""
    root = folder.resolve()
    yield from _within(root, root, "", patterns, 0)


def _within(root: Path, folder: Path, before: str, patterns: Patterns, depth: int) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as listed:
        entries = sorted(listed, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith((".", *_TEMPORARY)) or entry.name in _LEFT_OUT:
            continue
        path = f"{before}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if depth < _DEEPEST and not patterns.leave(path):
                yield from _within(root, Path(entry.path), f"{path}/", patterns, depth + 1)
        elif patterns.take(path) and _is_file_within(root, entry):
            yield path, Path(entry.path)


def _is_file_within(root: Path, entry: "os.DirEntry[str]") -> bool:
    if not entry.is_symlink():
        return entry.is_file(follow_symlinks=False)
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):  # it leads nowhere, or in a circle
        return False
    return target.is_file() and target.is_relative_to(root)


def _fits(path: str, patterns: tuple[str, ...]) -> bool:
    return any(_compiled(pattern).fullmatch(path) is not None for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Pattern[str]:
    """The pattern as a regular expression for whole paths."""
    bare = PurePosixPath(pattern.strip().lstrip("/")).as_posix()
    written = ""
    for part in bare.replace("**/", "\0").replace("**", "\1"):
        written += {"\0": "(?:[^/]+/)*", "\1": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, escape(part))
    anywhere = "" if "/" in pattern.strip().rstrip("/") else "(?:.*/)?"
    return compile(f"{anywhere}{written}(?:/.*)?")
