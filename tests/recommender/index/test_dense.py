"""index/dense.py: FAISS compared with plain numpy."""

import os
import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.encoder import Vectors, normalise
from recommender.index import dense
from recommender.index.dense import DenseIndex, Rows


def _random(rows: int, dimension: int, seed: int) -> Vectors:
    return normalise(np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32))


def _exact(vectors: Vectors) -> DenseIndex:
    index = DenseIndex.empty(vectors.shape[1], approximate=False)
    index.add(vectors)
    return index


def _nearest(vectors: Vectors, query: Vectors, readable: NDArray[np.bool_], top_k: int) -> list[tuple[int, float]]:
    cosines = np.where(readable, vectors @ query, -np.inf)
    best = np.argsort(-cosines, kind="stable")[:top_k]
    return [(int(i), float(cosines[i])) for i in best if readable[i]]


def test_exact_search_agrees_with_numpy_on_ids_and_scores() -> None:
    vectors, queries = _random(2000, 48, seed=1), _random(20, 48, seed=2)
    readable = np.random.default_rng(3).random(2000) < 0.3
    index = _exact(vectors)
    for query in queries:
        expected = _nearest(vectors, query, readable, 25)
        result = index.search(query, readable, 25)
        assert [i for i, _score in result] == [i for i, _score in expected]
        assert [score for _i, score in result] == pytest.approx([score for _i, score in expected], abs=1e-6)


def test_a_reader_who_may_read_nothing_finds_nothing() -> None:
    vectors = _random(50, 8, seed=4)
    assert _exact(vectors).search(vectors[0], np.zeros(50, np.bool_), 10) == []


def test_a_reader_who_may_read_one_row_finds_it_however_far_it_is() -> None:
    vectors = _random(50, 8, seed=5)
    for row in (0, 7, 8, 49):  # bits at both ends of a byte of the bitmap, and its last bit
        readable = np.zeros(50, np.bool_)
        readable[row] = True
        assert _exact(vectors).search(-vectors[row], readable, 10) == [(row, pytest.approx(-1.0))]


@pytest.mark.parametrize("approximate", [False, True])
def test_an_index_smaller_than_top_k_returns_all_its_rows(approximate: bool) -> None:
    vectors = np.eye(3, dtype=np.float32)
    index = DenseIndex.empty(3, approximate)
    index.add(vectors)
    query = normalise(np.array([[3.0, 2.0, 1.0]], np.float32))[0]
    result = index.search(query, np.ones(3, np.bool_), 100)
    assert [i for i, _score in result] == [0, 1, 2]
    assert [score for _i, score in result] == pytest.approx([3 / 14**0.5, 2 / 14**0.5, 1 / 14**0.5], abs=1e-3)


@pytest.mark.parametrize("approximate", [False, True])
def test_an_empty_index_finds_nothing(approximate: bool) -> None:
    index = DenseIndex.empty(8, approximate)
    index.add(np.zeros((0, 8), np.float32))
    assert len(index) == 0
    assert index.search(np.ones(8, np.float32), np.zeros(0, np.bool_), 5) == []


@cache
def _clusters() -> tuple[Vectors, Vectors, DenseIndex]:
    """24,000 vectors around 300 centres, 100 questions near some of them, and an HNSW index of the vectors."""
    random = np.random.default_rng(6)
    centres = random.normal(size=(300, 32))
    vectors = normalise(
        (centres[random.integers(300, size=24_000)] + 0.4 * random.normal(size=(24_000, 32))).astype("f4")
    )
    queries = normalise((centres[random.integers(300, size=100)] + 0.4 * random.normal(size=(100, 32))).astype("f4"))
    index = DenseIndex.empty(32, approximate=True)
    index.add(vectors)
    return vectors, queries, index


def _recall(readable: NDArray[np.bool_]) -> float:
    vectors, queries, index = _clusters()
    shares = []
    for query in queries:
        expected = {i for i, _score in _nearest(vectors, query, readable, 10)}
        result = [i for i, _score in index.search(query, readable, 10)]
        assert readable[result].all()
        shares.append(len(expected & set(result)) / len(expected))
    return float(np.mean(shares))


def test_hnsw_finds_nearly_what_numpy_finds() -> None:
    assert _recall(np.ones(24_000, np.bool_)) >= 0.95


def test_hnsw_under_a_filter_finds_nearly_what_numpy_finds() -> None:
    readable = np.random.default_rng(7).random(24_000) < 0.85
    assert readable.sum() >= 20_000  # enough for HNSW to be used
    assert _recall(readable) >= 0.95


@pytest.mark.parametrize("share", [0.5, 0.02])
def test_hnsw_finds_enough_under_a_narrow_filter(share: float) -> None:
    assert _recall(np.random.default_rng(8).random(24_000) < share) >= 0.98


