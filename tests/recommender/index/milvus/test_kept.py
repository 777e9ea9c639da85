"""index/milvus/kept.py: what was read is not read again, and is never more than it may be."""

from collections.abc import Sequence

from recommender.index.milvus.kept import Kept


class _Squares:
    """Gives the squares of numbers that are not negative, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, keys: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(keys))
        return {key: key * key for key in keys if key >= 0}


def test_only_what_is_not_kept_is_read() -> None:
    read, kept = _Squares(), Kept[int, int](10)
    assert kept.of([1, 2, 2], read) == {1: 1, 2: 4}
    assert kept.of([2, 3], read) == {2: 4, 3: 9}
    assert kept.of([3, 1], read) == {3: 9, 1: 1}
    assert read.asked == [[1, 2], [3]]


def test_what_is_unknown_is_left_out_and_asked_for_again() -> None:
    read, kept = _Squares(), Kept[int, int](10)
    assert kept.of([-1, 2], read) == {2: 4}
    assert kept.of([-1], read) == {}
    assert read.asked == [[-1, 2], [-1]]


def test_all_are_forgotten_when_there_would_be_too_many() -> None:
    read, kept = _Squares(), Kept[int, int](3)
    kept.of([1, 2], read)
    assert kept.of([2, 3, 4], read) == {2: 4, 3: 9, 4: 16}
    assert kept.of([3, 4], read) == {3: 9, 4: 16}
    assert kept.of([1], read) == {1: 1}
    assert read.asked == [[1, 2], [3, 4], [1]]


def test_of_more_than_may_be_kept_the_first_are() -> None:
    read, kept = _Squares(), Kept[int, int](3)
    assert kept.of(range(5), read) == {0: 0, 1: 1, 2: 4, 3: 9, 4: 16}
    assert kept.of([0, 2], read) == {0: 0, 2: 4}
    assert kept.of([3], read) == {3: 9}
    assert read.asked == [[0, 1, 2, 3, 4], [3]]
