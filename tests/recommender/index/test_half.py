"""index/half.py: half precision compared with NumPy's own reading of it."""

import numpy as np

from recommender.index.half import from_half


def test_every_finite_number_of_half_precision_is_read_exactly() -> None:
    numbers = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = numbers[np.isfinite(numbers)].reshape(-1, 16)
    found = from_half(numbers.view(np.uint8))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, numbers.astype(np.float32))


def test_no_vectors_are_read_as_none() -> None:
    assert from_half(np.zeros((0, 32), np.uint8)).shape == (0, 16)
