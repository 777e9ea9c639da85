"""What is learned once from parallel text so that languages meet: a map between their vectors, and a lexicon.

The file `alignment.npz` is made by `make alignment` (`indexer/alignment.py`) and ships with the code. The map belongs
to one model; a model without one works as it is. The lexicon belongs to the terms of `language.py` and serves any
model.
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
from numpy.typing import NDArray

from recommender.encoder import ModelCard
from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.language.terms import Translation

log = logging.getLogger(__name__)
FILE = Path(__file__).parent / "alignment.npz"
Vectors = NDArray[np.float32]
Lexicon = Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]
_MOST_TRANSLATIONS = 3


@dataclass(frozen=True)
class Alignment:
    """`maps` takes vectors of a language, centred, to the common space: {language: shape (dimension, dimension)}.

    `passages` and `questions` are the means of that text, as in VectorSpace, for a corpus that has none of its own.
    `lexicon` is {language: {term: ((term of the other language, probability), ...)}}, best first. `source` says what it
    was learned from; `digest` is empty when there is neither map nor lexicon.
    """

    maps: Mapping[str, Vectors] = field(default_factory=dict)
    passages: Mapping[str, Vectors] = field(default_factory=dict)
    questions: Mapping[str, Vectors] = field(default_factory=dict)
    lexicon: Lexicon = field(default_factory=dict)
    source: str = ""
    digest: str = ""

    @classmethod
    def load(cls, card: ModelCard | None, path: Path = FILE) -> "Alignment":
        """What the file holds for this model: its map only if it is this model's, its lexicon only if its terms are
        made as ours are. A missing or damaged file is an empty alignment, and the log says so."""
        try:
            return cls._read(card, path)
        except (OSError, ValueError, BadZipFile, EOFError, KeyError, TypeError, zlib.error) as error:
            log.error("%s cannot be read (%s); languages meet less well. Install Kollega again.", path, error)
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
            lexicon = json.loads(arrays["lexicon"].tobytes()) if about["analysis"] == ANALYSIS_VERSION else {}
        if not parts["maps"] and not lexicon:
            return cls()
        used = f"{bool(parts['maps'])} {bool(lexicon)}".encode()
        return cls(
            **parts, lexicon=lexicon, source=about["source"], digest=hashlib.sha256(content + used).hexdigest()[:12]
        )

    def translations(self, words: Sequence[str], language: str) -> tuple[Translation, ...]:
        """Terms of the other language for the words of a question in `language`, each once, most probable first."""
        known = self.lexicon.get(language, {})
        found = [
            Translation(term, word, probability)
            for word in words
            for term, probability in known.get(word, ())[:_MOST_TRANSLATIONS]
        ]
        best: dict[str, Translation] = {}
        for each in sorted(found, key=lambda each: (-each.probability, each.term, each.word)):
            best.setdefault(each.term, each)
        return tuple(best.values())


def save(path: Path, card: ModelCard, alignment: Alignment) -> None:
    """Write the file, its numbers as float16; the digest is made when it is read."""
    about = {
        "model": card.name, "revision": card.revision, "analysis": ANALYSIS_VERSION, "source": alignment.source,
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
