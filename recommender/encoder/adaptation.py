"""Fine-tuning of the packaged model: low-rank changes of the weights of its upper layers.

`make adaptation` (`indexer/research/adaptation.py`) writes the file `adaptation.npz`. Without the file the model is
used as it is in its package. A weight W of shape (out, in) is changed to W + B A, with B of shape
(out, rank) and A of shape (rank, in): Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
"""

import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ModelError
from recommender.sentences.sentence import Sentence

FILE = Path(__file__).parent / "adaptation.npz"
Matrix = NDArray[np.float32]
_LARGEST = 127  # of a number of 8 bits


@dataclass(frozen=True)
class Adaptation:
    """Changes of weights: {name of the weight in `transformers.BertModel`: (B, A)}.

    `base` is the SHA-256 of the file of weights that the changes are for, `source` says what they were learned from,
    and `digest` identifies the adaptation.
    """

    changes: Mapping[str, tuple[Matrix, Matrix]] = field(default_factory=dict)
    base: str = ""
    source: str = ""
    digest: str = ""

    @classmethod
    def load(cls, base: str, path: Path = FILE) -> "Adaptation":
        """Read the file; without the file there are no changes. Raises ModelError when it is damaged, or belongs to
        other weights than `base`."""
        if not path.exists():
            return cls()
        try:
            content = path.read_bytes()
            with np.load(io.BytesIO(content)) as arrays:
                about = json.loads(str(arrays["about"]))
                names = [name.removesuffix(" A") for name in arrays.files if name.endswith(" A")]
                changes = {
                    name: tuple(arrays[f"{name} {side}"] * arrays[f"{name} {side} scale"] for side in "BA")
                    for name in names
                }
            adaptation = cls(changes, about["base"], about["source"], hashlib.sha256(content).hexdigest()[:12])
        except (OSError, ValueError, BadZipFile, EOFError, KeyError, TypeError, zlib.error) as error:
            raise ModelError(
                Sentence(
                    "%(file)s cannot be read (%(reason)s). Run: make adaptation, or delete it", file=path, reason=error
                )
            ) from error
        if adaptation.base != base:
            raise ModelError(
                Sentence(
                    "%(file)s belongs to other weights than the installed ones. Run: make adaptation, or delete it",
                    file=path,
                )
            )
        return adaptation

    def save(self, path: Path) -> None:
        """Write the file, with numbers of 8 bits and a scale for each of the `rank` directions. The digest is computed
        when the file is read."""
        arrays: dict[str, Any] = {}
        for name, (b, a) in self.changes.items():
            for side, matrix, axis in (("B", b, 0), ("A", a, 1)):
                scale = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), 1e-12).astype(np.float32) / _LARGEST
                arrays[f"{name} {side}"] = np.round(matrix / scale).astype(np.int8)
                arrays[f"{name} {side} scale"] = scale
        about = json.dumps({"base": self.base, "source": self.source})
        np.savez_compressed(path, about=np.array(about), **arrays)

    def apply(self, state: Mapping[str, Matrix]) -> dict[str, Matrix]:
        """The weights `state` with the changes. Raises ModelError when a changed weight is missing in `state` or has
        another shape."""
        changed = dict(state)
        for name, (b, a) in self.changes.items():
            if name not in changed or changed[name].shape != (b.shape[0], a.shape[1]):
                raise ModelError(
                    Sentence(
                        "The adaptation changes %(name)s, which the model does not have. Run: make adaptation",
                        name=name,
                    )
                )
            changed[name] = np.ascontiguousarray(changed[name] + b @ a, np.float32)
        return changed