def test_hnsw_scores_are_cosines() -> None:
    vectors, queries, index = _clusters()
    for i, score in index.search(queries[0], np.ones(24_000, np.bool_), 10):
        assert score == pytest.approx(float(vectors[i] @ queries[0]), abs=2e-3)


def test_the_padding_of_faiss_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries, index = _clusters()
    monkeypatch.setattr(dense, "_EXACT_BELOW", 0)  # force HNSW, which finds hardly anything under a narrow filter
    monkeypatch.setattr(dense, "_SEARCH", 1)
    readable = np.zeros(24_000, np.bool_)
    readable[np.argsort(vectors @ queries[0])[:3]] = True  # the three rows that are farthest from the question
    raw = index.shared.index.search(
        queries[:1],
        3,
        params=dense.faiss.SearchParametersHNSW(
            sel=dense.faiss.IDSelectorBitmap(np.packbits(readable, bitorder="little")), efSearch=3
        ),
    )[1]
    assert -1 in raw  # otherwise this test checks nothing
    result = index.search(queries[0], readable, 10)
    assert all(readable[i] for i, _score in result)
    assert -1 not in [i for i, _score in result]


def test_top_k_above_the_number_of_readable_rows_returns_these_rows() -> None:
    vectors = _random(2000, 16, seed=9)
    readable = np.zeros(2000, np.bool_)
    readable[[3, 500, 1999]] = True
    result = _exact(vectors).search(vectors[500], readable, 10)
    assert result[0] == (500, pytest.approx(1.0))
    assert {i for i, _score in result} == {3, 500, 1999}


@pytest.mark.parametrize("approximate", [False, True])
def test_a_saved_index_searches_as_before(tmp_path: Path, approximate: bool) -> None:
    vectors = _random(300, 16, seed=10)
    index = DenseIndex.empty(16, approximate)
    index.add(vectors[:100])
    index.add(vectors[100:])
    index.save(tmp_path / "vectors.faiss")
    loaded = DenseIndex.load(tmp_path / "vectors.faiss")
    assert (len(loaded), loaded.approximate) == (300, approximate)
    readable = np.ones(300, np.bool_)
    assert loaded.search(vectors[250], readable, 5) == index.search(vectors[250], readable, 5)
    assert loaded.search(vectors[250], readable, 1)[0][0] == 250


@pytest.mark.parametrize(("approximate", "error"), [(False, 0.0), (True, 1e-3)])
def test_vectors_are_returned_in_the_order_of_the_ids(approximate: bool, error: float) -> None:
    vectors = _random(30, 16, seed=11)
    index = DenseIndex.empty(16, approximate)
    index.add(vectors)
    np.testing.assert_allclose(index.vectors(np.array([29, 0, 7], np.int64)), vectors[[29, 0, 7]], atol=error)
    assert index.vectors(np.array([], np.int64)).shape == (0, 16)


def test_a_missing_or_truncated_file_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises((RuntimeError, OSError)):
        DenseIndex.load(tmp_path / "vectors.faiss")
    _exact(_random(30, 16, seed=12)).save(tmp_path / "vectors.faiss")
    (tmp_path / "vectors.faiss").write_bytes((tmp_path / "vectors.faiss").read_bytes()[:-10])
    with pytest.raises((RuntimeError, OSError)):
        DenseIndex.load(tmp_path / "vectors.faiss")


@pytest.mark.parametrize("approximate", [False, True])
def test_a_question_begins_no_threads_and_leaves_their_number_to_others(approximate: bool) -> None:
    index = DenseIndex.empty(4, approximate)
    index.add(np.eye(4, dtype=np.float32))
    index = index.continued()
    index.add(np.eye(4, dtype=np.float32))
    threads: list[int] = []

    def search() -> None:
        dense.faiss.omp_set_num_threads(7)  # of this thread alone
        threads.append(len(os.listdir("/proc/self/task")))
        index.search(np.eye(4, dtype=np.float32)[0], np.ones(8, np.bool_), 3)
        threads.append(len(os.listdir("/proc/self/task")))
        threads.append(dense.faiss.omp_get_max_threads())

    asking = threading.Thread(target=search)
    asking.start()
    asking.join()
    assert threads == [threads[0], threads[0], 7]


