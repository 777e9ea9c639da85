"""encoder/adaptation.py: a small adaptation is applied, saved and read, and an unusable file is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.encoder.adaptation import Adaptation
from recommender.errors import ModelError

B = np.array([[1.0], [2.0]], np.float32)
A = np.array([[0.5, 0.0, -1.0]], np.float32)
SMALL = Adaptation({"layer.weight": (B, A)}, base="weights", source="written here")


def test_a_change_is_the_product_of_its_two_matrices_added() -> None:
    state = {"layer.weight": np.ones((2, 3), np.float32), "layer.bias": np.zeros(2, np.float32)}
    changed = SMALL.apply(state)
    # [1, 2]' [0.5, 0, -1] = [[0.5, 0, -1], [1, 0, -2]], and 1 is added to each number
    assert changed["layer.weight"].tolist() == [[1.5, 1.0, 0.0], [2.0, 1.0, -1.0]]
    assert changed["layer.bias"] is state["layer.bias"]
    assert state["layer.weight"].tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("state", [{}, {"layer.weight": np.ones((3, 2), np.float32)}])
def test_a_change_of_a_weight_that_the_model_does_not_have_is_refused(state: Any) -> None:
    with pytest.raises(ModelError, match=r"changes layer\.weight, which the model does not have"):
        SMALL.apply(state)


def test_a_saved_adaptation_is_read_only_for_its_own_weights(tmp_path: Path) -> None:
    SMALL.save(tmp_path / "file.npz")
    loaded = Adaptation.load("weights", tmp_path / "file.npz")
    [(name, (b, a))] = loaded.changes.items()
    assert name == "layer.weight"
    for stored, matrix in ((b, B), (a, A)):  # of 8 bits
        assert stored.dtype == np.float32
        np.testing.assert_allclose(stored, matrix, atol=np.abs(matrix).max() / 127)
    assert (loaded.base, loaded.source, len(loaded.digest)) == ("weights", "written here", 12)
    with pytest.raises(ModelError, match="other weights than the installed ones"):
        Adaptation.load("others", tmp_path / "file.npz")


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    assert Adaptation.load("weights", tmp_path / "file.npz") == Adaptation()
    assert Adaptation().apply({}) == {}


@pytest.mark.parametrize("content", [b"", b"not a file of numbers", "half"])
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "file.npz"
    SMALL.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(ModelError, match=r"file\.npz cannot be read .* Run: make adaptation"):
        Adaptation.load("weights", path)
