"""The space in which vectors are compared: centred per language and role, and mapped from language to language.

An embedding model puts all texts of a language into a narrow cone, whose axis says nothing about a single text. So the
mean of a language's passages is subtracted from its passages, and the mean of questions of the same length from a
question (the vectors of short questions differ from those of long ones). The centred vectors of one language are then
mapped onto those of the other (`alignment.py`). A vector space is learned when a generation is built from nothing. It
is stored with the generation and used for all of its vectors.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from recommender.datatypes import Passage, Role
from recommender.encoder import Encoder, Vectors, normalise
from recommender.language.alignment import Alignment

LENGTHS = (2, 8, 32, 128)
"""Lengths of questions, in words, whose means are stored. The mean for another length is interpolated by its logarithm.
A judgement."""
SAMPLE = 1024
"""Number of passages that a space is learned from: a judgement."""
_LEAST_PASSAGES = 32  # of a language, from which their mean is used as it is: a judgement
_SNIPPETS = 64  # texts that imitate questions, for each language: a judgement
_QUESTION_SHARE = 0.85  # share of the questions' mean that is subtracted: a judgement
_OPENING = Role.OPENING.value


@dataclass(frozen=True)
class VectorSpace:
    """Means and maps, by language.

    `passages` contains the mean of each language's passages, shape (dimension,), and under `LANGUAGE opening` the mean
    of its openings, which are short and so differ from longer passages. `questions` contains the means of questions of
    LENGTHS words, shape (4, dimension). `maps` is as in Alignment. For a language without a mean, the average of the
    other languages' means is used: passages that are not centred are near to every question.

    `learned_from` is the number of passages it was learned from, `alignment` the digest of the alignment.
    """

    passages: Mapping[str, Vectors] = field(default_factory=dict)
    questions: Mapping[str, Vectors] = field(default_factory=dict)
    maps: Mapping[str, Vectors] = field(default_factory=dict)
    learned_from: int = 0
    alignment: str = ""

    def outgrown(self, passages: int) -> bool:
        """True when it was learned from so few passages that an index of this size should learn it again."""
        return self.learned_from < SAMPLE // 2 and passages >= 2 * max(_LEAST_PASSAGES, self.learned_from)

    @classmethod
    def learn(
        cls, passages: Sequence[Passage], vectors: Vectors, encoder: Encoder, alignment: Alignment
    ) -> "VectorSpace":
        """Learn from a sample of passages and their vectors from the model, shape (passages, dimension).

        Questions are imitated by the first words of stored questions or, if there are too few, by snippets of passages.
        A language with few passages gets the alignment's means, shifted as the means of the other language differ from
        the alignment's. If the alignment has none, the mean of its passages is drawn towards the average of the other
        languages' means, the more the fewer they are.
        """
        means: dict[str, Vectors] = {}
        few: dict[str, Vectors] = {}
        questions: dict[str, Vectors] = {}
        for group in sorted({centred_with(passage) for passage in passages}):
            rows = [row for row, passage in enumerate(passages) if centred_with(passage) == group]
            (means if len(rows) >= _LEAST_PASSAGES else few)[group] = vectors[rows]
        means = {group: of_group.mean(axis=0) for group, of_group in means.items()}
        for language in [group for group in means if group == _language(group)]:
            texts = _snippets([passage for passage in passages if centred_with(passage) == language])
            encoded = _encoded_once([" ".join(words[:length]) for length in LENGTHS for words in texts], encoder)
            questions[language] = encoded.reshape(len(LENGTHS), len(texts), -1).mean(axis=1, dtype=np.float32)
        passage_means, question_means = dict(means), dict(questions)
        for group in alignment.passages.keys() - passage_means.keys():
            shift = _shift(passage_means, alignment.passages, alignment.maps, group)
            means[group] = alignment.passages[group] + shift
        for language in alignment.questions.keys() - question_means.keys():
            shift = _shift(question_means, alignment.questions, alignment.maps, language)
            questions[language] = alignment.questions[language] + shift
        for group in few.keys() - means.keys():
            average = _average(means, group)
            if average is not None:
                weight = _LEAST_PASSAGES - len(few[group])
                means[group] = (few[group].sum(axis=0) + weight * average) / _LEAST_PASSAGES
        return cls(means, questions, dict(alignment.maps), len(passages), alignment.digest)

    def place_passages(self, vectors: Vectors, passages: Sequence[Passage]) -> Vectors:
        """Transform the model's vectors of passages, shape (passages, dimension), into unit vectors of this space."""
        placed = np.array(vectors, np.float32, copy=True)
        groups = [centred_with(passage) for passage in passages]
        for group in sorted(set(groups)):
            mean = self._mean(group)
            if mean is not None:
                rows = np.array([other == group for other in groups], np.bool_)
                placed[rows] = self._mapped(placed[rows] - mean, _language(group))
        return normalise(placed)

    def _mean(self, group: str) -> Vectors | None:
        """What passages of a group are centred with: its mean, that of its language, or the average of the others."""
        for name in (group, _language(group)):
            if name in self.passages:
                return self.passages[name]
        return _average(self.passages, group)

    def place_question(self, vector: Vectors, language: str, words: int) -> Vectors:
        """Transform the model's vector of a question, shape (dimension,), into a unit vector of this space. `words` is
        the length of the question."""
        means = self.questions.get(language)
        if means is None and self.questions:
            means = np.mean(list(self.questions.values()), axis=0)
        if means is None:
            return vector
        length = np.log(np.clip(words, LENGTHS[0], LENGTHS[-1]))
        position = float(np.interp(length, np.log(LENGTHS), np.arange(len(LENGTHS))))
        low = min(int(position), len(LENGTHS) - 2)
        mean = means[low] + (position - low) * (means[low + 1] - means[low])
        placed = normalise((vector - _QUESTION_SHARE * mean)[None])
        if language in self.maps:  # not with BLAS: its idle threads would slow down the model's
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
        """Read the file. Raises OSError when it is missing, ValueError when it is damaged."""
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
    """The name of the mean that a passage is centred with: its language, or `LANGUAGE opening`."""
    return f"{passage.language} {_OPENING}" if passage.role is Role.OPENING else passage.language


