"""index/vector_space.py compared with sums by hand, and in a reindex: what is learned, placed and stored."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from recommender.datatypes import Passage, Role
from recommender.encoder import Vectors, normalise
from recommender.index import generations
from recommender.index.catalogue import Catalogue
from recommender.index.dense import DenseIndex
from recommender.index.digest import passage_digest, read_text
from recommender.index.journal import Journal
from recommender.index.local import LocalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.alignment import Alignment
from recommender.language.terms import Terms
from recommender.settings import Settings
from tests.conftest import FakeEncoder

EVERYONE = frozenset({"everyone"})
ENGLISH = [f"please help the printer {number} is {number * 7} stuck again today" for number in range(60)]
FINNISH = [f"hei auttakaa tulostin {number} on {number * 5} jumissa taas" for number in range(40)]
Write = Callable[..., int]


def _passages(
    texts: Sequence[str], language: str = "en", role: Role = Role.SECTION, context: str = ""
) -> list[Passage]:
    return [Passage(f"request:{number}", role, 0, context, text, language) for number, text in enumerate(texts)]


def _empty_passages(language: str, count: int) -> list[Passage]:
    return _passages([""] * count, language)


def _learn(passages: Sequence[Passage], encoder: FakeEncoder, alignment: Alignment | None = None) -> VectorSpace:
    return VectorSpace.learn(passages, _raw(passages, encoder), encoder, alignment or Alignment())


def _raw(passages: Sequence[Passage], encoder: FakeEncoder) -> Vectors:
    return encoder.encode_passages([read_text(passage) for passage in passages])


def _rows(count: int, seed: int) -> Vectors:
    """Random unit vectors, shape (count, 64)."""
    return normalise(np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32))


def _rotation(seed: int) -> Vectors:
    """A random rotation, shape (64, 64)."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(64, 64)))[0].astype(np.float32)


def _shipped(maps: Mapping[str, Vectors] | None = None) -> Alignment:
    """An alignment with means of both languages."""
    return Alignment(
        maps=maps or {},
        passages={"en": _rows(1, 1)[0], "fi": _rows(1, 2)[0]},
        questions={"en": _rows(4, 3), "fi": _rows(4, 4)},
    )


def _assert_same(first: VectorSpace, second: VectorSpace) -> None:
    for part in ("passages", "questions", "maps"):
        values, others = getattr(first, part), getattr(second, part)
        assert values.keys() == others.keys()
        for language in values:
            np.testing.assert_array_equal(values[language], others[language])
            assert values[language].dtype == others[language].dtype


def test_the_mean_of_a_language_s_placed_passages_is_near_zero(encoder: FakeEncoder) -> None:
    passages = _passages(ENGLISH) + _passages(FINNISH, "fi")
    raw = _raw(passages, encoder)
    placed = _learn(passages, encoder).place_passages(raw, passages)
    for rows in (slice(0, 60), slice(60, 100)):
        assert np.linalg.norm(raw[rows].mean(axis=0)) > 0.7
        assert np.linalg.norm(placed[rows].mean(axis=0)) < 0.05


def test_placed_vectors_have_unit_length_and_the_input_is_not_changed(encoder: FakeEncoder) -> None:
    passages = _passages(ENGLISH) + _passages(FINNISH, "fi") + _passages(["skrivaren har fastnat"], "sv")
    raw = _raw(passages, encoder)
    before = raw.copy()
    vector_space = _learn(passages, encoder, _shipped({"fi": _rotation(5)}))
    placed = vector_space.place_passages(raw, passages)
    assert (placed.shape, placed.dtype) == (raw.shape, np.float32)
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1.0, atol=1e-5)
    question = encoder.encode_queries(["printer stuck"])[0]
    original = question.copy()
    for language in ("en", "fi", "sv"):
        vector = vector_space.place_question(question, language, 2)
        assert (vector.shape, vector.dtype) == ((64,), np.float32)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(raw, before)
    np.testing.assert_array_equal(question, original)


