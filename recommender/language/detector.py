"""Finds the language of texts, of one or of many at once."""

import logging
import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.checksums import checksum, whole_folder
from recommender.language.words import LANGUAGES

log = logging.getLogger(__name__)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_SURE = 0.7  # probability, from which a detected language is used: a judgement
_NEAR = 1e-3  # a probability this close to `_SURE` is computed again for the text alone: a judgement
_STORED = "languages"  # start of the name of the folder with the stored model
_TOGETHER = 100  # texts, from which a step of all of them is faster than one of each


@dataclass(frozen=True)
class _Steps:
    """The model's automaton as arrays: the states that follow, the feature of each state, and the row of each state."""

    following: NDArray[Any]
    output: NDArray[np.int32]
    row_of_state: NDArray[np.intp]


class LanguageDetector:
    """Says in which of LANGUAGES a text is written. The model is loaded on first use. Threads may share it. The part of
    the model that is about LANGUAGES is stored under `cache_dir`, if that is there: unpacking all of it takes most of a
    second."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._identifier: Any = None
        self._loading = threading.Lock()

    def detect(self, text: str, fallback: str = "en") -> str:
        """The language of a text; `fallback` when it is not clear."""
        letters = _letters(text)
        return self._of_one(letters, fallback) if letters else fallback

    def detect_all(self, texts: Sequence[str], fallback: str = "en") -> list[str]:
        """The language of each text, as `detect` says it; for many texts it takes a quarter of the time."""
        letters = [_letters(text) for text in texts]
        places = [place for place, each in enumerate(letters) if each]
        if not places:
            return [fallback] * len(texts)
        found = [fallback] * len(texts)
        probabilities = self._probabilities([letters[place] for place in places])
        best = probabilities.argmax(axis=1)
        for place, row, number in zip(places, probabilities, best, strict=True):
            if abs(row[number] - _SURE) < _NEAR:  # sums in another order differ a little
                found[place] = self._of_one(letters[place], fallback)
            elif row[number] >= _SURE:
                found[place] = str(self._model.nb_classes[number])
        return found

    def _of_one(self, letters: str, fallback: str) -> str:
        language, probability = self._model.classify(letters)
        return str(language) if probability >= _SURE else fallback

    @property
    def _model(self) -> Any:
        with self._loading:
            if self._identifier is None:
                identifier = _loaded(self._cache_dir)
                identifier.set_languages(list(LANGUAGES))
                self._identifier = identifier
        return self._identifier

    @cached_property
    def _steps(self) -> "_Steps":
        model = self._model
        return _Steps(
            np.asarray(model.tk_nextmove), np.asarray(model.tk_output, dtype=np.int32),
            np.asarray(model.tk_row, dtype=np.intp) << 8,
        )  # fmt: skip

    def _probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """For each text (row) the probability of each language of the model (column), as its `rank` gives them."""
        model = self._model
        encoded = [model._encode(text) for text in texts]
        features = len(model.nb_ptc)
        counted, counts = np.unique(_visited(model, self._steps, encoded), return_counts=True)
        rows, visited = np.divmod(counted, features)
        weights = np.log1p(counts.astype(np.float32))[:, None] * model.nb_ptc[visited]
        scores = np.zeros((len(texts), len(model.nb_pc)), dtype=np.float32)
        if len(rows):
            starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
            scores[rows[starts]] = np.add.reduceat(weights, starts, axis=0) + model.nb_pc
        scores *= np.array([1 / math.sqrt(len(each)) for each in encoded], dtype=np.float32)[:, None]
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True), dtype=np.float32)


def _loaded(cache_dir: Path | None) -> Any:
    """The model for LANGUAGES and perhaps others."""
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    from py3langid.modelio import save_model

    shipped = MODEL_DIR / MODEL_FILE

    def write(folder: Path) -> None:
        whole = LanguageIdentifier.from_model_file(shipped)
        whole.set_languages(list(LANGUAGES))
        parts = (whole.nb_ptc, whole.nb_pc, whole.nb_classes, whole.tk_nextmove, whole.tk_row, whole.tk_output)
        save_model(folder / shipped.name, parts)

    path = shipped
    if cache_dir is not None and cache_dir.exists():
        name = "-".join((_STORED, checksum(shipped), *sorted(LANGUAGES)))
        try:
            path = whole_folder(cache_dir / name, write, replaces=f"{_STORED}-*") / shipped.name
        except OSError as error:
            log.warning("The model that tells languages cannot be stored, and is unpacked each time: %s", error)
    return LanguageIdentifier.from_model_file(path, norm_probs=True)


def _letters(text: str) -> str:
    """The words of a text that have only letters."""
    return " ".join(_WORDS.findall(text))


def _visited(model: Any, steps: _Steps, encoded: Sequence[bytes]) -> NDArray[np.int64]:
    """The features that the model finds in texts, with repetitions, each as `text number * number of features +
    feature`. The texts walk through the model's automaton together, one byte at each step, as long as that are many;
    the ends of the longest ones follow one after the other."""
    order = sorted(range(len(encoded)), key=lambda place: -len(encoded[place]))
    together = len(encoded[order[_TOGETHER - 1]]) if len(order) >= _TOGETHER else 0
    found = np.full((together, len(order)), -1, dtype=np.int32)
    states = _walk(steps, [encoded[place][:together] for place in order], found)
    places, columns = np.nonzero(found >= 0)
    texts, features = np.asarray(order, dtype=np.int64)[columns], found[places, columns]
    ends: list[int] = []
    counts: list[int] = []
    following, rows, output = model.tk_nextmove, model.tk_row, model.tk_output
    for place, state in zip(order, states, strict=False):
        before = len(ends)
        for letter in encoded[place][together:]:
            state = following[(rows[state] << 8) + letter]
            if (feature := output[state]) >= 0:
                ends.append(feature)
        counts.append(len(ends) - before)
    texts = np.concatenate([texts, np.repeat(np.asarray(order[: len(counts)], dtype=np.int64), counts)])
    features = np.concatenate([features, np.asarray(ends, dtype=np.int32)])
    return np.asarray(texts * len(model.nb_ptc) + features, dtype=np.int64)


def _walk(steps: _Steps, texts: Sequence[bytes], found: NDArray[np.int32]) -> list[int]:
    """Write the features of texts, the longest first, into `found` (step, text). Returns the states in which those of
    the greatest length are then."""
    longest = len(found)
    if not longest:
        return [0] * len(texts)
    letters = np.frombuffer(b"".join(text.ljust(longest, b"\0") for text in texts), dtype=np.uint8)
    letters = np.ascontiguousarray(letters.reshape(len(texts), longest).T)
    states, active = np.zeros(len(texts), dtype=np.intp), len(texts)
    for step in range(longest):
        while len(texts[active - 1]) <= step:
            active -= 1
        states = steps.following[steps.row_of_state[states[:active]] + letters[step, :active]]
        found[step, :active] = steps.output[states]
    return states.tolist()