def _encoded_once(questions: Sequence[str], encoder: Encoder) -> Vectors:
    """The vectors of questions, shape (questions, dimension). Each text is encoded once: one of a few words is the same
    at several lengths."""
    texts = list(dict.fromkeys(questions))
    rows = {text: row for row, text in enumerate(texts)}
    return encoder.encode_queries(texts)[[rows[question] for question in questions]]


def _average(means: Mapping[str, Vectors], group: str) -> Vectors | None:
    """The average of the means of other languages' passages of the same kind, shape (dimension,); None when there are
    none."""
    kind = group.removeprefix(_language(group))
    same_kind = [mean for name, mean in sorted(means.items()) if name.removeprefix(_language(name)) == kind]
    return np.asarray(np.mean(same_kind or list(means.values()), axis=0), np.float32) if means else None


def _language(group: str) -> str:
    return group.partition(" ")[0]


def _shift(
    means: Mapping[str, Vectors], shipped: Mapping[str, Vectors], maps: Mapping[str, Vectors], group: str
) -> Any:
    """The average difference between this corpus's means and the shipped ones, mapped to the language of `group`; shape
    (dimension,), or 0 when they have no language in common."""
    shifts = []
    for other in sorted(means.keys() & shipped.keys()):
        there, back = (maps.get(_language(name), _identity(means[other])) for name in (other, group))
        shifts.append((means[other] - shipped[other]) @ there @ back.T)
    return np.mean(shifts, axis=0) if shifts else 0.0


def _identity(vector: Vectors) -> Vectors:
    return np.eye(vector.shape[-1], dtype=np.float32)


def _snippets(passages: Sequence[Passage]) -> list[list[str]]:
    """The words of up to _SNIPPETS texts that imitate questions."""
    questions = [passage for passage in passages if passage.role is Role.QUESTION]
    rng = np.random.default_rng(0)
    chosen = questions if len(questions) >= _LEAST_PASSAGES else list(passages)
    snippets = []
    for number in rng.permutation(len(chosen))[:_SNIPPETS]:
        passage = chosen[number]
        if passage.role is Role.QUESTION:
            snippets.append(f"{passage.context}\n{passage.text}".split())
        else:
            words = passage.text.split()
            start = int(rng.integers(0, max(1, len(words) - LENGTHS[1])))
            snippets.append(words[start:])
    return snippets
