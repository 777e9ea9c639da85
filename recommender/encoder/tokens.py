"""Texts as the numbers of tokens that a model reads.

A multilingual model has pieces of words in all scripts, and loading a quarter of a million of them takes most of a
second, during which no other thread of Python runs. So those that can be in a text of Latin letters, digits and signs
are stored by themselves, beside the prepared models. Such a text is cut with these alone, into the same tokens: a piece
with another character cannot be in it. For the first other text all pieces are loaded.
"""

import json
import logging
import re
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.checksums import checksum, whole_folder

log = logging.getLogger(__name__)
_VERSION = 1  # of what is stored
_LARGE = 4_000_000  # bytes of a tokenizer, of whose pieces fewer are stored by themselves: a judgement
_FIRST = 16  # the special tokens are among the first pieces, which all stay where they are: a judgement
_LATIN = (
    (0x00, 0x24F), (0x1E00, 0x1EFF), (0x2000, 0x20CF), (0x2100, 0x2BFF), (0xFE0F, 0xFE0F), (0x1F000, 0x1FAFF),
)  # fmt: skip
"""Latin letters, digits, and signs, arrows and pictures of all kinds, without marks that combine with a letter."""
_SPACE = "\u2581"  # what stands for a space in pieces
_TOKENIZER, _KEPT = "tokenizer.json", "kept.npz"


class Tokenizer:
    """Cuts texts into tokens, of which a text has at most `longest`. Threads may share it."""

    def __init__(self, path: Path, stored_in: Path, longest: int) -> None:
        """`path` is the file of a tokenizer; what is made of it is stored in the folder `stored_in`. Raises an error of
        the library when the file cannot be read."""
        self._path, self._longest = path, longest
        self._loading = threading.Lock()
        self._whole: Any = None
        self._latin = _latin(path, stored_in)
        if self._latin is None:
            self._whole = _ready(path, longest)
        else:
            self._of_latin = _ready(self._latin / _TOKENIZER, longest)
            with np.load(self._latin / _KEPT) as kept:
                self._numbers: NDArray[np.int64] = kept["numbers"]
                self._is_latin = re.compile(str(kept["pattern"])).fullmatch

    def numbers(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The numbers of the tokens of each text, with those that begin and end a text."""
        if self._latin is not None and all(map(self._is_latin, texts)):
            return [self._numbers[encoding.ids] for encoding in self._of_latin.encode_batch(list(texts))]
        return [np.array(encoding.ids, np.int64) for encoding in self._of_all().encode_batch(list(texts))]

    def count(self, text: str) -> int:
        """How many tokens the whole of a text has, without those that begin and end it."""
        tokenizer = self._of_latin if self._latin is not None and self._is_latin(text) else self._of_all()
        encoding = tokenizer.encode(text, add_special_tokens=False)
        return sum(len(part.ids) for part in (encoding, *encoding.overflowing))

    def _of_all(self) -> Any:
        with self._loading:
            if self._whole is None:
                self._whole = _ready(self._path, self._longest)
            return self._whole


def _ready(path: Path, longest: int) -> Any:
    from tokenizers import Tokenizer as Library

    tokenizer = Library.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer


def _latin(path: Path, stored_in: Path) -> Path | None:
    """The folder with what of a tokenizer is for Latin texts, made when it is missing or damaged; None when there is
    none, or it cannot be stored."""
    if path.stat().st_size < _LARGE:
        return None
    try:
        folder = whole_folder(stored_in / f"tokenizer-{checksum(path)}-{_VERSION}", partial(_write, path))
    except OSError as error:
        log.warning("A part of the tokenizer cannot be stored, so all of it is loaded each time: %s", error)
        return None
    return folder if (folder / _KEPT).exists() else None


def _write(path: Path, folder: Path) -> None:
    """Write the pieces that are made of Latin characters, the number that each has among all, and a pattern of texts
    that have only such characters when they are normalised; without that where the pieces cannot be divided so."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not _is_divisible(content):
        (folder / _TOKENIZER).touch()
        return
    pieces = content["model"]["vocab"]
    characters = {chr(number) for first, last in _LATIN for number in range(first, last + 1)} - {_SPACE}
    least = min(range(len(pieces)), key=lambda number: pieces[number][1])  # unknown characters are weighed by it
    kept = [
        number
        for number, (piece, _score) in enumerate(pieces)
        if number < _FIRST or number == least or characters.issuperset(piece.replace(_SPACE, ""))
    ]
    normalise = _ready(path, 1).normalizer.normalize_str
    latin = sorted(ord(each) for each in characters if characters.issuperset(normalise(each)))
    content["model"]["vocab"] = [pieces[number] for number in kept]
    (folder / _TOKENIZER).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    np.savez(folder / _KEPT, numbers=np.array(kept, np.int64), pattern=np.array(_pattern(latin)))


def _pattern(numbers: Sequence[int]) -> str:
    """Matches texts of the characters with these numbers, which are in order."""
    firsts = [number for number, before in zip(numbers, (-2, *numbers), strict=False) if number != before + 1]
    lasts = [number for number, after in zip(numbers, (*numbers[1:], -2), strict=True) if number + 1 != after]
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in zip(firsts, lasts, strict=True)) + "]*"


def _is_divisible(content: dict[str, Any]) -> bool:
    """True for pieces with scores, of which the most probable are chosen, whose special tokens come first, whose spaces
    are written as `_SPACE`, and whose texts are normalised character by character but for marks."""
    model, normaliser = content["model"], content["normalizer"] or {}
    steps = normaliser.get("normalizers", [normaliser]) if normaliser else []
    splitter = content["pre_tokenizer"] or {}
    return bool(
        model["type"] == "Unigram"
        and not model.get("byte_fallback")
        and all(added["id"] < _FIRST for added in content["added_tokens"])
        and steps
        and {step["type"] for step in steps} <= {"Nmt", "NFKC", "Replace"}
        and (splitter.get("type"), splitter.get("replacement")) == ("Metaspace", _SPACE)
    )
