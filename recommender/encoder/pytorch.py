"""Runs a model with Sentence Transformers and PyTorch. No other module imports sentence_transformers."""

import contextlib
import copy
import hashlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import ModelCard, Vectors, normalise

REVISION = "REVISION"
"""The file in which a folder that Kollega has made says its revision, which takes half a second to compute."""


_E5 = re.compile(r"\be5-(small|base|large)(-v2|-unsupervised)?$", re.IGNORECASE)
"""Names of models that need "query: " and "passage: " before texts."""


class TorchEncoder:
    """Runs the model of a Sentence Transformers folder. `threads` 0 means all processor threads."""

    backend = "torch"

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        with quiet():
            import torch

            if threads:
                torch.set_num_threads(threads)
            self._model = load_sentence_transformer(folder)
        self._prompts = prompts_of(self._model, name)
        self.card = card_of(name, folder, self._model)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["query"] + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["document"] + text for text in texts])

    def count_tokens(self, text: str) -> int:
        return len(self._counting(text, add_special_tokens=False, verbose=False)["input_ids"])

    @cached_property
    def _counting(self) -> Any:
        """A tokenizer of its own, since each use of one changes it: texts are counted while others are encoded."""
        return copy.deepcopy(self._model.tokenizer)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.card.dimension), np.float32)
        return normalise(np.asarray(self._model.encode(list(texts), show_progress_bar=False), np.float32))


class TorchCrossEncoder:
    """Runs a cross-encoder that Sentence Transformers can load, by name or folder."""

    def __init__(self, name: str, threads: int) -> None:
        with quiet():
            import torch
            from sentence_transformers import CrossEncoder

            if threads:
                torch.set_num_threads(threads)
            self._model = CrossEncoder(name, device="cpu")
        self.name = name

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """As in the protocol. Raises ValueError when the model gives more than one number for a text."""
        scores = np.asarray(
            self._model.predict([(question, text) for text in texts], show_progress_bar=False), np.float32
        )
        if scores.shape != (len(texts),):
            raise ValueError(f"{self.name} gives {scores.shape[1:]} numbers for a text, not one")
        return scores


def load_sentence_transformer(folder: Path) -> Any:
    """Load the model of a Sentence Transformers folder, to run on the CPU."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def revision_of(folder: Path) -> str:
    """Twelve hexadecimal digits that change when the weights, tokenizer, pooling or prompts do. A folder that Kollega
    has made and checked says them itself."""
    if (folder / REVISION).exists():
        return (folder / REVISION).read_text(encoding="ascii").strip()
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".json", ".safetensors", ".bin", ".txt", ".model") and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def prompts_of(model: Any, name: str) -> dict[str, str]:
    """The model's prompts by `query` and `document`, empty where it has none. Models of the E5 family need the two that
    their authors describe (Wang et al. 2024), and say them only in words."""
    named = {key: value for key, value in (model.prompts or {}).items() if value}
    if not named and _E5.search(name):
        return {"query": "query: ", "document": "passage: "}
    return {"query": named.get("query", ""), "document": named.get("document", named.get("passage", ""))}


def card_of(name: str, folder: Path, model: Any) -> ModelCard:
    """The card of a loaded model."""
    dimension = model.get_embedding_dimension()
    return ModelCard(name, revision_of(folder), int(dimension), int(model.max_seq_length or 512))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress the progress bars and warnings of the libraries. None of these warnings needs an action. What a library
    makes of the level of all logging meanwhile is undone at the end."""
    level = logging.getLogger().level
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
        try:
            yield
        finally:
            logging.getLogger().setLevel(level)