def test_passages_are_placed_by_their_own_language(encoder: FakeEncoder) -> None:
    means = {"en": _rows(1, 1)[0], "fi": _rows(1, 2)[0]}
    raw = 2 * _rows(4, 3)
    passages = [_empty_passages(language, 1)[0] for language in ("fi", "en", "sv", "fi")]
    placed = VectorSpace(means).place_passages(raw, passages)
    other = (means["en"] + means["fi"]) / 2
    expected = normalise(np.stack([raw[0] - means["fi"], raw[1] - means["en"], raw[2] - other, raw[3] - means["fi"]]))
    np.testing.assert_allclose(placed, expected, atol=1e-6)
    assert VectorSpace(means).place_passages(np.zeros((0, 64), np.float32), []).shape == (0, 64)


def test_passages_in_a_language_without_a_mean_are_centred_with_that_of_the_others(encoder: FakeEncoder) -> None:
    vector_space = _learn(_passages(ENGLISH), encoder)
    assert set(vector_space.passages) == set(vector_space.questions) == {"en"}
    raw = encoder.encode_passages(FINNISH)
    expected = normalise(raw - vector_space.passages["en"])
    np.testing.assert_allclose(vector_space.place_passages(raw, _empty_passages("fi", 40)), expected, atol=1e-6)
    np.testing.assert_allclose(VectorSpace().place_passages(raw, _empty_passages("fi", 40)), raw, atol=1e-6)
    np.testing.assert_array_equal(VectorSpace().place_question(raw[0], "fi", 5), raw[0])


def test_a_question_in_a_language_without_a_mean_is_placed_by_the_mean_of_the_others() -> None:
    questions = {"en": _rows(4, 3), "fi": _rows(4, 4)}
    vector = _rows(1, 5)[0]
    mean = (questions["en"][0] + questions["fi"][0]) / 2
    placed = VectorSpace(questions=questions).place_question(vector, "sv", 2)
    np.testing.assert_allclose(placed, normalise((vector - 0.85 * mean)[None])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("words", "weights"),
    [
        (2, (1, 0, 0, 0)),
        (8, (0, 1, 0, 0)),
        (32, (0, 0, 1, 0)),
        (128, (0, 0, 0, 1)),
        (0, (1, 0, 0, 0)),
        (1, (1, 0, 0, 0)),
        (129, (0, 0, 0, 1)),
        (5000, (0, 0, 0, 1)),
        (4, (0.5, 0.5, 0, 0)),  # log 4 is halfway between log 2 and log 8
        (16, (0, 0.5, 0.5, 0)),
        (64, (0, 0, 0.5, 0.5)),
    ],
)
def test_a_question_is_placed_by_the_mean_of_questions_of_the_same_length(words: int, weights: Sequence[float]) -> None:
    means, vector = {"en": _rows(4, 3), "fi": _rows(4, 4)}, _rows(1, 5)[0]
    mean = np.array(weights, np.float32) @ means["en"]
    placed = VectorSpace(questions=means).place_question(vector, "en", words)
    np.testing.assert_allclose(placed, normalise((vector - 0.85 * mean)[None])[0], atol=1e-6)


def test_the_means_of_questions_are_of_the_first_words_of_stored_questions(encoder: FakeEncoder) -> None:
    texts = [" ".join(f"{word}{number}" for word in ("paper", "jam", "tray") * 20) for number in range(40)]
    stored = _passages(texts, role=Role.QUESTION, context="printer stuck")
    vector_space = _learn(stored + _passages(ENGLISH, role=Role.ANSWER), encoder)
    for row, length in enumerate((2, 8, 32, 128)):
        beginnings = [" ".join(f"printer stuck {text}".split()[:length]) for text in texts]
        expected = encoder.encode_queries(beginnings).mean(axis=0)
        np.testing.assert_allclose(vector_space.questions["en"][row], expected, atol=1e-6)
    np.testing.assert_allclose(vector_space.questions["en"][0], encoder.encode_queries(["printer stuck"])[0], atol=1e-6)


