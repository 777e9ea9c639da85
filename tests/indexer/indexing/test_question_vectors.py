"""indexing/question_vectors.py: a past question is encoded once, and nothing of it stays when something is erased."""

import threading
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest

from indexer.indexing.question_vectors import QuestionVectors
from recommender.encoder import Vectors
from recommender.index import generations
from tests.conftest import FakeEncoder
from tests.timing import LONG

DAY = date(2026, 6, 1)


class CountingEncoder(FakeEncoder):
    """Remembers which questions it has encoded."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return super().encode_queries(texts)


@pytest.fixture
def real() -> CountingEncoder:
    return CountingEncoder()


def test_a_question_is_encoded_once_and_known_the_next_time(real: CountingEncoder, tmp_path: Path) -> None:
    texts = ["printer jams", "toner empty", "printer jams"]
    vectors = QuestionVectors(real, tmp_path, DAY)
    assert (vectors.encode_queries(texts) == FakeEncoder().encode_queries(texts)).all()
    vectors.save()
    assert real.encoded == ["printer jams", "toner empty"]
    later = QuestionVectors(real, tmp_path, DAY + timedelta(days=1))
    assert (later.encode_queries([*texts, "tray"]) == FakeEncoder().encode_queries([*texts, "tray"])).all()
    assert real.encoded == ["printer jams", "toner empty", "tray"]


def test_a_vector_that_is_not_needed_any_more_is_forgotten(real: CountingEncoder, tmp_path: Path) -> None:
    for text, days in (("printer jams", 0), ("toner empty", 20), ("tray broken", 40)):
        vectors = QuestionVectors(real, tmp_path, DAY + timedelta(days=days))
        vectors.encode_queries([text])
        vectors.save()
    real.encoded.clear()
    QuestionVectors(real, tmp_path, DAY).encode_queries(["printer jams", "toner empty", "tray broken"])
    assert real.encoded == ["printer jams"]


def test_vectors_of_what_is_erased_are_removed_also_by_an_erasure_while_questions_are_asked(
    real: CountingEncoder, tmp_path: Path
) -> None:
    vectors = QuestionVectors(real, tmp_path, DAY)
    vectors.encode_queries(["printer jams"])
    vectors.save()
    asking = QuestionVectors(real, tmp_path, DAY)
    asking.encode_queries(["toner empty"])
    assert len(list(tmp_path.iterdir())) == 1
    generations.remove_all_but(tmp_path, "gen-000001", ())
    asking.save()
    assert list(tmp_path.iterdir()) == []


def test_vectors_of_what_is_erased_do_not_come_back_through_another_process(
    real: CountingEncoder, tmp_path: Path
) -> None:
    asking = QuestionVectors(real, tmp_path, DAY)
    asking.encode_queries(["printer jams"])
    generations.remove_all_but(tmp_path, "gen-000001", ())
    other = QuestionVectors(real, tmp_path, DAY)
    other.encode_queries(["toner empty"])
    other.save()
    asking.save()
    real.encoded.clear()
    QuestionVectors(real, tmp_path, DAY).encode_queries(["printer jams", "toner empty"])
    assert real.encoded == ["printer jams"]


def test_what_a_killed_run_of_an_earlier_version_left_is_removed(real: CountingEncoder, tmp_path: Path) -> None:
    left = tmp_path / "questions-other-64.new"
    for clean in (
        lambda: generations.remove_unfinished(tmp_path),
        lambda: generations.remove_all_but(tmp_path, "", ()),
    ):
        vectors = QuestionVectors(real, tmp_path, DAY)
        vectors.encode_queries(["printer jams"])
        vectors.save()
        left.touch()
        clean()
        assert not left.exists()


@pytest.mark.parametrize("damaged", [b"", b"PK", None])
def test_a_damaged_file_counts_as_none(real: CountingEncoder, tmp_path: Path, damaged: bytes | None) -> None:
    vectors = QuestionVectors(real, tmp_path, DAY)
    vectors.encode_queries(["printer jams"])
    vectors.save()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    middle = whole.index(b"vectors.npy") + 250  # within the numbers
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :] if damaged is None else damaged)
    again = QuestionVectors(real, tmp_path, DAY)
    again.encode_queries(["printer jams"])
    again.save()
    assert real.encoded == ["printer jams"] * 2 and path.read_bytes() == whole


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 92)])  # encrypted, or packed in an unknown way
def test_a_file_with_a_damaged_list_of_its_parts_counts_as_none(
    real: CountingEncoder, tmp_path: Path, place: int, value: int
) -> None:
    vectors = QuestionVectors(real, tmp_path, DAY)
    vectors.encode_queries(["printer jams"])
    vectors.save()
    (path,) = tmp_path.iterdir()
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\x01\x02") + place] = value
    path.write_bytes(whole)
    QuestionVectors(real, tmp_path, DAY).encode_queries(["printer jams"])
    assert real.encoded == ["printer jams"] * 2


def test_those_of_another_model_are_removed(real: CountingEncoder, tmp_path: Path) -> None:
    (tmp_path / "questions-other-64.npz").touch()
    vectors = QuestionVectors(real, tmp_path, DAY)
    vectors.encode_queries(["printer jams"])
    vectors.save()
    assert list(tmp_path.iterdir()) == [generations.question_vectors_path(tmp_path, real.card)]


def test_a_question_that_was_encoded_ahead_is_not_encoded_again_and_is_stored_when_it_is_asked(
    real: CountingEncoder, tmp_path: Path
) -> None:
    vectors = QuestionVectors(real, tmp_path, DAY)
    encoded = threading.Event()

    def texts() -> Iterator[str]:
        yield from ("printer jams", "toner empty")
        encoded.set()

    with vectors.encoding_ahead(texts):
        assert encoded.wait(LONG)
    assert (vectors.encode_queries(["printer jams"]) == FakeEncoder().encode_queries(["printer jams"])).all()
    assert real.encoded == ["printer jams", "toner empty"]
    vectors.save()
    later = QuestionVectors(real, tmp_path, DAY)
    later.encode_queries(["printer jams", "toner empty"])
    assert real.encoded == ["printer jams", "toner empty", "toner empty"]


def test_encoding_ahead_ends_where_it_is_and_leaves_what_fails_to_others(real: CountingEncoder, tmp_path: Path) -> None:
    vectors, asked = QuestionVectors(real, tmp_path, DAY), threading.Event()

    def endless() -> Iterator[str]:
        for number in count():
            yield f"printer {number}"
            asked.set()

    with vectors.encoding_ahead(endless):
        assert asked.wait(LONG)
    done = len(real.encoded)
    with pytest.raises(ZeroDivisionError), vectors.encoding_ahead(lambda: [str(1 / 0)]):
        assert (vectors.encode_queries(["toner empty"]) == FakeEncoder().encode_queries(["toner empty"])).all()
        raise ZeroDivisionError
    assert len(real.encoded) == done + 1
