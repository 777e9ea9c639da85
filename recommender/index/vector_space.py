"""Where vectors are compared: centred per language and role, and mapped so that languages meet.

Embedding models put all texts of a language into a narrow cone; its axis tells nothing. The mean of a language's
passages is taken from its passages, and from a question the mean of questions as long as it (a question of two words
lies elsewhere than a letter). What remains of one language is then mapped onto the other (`alignment.py`). A space is
learned when a generation is built from nothing, kept with it, and the same for all its vectors.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Passage, Role
from recommender.encoder import Encoder, normalise
from recommender.language.alignment import Alignment

Vectors = NDArray[np.float32]
LENGTHS = (2, 8, 32, 128)
"""Words of the questions whose means are kept; a mean is interpolated between them by the logarithm of the length."""
SAMPLE = 1024
_LEAST = 32
_SNIPPETS = 64
_QUESTION_SHARE = 0.85
_OPENING = Role.OPENING.value


@dataclass(frozen=True)
class VectorSpace:
    """`passages` holds the mean of each language's passages, shape (dimension,), and, as `LANGUAGE opening`, that of
    its openings (the short lie elsewhere than the long); `questions` those of questions of LENGTHS words, shape
    (4, dimension); `maps` as in Alignment. Passages of a language without a mean are left where they are; a question in
    one takes the mean of the other languages' means.

    `learned_from` counts the passages it was learned from, `alignment` is the digest of the alignment it was made with.
    """

    passages: Mapping[str, Vectors] = field(default_factory=dict)
    questions: Mapping[str, Vectors] = field(default_factory=dict)
    maps: Mapping[str, Vectors] = field(default_factory=dict)
    learned_from: int = 0
    alignment: str = ""

    def outgrown(self, passages: int) -> bool:
        """True when it was learned from so few passages that an index of so many deserves a better one."""
        return self.learned_from < SAMPLE // 2 and passages >= 2 * max(_LEAST, self.learned_from)

    @classmethod
    def learn(
        cls, passages: Sequence[Passage], vectors: Vectors, encoder: Encoder, alignment: Alignment
    ) -> "VectorSpace":
        """From a sample of passages and their vectors as the model made them, shape (passages, dimension).

        Questions are imitated by the beginnings of asked ones or, where there are none, by snippets of the passages. A
        language with too few passages takes the alignment's means, moved as those of the other language moved.
        """
        means: dict[str, Vectors] = {}
        questions: dict[str, Vectors] = {}
        for group in sorted({centred_with(passage) for passage in passages}):
            rows = [row for row, passage in enumerate(passages) if centred_with(passage) == group]
            if len(rows) >= _LEAST:
                means[group] = vectors[rows].mean(axis=0)
        for language in [group for group in means if group == _language(group)]:
            texts = _snippets([passage for passage in passages if centred_with(passage) == language])
            made = encoder.encode_queries([" ".join(words[:length]) for length in LENGTHS for words in texts])
            questions[language] = made.reshape(len(LENGTHS), len(texts), -1).mean(axis=1, dtype=np.float32)
        own, asked = dict(means), dict(questions)
        for group in alignment.passages.keys() - own.keys():
            means[group] = alignment.passages[group] + _moved(own, alignment.passages, alignment.maps, group)
        for language in alignment.questions.keys() - asked.keys():
            moved = _moved(asked, alignment.questions, alignment.maps, language)
            questions[language] = alignment.questions[language] + moved
        return cls(means, questions, dict(alignment.maps), len(passages), alignment.digest)

    def place_passages(self, vectors: Vectors, passages: Sequence[Passage]) -> Vectors:
        """Vectors of passages as the model made them, shape (passages, dimension) -> unit vectors of this space."""
        placed = np.array(vectors, np.float32, copy=True)
        known = [group if (group := centred_with(each)) in self.passages else each.language for each in passages]
        for group, mean in self.passages.items():
            rows = np.array([each == group for each in known], np.bool_)
            placed[rows] = self._mapped(placed[rows] - mean, _language(group))
        return normalise(placed)

    def place_question(self, vector: Vectors, language: str, words: int) -> Vectors:
        """A question's vector as the model made it, shape (dimension,), and how many words it has -> a unit vector."""
        means = self.questions.get(language)
        if means is None and self.questions:
            means = np.mean(list(self.questions.values()), axis=0)
        if means is None:
            return vector
        length = np.log(np.clip(words, LENGTHS[0], LENGTHS[-1]))
        at = float(np.interp(length, np.log(LENGTHS), np.arange(len(LENGTHS))))
        low = min(int(at), len(LENGTHS) - 2)
        mean = means[low] + (at - low) * (means[low + 1] - means[low])
        placed = normalise((vector - _QUESTION_SHARE * mean)[None])
        if language in self.maps:  # not by BLAS: its threads would wait busily beside the model's
            placed = normalise(np.einsum("ij,jk->ik", placed, self.maps[language]))
        return np.asarray(placed[0], np.float32)

    def _mapped(self, centred: Vectors, language: str) -> Vectors:
        unit = normalise(centred)
        return unit @ self.maps[language] if language in self.maps else unit

    def save(self, path: Path) -> None:
        """Write the file."""
        parts = {"passages": self.passages, "questions": self.questions, "maps": self.maps}
        arrays: dict[str, Any] = {
            f"{part} {language}": value for part, values in parts.items() for language, value in values.items()
        }
        np.savez(path, about=np.array(json.dumps([self.learned_from, self.alignment])), **arrays)

    @classmethod
    def load(cls, path: Path) -> "VectorSpace":
        """Read the file; OSError or ValueError when it is missing or damaged."""
        parts: dict[str, dict[str, Vectors]] = {"passages": {}, "questions": {}, "maps": {}}
        try:
            with path.open("rb") as file, np.load(file) as arrays:
                learned_from, alignment = json.loads(str(arrays["about"]))
                for name in arrays.files:
                    part, _, language = name.partition(" ")
                    if language:
                        parts[part][language] = arrays[name]
        except (BadZipFile, EOFError, KeyError, TypeError, zlib.error) as error:
            raise ValueError(f"{path.name} is damaged: {error}") from error
        return cls(**parts, learned_from=int(learned_from), alignment=str(alignment))


