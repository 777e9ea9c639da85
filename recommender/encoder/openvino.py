"""Runs an exported model with OpenVINO. A Sentence Transformers folder is exported once. No other module imports
openvino."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recommender.checksums import FileState, is_as_sealed, problem_of, states, whole_folder
from recommender.encoder import ModelCard, Vectors, normalise
from recommender.encoder.pytorch import card_of, load_sentence_transformer, prompts_of, quiet, revision_of
from recommender.encoder.tokens import Tokenizer
from recommender.errors import ModelError

_BATCH_TOKENS = 2048  # tokens in a batch, with padding: a judgement
_SAME = 0.999  # cosine from which two vectors of a text count as the same; bfloat16 alone changes it by 0.00002


class OpenVINOEncoder:
    """Runs an exported model with OpenVINO and a tokenizer, without PyTorch."""

    backend = "openvino"

    def __init__(
        self,
        card: ModelCard,
        prompts: dict[str, str],
        tokenizer: Tokenizer,
        model: Any,
        inputs: set[str],
        files: tuple[FileState, ...] = (),
    ) -> None:
        self.card = card
        self.files = files
        self._prompts = prompts
        self._tokenizer = tokenizer
        self._model = model
        self._inputs = inputs

    @classmethod
    def load(
        cls, name: str, folder: Path, models_dir: Path, threads: int, source: Callable[[], Path] | None = None
    ) -> "OpenVINOEncoder":
        """Load the export of `folder` under `models_dir`; the first call exports it (5 to 10 s), and so does one that
        finds the export damaged; `source` gives the folder then, after checking it. `threads` 0 means all processor
        threads."""
        import openvino

        revision = revision_of(folder)
        exported = exported_in(models_dir, name, revision)
        if problem_of(exported):
            folder = source() if source else folder  # not within `whole_folder`, which has the lock then
            whole_folder(exported, partial(_export, name, folder, revision))
        files = states([exported / "model.xml", exported / "model.bin"])  # the weights are memory-mapped
        facts = json.loads((exported / "card.json").read_text(encoding="utf-8"))
        card = ModelCard(**facts["card"])
        core = openvino.Core()
        config = {"PERFORMANCE_HINT": "LATENCY"}  # bfloat16 if the processor has it: cosine 0.99998 to float32
        if threads:
            config["INFERENCE_NUM_THREADS"] = str(threads)
        with ThreadPoolExecutor(1) as beside:  # the model needs Python's lock only for a moment
            compiling = beside.submit(core.compile_model, exported / "model.xml", "CPU", config)
            tokenizer = Tokenizer(exported / "tokenizer.json", models_dir, card.max_tokens)
            model = compiling.result()
        inputs = {port.get_any_name() for port in model.inputs}
        return cls(card, facts["prompts"], tokenizer, model, inputs, files)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["query"] + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts["document"] + text for text in texts])

    def count_tokens(self, text: str) -> int:
        return self._tokenizer.count(text)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.card.dimension), np.float32)
        tokens = self._tokenizer.numbers(texts)
        request = self._model.create_infer_request()  # one per call: requests are not shared between threads
        for rows in _batches([len(ids) for ids in tokens]):
            width = max(len(tokens[row]) for row in rows)
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.int64)
            for position, row in enumerate(rows):
                ids[position, : len(tokens[row])] = tokens[row]
                mask[position, : len(tokens[row])] = 1
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            vectors[rows] = request.infer({name: value for name, value in inputs.items() if name in self._inputs})[0]
        return normalise(vectors)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, each of at most _BATCH_TOKENS tokens with padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and lengths[row] * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _export(name: str, folder: Path, revision: str, target: Path) -> None:
    """Convert the model of a folder to OpenVINO and write it to `target`, with its tokenizer and its card.

    The weights are stored as float16, which changes no cosine by more than 3e-7 and saves 200 MB of memory. Raises
    ModelError when the converted model makes other vectors than the model.
    """
    import openvino

    with quiet():
        model = load_sentence_transformer(folder).eval()
        converted = _convert(model)
        _compare(converted, model)
    openvino.save_model(converted, target / "model.xml", compress_to_fp16=True)
    model.tokenizer.backend_tokenizer.save(str(target / "tokenizer.json"))
    card = card_of(name, folder, model)
    facts = {"card": {**card.__dict__, "revision": revision}, "prompts": prompts_of(model, name)}
    (target / "card.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _convert(model: Any) -> Any:
    """The whole pipeline of a SentenceTransformer (transformer, pooling, normalisation) as an OpenVINO model."""
    import openvino
    import torch

    known = min(900, len(model.tokenizer))
    example = {"input_ids": torch.randint(5, known, (2, 16)), "attention_mask": torch.ones((2, 16), dtype=torch.int64)}
    if "token_type_ids" in model.tokenizer.model_input_names:
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
        return openvino.convert_model(Pipeline(), example_input=example)


def _compare(converted: Any, model: Any) -> None:
    """Raises ModelError when the vectors of a converted model differ from those of the model, for texts of which one is
    padded."""
    import openvino

    texts = ["Tulostin ei tulosta.", "The printer in the meeting room on the second floor is not printing at all."]
    tokenizer = model.tokenizer.backend_tokenizer
    read = [tokenizer.encode(text) for text in texts]
    # some tokenizers fill every text up by themselves
    lines = [[number for number, counts in zip(each.ids, each.attention_mask, strict=True) if counts] for each in read]
    width = max(map(len, lines))
    ids = np.array([line + [0] * (width - len(line)) for line in lines], np.int64)
    mask = np.array([[1] * len(line) + [0] * (width - len(line)) for line in lines], np.int64)
    compiled = openvino.Core().compile_model(converted, "CPU")
    names = {port.get_any_name() for port in compiled.inputs}
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    vectors = normalise(compiled({name: value for name, value in inputs.items() if name in names})[0])
    wanted = normalise(np.asarray(model.encode(texts, prompt="", show_progress_bar=False), np.float32))
    nearest = float((vectors * wanted).sum(axis=1).min())
    if nearest < _SAME:
        raise ModelError(f"its vectors would be others: cosine {nearest:.4f} to those of the model itself")


def card_of_export(name: str, folder: Path, models_dir: Path) -> ModelCard | None:
    """The card of the export of `folder`, without checking or loading the rest of it; None when there is none yet, or
    it is damaged."""
    try:
        exported = exported_in(models_dir, name, revision_of(folder))
        if not is_as_sealed(exported, "card.json"):
            return None
        return ModelCard(**json.loads((exported / "card.json").read_text(encoding="utf-8"))["card"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def exported_in(models_dir: Path, name: str, revision: str) -> Path:
    """The folder of a model's export, which may be missing."""
    return models_dir / f"{name.replace('/', '--')}-{revision}-openvino"