def test_a_short_text_is_encoded_once_as_a_question_of_every_length(
    encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    passages = _passages([f"printer{number} is stuck" for number in range(40)], role=Role.QUESTION)
    raw, encode_queries = _raw(passages, encoder), encoder.encode_queries
    encoded: list[str] = []
    monkeypatch.setattr(encoder, "encode_queries", lambda texts: encoded.extend(texts) or encode_queries(texts))
    means = VectorSpace.learn(passages, raw, encoder, Alignment()).questions["en"]
    assert len(encoded) == len(set(encoded)) == 80  # the first two words, and all three of them
    for row, length in enumerate((2, 3, 3, 3)):
        texts = [" ".join(passage.text.split()[:length]) for passage in passages]
        np.testing.assert_allclose(means[row], encode_queries(texts).mean(axis=0), atol=1e-6)


def test_with_too_few_stored_questions_snippets_of_passages_imitate_questions(encoder: FakeEncoder) -> None:
    same = _passages(["toner " * 60] * 40, role=Role.ANSWER, context="not a part of it")
    vector_space = _learn(same, encoder)
    np.testing.assert_allclose(
        vector_space.questions["en"], np.tile(encoder.encode_queries(["toner"]), (4, 1)), atol=1e-6
    )
    few = _passages(["ink ink"] * 31, role=Role.QUESTION)
    means = _learn(few + same, encoder).questions["en"]
    assert 0.3 < float(means[0] @ encoder.encode_queries(["toner"])[0]) < 0.8  # the mean of both languages


def test_the_mean_of_few_passages_is_drawn_towards_that_of_the_other_languages(encoder: FakeEncoder) -> None:
    english, finnish = _passages(ENGLISH[:32]), _passages(FINNISH[:8], "fi")
    means = _learn(english + finnish, encoder).passages
    own = _raw(finnish, encoder).mean(axis=0)
    np.testing.assert_allclose(means["fi"], own / 4 + means["en"] * 3 / 4, atol=1e-6)


def test_a_language_with_fewer_than_32_passages_has_no_mean_of_its_own_alone(encoder: FakeEncoder) -> None:
    assert _learn(_passages(ENGLISH[:31]), encoder) == VectorSpace(learned_from=31)
    enough = _learn(_passages(ENGLISH[:32]), encoder)
    np.testing.assert_allclose(enough.passages["en"], encoder.encode_passages(ENGLISH[:32]).mean(axis=0), atol=1e-6)
    mixed = _learn(_passages(ENGLISH[:32]) + _passages(FINNISH[:31], "fi"), encoder)
    assert set(mixed.passages) == {"en", "fi"}
    assert set(mixed.questions) == {"en"}
    np.testing.assert_array_equal(mixed.passages["en"], enough.passages["en"])


def test_maps_bring_the_languages_together() -> None:
    rotation, means = _rotation(5), {"en": _rows(1, 1)[0], "fi": _rows(1, 2)[0]}
    questions = {"en": _rows(4, 3), "fi": _rows(4, 4)}
    vector_space = VectorSpace(means, questions, {"fi": rotation})
    meanings = _rows(6, 6)
    english = vector_space.place_passages(meanings + means["en"], _empty_passages("en", 6))
    finnish = vector_space.place_passages(meanings @ rotation.T + means["fi"], _empty_passages("fi", 6))
    np.testing.assert_allclose(english, meanings, atol=1e-5)
    np.testing.assert_allclose(finnish, meanings, atol=1e-5)
    for language, question in (("en", meanings[0]), ("fi", meanings[0] @ rotation.T)):
        placed = vector_space.place_question(question + 0.85 * questions[language][1], language, 8)
        np.testing.assert_allclose(placed, meanings[0], atol=1e-5)


def test_a_learned_space_has_the_maps_of_the_alignment(encoder: FakeEncoder) -> None:
    rotation = _rotation(5)
    assert _learn(_passages(ENGLISH), encoder, _shipped({"fi": rotation})).maps.keys() == {"fi"}
    vector_space = _learn(_passages(FINNISH, "fi"), encoder, _shipped({"fi": rotation}))
    raw = encoder.encode_passages(FINNISH)
    expected = normalise(raw - raw.mean(axis=0)) @ rotation
    np.testing.assert_allclose(vector_space.place_passages(raw, _empty_passages("fi", 40)), expected, atol=1e-5)


@pytest.mark.parametrize("maps", [{}, {"fi": _rotation(5)}])
def test_a_missing_language_takes_the_shipped_mean_shifted_like_the_other_language(
    encoder: FakeEncoder, maps: Mapping[str, Vectors]
) -> None:
    shipped, rotation = _shipped(maps), maps.get("fi", np.eye(64, dtype=np.float32))
    texts = {"en": ENGLISH, "fi": FINNISH[:40]}
    # the shift of the English mean is turned into Finnish by the inverse of the map from Finnish to English
    for known, other, there in (("en", "fi", rotation.T), ("fi", "en", rotation)):
        passages = _passages(texts[known], known)
        alone, vector_space = _learn(passages, encoder), _learn(passages, encoder, shipped)
        np.testing.assert_array_equal(vector_space.passages[known], alone.passages[known])
        np.testing.assert_array_equal(vector_space.questions[known], alone.questions[known])
        shift = (alone.passages[known] - shipped.passages[known]) @ there
        np.testing.assert_allclose(vector_space.passages[other], shipped.passages[other] + shift, atol=1e-5)
        shift = (alone.questions[known] - shipped.questions[known]) @ there
        np.testing.assert_allclose(vector_space.questions[other], shipped.questions[other] + shift, atol=1e-5)


def test_a_small_corpus_takes_the_shipped_means_unchanged(encoder: FakeEncoder) -> None:
    shipped = _shipped({"fi": _rotation(5)})
    _assert_same(
        _learn(_passages(ENGLISH[:31]), encoder, shipped),
        VectorSpace(shipped.passages, shipped.questions, shipped.maps),
    )


def test_a_space_is_loaded_as_it_was_saved(tmp_path: Path, encoder: FakeEncoder) -> None:
    full = _learn(_passages(ENGLISH), encoder, _shipped({"fi": _rotation(5)}))
    for name, vector_space in (("full", full), ("empty", VectorSpace())):
        vector_space.save(tmp_path / f"{name}.npz")
        _assert_same(VectorSpace.load(tmp_path / f"{name}.npz"), vector_space)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.npz", "full.npz"]


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    at = 300  # one of the numbers of the first array
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def _empty(_content: bytes) -> bytes:
    return b""


def _start(content: bytes) -> bytes:
    return content[:3]


def _overwrite(_content: bytes) -> bytes:
    return b"not an archive" * 9


@pytest.mark.parametrize("damage", [_cut, _flip, _empty, _start, _overwrite])
def test_a_missing_or_damaged_file_is_an_os_error_or_a_value_error(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "space.npz"
    with pytest.raises(OSError):
        VectorSpace.load(path)
    VectorSpace({"en": _rows(1, 1)[0]}, {"en": _rows(4, 2)}).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((OSError, ValueError)):
        VectorSpace.load(path)


def _stored(settings: Settings) -> tuple[list[Passage], Vectors]:
    """The passages and vectors of the live generation."""
    directory = generations.live(settings.index_dir)
    catalogue = Catalogue.load(directory / "catalogue.db")
    rows = list(catalogue.rows())
    catalogue.close()
    vectors = DenseIndex.load(directory / "vectors.faiss").vectors(np.array([row.id for row in rows], np.int64))
    return [row.passage for row in rows], vectors


def test_a_fresh_index_learns_its_space_and_the_journal_stores_the_model_s_vectors(
    settings: Settings,
    reindexed: Callable[..., LocalIndex],
    encoder: FakeEncoder,
    add_request: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Journal, "drop", Journal.close)
    for text in ENGLISH:
        add_request(f"Printer {text[-30:]}", text, "Turn it off and on")
    index = reindexed()
    passages, vectors = _stored(settings)
    assert len(passages) == 180  # each item has a question, an answer and an opening
    raw = _raw(passages, encoder)
    is_opening = np.array([passage.role is Role.OPENING for passage in passages])
    np.testing.assert_allclose(index.vector_space.passages["en"], raw[~is_opening].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(index.vector_space.passages["en opening"], raw[is_opening].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(vectors, index.vector_space.place_passages(raw, passages), atol=1e-5)
    assert np.linalg.norm(vectors.mean(axis=0)) < 0.1 < np.linalg.norm(raw.mean(axis=0))
    # only of the placed passages: the mean cosine of unrelated texts belongs to vectors that are not placed
    items = np.array([passage.item for passage in passages])
    cosines = (vectors @ vectors.T)[items[:, None] != items[None, :]]
    assert index.background == pytest.approx(float(cosines.mean()), abs=1e-6)
    assert abs(index.background) < 0.05
    reopened = Journal(settings.index_dir, encoder.card)
    stored = reopened.find(passage_digest(passage) for passage in passages)
    reopened.close()
    for passage, vector in zip(passages, raw, strict=True):
        np.testing.assert_array_equal(stored[passage_digest(passage)], vector)


@pytest.mark.parametrize(
    ("learned_from", "passages", "outgrown"),
    [(0, 63, False), (0, 64, True), (40, 79, False), (40, 80, True), (511, 1022, True), (512, 100_000, False)],
)
def test_a_space_learned_from_few_passages_is_outgrown_when_there_are_twice_as_many(
    learned_from: int, passages: int, outgrown: bool
) -> None:
    assert VectorSpace(learned_from=learned_from).outgrown(passages) is outgrown


def test_an_index_that_was_empty_learns_its_space_from_the_first_items(
    reindexed: Callable[..., LocalIndex], add_request: Write
) -> None:
    assert reindexed().vector_space.passages == {}
    for text in [*ENGLISH, *ENGLISH]:
        add_request(text)
    grown = reindexed()
    assert grown.vector_space.learned_from >= 64 and set(grown.vector_space.passages) == {"en", "en opening"}
    add_request("one more")
    assert reindexed().vector_space.learned_from == grown.vector_space.learned_from


def test_an_incremental_reindex_keeps_the_space_of_the_live_generation(
    settings: Settings,
    reindexed: Callable[..., LocalIndex],
    encoder: FakeEncoder,
    add_request: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(VectorSpace, "outgrown", lambda _space, _passages: False)
    for text in ENGLISH:
        add_request(text)
    base = reindexed().vector_space
    for number in range(60):
        add_request(f"{number} parking badges are sold at reception from Monday", language="en")
    added = [add_request(text, language="fi") for text in FINNISH]
    index = reindexed()
    assert index.manifest.generation == "gen-000002"
    _assert_same(index.vector_space, base)
    passages, vectors = _stored(settings)
    expected = base.place_passages(_raw(passages, encoder), passages)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)  # both old and new passages
    for item in ("request:1", "request:70", f"request:{added[0]}"):
        row = next(row for row, passage in enumerate(passages) if passage.item == item)
        best = index.search(expected[row], Terms((), ()), EVERYONE, 1)[0]
        assert best.item == item and best.near is not None
        assert best.near.nearest == pytest.approx(1.0, abs=1e-5)
    again = reindexed(full=True).vector_space
    assert set(again.passages) == {"en", "en opening", "fi", "fi opening"}
    assert np.linalg.norm(again.passages["en"] - base.passages["en"]) > 0.1