def centred_with(passage: Passage) -> str:
    """What has a mean of its own: a language's passages, and its openings."""
    return f"{passage.language} {_OPENING}" if passage.role is Role.OPENING else passage.language


def _language(group: str) -> str:
    return group.partition(" ")[0]


def _moved(own: Mapping[str, Vectors], usual: Mapping[str, Vectors], maps: Mapping[str, Vectors], group: str) -> Any:
    """How far this corpus lies from the usual means, by what has means of its own, seen from `group`: there and back
    through the maps."""
    moves = []
    for other in sorted(own.keys() & usual.keys()):
        there, back = (maps.get(_language(each), _same(own[other])) for each in (other, group))
        moves.append((own[other] - usual[other]) @ there @ back.T)
    return np.mean(moves, axis=0) if moves else 0.0


def _same(vector: Vectors) -> Vectors:
    return np.eye(vector.shape[-1], dtype=np.float32)


def _snippets(passages: Sequence[Passage]) -> list[list[str]]:
    """The words of up to _SNIPPETS texts that questions can be imitated by."""
    asked = [passage for passage in passages if passage.role is Role.QUESTION]
    rng = np.random.default_rng(0)
    chosen = asked if len(asked) >= _LEAST else list(passages)
    found = []
    for number in rng.permutation(len(chosen))[:_SNIPPETS]:
        passage = chosen[number]
        if passage.role is Role.QUESTION:
            found.append(f"{passage.context}\n{passage.text}".split())
        else:
            words = passage.text.split()
            begin = int(rng.integers(0, max(1, len(words) - LENGTHS[1])))
            found.append(words[begin:])
    return found