@pytest.mark.parametrize("approximate", [False, True])
def test_what_is_added_to_a_continued_index_is_found_there_alone(tmp_path: Path, approximate: bool) -> None:
    vectors = _random(330, 16, seed=13)
    first = DenseIndex.empty(16, approximate)
    first.add(vectors[:300])
    first.save(tmp_path / "vectors.faiss")
    loaded = DenseIndex.load(tmp_path / "vectors.faiss")
    second = loaded.continued()
    second.add(vectors[300:310])
    third = second.continued()
    third.add(vectors[310:])
    assert (len(loaded), len(second), len(third), third.added) == (300, 310, 330, 30)
    readable = np.random.default_rng(14).random(330) < 0.8
    whole = DenseIndex.empty(16, approximate)
    whole.add(vectors)
    for query in _random(10, 16, seed=15):
        assert third.search(query, readable, 25) == whole.search(query, readable, 25)
        assert all(row < 310 for row, _score in second.search(query, np.ones(310, np.bool_), 310))
    ids = np.array([305, 0, 329, 299, 300], np.int64)
    np.testing.assert_array_equal(third.vectors(ids), whole.vectors(ids))
    np.testing.assert_array_equal(third.merged().vectors(ids), whole.vectors(ids))
    assert (third.merged().added, len(loaded)) == (0, 300)


@pytest.mark.parametrize("approximate", [False, True])
def test_few_vectors_are_copied_at_once(approximate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, read = _random(95, 16, seed=18), []
    first = DenseIndex.empty(16, approximate)
    first.add(vectors[:50])
    second = first.continued()
    second.add(vectors[50:])
    get = Rows.vectors

    def watched(self: Rows, ids: NDArray[np.int64]) -> Vectors:
        read.append(len(ids))
        return get(self, ids)

    monkeypatch.setattr("recommender.index.dense._COPIED", 10, raising=False)
    monkeypatch.setattr(Rows, "vectors", watched)
    merged, fewer = second.merged(), second.only(np.arange(94, -1, -2, dtype=np.int64), approximate)
    assert max(read) == 10
    monkeypatch.undo()
    everything = second.vectors(np.arange(95))
    np.testing.assert_array_equal(merged.vectors(np.arange(95)), everything)
    np.testing.assert_array_equal(fewer.vectors(np.arange(48)), everything[::-2])


@pytest.mark.parametrize("approximate", [False, True])
def test_added_vectors_are_saved_beside_the_file_of_the_others(tmp_path: Path, approximate: bool) -> None:
    vectors, path = _random(110, 16, seed=16), tmp_path / "vectors.faiss"
    first = DenseIndex.empty(16, approximate)
    first.add(vectors[:100])
    first.save(path)
    written = path.stat().st_mtime_ns
    second = DenseIndex.load(path).continued()
    second.save_added(path)
    assert [each.name for each in tmp_path.iterdir()] == ["vectors.faiss"]  # nothing was added
    second.add(vectors[100:])
    second.save_added(path)
    loaded = DenseIndex.load(path)
    assert (len(loaded), loaded.added, path.stat().st_mtime_ns) == (110, 10, written)
    assert loaded.search(vectors[105], np.ones(110, np.bool_), 1)[0][0] == 105


def test_a_file_that_is_in_memory_is_not_read_again_unless_it_was_written(tmp_path: Path) -> None:
    path, other = tmp_path / "vectors.faiss", tmp_path / "other.faiss"
    _exact(_random(30, 16, seed=17)).save(path)
    first = DenseIndex.load(path, "a checksum")
    other.hardlink_to(path)
    assert DenseIndex.load(other, "a checksum").shared is first.shared
    assert DenseIndex.in_memory(other, "a checksum") is first.shared
    assert DenseIndex.load(other, "another checksum").shared is not first.shared
    assert DenseIndex.load(other).shared is not first.shared
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert DenseIndex.in_memory(path, "a checksum") is None
    again = DenseIndex.load(path, "a checksum")
    assert again.shared is not first.shared
    del again
    assert DenseIndex.in_memory(path, "a checksum") is None  # nobody has it any more
    assert DenseIndex.in_memory(tmp_path / "missing", "a checksum") is None


@pytest.mark.parametrize("approximate", [False, True])
def test_vectors_that_stay_on_the_disk_are_read_and_continued_as_those_in_memory(
    approximate: bool, tmp_path: Path
) -> None:
    vectors = _random(60, 16, seed=19)
    whole = DenseIndex.empty(16, approximate)
    whole.add(vectors[:50])
    path = tmp_path / "vectors.faiss"
    whole.save(path)
    content = path.read_bytes()
    mapped = DenseIndex.map(path)
    assert (len(mapped), mapped.approximate) == (50, approximate)
    ids = np.array([49, 0, 17], np.int64)
    np.testing.assert_array_equal(mapped.vectors(ids), whole.vectors(ids))
    following = mapped.continued()
    following.add(vectors[50:])
    merged, fewer = following.merged(), following.only(np.array([55, 3], np.int64), approximate)
    np.testing.assert_array_equal(merged.vectors(np.arange(60)), following.vectors(np.arange(60)))
    np.testing.assert_array_equal(fewer.vectors(np.arange(2)), following.vectors(np.array([55, 3])))
    assert (len(merged), merged.added, len(following), len(mapped)) == (60, 0, 60, 50)
    assert path.read_bytes() == content
