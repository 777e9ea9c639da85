"""Makes small models with random weights, of the architectures of known embedding models."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

TEXTS = [
    "unohdin salasanani mistä saan uuden",
    "I forgot my password where do I get a new one",
    "tulostin ei tulosta",
    "the printer does not print query passage task search result title none text",
]
WIDTH = 32
"""Numbers of a vector."""
_LAYERS = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
}
_ONE_KEY = {"num_key_value_heads": 1, "head_dim": 16}


def _xlm_roberta(pooling: str, prompts: Mapping[str, str], folder: Path) -> None:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    tokenizer = _pieces()
    model = XLMRobertaModel(XLMRobertaConfig(vocab_size=len(tokenizer), pad_token_id=1, **_LAYERS))
    _save(model, tokenizer, [_pooling(pooling)], prompts, folder)


def _qwen3(folder: Path) -> None:
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = _bytes()
    model = Qwen3Model(Qwen3Config(vocab_size=len(tokenizer), **_LAYERS, **_ONE_KEY))
    prompts = {"query": "Instruct: Find the answer.\nQuery:", "document": ""}
    _save(model, tokenizer, [_pooling("lasttoken")], prompts, folder)


def _gemma3(folder: Path) -> None:
    from sentence_transformers.models import Dense
    from transformers import Gemma3TextConfig, Gemma3TextModel

    tokenizer = _pieces()
    config = Gemma3TextConfig(vocab_size=len(tokenizer), use_bidirectional_attention=True, **_LAYERS, **_ONE_KEY)
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    rest = [_pooling("mean"), Dense(WIDTH, 64), Dense(64, WIDTH)]
    _save(Gemma3TextModel(config), tokenizer, rest, prompts, folder)


MAKERS: dict[str, Callable[[Path], None]] = {
    "multilingual-e5-base": partial(_xlm_roberta, "mean", {}),
    "bge-m3": partial(_xlm_roberta, "cls", {}),
    "snowflake-arctic-embed-l-v2.0": partial(_xlm_roberta, "cls", {"query": "query: "}),
    "Qwen3-Embedding-0.6B": _qwen3,
    "embeddinggemma-300m": _gemma3,
}
"""Writes the stand-in of a model, by its name, into a folder."""


def _pieces() -> Any:
    """A tokenizer like that of XLM-RoBERTa."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(TEXTS * 5, trainer)
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names)


def _bytes() -> Any:
    """A tokenizer like that of Qwen3: pads on the left, and ends a text with the token whose vector is taken."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    end = "<|endoftext|>"
    letters = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[end], initial_alphabet=letters)
    tokenizer.train_from_iterator(TEXTS * 5, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, 0)])
    names = {"eos_token": end, "pad_token": end}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, padding_side="left", **names)


def _pooling(mode: str) -> Any:
    from sentence_transformers.models import Pooling

    return Pooling(WIDTH, mode)


def _save(model: Any, tokenizer: Any, rest: Sequence[Any], prompts: Mapping[str, str], folder: Path) -> None:
    """Write a Sentence Transformers folder: the model, what comes after it, and the scaling to length 1."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Transformer

    alone = folder.with_name(f"{folder.name}-alone")
    model.save_pretrained(alone)
    tokenizer.save_pretrained(alone)
    modules = [Transformer(str(alone)), *rest, Normalize()]
    SentenceTransformer(modules=modules, prompts=dict(prompts), device="cpu").save(str(folder))
