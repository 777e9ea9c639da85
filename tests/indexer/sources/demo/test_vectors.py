"""sources/demo/vectors.py: the vector of a known text is looked up, and any other text is encoded."""

from pathlib import Path

import numpy as np

from indexer.sources.demo.vectors import StoredVectorsEncoder, save, with_shipped_vectors
from tests.conftest import FakeEncoder


def test_a_known_text_is_looked_up_and_another_is_encoded_once(encoder: FakeEncoder) -> None:
    first = StoredVectorsEncoder(encoder, {})
    first.encode_passages(["printer jam"])
    second = StoredVectorsEncoder(encoder, first.vectors)
    encoder.encoded.clear()
    result = second.encode_passages(["printer jam", "coffee", "coffee"])
    assert encoder.encoded == ["coffee"]
    np.testing.assert_array_equal(result, FakeEncoder().encode_passages(["printer jam", "coffee", "coffee"]))
    second.encode_passages(["coffee"])
    assert encoder.encoded == ["coffee"]


def test_a_question_is_not_taken_for_a_passage_of_the_same_text(encoder: FakeEncoder) -> None:
    stored = StoredVectorsEncoder(encoder, {})
    stored.encode_queries(["printer"])
    assert len(stored.vectors) == 1
    stored.encode_passages(["printer"])
    assert len(stored.vectors) == 2


def test_no_texts_give_no_vectors(encoder: FakeEncoder) -> None:
    stored = StoredVectorsEncoder(encoder, {})
    assert stored.encode_queries([]).shape == (0, 64)
    assert stored.encode_passages([]).shape == (0, 64)


def test_a_file_returns_the_saved_vectors_for_the_same_model_only(encoder: FakeEncoder, tmp_path: Path) -> None:
    encoding = StoredVectorsEncoder(encoder, {})
    texts = ["printer jam upstairs", "tulostin ei tulosta", ""]
    expected = encoding.encode_passages(texts)
    save(tmp_path / "vectors.npz", encoder.card, encoding.vectors)
    encoder.encoded.clear()
    result = with_shipped_vectors(encoder, tmp_path / "vectors.npz").encode_passages(texts)
    assert encoder.encoded == [] and result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(result, axis=1), [1, 1, 0], atol=1e-6)
    other = FakeEncoder("another")
    assert with_shipped_vectors(other, tmp_path / "vectors.npz") is other
