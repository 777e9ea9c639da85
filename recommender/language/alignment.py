"""A map between the vectors of Finnish and English texts, and a lexicon of their terms, learned from parallel texts.

The file `alignment.npz` is made by `make alignment` (`indexer/research/alignment.py`) and ships with the code. The map
fits a single model; other models are used without a map. The lexicon fits the terms of `analyzer.py`, with any model.
"""

import hashlib
import io
import json
import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from recommender.encoder import ModelCard, Vectors
from recommender.language.analyzer import WORD_VERSION
from recommender.language.terms import Translation

log = logging.getLogger(__name__)
FILE = Path(__file__).parent / "alignment.npz"
Lexicon = Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]
_MOST_TRANSLATIONS = 3  # of a word: a judgement


@dataclass(frozen=True)
class Alignment:
    """`maps` transforms centred vectors of a language into the common space: {language: shape (dimension, dimension)}.

    `passages` and `questions` are the means of the parallel texts, as in VectorSpace, for a corpus that is too small to
    compute its own means. `lexicon` is {language: {term: ((term of the other language, probability), ...)}}, most
    probable first. `source` says what it was learned from; `digest` is empty when there is neither map nor lexicon.
    """

    maps: Mapping[str, Vectors] = field(default_factory=dict)
    passages: Mapping[str, Vectors] = field(default_factory=dict)
    questions: Mapping[str, Vectors] = field(default_factory=dict)
    lexicon: Lexicon = field(default_factory=dict)
    source: str = ""
    digest: str = ""

    @classmethod
    def load(cls, card: ModelCard | None, path: Path = FILE) -> "Alignment":
        """Read the file: the map only if it was learned for this model, the lexicon only if its terms are of this
        WORD_VERSION. An empty alignment when the file is missing or damaged, which is logged as an error.

        Takes about 9 ms of processor time: load it once and pass it on.
        """
        try:
            return cls._read(card, path)
        except (OSError, ValueError, BadZipFile, EOFError, KeyError, TypeError, zlib.error) as error:
            log.error(
                "%s cannot be read (%s). Search between languages is worse without it. Install Kollega again.",
                path,
                error,
            )
            return cls()

    @classmethod
    def _read(cls, card: ModelCard | None, path: Path) -> "Alignment":
        content = path.read_bytes()
        with np.load(io.BytesIO(content)) as arrays:
            about = json.loads(str(arrays["about"]))
            parts: dict[str, dict[str, Vectors]] = {"maps": {}, "passages": {}, "questions": {}}
            if card is not None and (about["model"], about["revision"]) == (card.name, card.revision):
                for name in arrays.files:
                    part, _, language = name.partition(" ")
                    if part in parts:
                        parts[part][language] = arrays[name].astype(np.float32)
            lexicon = json.loads(arrays["lexicon"].tobytes()) if about["analysis"] == WORD_VERSION else {}
        if not parts["maps"] and not lexicon:
            return cls()
        parts_in_use = f"{bool(parts['maps'])} {bool(lexicon)}".encode()
        digest = hashlib.sha256(content + parts_in_use).hexdigest()[:12]
        return cls(**parts, lexicon=lexicon, source=about["source"], digest=digest)

    def translations(self, words: Sequence[str], language: str) -> tuple[Translation, ...]:
        """Terms of the other language for the terms `words` of a question in `language`, each term once, most probable
        first."""
        entries = self.lexicon.get(language, {})
        candidates = [
            Translation(term, word, probability)
            for word in words
            for term, probability in entries.get(word, ())[:_MOST_TRANSLATIONS]
        ]
        best: dict[str, Translation] = {}
        for translation in sorted(candidates, key=lambda other: (-other.probability, other.term, other.word)):
            best.setdefault(translation.term, translation)
        return tuple(best.values())


def save(path: Path, card: ModelCard, alignment: Alignment) -> None:
    """Write the file, with numbers as float16. The digest is computed when the file is read."""
    about = {
        "model": card.name, "revision": card.revision, "analysis": WORD_VERSION, "source": alignment.source,
    }  # fmt: skip
    parts = {"maps": alignment.maps, "passages": alignment.passages, "questions": alignment.questions}
    arrays: dict[str, Any] = {
        f"{part} {language}": values[language].astype(np.float16)
        for part, values in parts.items()
        for language in values
    }
    arrays["lexicon"] = np.frombuffer(
        json.dumps(alignment.lexicon, ensure_ascii=False, sort_keys=True).encode(), np.uint8
    )
    np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)
