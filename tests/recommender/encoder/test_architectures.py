"""Models that docs/models.md recommends, by small stand-ins of the same architecture with random weights: they go
through the code that loads the real ones, which cannot be had here. Prompts, pooling and length come from their
folders."""

import gc
import logging
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from recommender.encoder import openvino
from recommender.encoder.load import load_encoder
from recommender.encoder.pytorch import load_sentence_transformer, quiet
from recommender.errors import ModelError
from recommender.settings import Settings
from tests.recommender.encoder.standins import MAKERS

QUESTIONS = ["unohdin salasanani", "the printer", "I forgot my password where do I get a new one"]
PROMPTS = {
    "multilingual-e5-base": ("query: ", "passage: "),
    "bge-m3": ("", ""),
    "snowflake-arctic-embed-l-v2.0": ("query: ", ""),
    "Qwen3-Embedding-0.6B": ("Instruct: Find the answer.\nQuery:", ""),
    "embeddinggemma-300m": ("task: search result | query: ", "title: none | text: "),
}
BACKENDS = {"embeddinggemma-300m": "torch"}
"""Where it is not OpenVINO: that cannot convert it."""


@pytest.fixture(scope="module", params=sorted(PROMPTS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / request.param
    with quiet():
        MAKERS[request.param](folder)
    return folder


@pytest.fixture(scope="module")
def settings_of(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), model=str(model), threads=1)


def test_its_vectors_are_those_of_sentence_transformers_with_the_prompts_of_its_card(
    model: Path, settings_of: Settings
) -> None:
    level = logging.getLogger().level
    encoder = load_encoder(settings_of)
    assert logging.getLogger().level == level  # OpenVINO raises it when it cannot convert
    assert encoder.backend == BACKENDS.get(model.name, "openvino")
    assert encoder.card.dimension == 32 and encoder.card.max_tokens == 64
    with quiet():
        original = load_sentence_transformer(model)
    for encode, prompt in zip((encoder.encode_queries, encoder.encode_passages), PROMPTS[model.name], strict=True):
        wanted = original.encode([prompt + text for text in QUESTIONS], prompt="", normalize_embeddings=True)
        assert (encode(QUESTIONS) * wanted).sum(axis=1).min() > 0.999
        assert float(encode(QUESTIONS[:1])[0] @ wanted[0]) > 0.999  # alone it is not padded


def test_its_first_numbers_alone_are_scaled_to_length_one(model: Path, settings_of: Settings) -> None:
    whole, first = load_encoder(settings_of), load_encoder(replace(settings_of, model=f"{model}@8"))
    assert (first.card.name, first.card.dimension) == (f"{model}@8", 8)
    vectors = whole.encode_passages(QUESTIONS)[:, :8]
    wanted = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(first.encode_passages(QUESTIONS), wanted, atol=1e-6)
    with pytest.raises(ModelError, match="makes vectors of 32 numbers; 32 is no part of them"):
        load_encoder(replace(settings_of, model=f"{model}@32"))


def test_a_model_whose_tokenizer_fills_every_text_up_is_converted_too(tmp_path: Path) -> None:
    with quiet():
        MAKERS["multilingual-e5-base"](tmp_path / "model")
    written = Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    written.enable_padding(length=64, pad_id=1, pad_token="<pad>")
    written.save(str(tmp_path / "model" / "tokenizer.json"))
    encoder = load_encoder(Settings(home=tmp_path / "home", model=str(tmp_path / "model"), threads=1))
    assert encoder.backend == "openvino" and encoder.count_tokens("unohdin") < 10


def test_a_converted_model_that_makes_other_vectors_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with quiet():
        MAKERS["bge-m3"](tmp_path / "one")
        MAKERS["multilingual-e5-base"](tmp_path / "other")
    convert: Callable[[Any], Any] = openvino._convert
    other = load_sentence_transformer(tmp_path / "other").eval()
    monkeypatch.setattr(openvino, "_convert", lambda _model: convert(other))
    with caplog.at_level(logging.WARNING):
        encoder = load_encoder(Settings(home=tmp_path, model=str(tmp_path / "one"), threads=1))
    assert encoder.backend == "torch" and "its vectors would be others" in caplog.text


def test_nothing_of_the_model_is_left_in_memory_by_its_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server looks for no garbage while it loads, and keeps what is there then."""
    with quiet():
        MAKERS["multilingual-e5-base"](tmp_path / "model")
    loaded: list[weakref.ref[Any]] = []

    def noted(folder: Path) -> Any:
        model = load_sentence_transformer(folder)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr(openvino, "load_sentence_transformer", noted)
    gc.disable()
    try:
        encoder = load_encoder(Settings(home=tmp_path / "home", model=str(tmp_path / "model"), threads=1))
        assert encoder.backend == "openvino"
        assert [reference() for reference in loaded] == [None]
    finally:
        gc.enable()
